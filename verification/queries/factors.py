"""What a user could verify with now: rows read together, and what the policy makes of them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from delivery.rules.mailboxes import mailbox_key
from directory.factors import (
    ENTERED,
    HELD,
    NOTHING,
    SAME_NUMBER,
    TEXTS,
    VERIFIED,
    Factors,
    FactorSummary,
    any_of,
)
from directory.models import User
from directory.prefills import Prefill, known_since
from directory.queries import held_entries, prefills_of
from tenants.policy import Factor, Method, Policy
from verification.models import RegisteredMethod
from verification.queries.deliverable import can_deliver, deliverable
from verification.queries.registered import MethodRow, method_rows_among, method_rows_of
from verification.rules.factors import answered, counted
from verification.rules.hold_period import beginning, can_begin, hold_until, is_known
from verification.rules.masking import mask
from verification.rules.method_options import MethodOption, UserFactor, methods_of
from verification.rules.phones import PHONES, number_of

_DEVICES = [kind for kind in Factor if kind.is_device]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFactors:
    """All rows about the methods of one user, whatever the policy allows.

    Args:
        held_since: which entered data was entered after a verified method, and when.
        methods: phones, addresses and answers: one of each kind.
        devices: apps, passkeys, tokens and recovery codes, also those that were removed.
        lost_at: when the user last removed or replaced a method.
    """

    entered: Mapping[Factor, Prefill]
    held_since: Mapping[Factor, datetime]
    methods: Mapping[Factor, MethodRow]
    devices: Sequence[MethodRow]
    lost_at: datetime | None

    def there(self, factor: Factor) -> list[MethodRow]:
        """The devices of this kind that can be used."""
        return [
            device
            for device in self.devices
            if device.factor is factor and device.since is not None and device.removed_at is None
        ]

    def has_temporary(self, factor: Factor) -> bool:
        """Whether a role ends something of this kind that the user has; see `change_role`."""
        is_set = factor.is_set  # redeemed codes are still of it
        rows = [row for row in (*self.methods.values(), *self.devices) if row.factor is factor]
        return any(row.temporary_access for row in rows if is_set or row.removed_at is None)


@dataclass(frozen=True, slots=True)
class Usable:
    """The factors and devices that can be used now."""

    factors: frozenset[Factor] = frozenset()
    devices: frozenset[uuid.UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class RegisteredMethods:
    """The methods of one user. `values` are full numbers and addresses: never for a page."""

    held: tuple[UserFactor, ...] = ()
    values: dict[Factor, str] = field(default_factory=dict, repr=False)
    waiting: dict[Factor, datetime] = field(default_factory=dict)
    """Factors that are too new for a reset, and from when they count."""
    devices: Mapping[Factor, frozenset[uuid.UUID]] = field(default_factory=dict)
    """Ids of the devices by their factors."""

    def options(self, allowed: frozenset[Method]) -> list[MethodOption]:
        """The methods that may be used now, strongest first."""
        return [
            MethodOption(
                method, mask(value) if (value := self.values.get(method.factor, "")) else ""
            )
            for method in methods_of(self.held)
            if method in allowed and can_deliver(method)
        ]

    def usable(self, policy: Policy) -> Usable:
        """The factors and devices that the policy allows now."""
        factors = frozenset(option.method.factor for option in self.options(policy.methods))
        devices = [ids for kind, ids in self.devices.items() if kind in factors]
        return Usable(factors, frozenset().union(*devices))

    @property
    def device_ids(self) -> frozenset[uuid.UUID]:
        return frozenset().union(*self.devices.values())

    def are_at(self, factor: Factor, destination: str) -> bool:
        """Whether a message to this destination went to the number or mailbox of this kind."""
        value = self.values.get(factor)
        return value is not None and mailbox_key(value) == mailbox_key(destination)

    def sms_capable(self, factor: Factor) -> bool:
        return any(each.sms_capable for each in self.held if each.factor is factor)


def stored_factors_of(user_id: int, user: User | None) -> StoredFactors:
    """All rows about a user's methods. The same queries run for an unknown user.

    Args:
        user: their row, where there is one.
    """
    return stored_factors_with(method_rows_of(user_id), user)


def stored_factors_with(method_rows: Sequence[MethodRow], user: User | None) -> StoredFactors:
    """The same, where the rows were read with something else."""
    return StoredFactors(
        entered=prefills_of(user) if user else {},
        held_since=held_entries(user) if user else {},
        methods={one.factor: one for one in method_rows if not one.factor.may_be_several},
        devices=[one for one in method_rows if one.factor.may_be_several],
        lost_at=user.older_proof_lost_at if user else None,
    )


def stored_factors_among(users: Sequence[User]) -> dict[int, StoredFactors]:
    """The same for many users, by their ids, in as many queries as for one."""
    method_rows = method_rows_among([user.pk for user in users])
    return {user.pk: stored_factors_with(method_rows.get(user.pk, []), user) for user in users}


def registered_methods_of(
    user_id: int, policy: Policy, *, proved_only: bool = False, at: datetime | None = None
) -> RegisteredMethods:
    """The methods that a user can use. The same queries run for an unknown user.

    Args:
        proved_only: leaves out unverified contact data, whatever the policy says.
        at: leaves out what is too new to count at a reset at this time.
    """
    stored = stored_factors_of(user_id, User.objects.filter(pk=user_id).first())
    return registered_methods_among(stored, policy, proved_only=proved_only, at=at)


def registered_methods_among(
    stored: StoredFactors, policy: Policy, *, proved_only: bool = False, at: datetime | None = None
) -> RegisteredMethods:
    """The usable ones of these: verified methods, and prefilled data that the policy trusts.

    Args:
        proved_only: leaves out unverified contact data, whatever the policy says.
        at: leaves out what is too new to count at a reset at this time.
    """
    # The same rule about the same summary as in lists and figures, so that they can't differ.
    counts = counted(
        summary_of(stored), policy, deliverable=deliverable(), verified_only=proved_only, at=at
    )
    visible = _visible(stored).items()
    rows = {factor: row for factor, row in visible if factor in counts.factors}
    devices = {
        factor: {
            device.pk: device.user_factor
            for device in stored.there(factor)
            if at is None or hold_until(device.user_factor, counts.account, policy, at) is None
        }
        for factor in _DEVICES
    }
    held = [_user_factor(row, stored) for row in rows.values()]
    # Each set, such as the recovery codes, of which any is left.
    held += [
        UserFactor(factor=kind, since=min(row.since for row in left if row.since))
        for kind in Factor
        if kind.is_set and (left := stored.there(kind))
    ]
    held += [device for ours in devices.values() for device in ours.values()]
    return RegisteredMethods(
        held=tuple(each for each in held if each.factor in counts.factors),
        values={factor: row.value for factor, row in rows.items() if factor.is_contact},
        waiting=dict(counts.waiting),
        devices={kind: frozenset(ids) for kind, ids in devices.items()},
    )


def summary_of(stored: StoredFactors) -> FactorSummary:
    """The summary that the user's row should have, computed from the rows of methods."""
    factors, since = NOTHING, {}
    for factor, row in _visible(stored).items():
        if isinstance(row, Prefill):
            factors |= ENTERED[factor]
            if factor in stored.held_since:
                factors |= HELD[factor]
            if factor is Factor.MOBILE_PHONE and row.sms_capable:
                factors |= Factors.ENTERED_MOBILE_TEXTS
            continue
        factors |= VERIFIED[factor] | answered(row.answered)
        if row.sms_capable:
            factors |= TEXTS.get(factor, NOTHING)
        since[factor] = row.since
    for factor in {row.factor for row in stored.devices}:
        if times := [device.since for device in stored.there(factor) if device.since]:
            factors |= VERIFIED[factor]
            since[factor] = min(times)
    return FactorSummary(
        factors=factors | _same_numbers(stored),
        since={factor: at for factor, at in since.items() if at},
        admin_entered_since=known_since(stored.entered),
        held_since=max(stored.held_since.values(), default=None),
        lost_at=stored.lost_at,
    )


