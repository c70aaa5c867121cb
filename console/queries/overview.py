"""How an organisation is doing, on the first page of its administration."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery.models import Outgoing
from directory.models import DirectoryConnection, User
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
    """Attempts of the last seven days by people who could reset."""

    succeeded: int
    failed: int

    @property
    def rate(self) -> int | None:
        """Per cent that succeeded; None if there was no attempt."""
        tried = self.succeeded + self.failed
        return round(100 * self.succeeded / tried) if tried else None


@dataclass(frozen=True, slots=True)
class RegistrationCoverage:
    """How many of the people in scope could reset their password now.

    Args:
        registered: of those in scope, who verified a method.
        entered: who verified none, but have contact data that an administrator entered.
    """

    able: int
    in_scope: int
    registered: int
    entered: int

    @property
    def nothing(self) -> int:
        """People with neither."""
        return self.in_scope - self.registered - self.entered

    @property
    def percent(self) -> int | None:
        return round(100 * self.able / self.in_scope) if self.in_scope else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many messages of one kind were sent in the last seven days, and how many failed."""

    kind: str
    left: int
    failed: int


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One thing to do before users are let in. Computed, never ticked by hand."""

    name: str
    done: bool


def reach() -> RegistrationCoverage:
    policy = policy_in_force()
    people = people_alike(User.objects.filter(in_scope_of(policy)), Judge(policy))
    groups = [some for some in people if some.key.enabled]
    return RegistrationCoverage(
        able=sum(some.count for some in groups if some.able[0]),
        in_scope=sum(some.count for some in groups),
        registered=sum(some.count for some in groups if some.registered),
        entered=sum(some.count for some in groups if some.admin_entered_only),
    )


def resets_of_the_week() -> Resets:
    """Attempts that a known user began; those that the user cancelled don't count."""
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
    """The first steps, in order."""
    policy, default = policy_in_force(), Policy()
    happened = Event.objects.filter
    succeeded = ResetAttempt.objects.filter(outcome=AttemptOutcome.SUCCEEDED)
    has_helpdesk = policy.contact in {Contact.ADDRESS, Contact.URL} or (
        policy.contact is Contact.MAIL and User.objects.filter(role=Role.HELPDESK).exists()
    )
    # They differ from the default, or they were changed and changed back.
    decided_methods = any(getattr(policy, name) != getattr(default, name) for name in _METHODS) or (
        happened(activity=Activity.POLICY_CHANGED, details__setting__in=_METHODS).exists()
    )
    has_people = User.objects.filter(role=Role.NONE).exists()
    rows = DirectoryConnection.objects.filter(enabled=True)
    tested = list(rows.values_list("tested_at", flat=True))
    steps = [
        FirstStep("mfa", done=True),
        FirstStep("directory", done=bool(tested) and all(tested)),
        FirstStep("people", done=has_people),
        FirstStep("methods", done=decided_methods),
        FirstStep("helpdesk", done=has_helpdesk),
        FirstStep("delivery", done=happened(activity=Activity.TEST_SENT).exists()),
        FirstStep("pilot", done=policy.self_service is not Scope.NONE),
        FirstStep("test", done=succeeded.exists()),
        FirstStep("everyone", done=policy.self_service is Scope.ALL),
    ]
    # Passwords are kept here where people were entered without a directory.
    needs_none = has_people and not tested
    return [step for step in steps if not (needs_none and step.name == "directory")]
