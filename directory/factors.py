"""The factors of a user, summed up on their row: from them it's decided who can reset a password.

`User.factors` is a small number of bits, and beside it stands since when each verified factor
counts. `User.eligibility_key` is the same number and, in higher bits, what else decides whether the
portal lets a user reset (`AccountStatus`). The database works it out with each write of the row.
Most organisations have a few hundred different keys at most, so the pure rule
(`verification.rules.factors`) is applied to each key that GROUP BY finds, not to each person.

Hold periods (`Policy.hold_periods`) make the answer depend on times, too. For a given policy a time
says only one thing: within which hold periods it lies. So GROUP BY compares each time with the
starts of the periods and groups by the result, a second small number of bits; see
`reset.queries.summary_key`. `User.factors_changed_at` is the latest of all times that could
matter. Of people who changed nothing within the longest period no other time is looked at.

It is empty where no time matters: contact data that an administrator entered counts at once as long
as the person has verified nothing. So an import of any size makes no recent rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag

from directory.prefills import Kinds
from tenants.policy import Factor


class Factors(IntFlag):
    """What a user verified, and what an administrator entered where the user verified nothing."""

    MOBILE_PHONE = 1 << 0
    MOBILE_TEXTS = 1 << 1
    """The verified mobile phone takes text messages."""
    ALTERNATE_PHONE = 1 << 2
    ALTERNATE_TEXTS = 1 << 3
    OFFICE_PHONE = 1 << 4
    EMAIL = 1 << 5
    PASSKEY = 1 << 6
    AUTHENTICATOR = 1 << 7
    RECOVERY_CODE = 1 << 8
    """At least one is left."""
    QUESTIONS = 1 << 9
    THREE_ANSWERS = 1 << 10
    FOUR_ANSWERS = 1 << 11
    FIVE_ANSWERS = 1 << 12
    """Or more. Five answers are also four, and three."""
    ENTERED_EMAIL = 1 << 13
    ENTERED_MOBILE = 1 << 14
    ENTERED_MOBILE_TEXTS = 1 << 15
    ENTERED_OFFICE = 1 << 16
    HELD_EMAIL = 1 << 17
    """Entered when the person had verified something: it waits for its hold period."""
    HELD_MOBILE = 1 << 18
    HELD_OFFICE = 1 << 19
    ALTERNATE_IS_MOBILE = 1 << 20
    """Both are one number, whether it was verified or entered."""
    OFFICE_IS_MOBILE = 1 << 21
    OFFICE_IS_ALTERNATE = 1 << 22


class AccountStatus(IntFlag):
    """What else decides whether the portal lets a user reset: the bits above those of `Factors`."""

    DISABLED = 1 << 23
    FROZEN = 1 << 24
    MANAGED_ELSEWHERE = 1 << 25
    """This service can't write the user's password."""
    ADMINISTRATOR = 1 << 26


BUILTIN = "builtin"
"""The connector of users whose passwords this service can write."""
NOTHING = Factors(0)
VERIFIED = {
    Factor.MOBILE_PHONE: Factors.MOBILE_PHONE,
    Factor.ALTERNATE_PHONE: Factors.ALTERNATE_PHONE,
    Factor.OFFICE_PHONE: Factors.OFFICE_PHONE,
    Factor.EMAIL: Factors.EMAIL,
    Factor.QUESTIONS: Factors.QUESTIONS,
    Factor.PASSKEY: Factors.PASSKEY,
    Factor.AUTHENTICATOR: Factors.AUTHENTICATOR,
    Factor.RECOVERY_CODE: Factors.RECOVERY_CODE,
}
ENTERED = {
    Factor.EMAIL: Factors.ENTERED_EMAIL,
    Factor.MOBILE_PHONE: Factors.ENTERED_MOBILE,
    Factor.OFFICE_PHONE: Factors.ENTERED_OFFICE,
}
HELD = {
    Factor.EMAIL: Factors.HELD_EMAIL,
    Factor.MOBILE_PHONE: Factors.HELD_MOBILE,
    Factor.OFFICE_PHONE: Factors.HELD_OFFICE,
}
TEXTS = {
    Factor.MOBILE_PHONE: Factors.MOBILE_TEXTS,
    Factor.ALTERNATE_PHONE: Factors.ALTERNATE_TEXTS,
}
ANSWERS = {3: Factors.THREE_ANSWERS, 4: Factors.FOUR_ANSWERS, 5: Factors.FIVE_ANSWERS}
SAME_NUMBER = {
    (Factor.MOBILE_PHONE, Factor.ALTERNATE_PHONE): Factors.ALTERNATE_IS_MOBILE,
    (Factor.MOBILE_PHONE, Factor.OFFICE_PHONE): Factors.OFFICE_IS_MOBILE,
    (Factor.ALTERNATE_PHONE, Factor.OFFICE_PHONE): Factors.OFFICE_IS_ALTERNATE,
}
_OF_KINDS = {
    Kinds.EMAIL: Factors.ENTERED_EMAIL,
    Kinds.MOBILE_PHONE: Factors.ENTERED_MOBILE,
    Kinds.OFFICE_PHONE: Factors.ENTERED_OFFICE,
    Kinds.SMS_CAPABLE: Factors.ENTERED_MOBILE_TEXTS,
    Kinds.ONE_PHONE: Factors.OFFICE_IS_MOBILE,
}


def any_of(factors: Iterable[Factors]) -> Factors:
    """All of these bits together."""
    found = NOTHING
    for factor in factors:
        found |= factor
    return found


ANY_ENTERED, _ANY_HELD = any_of(ENTERED.values()), any_of(HELD.values())
REGISTERED = any_of(VERIFIED.values()) & ~Factors.RECOVERY_CODE
"""A user who verified any of these counts as registered. Recovery codes alone don't."""


