"""What somebody could prove now: rows read together, and what the policy makes of them."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    BinaryField,
    Count,
    DateTimeField,
    F,
    Q,
    QuerySet,
    Value,
)
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
from directory.queries import entered_beside_proof, prefills_of
from isolation.compiled import Bound, CompiledRead, owned
from isolation.scope import current_tenant_id
from tenants.policy import Method, Policy, Proof
from vault.services import opened
from verification.models import AuthenticationMethod, Authenticator, Passkey, RecoveryCode
from verification.queries.deliverable import can_deliver, deliverable
from verification.rules.factors import answered, counted
from verification.rules.hold_period import beginning, can_begin, hold_until, is_known
from verification.rules.masking import mask
from verification.rules.phones import PHONES, number_of
from verification.rules.ways import Held, Way, methods_of

_DEVICES = (Proof.AUTHENTICATOR, Proof.PASSKEY)
_SEVERAL = (*_DEVICES, Proof.RECOVERY_CODE)
"""Of these somebody may have more than one."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that somebody verified: a phone, an address, answers, an app, a passkey, a code.

    Args:
        known_since: since when this very number or address counts, if not since it was verified.
        verified_at: None for an app that went before it was confirmed.
        gone_at: when it was removed, or spent.
        sealed_value: the number or address, where it is one.
        answered: how many security questions, where it is that.
        temporary_access: it was registered while staff who may not give roles had let the user in.
    """

    proof: Proof
    pk: uuid.UUID
    known_since: datetime | None
    verified_at: datetime | None
    gone_at: datetime | None
    sealed_value: bytes | memoryview = field(repr=False)
    textable: bool
    answered: int
    temporary_access: bool = False

    @property
    def since(self) -> datetime | None:
        """Since when it counts as known, however often it was verified again."""
        return self.known_since or self.verified_at

    @property
    def value(self) -> str:
        """The number (E.164, `#` and extension behind it) or address."""
        place = AuthenticationMethod.place_of("value", self.pk)
        return opened(self.sealed_value, tenant_id=current_tenant_id(), place=place)

    @property
    def held(self) -> Held:
        return Held(proof=self.proof, textable=self.textable, since=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of one person, whatever the policy makes of it.

    Args:
        held_since: what of it was entered beside something verified, and when.
        methods: phones, addresses and answers: one of each kind.
        devices: apps, passkeys and recovery codes, those that are gone, too.
        lost_at: when something that could prove who they are was last removed or replaced.
    """

    entered: Mapping[Proof, Prefill]
    held_since: Mapping[Proof, datetime]
    methods: Mapping[Proof, Thing]
    devices: Sequence[Thing]
    lost_at: datetime | None

    def there(self, proof: Proof) -> list[Thing]:
        """Those that can be used."""
        return [
            device
            for device in self.devices
            if device.proof is proof and device.since is not None and device.gone_at is None
        ]

    def has_temporary(self, proof: Proof) -> bool:
        """Whether a role ends something of this kind that the user has; see `change_role`."""
        is_set = proof is Proof.RECOVERY_CODE  # spent ones are still of it
        rows = [row for row in (*self.methods.values(), *self.devices) if row.proof is proof]
        return any(row.temporary_access for row in rows if is_set or row.gone_at is None)


