"""How an organisation is doing, on the first page of its administration."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery.models import Outgoing
from directory.models import User
from reset.models import AttemptOutcome, ResetAttempt
from reset.queries.eligibility import Judge, in_scope_of, people_alike
from reset.refusals import Refusal
from reset.rules import LIFETIME
from tenants.policy import Contact, Policy, Scope
from tenants.queries import policy_in_force
from tenants.roles import Role

_WEEK = timedelta(days=7)
_NOT_IN_SCOPE = [Refusal.NOT_ENABLED, Refusal.MANAGED_ELSEWHERE, Refusal.NOT_VERIFIABLE]
_METHODS = ("reset_methods", "methods_required")
State = Outgoing.State


@dataclass(frozen=True, slots=True)
class Resets:
    """Attempts of the last seven days by people who could have got through."""

    succeeded: int
    failed: int

    @property
    def rate(self) -> int | None:
        """Per cent that came to a good end; None where nobody tried."""
        tried = self.succeeded + self.failed
        return round(100 * self.succeeded / tried) if tried else None


@dataclass(frozen=True, slots=True)
class Reach:
    """How many of the people in scope could reset their password now, and by whose doing.

    Args:
        registered: of those in scope, who verified something themselves.
        entered: who verified nothing, but an administrator entered contact data of them.
    """

    able: int
    in_scope: int
    registered: int
    entered: int

    @property
    def nothing(self) -> int:
        """People with no security info, neither registered nor entered."""
        return self.in_scope - self.registered - self.entered

    @property
    def percent(self) -> int | None:
        return round(100 * self.able / self.in_scope) if self.in_scope else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the messages of the last seven days, of one kind."""

    kind: str
    left: int
    failed: int


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One thing to do before people are let in. Computed, never ticked by hand."""

    name: str
    done: bool


def reach() -> Reach:
    policy = policy_in_force()
    people = people_alike(User.objects.filter(in_scope_of(policy)), Judge(policy))
    groups = [some for some in people if some.key.enabled]
    return Reach(
        able=sum(some.count for some in groups if some.able[0]),
        in_scope=sum(some.count for some in groups),
        registered=sum(some.count for some in groups if some.registered),
        entered=sum(some.count for some in groups if some.entered_only),
    )


def resets_of_the_week() -> Resets:
    """Source: reference, "Charts": succeeded of those who passed identify; cancelled ones apart."""
    now = timezone.now()
    begun = ResetAttempt.objects.filter(started_at__gte=now - _WEEK).exclude(user_id=None)
    ended = Q(outcome__in=[AttemptOutcome.FAILED, AttemptOutcome.BLOCKED])
    abandoned = Q(outcome=AttemptOutcome.RUNNING, started_at__lt=now - LIFETIME)
    counted = begun.aggregate(
        succeeded=Count("pk", filter=Q(outcome=AttemptOutcome.SUCCEEDED)),
        failed=Count("pk", filter=(ended | abandoned) & ~Q(refused__in=_NOT_IN_SCOPE)),
    )
    return Resets(**counted)


def deliveries_of_the_week() -> list[Delivered]:
    sent = Outgoing.objects.filter(created_at__gte=timezone.now() - _WEEK)
    rows = sent.values("kind").annotate(
        left=Count("pk", filter=Q(state__in=[State.SENT, State.DELIVERED])),
        failed=Count("pk", filter=Q(state__in=[State.FAILED, State.EXPIRED])),
    )
    return [Delivered(row["kind"], row["left"], row["failed"]) for row in rows.order_by("kind")]


def first_steps() -> list[FirstStep]:
    """What to do first, in order."""
    policy = policy_in_force()
    people = User.objects.filter(role=Role.NONE)
    return [
        FirstStep("mfa", done=True),
        FirstStep("people", done=people.exists()),
        FirstStep("methods", done=_methods_are_decided(policy)),
        FirstStep("helpdesk", done=_says_where_help_is(policy)),
        FirstStep("delivery", done=Event.objects.filter(activity=Activity.TEST_SENT).exists()),
        FirstStep("pilot", done=policy.self_service is not Scope.NONE),
        FirstStep("test", done=_somebody_got_through()),
        FirstStep("everyone", done=policy.self_service is Scope.ALL),
    ]


def _methods_are_decided(policy: Policy) -> bool:
    """Whether they differ from what comes with the service, or were changed and changed back."""
    if any(getattr(policy, name) != getattr(Policy(), name) for name in _METHODS):
        return True
    changes = Event.objects.filter(activity=Activity.POLICY_CHANGED)
    return changes.filter(details__setting__in=_METHODS).exists()


def _somebody_got_through() -> bool:
    return ResetAttempt.objects.filter(outcome=AttemptOutcome.SUCCEEDED).exists()


def _says_where_help_is(policy: Policy) -> bool:
    if policy.contact in {Contact.ADDRESS, Contact.URL}:
        return True
    return policy.contact is Contact.MAIL and User.objects.filter(role=Role.HELPDESK).exists()
