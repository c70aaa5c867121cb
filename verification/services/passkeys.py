"""Passkeys: making one, and having one sign what only this challenge asks for.

Source: W3C Web Authentication Level 3, sections 7.1 (registration) and 7.2 (assertion); what they
ask to be checked is checked by the `webauthn` library.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from directory.models import User
from isolation.scope import current_tenant_id
from tenants.policy import Factor
from vault.keyed import keyed_hash
from vault.keyring import purpose_key
from verification.models import Challenge, RegisteredMethod
from verification.queries import methods_of_kind
from verification.rules.passkeys import Site

_TIMEOUT_MS = 300_000
_VERIFIED = UserVerificationRequirement.REQUIRED
"""Fingerprint, face or PIN each time: a stolen key alone opens nothing."""


def creation_options(user: User, challenge: Challenge, site: Site, *, rp_name: str) -> str:
    """What the browser is asked to make a passkey of, as JSON.

    Args:
        rp_name: the organisation, as the dialog of the browser names it.
    """
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=rp_name,
        # It doesn't tell the authenticator who the user is (section 14.6.1).
        user_id=bytes.fromhex(
            keyed_hash(purpose_key("passkey user handle"), str(current_tenant_id()), str(user.pk))
        ),
        user_name=user.upn,
        user_display_name=user.display_name or user.upn,
        challenge=_challenge_bytes(challenge),
        timeout=_TIMEOUT_MS,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_VERIFIED
        ),
        exclude_credentials=_described(passkeys_of(user.pk)),
    )
    return options_to_json(options)


def made(
    user: User, challenge: Challenge, credential: str, site: Site, *, name: str = ""
) -> RegisteredMethod | None:
    """The passkey that the browser says it made for this challenge; None where that isn't so.

    It isn't saved yet.

    Args:
        credential: a PublicKeyCredential of the browser's, as JSON.
    """
    try:
        found = verify_registration_response(
            credential=credential,
            expected_challenge=_challenge_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  # whatever strangers send that can't be read isn't a passkey
        return None
    now = timezone.now()
    return RegisteredMethod(
        user=user,
        kind=Factor.PASSKEY,
        label=name,
        lookup=_hash(found.credential_id),
        counter=found.sign_count,
        created_at=now,
        verified_at=now,
        details={
            "rp_id": site.rp_id,
            "credential_id": bytes_to_base64url(found.credential_id),
            "public_key": bytes_to_base64url(found.credential_public_key),
            "transports": _transports(credential),
        },
    )


def is_known(passkey: RegisteredMethod) -> bool:
    """Whether a user of the organisation has it already.

    Source: section 7.1, "verify that the credentialId is not registered for any user".
    """
    keys = RegisteredMethod.objects.filter(kind=Factor.PASSKEY, removed_at=None)
    return keys.filter(lookup=passkey.lookup).exists()


def passkeys_of(user_id: int) -> QuerySet[RegisteredMethod]:
    """The passkeys that a user made and still has, oldest first."""
    return methods_of_kind(user_id, Factor.PASSKEY)


def request_options(user_id: int, challenge: Challenge, site: Site) -> str:
    """What the browser is asked to sign, and with which of the user's passkeys, as JSON."""
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=_challenge_bytes(challenge),
        timeout=_TIMEOUT_MS,
        allow_credentials=_described(passkeys_of(user_id).filter(details__rp_id=site.rp_id)),
        user_verification=_VERIFIED,
    )
    return options_to_json(options)


def other_hosts(user_id: int, site: Site) -> list[str]:
    """The host names that the user's passkeys are for, if none is for this one."""
    hosts = [key.details["rp_id"] for key in passkeys_of(user_id)]
    return [] if site.rp_id in hosts else sorted(set(hosts))


def is_right(
    user_id: int,
    challenge: Challenge,
    credential: str,
    site: Site,
    *,
    among: frozenset[uuid.UUID] | None = None,
) -> bool:
    """Whether one of the user's passkeys signed this challenge on this site.

    A counter that stands still or runs backwards is a copied key: refused.

    Args:
        credential: a PublicKeyCredential of the browser's, as JSON.
        among: the only passkeys that are asked, where not all of them count.
    """
    answer = _read(credential)
    key = passkeys_of(user_id).filter(lookup=_hash(answer.raw_id)).first() if answer else None
    if (
        answer is None
        or key is None
        or key.details["rp_id"] != site.rp_id
        or (among is not None and key.pk not in among)
    ):
        return False
    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=_challenge_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(key.details["public_key"]),
            credential_current_sign_count=key.counter,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001  # whatever strangers send that can't be read is wrong
        return False
    unchanged = RegisteredMethod.objects.filter(pk=key.pk, removed_at=None, counter=key.counter)
    used = unchanged.update(counter=found.new_sign_count, last_used_at=timezone.now())
    return bool(used)


def _described(keys: Iterable[RegisteredMethod]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(key.details["credential_id"]),
            transports=[AuthenticatorTransport(one) for one in key.details["transports"]] or None,
        )
        for key in keys
    ]


def _read(credential: str) -> AuthenticationCredential | None:
    try:
        return parse_authentication_credential_json(credential)
    except (WebAuthnException, ValueError, RecursionError):
        return None


def _transports(credential: str) -> list[str]:
    """How the device can be reached, as far as the browser says; it's a hint for the next time."""
    given: Any = json.loads(credential)["response"].get("transports")
    known = {one.value for one in AuthenticatorTransport}
    return sorted(known & {str(one) for one in given}) if isinstance(given, list) else []


def _hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def _challenge_bytes(challenge: Challenge) -> bytes:
    """32 bytes that can't be known before the page shows them, derived from the row's id."""
    return bytes.fromhex(keyed_hash(purpose_key("passkey challenge"), str(challenge.pk)))
