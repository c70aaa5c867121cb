"""Authenticator apps: pairing one, and asking it for a code.

Nothing here counts wrong guesses: callers do so before they call.
"""

import base64
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlencode

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_otp.oath import TOTP

from directory.models import User
from tenants.policy import Factor
from vault.services import open_column, seal_column
from verification.models import RegisteredMethod
from verification.queries import methods_of_kind
from verification.services import factors

STEP_S, DIGITS, MOST = 30, 6, 5
_SEED_BYTES = 20
_TOLERANCE, _MOST_DRIFT = 1, 10
_TO_PAIR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pairing:
    """The key that the user gives to an app, shown once."""

    key: str = field(repr=False)
    """Base 32, as people type it."""
    uri: str = field(repr=False)


def pairing_of(user: User, context: uuid.UUID, *, issuer: str) -> Pairing:
    """The pairing of this session that waits for its first code; begins one where there is none.

    Source: RFC 6238 (TOTP), RFC 4226 section 4 (seed of 160 bits), the otpauth URI of
    authenticator apps.
    """
    row = _waiting(user, context).first() or _begun(user, context)
    key = base64.b32encode(_seed(row)).decode()
    label = quote(f"{issuer}:{user.upn}")
    query = urlencode({"secret": key, "issuer": issuer, "digits": DIGITS, "period": STEP_S})
    return Pairing(key, f"otpauth://totp/{label}?{query}")


def finish_pairing(user: User, context: uuid.UUID, code: str, *, name: str = "") -> bool:
    """Whether the app shows the right code; from then on it counts."""
    with factors.changing(user.pk):
        for row in _waiting(user, context):
            if _redeem(row, code):
                unconfirmed = RegisteredMethod.objects.filter(pk=row.pk, verified_at=None)
                return bool(unconfirmed.update(verified_at=timezone.now(), label=name))
    return False


def is_right(user_id: int, code: str, *, among: frozenset[uuid.UUID] | None = None) -> bool:
    """Whether one of the user's apps shows this code now. A code is right once.

    Args:
        among: the only apps that are asked, where not all of them count.

    Source: RFC 6238 section 5.2 (one use), NIST SP 800-63B-4 section 3.1.4.
    """
    apps = methods_of_kind(user_id, Factor.AUTHENTICATOR)
    return any(_redeem(app, code) for app in apps if among is None or app.pk in among)


def _apps() -> QuerySet[RegisteredMethod]:
    return RegisteredMethod.objects.filter(kind=Factor.AUTHENTICATOR)


def _waiting(user: User, context: uuid.UUID) -> QuerySet[RegisteredMethod]:
    return _apps().filter(
        user=user,
        context=context,
        verified_at=None,
        removed_at=None,
        created_at__gt=timezone.now() - _TO_PAIR,
    )


@transaction.atomic
def _begun(user: User, context: uuid.UUID) -> RegisteredMethod:
    _apps().filter(user=user, context=context, verified_at=None).delete()
    row = RegisteredMethod(
        user=user, kind=Factor.AUTHENTICATOR, context=context, created_at=timezone.now()
    )
    seed = secrets.token_hex(_SEED_BYTES)
    row.data = seal_column(row, "data", seed)
    row.save(force_insert=True)
    return row


def _redeem(app: RegisteredMethod, code: str) -> bool:
    """Of two requests with one code the row count lets one through."""
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
        return False
    totp = TOTP(_seed(app), step=STEP_S, digits=DIGITS, drift=app.drift)
    totp.time = timezone.now().timestamp()
    right = totp.verify(int(code), tolerance=_TOLERANCE, min_t=app.counter + 1)
    if not right or abs(totp.drift) > _MOST_DRIFT:
        return False
    step = totp.t()
    unredeemed = RegisteredMethod.objects.filter(pk=app.pk, counter__lt=step, removed_at=None)
    return bool(unredeemed.update(counter=step, drift=totp.drift, last_used_at=timezone.now()))


def _seed(row: RegisteredMethod) -> bytes:
    return bytes.fromhex(open_column(row, "data"))
