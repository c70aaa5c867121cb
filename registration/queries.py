"""What a user has registered, as the wizard and the manage page show it."""

from dataclasses import dataclass
from datetime import datetime

from directory.models import User
from directory.queries import in_scope, prefilled, prefilled_value
from registration.rules import Row, Status, kinds_to_register, missing
from tenants.policy import Method, Policy, Proof, for_administrators
from tenants.queries import policy_in_force
from tenants.roles import Role
from verification.queries import holdings_of, methods_by_proof, value_of
from verification.rules.masking import mask
from verification.rules.ways import Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One kind of security info that the user proved."""

    proof: Proof
    masked: str
    verified_at: datetime
    last_used_at: datetime | None


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
        return max(0, self.required - len(self.counted))

    def row(self, proof: Proof) -> Row | None:
        return next((row for row in self.rows if row.proof is proof), None)


def policy_for(user: User) -> Policy:
    """The policy in force as it is for this user: stricter for administrators."""
    policy = policy_in_force()
    if Role(user.role).is_administrator:
        return for_administrators(policy) or policy
    return policy


def overview_of(user: User) -> Overview:
    """What is registered, what an administrator entered, and what is missing."""
    policy = policy_for(user)
    proved, entered = methods_by_proof(user.pk), prefilled(user.pk)
    usable = {way.method.proof for way in holdings_of(user.pk, policy).ways(policy.methods)}
    rows = []
    for proof in kinds_to_register(policy):
        if proof in proved:
            value = value_of(proved[proof]) if proof is not Proof.QUESTIONS else ""
            status = Status.READY
        elif proof in entered:
            value, status = prefilled_value(entered[proof]), Status.CONFIRM
        else:
            value, status = "", Status.MISSING
        masked = mask(value) if value else ""
        rows.append(Row(proof, status, masked, counts=proof in usable))
    return Overview(
        in_scope=in_scope(user.pk, policy),
        required=policy.methods_required,
        rows=tuple(rows),
    )


def registered(user: User) -> list[Registered]:
    """All that the user proved, in the order in which methods are offered."""
    order = list(Proof)
    found = [
        Registered(
            proof=proof,
            masked="" if proof is Proof.QUESTIONS else mask(value_of(row)),
            verified_at=row.verified_at,
            last_used_at=row.last_used_at,
        )
        for proof, row in methods_by_proof(user.pk).items()
    ]
    return sorted(found, key=lambda kind: order.index(kind.proof))


def ways_to_prove(user: User) -> list[Way]:
    """How the user can prove, now, that it isn't only their password that is here.

    Answers to questions are no proof for changing proofs.
    """
    holdings = holdings_of(user.pk, policy_in_force(), proved_only=True)
    return holdings.ways(frozenset(Method) - {Method.QUESTIONS, Method.AUTHENTICATOR})


def is_complete(user: User) -> bool:
    """Whether the user could reset their password now, or need not be able to."""
    overview = overview_of(user)
    return not overview.in_scope or missing(policy_for(user), overview.counted) == 0


def is_entered_textable(user: User, proof: Proof) -> bool:
    """Whether the number that an administrator entered can get texts."""
    row = prefilled(user.pk).get(proof)
    return row is not None and row.textable