@dataclass(frozen=True, slots=True, order=True)
class EligibilityKey:
    """A value of `User.eligibility_key`. Users with equal keys differ in times and groups only."""

    value: int

    @property
    def factors(self) -> Factors:
        return Factors(self.value % AccountStatus.DISABLED)

    @property
    def enabled(self) -> bool:
        return not self.value & AccountStatus.DISABLED

    @property
    def is_active(self) -> bool:
        """Enabled, and self-service isn't stopped."""
        return not self.value & (AccountStatus.DISABLED | AccountStatus.FROZEN)

    @property
    def is_open(self) -> bool:
        """Whether nothing but scope and factors could make the portal refuse the user."""
        return self.is_active and not self.value & AccountStatus.MANAGED_ELSEWHERE

    @property
    def is_admin(self) -> bool:
        return bool(self.value & AccountStatus.ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSummary:
    """All that decides what a person could prove at a reset, but for the policy.

    Args:
        since: since when each verified factor counts as known. Of several apps or passkeys, and of
            the recovery codes that are left, since when the oldest does.
        entered_since: since when something is known that an administrator entered.
        held_since: since when what is held was entered.
        lost_at: when the person last removed or replaced something that wasn't new.
    """

    factors: Factors = NOTHING
    since: Mapping[Factor, datetime] = field(default_factory=dict)
    entered_since: datetime | None = None
    held_since: datetime | None = None
    lost_at: datetime | None = None

    @property
    def changed_at(self) -> datetime | None:
        """The latest time that could matter; None if none could.

        Where nothing is verified and nothing held, all counts at once, whatever the times.
        """
        times = list(self.since.values())
        if self.factors & _ANY_HELD and self.held_since:
            times.append(self.held_since)
        if not times:
            return None
        if self.factors & ANY_ENTERED and self.entered_since:
            times.append(self.entered_since)
        if self.lost_at:
            times.append(self.lost_at)
        return max(times)

    def columns(self) -> dict[str, int | datetime | None]:
        """What the user's row holds of it, besides the times that stand there anyway."""
        since = {column_of(proof): self.since.get(proof) for proof in VERIFIED}
        return {"factors": int(self.factors), "factors_changed_at": self.changed_at, **since}


def column_of(proof: Factor) -> str:
    """The column of the user that says since when this factor counts.

    >>> column_of(Factor.EMAIL)
    'email_since'
    """
    return f"{proof.value}_since"


def entered_only(kinds: int) -> Factors:
    """The summary of a user who verified nothing; an administrator entered these `Kinds`.

    >>> entered_only(Kinds.MOBILE_PHONE | Kinds.OFFICE_PHONE | Kinds.ONE_PHONE)
    <Factors.ENTERED_MOBILE|ENTERED_OFFICE|OFFICE_IS_MOBILE: 2179072>
    """
    return any_of(factor for kind, factor in _OF_KINDS.items() if kinds & kind)
