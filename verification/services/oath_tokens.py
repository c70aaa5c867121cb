"""Hardware OATH tokens: assigning and activating them, and redeeming their codes.

Administrators assign tokens; a token counts for nothing until its user activates it with a code.
Nothing here counts wrong guesses: callers do that first.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from tenants.policy import Factor
from vault.services import open_column, seal_column
from verification.models import RegisteredMethod
from verification.models.temporary_access import is_temporary_access
from verification.queries import methods_of_kind
from verification.queries.oath_tokens import assigned_tokens, lookup_of
from verification.rules.oath import (
    LOOK_AHEAD,
    LOOK_AHEAD_OF_STRANGERS,
    Accepted,
    TokenState,
    accepted,
)
from verification.services import browsers, factors, notices, removal
from verification.services.notice_words import Notice

MOST = 5
"""Tokens of one user, as with authenticator apps."""
_LONGEST_LABEL = 60
_ENTERED_BEFORE = "entered_before"
"""In the details of a token: the counter of the last code that was too far away, and when."""
_TO_SYNCHRONISE_S = 600


class SerialTaken(Exception):
    """Another administrator assigned a token with one of these serial numbers a moment ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token as its vendor describes it.

    Args:
        seed: the secret key.
        interval: seconds that each code is shown; 0 for a token with a button.
    """

    user_id: int
    serial: str
    seed: bytes = field(repr=False)
    interval: int
    manufacturer: str = ""
    model: str = ""


def assign(tokens: Iterable[NewToken]) -> None:
    """Stores tokens that wait for their users; all of them or none.

    Raises:
        SerialTaken: a serial number is in use.
    """
    rows = [_row(token) for token in tokens]
    # The codes that a former user has seen stay dead.
    removed = RegisteredMethod.objects.filter(
        kind=Factor.OATH_TOKEN, lookup__in=[row.lookup for row in rows]
    )
    used = dict(
        removed.values("lookup").annotate(last=Max("counter")).values_list("lookup", "last")
    )
    for row in rows:
        row.counter = used.get(row.lookup, row.counter)
    try:
        with transaction.atomic():
            RegisteredMethod.objects.bulk_create(rows)
    except IntegrityError:
        raise SerialTaken from None


@transaction.atomic
def unassign(token_id: uuid.UUID, *, actor_id: int, note: str) -> bool:
    """Takes a token back, whether it waits for its user or is lost. The user is told.

    Returns:
        False when the token isn't assigned any more.
    """
    tokens = assigned_tokens().filter(pk=token_id)
    token = tokens.select_related("user").first()
    if token is None:
        return False
    factors.lock(token.user_id)
    if not tokens.exists():
        return False
    removal.remove(token.user_id, Q(pk=token_id))
    removal.remove_codes_left_alone(token.user_id, actor_id=actor_id)
    browsers.remove_all(token.user_id)
    serial = token.details["serial"]
    record(
        Activity.TOKEN_UNASSIGNED,
        subject_id=token.user_id,
        actor_id=actor_id,
        serial=serial,
        note=note,
    )
    notices.tell(token.user, Notice.TOKEN_UNASSIGNED, factor=Factor.OATH_TOKEN, actor_id=actor_id)
    return True


def serials_in_use(serials: Collection[str]) -> set[str]:
    """Those of the serial numbers whose tokens are assigned."""
    by_lookup = {lookup_of(serial): serial for serial in serials}
    rows = assigned_tokens().filter(lookup__in=list(by_lookup))
    return {by_lookup[lookup] for lookup in rows.values_list("lookup", flat=True)}


def counts_of(user_ids: Collection[int]) -> Mapping[int, int]:
    """How many tokens each of the users has, activated or not; users without any are left out."""
    rows = assigned_tokens().filter(user_id__in=list(user_ids))
    return dict(rows.values("user_id").annotate(count=Count("pk")).values_list("user_id", "count"))


def waiting_of(user_id: int) -> list[RegisteredMethod]:
    """The tokens that the user hasn't activated yet, oldest first."""
    rows = assigned_tokens().filter(user_id=user_id, verified_at=None)
    return list(rows.order_by("created_at", "pk"))


