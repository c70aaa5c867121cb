"""What somebody could prove now: rows read together, and what the policy makes of them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Q, Value
from django.utils import timezone

from delivery.channels import available
from directory.models import User
from directory.prefills import Prefill, known_since
from directory.queries import prefills_of
from tenants.policy import Method, Policy, Proof
from verification.models import AuthenticationMethod, Authenticator, Passkey, RecoveryCode
from verification.queries import methods_by_proof, value_of
from verification.rules.masking import mask
from verification.rules.passkeys import can_be_made_for
from verification.rules.phones import named_again
from verification.rules.quarantine import Clock, beginning, counting, is_usable
from verification.rules.ways import Held, Way, methods_of

_CHANNEL = {
    Method.EMAIL: "email",
    Method.MOBILE_TEXT: "text",
    Method.MOBILE_CALL: "call",
    Method.ALTERNATE_TEXT: "text",
    Method.ALTERNATE_CALL: "call",
    Method.OFFICE_CALL: "call",
}
_DEVICES = (Proof.AUTHENTICATOR, Proof.PASSKEY)


@dataclass(frozen=True, slots=True)
class Device:
    """An app, a passkey or a recovery code.

    Args:
        since: when it was confirmed; None for an app that went before it was.
        gone_at: when it was removed, or spent.
    """

    proof: Proof
    pk: uuid.UUID
    since: datetime | None
    gone_at: datetime | None

    @property
    def held(self) -> Held:
        return Held(proof=self.proof, since=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of one person, whatever the policy makes of it.

    Args:
        devices: those that are gone, too.
        lost_at: when something that could prove who they are was last removed or replaced.
    """

    entered: Mapping[Proof, Prefill]
    methods: Mapping[Proof, AuthenticationMethod]
    devices: Sequence[Device]
    lost_at: datetime | None

    def there(self, proof: Proof) -> list[Device]:
        """Those that can be used."""
        return [
            device
            for device in self.devices
            if device.proof is proof and device.since is not None and device.gone_at is None
        ]


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

    def textable(self, proof: Proof) -> bool:
        return any(thing.textable for thing in self.held if thing.proof is proof)


def kept_of(user_id: int, user: User | None) -> Kept:
    """All rows about what somebody holds. The same queries run for a user who doesn't exist.

    Args:
        user: their row, where there is one.
    """
    return Kept(
        entered=prefills_of(user) if user else {},
        methods=methods_by_proof(user_id),
        devices=_devices_of(user_id),
        lost_at=user.older_proof_lost_at if user else None,
    )


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
    trusted = frozenset() if proved_only else policy.prefilled_usable
    rows: dict[Proof, AuthenticationMethod | Prefill] = {
        proof: row for proof, row in kept.entered.items() if proof in trusted
    }
    rows |= kept.methods
    questions = rows.get(Proof.QUESTIONS)
    # Fewer answers than are asked for now prove nothing: three right ones aren't five.
    if (
        isinstance(questions, AuthenticationMethod)
        and not proved_only
        and questions.answered < policy.questions_to_reset  # type: ignore[attr-defined]  # counted
    ):
        del rows[Proof.QUESTIONS]
    entered_at = known_since(kept.entered)
    things = {proof: _thing(proof, row, entered_at) for proof, row in rows.items()}
    devices = {
        proof: {device.pk: device.held for device in kept.there(proof)} for proof in _DEVICES
    }
    held = [*things.values(), *_codes(kept)]
    for ours in devices.values():
        held += ours.values()
    waiting: dict[Proof, datetime] = {}
    if at is not None and policy.new_proof_hours:
        clock = Clock(hours=policy.new_proof_hours, now=at, lost_at=kept.lost_at)
        counted = counting(held, beginning(policy, deliverable()), clock)
        there = {thing.proof for thing in counted}
        new = [thing for thing in held if thing.proof not in there]
        waiting = {thing.proof: clock.counts_from(thing) for thing in new}
        held = counted
    values: dict[Proof, str] = {
        proof: value_of(row) if isinstance(row, AuthenticationMethod) else row.value
        for proof, row in rows.items()
        if proof is not Proof.QUESTIONS and proof not in waiting
    }
    # One phone is one proof, whatever an administrator calls it.
    again = named_again(values)
    held = [thing for thing in held if thing.proof not in again]
    for proof in again:
        del values[proof]
    apps, passkeys = (devices[proof] for proof in _DEVICES)
    return Holdings(
        held=tuple(held),
        values=values,
        waiting=waiting,
        apps=frozenset(pk for pk, app in apps.items() if app in held),
        passkeys=frozenset(pk for pk, key in passkeys.items() if key in held),
    )


