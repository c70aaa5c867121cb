"""What a user has registered, as the wizard and the manage page show it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event
from delivery.channels import available
from directory.models import User
from directory.queries import in_scope, prefilled, prefilled_value
from registration.rules import (
    RECENT,
    Demand,
    Row,
    Status,
    demand,
    kinds_to_register,
    missing,
)
from tenants.policy import Method, Policy, Proof, for_administrators
from tenants.queries import policy_in_force
from tenants.roles import Role
from verification.queries import authenticators_of, holdings_of, methods_by_proof, value_of
from verification.rules.masking import mask
from verification.rules.ways import Way

_SHOWN = 10
RESET_BEGUN = "identified"
"""The reason under which the beginning of a reset is written down."""
TOLD_OF_FAILURES = frozenset(
    {Activity.SIGN_IN_FAILED, Activity.CALL_DENIED, Activity.RESET_BLOCKED}
)
TOLD = TOLD_OF_FAILURES | {
    Activity.SIGNED_IN,
    Activity.PASSWORD_RESET,
    Activity.PASSWORD_CHANGED,
    Activity.ACCOUNT_UNLOCKED,
    Activity.ADMIN_CONTACTED,
    Activity.METHOD_REGISTERED,
    Activity.METHOD_CHANGED,
    Activity.METHOD_DELETED,
    Activity.BLOCK_CLEARED,
    Activity.REGISTRATION_REQUIRED,
    Activity.SIGNED_OUT_BY_ADMIN,
    Activity.TEMPORARY_PASSWORD,
    Activity.USER_ENABLED,
    Activity.CONTACT_ENTERED,
    Activity.CONTACT_SHOWN,
    Activity.ROLE_CHANGED,
    Activity.SECOND_FACTOR_REMOVED,
    Activity.SELF_SERVICE_FROZEN,
    Activity.SELF_SERVICE_UNFROZEN,
}
"""What a user is told of the history of their account. The rest is about how it works inside."""
_CHANNELS = {
    Method.EMAIL: "email",
    Method.MOBILE_TEXT: "text",
    Method.MOBILE_CALL: "call",
    Method.OFFICE_CALL: "call",
}


_NOTHING_SENT = {Proof.QUESTIONS, Proof.AUTHENTICATOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One thing that the user proved to hold. `key` tells it from others of its kind."""

    proof: Proof
    key: str
    masked: str
    name: str = ""
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
    waiting = holdings_of(user.pk, _policy_for(user), at=timezone.now()).waiting
    rows = []
    for proof in kinds_to_register(asked.methods):
        is_open = proof in _NOTHING_SENT or bool(ways_to_register(user, proof))
        if not is_open and proof not in proved:
            continue
        if proof is Proof.AUTHENTICATOR:
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
        rows.append(
            Row(
                proof=proof,
                status=status,
                masked=masked,
                counts=counts,
                counts_from=waiting.get(proof),
                is_open=is_open,
            )
        )
    return Overview(
        in_scope=in_scope(user.pk, policy),
        required=asked.required,
        rows=tuple(rows),
    )


def _policy_for(user: User) -> Policy:
    policy = policy_in_force()
    if Role(user.role).is_administrator:
        return for_administrators(policy) or policy
    return policy


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
    return sorted(found, key=lambda kind: order.index(kind.proof))


def newest_events(user: User, now: datetime) -> list[Event]:
    """What happened to the user's account lately, as far as it means something to them."""
    happened = Event.objects.filter(subject_id=user.pk, at__gte=now - RECENT)
    done = Q(activity__in=TOLD - TOLD_OF_FAILURES, outcome=Outcome.SUCCESS)
    tried = Q(activity__in=TOLD_OF_FAILURES) | Q(
        activity=Activity.RESET_PROGRESS, reason=RESET_BEGUN
    )
    return list(happened.filter(done | tried).order_by("-at", "-id")[:_SHOWN])


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
    return bool(methods_by_proof(user.pk)) or authenticators_of(user.pk).exists()


def is_complete(user: User) -> bool:
    """Whether the user could reset their password now, or need not be able to."""
    overview = overview_of(user)
    return not overview.in_scope or not overview.missing