def activate(user: User, code: str) -> RegisteredMethod | None:
    """Activates the user's token that shows this code; None if none of them does.

    A token whose clock or counter went too far takes two codes, one after the other.
    """
    with factors.changing(user.pk):
        now = timezone.now()
        for row in waiting_of(user.pk):
            result = accepted(_state(row), code, now.timestamp()) or _synchronised(row, code, now)
            is_temporary = row.temporary_access or is_temporary_access()
            if result is not None and _used(
                row, result, verified_at=now, temporary_access=is_temporary
            ):
                return row
    return None


def is_right(
    user_id: int,
    code: str,
    *,
    among: frozenset[uuid.UUID] | None = None,
    knows_password: bool = False,
) -> bool:
    """Whether one of the user's tokens shows this code now. A code is right once.

    Args:
        among: the only tokens that are tried, where not all of them count.
        knows_password: whether the user signed in. Then more codes of a token with a button are
            good, and a token whose clock or counter went too far is accepted by two codes, one
            after the other. At a reset the longer look would tell who has a token.

    Source: RFC 6238 section 5.2 and RFC 4226 section 7.2 (one use).
    """
    now, look_ahead = timezone.now(), LOOK_AHEAD if knows_password else LOOK_AHEAD_OF_STRANGERS
    for row in methods_of_kind(user_id, Factor.OATH_TOKEN):
        if among is not None and row.pk not in among:
            continue
        result = accepted(_state(row), code, now.timestamp(), look_ahead=look_ahead)
        if result is None and knows_password:
            result = _synchronised(row, code, now)
        if result is not None and _used(row, result, last_used_at=now):
            return True
    return False


def _synchronised(row: RegisteredMethod, code: str, now: datetime) -> Accepted | None:
    """What becomes of the token if the code follows the one that was entered just before.

    Source: RFC 4226 section 7.4 and RFC 6238 section 6 (resynchronisation).
    """
    far = accepted(_state(row), code, now.timestamp(), is_far=True)
    if far is None:
        return None
    counter, at = row.details.get(_ENTERED_BEFORE, (far.counter, 0))
    # The user of a token with a clock may miss a code.
    if 0 < far.counter - counter <= (2 if row.details["interval"] else 1) and (
        now.timestamp() - at < _TO_SYNCHRONISE_S
    ):
        return far
    details = row.details | {_ENTERED_BEFORE: (far.counter, now.timestamp())}
    RegisteredMethod.objects.filter(pk=row.pk, removed_at=None).update(details=details)
    return None


def _row(token: NewToken) -> RegisteredMethod:
    row = RegisteredMethod(
        user_id=token.user_id,
        kind=Factor.OATH_TOKEN,
        label=f"{token.serial} {token.manufacturer} {token.model}".strip()[:_LONGEST_LABEL],
        lookup=lookup_of(token.serial),
        details={
            "serial": token.serial,
            "interval": token.interval,
            "manufacturer": token.manufacturer,
            "model": token.model,
        },
        created_at=timezone.now(),
    )
    row.data = seal_column(row, "data", token.seed.hex())
    return row


def _state(row: RegisteredMethod) -> TokenState:
    return TokenState(
        seed=bytes.fromhex(open_column(row, "data")),
        interval=row.details["interval"],
        counter=row.counter,
        drift=row.drift,
    )


def _used(row: RegisteredMethod, result: Accepted, **columns: object) -> bool:
    """Of two requests with one code the row count lets one through."""
    unused = RegisteredMethod.objects.filter(
        pk=row.pk, counter__lt=result.counter, verified_at=row.verified_at, removed_at=None
    )
    return bool(unused.update(counter=result.counter, drift=result.drift, **columns))
