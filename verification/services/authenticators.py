"""Authenticator apps: pairing one, and asking it for a code."""

import base64
import secrets
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_otp.oath import TOTP

from directory.models import User
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from vault.services import opened, sealed
from verification.models import Authenticator
from verification.services.guesses import Paused

STEP_S, DIGITS = 30, 6
_SEED_BYTES = 20
_TOLERANCE, _MOST_DRIFT = 1, 10


@dataclass(frozen=True, slots=True)
class Pairing:
    """What an app must be told, once."""

    authenticator_id: uuid.UUID
    key: str = field(repr=False)
    """Base 32, as people type it."""
    uri: str = field(repr=False)


def pairing_of(user: User, *, issuer: str) -> Pairing:
    """The pairing that is waiting for its first code; begins one where there is none.

    Source: RFC 6238 (TOTP), RFC 4226 section 4 (seed of 160 bits), the otpauth URI of
    authenticator apps.
    """
    waiting = Authenticator.objects.filter(user=user, confirmed_at=None).first()
    row = waiting or _begun(user)
    key = base64.b32encode(bytes.fromhex(_seed(row))).decode()
    label = quote(f"{issuer}:{user.upn}")
    query = urlencode({"secret": key, "issuer": issuer, "digits": DIGITS, "period": STEP_S})
    return Pairing(row.pk, key, f"otpauth://totp/{label}?{query}")


def confirm_pairing(user: User, code: str, *, name: str = "") -> bool:
    """Whether the app shows the right code; from then on it counts.

    Raises:
        Paused: too many wrong codes; nothing was compared.
    """
    paired = _used(user, Authenticator.objects.filter(user=user, confirmed_at=None), code)
    if paired is None:
        return False
    unconfirmed = Authenticator.objects.filter(pk=paired.pk, confirmed_at=None)
    return bool(unconfirmed.update(confirmed_at=timezone.now(), name=name))


def is_right(user: User, code: str) -> bool:
    """Whether one of the user's apps shows this code now. A code is right once.

    Raises:
        Paused: too many wrong codes; nothing was compared.

    Source: RFC 6238 section 5.2 (one use), NIST SP 800-63B-4 section 3.1.4.
    """
    return _used(user, _confirmed(user), code) is not None


def has_authenticator(user: User) -> bool:
    return _confirmed(user).exists()


def remove_all(user: User) -> int:
    """Takes every app away, the half-paired ones too. Says how many could have been used."""
    count = _confirmed(user).count()
    Authenticator.objects.filter(user=user).delete()
    return count


@transaction.atomic
def _begun(user: User) -> Authenticator:
    row = Authenticator(user=user, created_at=timezone.now())
    row.seed = sealed(
        secrets.token_hex(_SEED_BYTES), tenant_id=current_tenant_id(), place=_place(row)
    )
    row.save(force_insert=True)
    return row


def _used(user: User, apps: QuerySet[Authenticator], code: str) -> Authenticator | None:
    """Counts the try first, where nothing can undo it; gives it back when the code was right."""
    verdict = limits.hit(Limit.SECOND_FACTOR_GUESSES, str(user.pk))
    if not verdict.allowed:
        raise Paused(verdict.until)
    right = next((app for app in apps if _spend(app, code)), None)
    if right is not None:
        limits.give_back(Limit.SECOND_FACTOR_GUESSES, str(user.pk))
    return right


def _spend(app: Authenticator, code: str) -> bool:
    """Of two requests with one code the row count lets one through."""
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
        return False
    totp = TOTP(bytes.fromhex(_seed(app)), step=STEP_S, digits=DIGITS, drift=app.drift)
    totp.time = timezone.now().timestamp()
    right = totp.verify(int(code), tolerance=_TOLERANCE, min_t=app.last_step + 1)
    if not right or abs(totp.drift) > _MOST_DRIFT:
        return False
    step = totp.t()
    unspent = Authenticator.objects.filter(pk=app.pk, last_step__lt=step)
    return bool(unspent.update(last_step=step, drift=totp.drift, last_used_at=timezone.now()))


def _confirmed(user: User) -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=user, confirmed_at__isnull=False)


def _seed(row: Authenticator) -> str:
    return opened(row.seed, tenant_id=row.tenant_id, place=_place(row))


def _place(row: Authenticator) -> str:
    return f"verification.authenticator.seed:{row.pk}"
