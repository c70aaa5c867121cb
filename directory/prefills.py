"""Contact data that an administrator entered and the user hasn't verified: one sealed text a user.

It is one text and not a row for each phone and address, so that a million people can be imported at
the speed of the database. What lists need of it is in the clear beside it; see `Kinds`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntFlag

from delivery.rules.mailboxes import mailbox_key
from tenants.policy import Factor

_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Prefill:
    """An entered number (E.164, then `#` and an extension if there is one) or address."""

    factor: Factor
    value: str
    sms_capable: bool
    changed_at: datetime

    @property
    def key(self) -> tuple[str, bool]:
        """Equal for two entries that don't differ in substance."""
        return mailbox_key(self.value), self.sms_capable


class Kinds(IntFlag):
    """What the entered contact data of a user consists of. It can be read without a key."""

    EMAIL = 1
    MOBILE_PHONE = 2
    OFFICE_PHONE = 4
    SMS_CAPABLE = 8
    """Of the mobile phone."""
    ONE_PHONE = 16
    """The mobile phone and the office phone are the same number."""


KIND_OF = {kind: Kinds[kind.name] for kind in Factor if kind.can_be_entered}


def one_kind_each(factors: Iterable[Factor]) -> Kinds:
    """The kinds of these phones and addresses, without facts about values."""
    kinds = Kinds(0)
    for factor in factors:
        kinds |= KIND_OF[factor]
    return kinds


def line(factor: Factor, value: str, *, sms_capable: bool, at: int) -> str:
    """One entry of the text.

    Args:
        at: see `moment`.
    """
    return f"{factor.value} {sms_capable:d} {at} {value}"


def moment(at: datetime) -> int:
    """Unix time in microseconds: as precise as the times of verified methods, to compare them."""
    return (at - _EPOCH) // _TICK


def text_of(prefills: Iterable[Prefill]) -> str:
    """The text that is sealed. `read` reads it."""
    return "\n".join(
        line(
            prefill.factor,
            prefill.value,
            sms_capable=prefill.sms_capable,
            at=moment(prefill.changed_at),
        )
        for prefill in prefills
    )


def read(text: str) -> dict[Factor, Prefill]:
    """The entries of a text that `text_of` wrote.

    >>> read("office_phone 0 1764000000000000 +82212345678#12")[Factor.OFFICE_PHONE].value
    '+82212345678#12'
    """
    prefills: dict[Factor, Prefill] = {}
    for entry in text.splitlines():
        name, sms_capable, at, value = entry.split(" ", 3)
        factor, changed_at = Factor(name), _EPOCH + int(at) * _TICK
        prefills[factor] = Prefill(factor, value, sms_capable == "1", changed_at)
    return prefills


def kinds_of(prefills: Mapping[Factor, Prefill]) -> Kinds:
    """What may be stored in the clear."""
    kinds = one_kind_each(prefills)
    mobile = prefills.get(Factor.MOBILE_PHONE)
    if mobile is not None and mobile.sms_capable:
        kinds |= Kinds.SMS_CAPABLE
    office = prefills.get(Factor.OFFICE_PHONE)
    if mobile and office and _number(mobile) == _number(office):
        kinds |= Kinds.ONE_PHONE
    return kinds


def known_since(prefills: Mapping[Factor, Prefill]) -> datetime | None:
    """The time of the oldest entry."""
    return min((prefill.changed_at for prefill in prefills.values()), default=None)


def _number(phone: Prefill) -> str:
    """Without its extension."""
    return phone.value.partition("#")[0]