@dataclass(frozen=True, slots=True)
class Usable:
    """Of which kinds something can be used now, and which apps and passkeys."""

    proofs: frozenset[Proof] = frozenset()
    devices: frozenset[uuid.UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one user holds. `values` are full numbers and addresses: never for a page."""

    held: tuple[Held, ...] = ()
    values: dict[Proof, str] = field(default_factory=dict, repr=False)
    waiting: dict[Proof, datetime] = field(default_factory=dict)
    """What is too new to count at a reset, and from when it does."""
    apps: frozenset[uuid.UUID] = frozenset()
    passkeys: frozenset[uuid.UUID] = frozenset()

    def ways(self, allowed: frozenset[Method]) -> list[Way]:
        """What may be used now, strongest first: held, allowed, and deliverable here."""
        return [
            Way(method, mask(value) if (value := self.values.get(method.proof, "")) else "")
            for method in methods_of(self.held)
            if method in allowed and can_deliver(method)
        ]

    def usable(self, policy: Policy) -> Usable:
        """What of it the policy lets be used now."""
        proofs = frozenset(way.method.proof for way in self.ways(policy.methods))
        apps = self.apps if Proof.AUTHENTICATOR in proofs else frozenset()
        passkeys = self.passkeys if Proof.PASSKEY in proofs else frozenset()
        return Usable(proofs, apps | passkeys)

    def are_at(self, proof: Proof, destination: str) -> bool:
        """Whether the number or mailbox of this kind is the one that a message went to."""
        value = self.values.get(proof)
        return value is not None and mailbox_key(value) == mailbox_key(destination)

    def textable(self, proof: Proof) -> bool:
        return any(thing.textable for thing in self.held if thing.proof is proof)


def kept_of(user_id: int, user: User | None) -> Kept:
    """All rows about what somebody holds. The same queries run for a user who doesn't exist.

    Args:
        user: their row, where there is one.
    """
    return _kept(_things_of([user_id]).get(user_id, []), user)


def kept_among(users: Sequence[User]) -> dict[int, Kept]:
    """The same for many users, by their ids, in as many queries as for one."""
    things = _things_of([user.pk for user in users])
    return {user.pk: _kept(things.get(user.pk, []), user) for user in users}


def holdings_of(
    user_id: int, policy: Policy, *, proved_only: bool = False, at: datetime | None = None
) -> Holdings:
    """All that a user can prove. The same queries run for a user who doesn't exist.

    Args:
        proved_only: leaves out what nobody verified, whatever the policy says.
        at: leaves out what is too new to count at a reset at this time.
    """
    kept = kept_of(user_id, User.objects.filter(pk=user_id).first())
    return holdings_among(kept, policy, proved_only=proved_only, at=at)


def holdings_among(
    kept: Kept, policy: Policy, *, proved_only: bool = False, at: datetime | None = None
) -> Holdings:
    """What of it can be proved: what was verified, and prefilled data that the policy trusts.

    Args:
        proved_only: leaves out what nobody verified, whatever the policy says.
        at: leaves out what is too new to count at a reset at this time.
    """
    # The same rule about the same summary as in lists and figures, so that they can't differ.
    counts = counted(
        summary_of(kept), policy, deliverable=deliverable(), verified_only=proved_only, at=at
    )
    visible = _visible(kept).items()
    rows = {proof: row for proof, row in visible if proof in counts.proofs}
    devices = {
        proof: {
            device.pk: device.held
            for device in kept.there(proof)
            if at is None or hold_until(device.held, counts.account, policy, at) is None
        }
        for proof in _DEVICES
    }
    held = [_thing(row, kept) for row in rows.values()] + _codes(kept)
    held += [device for ours in devices.values() for device in ours.values()]
    return Holdings(
        held=tuple(thing for thing in held if thing.proof in counts.proofs),
        values={proof: row.value for proof, row in rows.items() if proof is not Proof.QUESTIONS},
        waiting=dict(counts.waiting),
        apps=frozenset(devices[Proof.AUTHENTICATOR]),
        passkeys=frozenset(devices[Proof.PASSKEY]),
    )


def summary_of(kept: Kept) -> FactorSummary:
    """What the user's row says of it in bits and times; worked out from the rows."""
    factors, since = NOTHING, {}
    for proof, row in _visible(kept).items():
        if isinstance(row, Prefill):
            factors |= ENTERED[proof]
            if proof in kept.held_since:
                factors |= HELD[proof]
            if proof is Proof.MOBILE_PHONE and row.textable:
                factors |= Factors.ENTERED_MOBILE_TEXTS
            continue
        factors |= VERIFIED[proof] | answered(row.answered)
        if row.textable:
            factors |= TEXTS.get(proof, NOTHING)
        since[proof] = row.since
    for proof in _SEVERAL:
        if times := [device.since for device in kept.there(proof) if device.since]:
            factors |= VERIFIED[proof]
            since[proof] = min(times)
    return FactorSummary(
        factors=factors | _same_numbers(kept),
        since={proof: at for proof, at in since.items() if at},
        entered_since=known_since(kept.entered),
        held_since=max(kept.held_since.values(), default=None),
        lost_at=kept.lost_at,
    )


def held_since(kept: Kept, policy: Policy) -> dict[Proof, datetime]:
    """Since when a user holds each kind of thing as it is now."""
    entered = kept.entered.items()
    since = {p: row.changed_at for p, row in entered if p in policy.prefilled_usable}
    since |= {p: row.verified_at for p, row in kept.methods.items() if row.verified_at}
    for proof in _DEVICES:
        if there := kept.there(proof):
            # What was taken away takes along what it proved, whatever others there are.
            changes = [device.since for device in there]
            changes += [device.gone_at for device in kept.devices if device.proof is proof]
            since[proof] = max(at for at in changes if at is not None)
    # The last code of a set proves what it proved, though none is left.
    saved = [d.since for d in kept.devices if d.proof is Proof.RECOVERY_CODE and d.since]
    if saved:
        since[Proof.RECOVERY_CODE] = max(saved)
    return since


def is_older_row(
    row: AuthenticationMethod | Prefill | Authenticator | Passkey, policy: Policy
) -> bool:
    """Whether a reset could begin with this, and it wasn't registered just now."""
    if isinstance(row, Passkey):
        thing = Held(proof=Proof.PASSKEY, since=row.confirmed_at)
    elif isinstance(row, Authenticator):
        thing = Held(proof=Proof.AUTHENTICATOR, since=row.confirmed_at)
    else:
        since = row.changed_at if isinstance(row, Prefill) else row.since
        thing = Held(proof=Proof(row.proof), textable=row.textable, since=since)
    begins = can_begin(thing, beginning(policy, deliverable()))
    return begins and is_known(thing, policy, timezone.now())


def _kept(things: Sequence[Thing], user: User | None) -> Kept:
    return Kept(
        entered=prefills_of(user) if user else {},
        held_since=entered_beside_proof(user) if user else {},
        methods={one.proof: one for one in things if one.proof not in _SEVERAL},
        devices=[one for one in things if one.proof in _SEVERAL],
        lost_at=user.older_proof_lost_at if user else None,
    )


def _things_of(user_ids: Collection[int]) -> dict[int, list[Thing]]:
    """All that was verified, in one statement."""
    if len(user_ids) == 1:
        (user_id,) = user_ids
        rows = _OF_ONE_USER.all(user_id=user_id)
    else:
        rows = list(_verified(lambda model: model.objects.filter(user_id__in=user_ids)))
    found: dict[int, list[Thing]] = {}
    for user_id, proof, *columns in rows:
        thing = Thing(Proof(proof), *columns)  # in the order of its fields
        found.setdefault(user_id, []).append(thing)
    return found


def _verified(theirs: Callable[[type[Any]], QuerySet[Any]]) -> QuerySet[Any, Any]:
    """One row for each phone, address, set of answers, app, passkey and recovery code.

    Args:
        theirs: the rows of a model that belong to the users in question.
    """
    apps = theirs(Authenticator)
    codes = theirs(RecoveryCode).filter(confirmed_at__isnull=False)
    parts = [
        theirs(AuthenticationMethod).annotate(
            gone_at=Value(None, DateTimeField()),
            sealed_value=F("value"),
            answered=Count("answers"),
        ),
        _devices(
            apps.filter(Q(confirmed_at__isnull=False) | Q(removed_at__isnull=False)),
            Proof.AUTHENTICATOR,
            gone_at="removed_at",
        ),
        _devices(theirs(Passkey), Proof.PASSKEY, gone_at="removed_at"),
        _devices(codes, Proof.RECOVERY_CODE, gone_at="spent_at"),
    ]
    columns = [one.name for one in fields(Thing)]
    rows = [part.values_list("user_id", *columns) for part in parts]
    every: QuerySet[Any, Any] = rows[0].union(*rows[1:], all=True)
    return every


def _devices(rows: QuerySet[Any], proof: Proof, *, gone_at: str) -> QuerySet[Any]:
    """With the columns that a phone has, empty."""
    found: QuerySet[Any] = rows.annotate(
        proof=Value(proof.value),
        known_since=Value(None, DateTimeField()),
        verified_at=F("confirmed_at"),
        gone_at=F(gone_at),
        sealed_value=Value(b"", BinaryField()),
        textable=Value(False),  # noqa: FBT003  # a column
        answered=Value(0),
    )
    return found


def _visible(kept: Kept) -> dict[Proof, Thing | Prefill]:
    """One of each kind: what was verified hides what was entered."""
    return {**kept.entered, **kept.methods}


def _same_numbers(kept: Kept) -> Factors:
    """Which phones are one number. No number is opened where there is one phone only."""
    rows = _visible(kept)
    phones = [phone for phone in PHONES if phone in rows]
    if len(phones) < 2:
        return NOTHING
    numbers = {phone: number_of(rows[phone].value) for phone in phones}
    return any_of(
        same
        for (one, other), same in SAME_NUMBER.items()
        if one in numbers and numbers[one] == numbers.get(other)
    )


def _thing(row: Thing | Prefill, kept: Kept) -> Held:
    """What was entered is as old as the oldest of it, which is all that lists can ask for."""
    if isinstance(row, Thing):
        return row.held
    held_since = kept.held_since.get(row.proof)
    return Held(
        proof=row.proof,
        textable=row.textable,
        since=held_since or known_since(kept.entered),
        verified=False,
        held=held_since is not None,
    )


def _codes(kept: Kept) -> list[Held]:
    """The set of recovery codes, if there is any of it left."""
    saved = [code.since for code in kept.there(Proof.RECOVERY_CODE) if code.since]
    return [Held(proof=Proof.RECOVERY_CODE, since=min(saved))] if saved else []


_OF_ONE_USER: CompiledRead[Any] = CompiledRead(
    lambda: _verified(
        lambda model: owned(model).filter(user_id=Bound("user_id", BigIntegerField()))
    )
)
