"""A summary of each user's factors, stored on the user's row. It decides who can reset a password.

`User.factors` has the summary as bits, and other columns have the time since when each verified
factor counts. `User.eligibility_key` adds higher bits for the account's status (`AccountStatus`).
The database computes it with each write of the row. Most organisations have a few hundred different
keys at most, so the pure rule (`verification.rules.factors`) is applied to each key that GROUP BY
finds and not to each user.

Hold periods (`Policy.hold_periods`) make the answer depend on times, too. Under one policy only
this matters of a time: which hold periods it lies within. So GROUP BY compares each time with the
starts of the periods and groups by the result, a second small number; see
`reset.queries.summary_key`. `User.factors_changed_at` is the latest of all times that can
matter. If it is before the longest period, no other time is compared.

It is empty if no time matters: entered contact data counts at once as long as the user has verified
nothing. So an import of any size makes no recent rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag

from directory.prefills import Kinds
from tenants.policy import Factor


class Factors(IntFlag):
    """What a user verified, and what was entered of kinds that the user didn't verify.

    The bits of verified factors are declared with the factors; see `VERIFIED`.
    """

    MOBILE_TEXTS = 1 << 1
    """The verified mobile phone takes text messages."""
    ALTERNATE_TEXTS = 1 << 3
    THREE_ANSWERS = 1 << 10
    FOUR_ANSWERS = 1 << 11
    FIVE_ANSWERS = 1 << 12
    """Or more. Five answers are also four, and three."""
    ENTERED_EMAIL = 1 << 13
    ENTERED_MOBILE = 1 << 14
    ENTERED_MOBILE_TEXTS = 1 << 15
    ENTERED_OFFICE = 1 << 16
    HELD_EMAIL = 1 << 17
    """Entered after the user had verified something, so it counts after its hold period."""
    HELD_MOBILE = 1 << 18
    HELD_OFFICE = 1 << 19
    ALTERNATE_IS_MOBILE = 1 << 20
    """Both are the same number, whether verified or entered."""
    OFFICE_IS_MOBILE = 1 << 21
    OFFICE_IS_ALTERNATE = 1 << 22


class AccountStatus(IntFlag):
    """The bits of the eligibility key above those of `Factors`."""

    DISABLED = 1 << 27
    FROZEN = 1 << 28
    MANAGED_ELSEWHERE = 1 << 29
    """This service can't write the user's password."""
    ADMINISTRATOR = 1 << 30


BUILTIN = "builtin"
DIRECTORY = "directory"
"""The connector of users whose passwords this service keeps."""
NOTHING = Factors(0)
VERIFIED = {kind: Factors(1 << kind.traits.bit) for kind in Factor}
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
    combined = NOTHING
    for factor in factors:
        combined |= factor
    return combined


ANY_ENTERED, _ANY_HELD = any_of(ENTERED.values()), any_of(HELD.values())
REGISTERED = any_of(bit for kind, bit in VERIFIED.items() if not kind.is_set)
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
        """Whether only scope and factors can make the portal refuse the user."""
        return self.is_active and not self.value & AccountStatus.MANAGED_ELSEWHERE

    @property
    def is_admin(self) -> bool:
        return bool(self.value & AccountStatus.ADMINISTRATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSummary:
    """Everything except the policy that decides which gates a user can pass.

    Args:
        since: since when each verified factor counts. Of several apps, passkeys or unused recovery
            codes, the oldest decides.
        entered_since: when the oldest entered contact data was entered.
        held_since: when the newest held contact data was entered.
        lost_at: when the user last removed or replaced a method that wasn't new.
    """

    factors: Factors = NOTHING
    since: Mapping[Factor, datetime] = field(default_factory=dict)
    admin_entered_since: datetime | None = None
    held_since: datetime | None = None
    lost_at: datetime | None = None

    @property
    def changed_at(self) -> datetime | None:
        """The latest time that can matter; None if none can, as nothing is verified or held."""
        times = list(self.since.values())
        if self.factors & _ANY_HELD and self.held_since:
            times.append(self.held_since)
        if not times:
            return None
        if self.factors & ANY_ENTERED and self.admin_entered_since:
            times.append(self.admin_entered_since)
        if self.lost_at:
            times.append(self.lost_at)
        return max(times)

    def columns(self) -> dict[str, int | datetime | None]:
        """The columns of the user that are computed from it."""
        since = {column_of(factor): self.since.get(factor) for factor in VERIFIED}
        return {"factors": int(self.factors), "factors_changed_at": self.changed_at, **since}


def column_of(factor: Factor) -> str:
    """The column of the user that says since when this factor counts.

    >>> column_of(Factor.EMAIL)
    'email_since'
    """
    return f"{factor.value}_since"


def admin_entered_only(kinds: int) -> Factors:
    """The summary of a user who verified nothing; an administrator entered these `Kinds`.

    >>> admin_entered_only(Kinds.MOBILE_PHONE | Kinds.OFFICE_PHONE | Kinds.ONE_PHONE)
    <Factors.ENTERED_MOBILE|ENTERED_OFFICE|OFFICE_IS_MOBILE: 2179072>
    """
    return any_of(factor for kind, factor in _OF_KINDS.items() if kinds & kind)
