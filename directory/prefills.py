"""Contact data that an administrator entered, and nobody proved yet: one sealed text a person.

One text and not a row for each phone and address, so that a million people can be taken in at the
speed of the database. What lists ask for (who has a phone at all?) is kept beside it, in the open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntFlag

from delivery.rules.mailboxes import mailbox_key
from tenants.policy import Factor

_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_PHONES = (Factor.MOBILE_PHONE, Factor.OFFICE_PHONE)


@dataclass(frozen=True, slots=True)
class Prefill:
    """A number (E.164, `#` and extension behind it) or an address that was entered."""

    proof: Factor
    value: str
    sms_capable: bool
    changed_at: datetime

    @property
    def key(self) -> tuple[str, bool]:
        """What is equal for two entries of which neither is news after the other."""
        return mailbox_key(self.value), self.sms_capable


class Kinds(IntFlag):
    """What a person's prefilled contact data consists of; all that can be asked without a key."""

    EMAIL = 1
    MOBILE_PHONE = 2
    OFFICE_PHONE = 4
    SMS_CAPABLE = 8
    """The mobile phone is."""
    ONE_PHONE = 16
    """The mobile phone and the office phone are the same number."""


KIND_OF = {
    Factor.EMAIL: Kinds.EMAIL,
    Factor.MOBILE_PHONE: Kinds.MOBILE_PHONE,
    Factor.OFFICE_PHONE: Kinds.OFFICE_PHONE,
}


def one_kind_each(proofs: Iterable[Factor]) -> Kinds:
    """The kinds of these phones and addresses, without what is known of two of them together."""
    kinds = Kinds(0)
    for proof in proofs:
        kinds |= KIND_OF[proof]
    return kinds


def line(proof: Factor, value: str, *, sms_capable: bool, at: int) -> str:
    """One entry of the text.

    Args:
        at: Unix time in microseconds; see `moment`.
    """
    return f"{proof.value} {sms_capable:d} {at} {value}"


def moment(at: datetime) -> int:
    """When something was entered, as it is written: no coarser than a proof that it may end."""
    return (at - _EPOCH) // _TICK


def text_of(prefills: Iterable[Prefill]) -> str:
    """What is sealed; `read` reads it."""
    return "\n".join(
        line(one.proof, one.value, sms_capable=one.sms_capable, at=moment(one.changed_at))
        for one in prefills
    )


def read(text: str) -> dict[Factor, Prefill]:
    """The entries of a text that `text_of` wrote.

    >>> read("office_phone 0 1764000000000000 +82212345678#12")[Factor.OFFICE_PHONE].value
    '+82212345678#12'
    """
    found: dict[Factor, Prefill] = {}
    for entry in text.splitlines():
        proof, sms_capable, at, value = entry.split(" ", 3)
        changed_at = _EPOCH + int(at) * _TICK
        found[Factor(proof)] = Prefill(Factor(proof), value, sms_capable == "1", changed_at)
    return found


def kinds_of(prefills: Mapping[Factor, Prefill]) -> Kinds:
    """What may be known of them without a key."""
    kinds = one_kind_each(prefills)
    mobile = prefills.get(Factor.MOBILE_PHONE)
    if mobile is not None and mobile.sms_capable:
        kinds |= Kinds.SMS_CAPABLE
    numbers = {prefills[proof].value.partition("#")[0] for proof in _PHONES if proof in prefills}
    if len(numbers) == 1 and all(proof in prefills for proof in _PHONES):
        kinds |= Kinds.ONE_PHONE
    return kinds


def known_since(prefills: Mapping[Factor, Prefill]) -> datetime | None:
    """Since when something is known: the time of the oldest of them."""
    return min((one.changed_at for one in prefills.values()), default=None)