def held_since(kept: Kept, policy: Policy) -> dict[Proof, datetime]:
    """Since when a user holds each kind of thing as it is now."""
    entered = kept.entered.items()
    since = {p: row.changed_at for p, row in entered if p in policy.prefilled_usable}
    since |= {p: row.verified_at for p, row in kept.methods.items()}
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


def is_older(row: AuthenticationMethod | Prefill | Authenticator | Passkey, policy: Policy) -> bool:
    """Whether a reset could begin with this, and it wasn't registered just now."""
    if isinstance(row, Passkey):
        thing = Held(proof=Proof.PASSKEY, since=row.confirmed_at)
    elif isinstance(row, Authenticator):
        thing = Held(proof=Proof.AUTHENTICATOR, since=row.confirmed_at)
    else:
        entered_at = row.changed_at if isinstance(row, Prefill) else None
        thing = _thing(row.proof, row, entered_at)
    clock = Clock(hours=policy.new_proof_hours, now=timezone.now())
    return clock.is_settled(thing) and is_usable([thing], beginning(policy, deliverable()))


def all_ways(allowed: frozenset[Method]) -> list[Method]:
    """Everything that anybody could be offered here, strongest first."""
    everything = [Held(proof=proof, textable=True) for proof in Proof]
    return [m for m in methods_of(everything) if m in allowed and can_deliver(m)]


def deliverable() -> frozenset[Method]:
    return frozenset(method for method in Method if can_deliver(method))


def can_deliver(method: Method) -> bool:
    """Whether this installation can send what the method needs, or has a name for passkeys."""
    if method is Method.PASSKEY:
        return can_be_made_for(urlsplit(settings.BASE_URL).hostname or "")
    kind = _CHANNEL.get(method)
    return kind is None or available(kind)


def _devices_of(user_id: int) -> list[Device]:
    """Apps, passkeys and recovery codes in one question."""
    apps = Authenticator.objects.filter(Q(confirmed_at__isnull=False) | Q(removed_at__isnull=False))
    codes = RecoveryCode.objects.filter(confirmed_at__isnull=False)
    kinds = (
        (Proof.AUTHENTICATOR, apps, "removed_at"),
        (Proof.PASSKEY, Passkey.objects.all(), "removed_at"),
        (Proof.RECOVERY_CODE, codes, "spent_at"),
    )
    parts = [
        rows.filter(user_id=user_id)
        .annotate(proof=Value(proof.value), since=F("confirmed_at"), gone_at=F(gone))
        .values_list("proof", "pk", "since", "gone_at")
        for proof, rows, gone in kinds
    ]
    found = parts[0].union(*parts[1:], all=True)
    return [Device(Proof(proof), pk, since, gone_at) for proof, pk, since, gone_at in found]


def _thing(proof: str, row: AuthenticationMethod | Prefill, entered_at: datetime | None) -> Held:
    """What was entered is as old as the oldest of it, which is all that lists can ask for."""
    verified = isinstance(row, AuthenticationMethod)
    since = row.since if isinstance(row, AuthenticationMethod) else entered_at
    return Held(proof=Proof(proof), textable=row.textable, since=since, verified=verified)


def _codes(kept: Kept) -> list[Held]:
    """The set of recovery codes, if there is any of it left."""
    saved = [code.since for code in kept.there(Proof.RECOVERY_CODE) if code.since]
    return [Held(proof=Proof.RECOVERY_CODE, since=min(saved))] if saved else []