def held_since(stored: StoredFactors, policy: Policy) -> dict[Factor, datetime]:
    """Since when a user has each factor as it is now."""
    entered = stored.entered.items()
    since = {p: row.changed_at for p, row in entered if p in policy.prefilled_usable}
    since |= {p: row.verified_at for p, row in stored.methods.items() if row.verified_at}
    for factor in _DEVICES:
        if there := stored.there(factor):
            # A removed device takes away what it proved, whatever other devices there are.
            changes = [device.since for device in there]
            changes += [device.removed_at for device in stored.devices if device.factor is factor]
            since[factor] = max(at for at in changes if at is not None)
    # The last code of a set proves what it proved, though none is left.
    for row in stored.devices:
        if row.factor.is_set and row.since:
            since[row.factor] = max(row.since, since.get(row.factor, row.since))
    return since


def is_older_row(row: RegisteredMethod | Prefill, policy: Policy) -> bool:
    """Whether a reset could begin with this method, and it isn't new."""
    factor = UserFactor(
        factor=row.factor if isinstance(row, Prefill) else Factor(row.kind),
        sms_capable=row.sms_capable,
        since=row.changed_at if isinstance(row, Prefill) else row.since,
    )
    begins = can_begin(factor, beginning(policy, deliverable()))
    return begins and is_known(factor, policy, timezone.now())


def _visible(stored: StoredFactors) -> dict[Factor, MethodRow | Prefill]:
    """One row of each kind: a verified method hides an entered one."""
    return {**stored.entered, **stored.methods}


def _same_numbers(stored: StoredFactors) -> Factors:
    """Which phones are one number. No number is opened where there is one phone only."""
    rows = _visible(stored)
    phones = [phone for phone in PHONES if phone in rows]
    if len(phones) < 2:
        return NOTHING
    numbers = {phone: number_of(rows[phone].value) for phone in phones}
    return any_of(
        same
        for (one, other), same in SAME_NUMBER.items()
        if one in numbers and numbers[one] == numbers.get(other)
    )


def _user_factor(row: MethodRow | Prefill, stored: StoredFactors) -> UserFactor:
    """Entered data counts since the oldest entry, because lists know no other time."""
    if isinstance(row, MethodRow):
        return row.user_factor
    held_since = stored.held_since.get(row.factor)
    return UserFactor(
        factor=row.factor,
        sms_capable=row.sms_capable,
        since=held_since or known_since(stored.entered),
        verified=False,
        held=held_since is not None,
    )
