"""What a user has registered, as the wizard and the manage page show it."""

from dataclasses import dataclass
from datetime import datetime

from delivery.channels import available
from directory.models import User
from directory.queries import in_scope, prefilled, prefilled_value
from registration.rules import Demand, Row, Status, demand, kinds_to_register, missing
from tenants.policy import Method, Proof
from tenants.queries import policy_in_force
from tenants.roles import Role
from verification.queries import (
    authenticators_of,
    codes_left,
    holdings_of,
    methods_by_proof,
    recovery_set_of,
    value_of,
)
from verification.rules.masking import mask
from verification.rules.ways import Way

_CHANNELS = {
    Method.EMAIL: "email",
    Method.MOBILE_TEXT: "text",
    Method.MOBILE_CALL: "call",
    Method.OFFICE_CALL: "call",
}


_NOTHING_SENT = {Proof.QUESTIONS, Proof.AUTHENTICATOR, Proof.RECOVERY_CODE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One thing that the user proved to hold. `key` tells it from others of its kind."""

    proof: Proof
    key: str
    masked: str
    name: str = ""
    verified_at: datetime
    last_used_at: datetime | None
    left: int | None = None
    """Of a set of recovery codes: how many weren't used yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Where a user stands: every kind of security info, and how many are still missing."""

    in_scope: bool
    required: int
    rows: tuple[Row, ...]

    @property
    def counted(self) -> frozenset[Proof]:
        return frozenset(row.proof for row in self.rows if row.counts)

    @property
    def done(self) -> int:
        return min(self.required, len(self.counted))

    @property
    def missing(self) -> int:
        return missing(self.required, self.counted)

    def row(self, proof: Proof) -> Row | None:
        return next((row for row in self.rows if row.proof is proof), None)


def demand_on(user: User) -> Demand:
    """What the policy in force asks of this user: more of administrators."""
    return demand(policy_in_force(), is_administrator=Role(user.role).is_administrator)


def ways_to_register(user: User, proof: Proof) -> list[Method]:
    """How a phone or address of this kind can be verified: allowed, and deliverable here."""
    return [
        method
        for method in Method
        if method.proof is proof
        and method in demand_on(user).methods
        and method in _CHANNELS
        and available(_CHANNELS[method])
    ]


def ways_to_confirm(user: User, proof: Proof) -> list[Method]:
    """How a phone or address that an administrator entered can be verified."""
    row = prefilled(user.pk).get(proof)
    if row is None:
        return []
    ways = ways_to_register(user, proof)
    return [method for method in ways if row.textable or method is not Method.MOBILE_TEXT]


def overview_of(user: User) -> Overview:
    """What is registered, what an administrator entered, and what is missing."""
    policy, asked = policy_in_force(), demand_on(user)
    proved, entered = methods_by_proof(user.pk), prefilled(user.pk)
    usable = {way.method.proof for way in holdings_of(user.pk, policy).ways(asked.methods)}
    rows = []
    for proof in kinds_to_register(asked.methods):
        is_open = proof in _NOTHING_SENT or bool(ways_to_register(user, proof))
        if proof is Proof.RECOVERY_CODE and not holds_another(user):
            is_open = False
        if not is_open and proof not in proved and proof not in usable:
            continue
        if proof in {Proof.AUTHENTICATOR, Proof.RECOVERY_CODE}:
            value, status = "", Status.READY if proof in usable else Status.MISSING
        elif proof in proved:
            value = value_of(proved[proof]) if proof is not Proof.QUESTIONS else ""
            status = Status.READY
        elif proof in entered:
            value, status = prefilled_value(entered[proof]), Status.CONFIRM
        else:
            value, status = "", Status.MISSING
        masked = mask(value) if value else ""
        if proof is Proof.OFFICE_PHONE and status is not Status.CONFIRM:
            is_open = False
        counts = proof in usable
        rows.append(Row(proof=proof, status=status, masked=masked, counts=counts, is_open=is_open))
    return Overview(
        in_scope=in_scope(user.pk, policy),
        required=asked.required,
        rows=tuple(rows),
    )


def registered(user: User) -> list[Registered]:
    """All that the user proved, in the order in which methods are offered."""
    order = list(Proof)
    found = [
        Registered(
            proof=proof,
            key=proof.value,
            masked="" if proof is Proof.QUESTIONS else mask(value_of(row)),
            verified_at=row.verified_at,
            last_used_at=row.last_used_at,
        )
        for proof, row in methods_by_proof(user.pk).items()
    ]
    found += [
        Registered(
            proof=Proof.AUTHENTICATOR,
            key=str(app.pk),
            masked="",
            name=app.name,
            verified_at=app.confirmed_at or app.created_at,
            last_used_at=app.last_used_at,
        )
        for app in authenticators_of(user.pk)
    ]
    if codes := recovery_set_of(user.pk):
        found.append(
            Registered(
                proof=Proof.RECOVERY_CODE,
                key=Proof.RECOVERY_CODE.value,
                masked="",
                verified_at=codes.saved_at,
                last_used_at=codes.last_used_at,
                left=codes.left,
            )
        )
    return sorted(found, key=lambda kind: order.index(kind.proof))


def ways_to_prove(user: User) -> list[Way]:
    """How the user can prove, now, that it isn't only their password that is here.

    Answers to questions do only for who holds nothing better.
    """
    holdings = holdings_of(user.pk, policy_in_force(), proved_only=True)
    if {thing.proof for thing in holdings.held} - {Proof.QUESTIONS}:
        return holdings.ways(frozenset(Method) - {Method.QUESTIONS})
    return holdings.ways(frozenset({Method.QUESTIONS}))


def must_prove(user: User) -> bool:
    """Whether the user holds anything to be proved, deliverable at the moment or not."""
    if methods_by_proof(user.pk) or authenticators_of(user.pk).exists():
        return True
    return codes_left(user.pk) > 0


def holds_another(user: User) -> bool:
    """Whether the user verified anything but recovery codes that a reset could be proved with.

    Codes on paper aren't to be anybody's only proof.
    """
    verified = set(methods_by_proof(user.pk))
    if authenticators_of(user.pk).exists():
        verified.add(Proof.AUTHENTICATOR)
    return bool(verified & {method.proof for method in demand_on(user).methods})


def is_complete(user: User) -> bool:
    """Whether the user could reset their password now, or need not be able to."""
    overview = overview_of(user)
    return not overview.in_scope or not overview.missing
