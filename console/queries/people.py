"""People as the admin lists them: a page at a time, by name, and how many they are."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event
from console.queries import first_page
from console.rules import PersonState, person_state, support_code
from directory.factors import ANY_ENTERED, REGISTERED, VERIFIED
from directory.models import User
from directory.queries import different_keys, holds_any, with_keys
from directory.rules import canonical_upn
from reset.models import AttemptOutcome, ResetAttempt
from reset.queries.attempts import policy_for
from reset.queries.eligibility import (
    Judge,
    capable_among,
    in_scope_of,
    people_alike,
    usable_factors,
)
from reset.refusals import Refusal
from tenants.policy import Factor, Policy
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Role
from typed.rules import folded
from verification.services.guesses import throttled_among

COUNTED_EXACTLY = 10_000
_TO_REGISTER = {PersonState.CAPABLE, PersonState.BLOCKED}
_LONGEST_PAUSE = timedelta(hours=1)
_GUESSES = (Activity.RESET_PROGRESS, Activity.IDENTITY_PROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which people to list. Empty fields narrow nothing."""

    search: str = ""
    state: PersonState | None = None
    method: Factor | None = None
    role: Role | None = None
    language: str = ""
    unconfirmed: bool = False
    """Only people who never confirmed the contact data that an administrator entered."""
    after: str = ""
    """User principal name of the last person of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the list."""

    pk: int
    upn: str
    name: str
    role: Role
    state: PersonState
    to_register: bool
    """Whether the person verified nothing yet, which the state doesn't show."""
    until: datetime | None
    methods: tuple[Factor, ...]
    last_reset_at: datetime | None


def people(wanted: Wanted) -> tuple[list[Listed], str]:
    """One page, and the name after which the next one begins; empty at the end."""
    policy, order = policy_in_force(), list(Factor).index
    users, last = first_page(_matching(wanted, policy).filter(upn__gt=wanted.after).order_by("upn"))
    ids = [user.pk for user in users]
    throttled, resets = throttled_among(ids), _last_resets(ids)
    scope = User.objects.filter(in_scope_of(policy), pk__in=ids)
    in_scope = set(scope.values_list("pk", flat=True))
    capable = capable_among(users, policy, in_scope)
    listed = []
    for user in users:
        registered = bool(user.factors & REGISTERED)
        state = person_state(
            enabled=user.enabled,
            frozen=user.frozen_at is not None,
            in_scope=user.pk in in_scope,
            throttled=user.pk in throttled,
            capable=user.pk in capable,
            registered=registered,
        )
        listed.append(
            Listed(
                pk=user.pk,
                upn=user.upn,
                name=user.display_name,
                role=Role(user.role),
                state=state,
                to_register=state in _TO_REGISTER and not registered,
                until=throttled[user.pk] if state is PersonState.BLOCKED else None,
                methods=tuple(sorted(usable_factors(user, policy_for(user)), key=order)),
                last_reset_at=resets.get(user.pk),
            )
        )
    return listed, last.upn if last else ""


def how_many(wanted: Wanted) -> tuple[int, bool]:
    """How many people all pages of a list have together.

    Returns:
        The number, and whether it is exact. Above `COUNTED_EXACTLY` it is rounded to two digits:
        such a list changes while it is read.
    """
    policy = policy_in_force()
    if wanted.state in {PersonState.CAPABLE, PersonState.PARTIAL}:
        # As on the overview: counted by their methods, not one by one.
        users = _matching(replace(wanted, state=None), policy).filter(_may_try(policy))
        alike = [some for some in people_alike(users, Judge(policy)) if some.key.is_active]
        if wanted.state is PersonState.CAPABLE:
            number = sum(some.count for some in alike if some.able[0])
        else:
            number = sum(some.count for some in alike if some.registered and not some.able[0])
    else:
        number = _matching(wanted, policy).count()
    if number <= COUNTED_EXACTLY:
        return number, True
    step = 10 ** (len(str(number)) - 2)
    return round(number / step) * step, False


def matching_ids(wanted: Wanted) -> list[int]:
    """Ids of everyone who matches, of all pages, in order."""
    rows = _matching(wanted, policy_in_force()).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def attempt_called(code: str) -> ResetAttempt | None:
    """A user's reset attempt with this support code, typed as users type it."""
    if not (plain := support_code(code)):
        return None
    return ResetAttempt.objects.filter(support_code=plain).exclude(user_id=None).first()


def last_reset_at(user_id: int) -> datetime | None:
    return _last_resets([user_id]).get(user_id)


def _matching(wanted: Wanted, policy: Policy) -> QuerySet[User]:
    """All people who match, of all pages, in no order."""
    found = User.objects.all()
    if (attempt := attempt_called(wanted.search)) is not None:
        found = found.filter(pk=attempt.user_id or 0)
    elif wanted.search:
        name = Q(folded_name__contains=folded(wanted.search))
        found = found.filter(Q(upn__startswith=canonical_upn(wanted.search)) | name)
    if wanted.state is not None:
        found = found.filter(_in_state(wanted.state, policy))
    if wanted.method is not None:
        found = found.filter(holds_any(VERIFIED[wanted.method]))
    if wanted.role is not None:
        found = found.filter(role=wanted.role)
    if wanted.language:
        # Without a choice of their own, users get mail in the organisation's language.
        is_default = wanted.language == tenant_in_force().language
        wanted_languages = [wanted.language, *([""] if is_default else ())]
        found = found.filter(
            Q(own_language=wanted.language) | Q(own_language="", language__in=wanted_languages)
        )
    if wanted.unconfirmed:
        found = found.filter(holds_any(ANY_ENTERED))
    return found


def _in_state(wanted: PersonState, policy: Policy) -> Q:
    if wanted is PersonState.DISABLED:
        return Q(enabled=False)
    if wanted is PersonState.FROZEN:
        return Q(enabled=True, frozen_at__isnull=False)
    in_scope = in_scope_of(policy)
    if wanted is PersonState.BLOCKED:
        return Q(enabled=True, frozen_at=None, pk__in=_blocked()) & in_scope
    keys = different_keys()
    active = [key for key in keys if key.is_active]
    if wanted is PersonState.OUT:
        return with_keys(active) & ~in_scope
    if wanted is PersonState.NONE:
        # Also users whose contact data an administrator entered.
        return with_keys(key for key in active if not key.factors & REGISTERED) & in_scope
    able = Judge(policy).condition(keys)
    registered = with_keys(key for key in active if key.factors & REGISTERED)
    return _may_try(policy) & (able if wanted is PersonState.CAPABLE else registered & ~able)


def _may_try(policy: Policy) -> Q:
    """Users in scope whose guessing isn't throttled."""
    return in_scope_of(policy) & ~Q(pk__in=_blocked())


def _blocked() -> list[int]:
    """Users whose guessing is throttled now.

    A counter doesn't say whose it is. So the counters are read of all users with a wrong guess
    within the longest pause, and of those whose attempt was refused for a pause that isn't over.
    """
    now = timezone.now()
    wrong = Event.objects.filter(
        at__gte=now - _LONGEST_PAUSE, activity__in=_GUESSES, outcome=Outcome.FAILURE
    )
    refused = ResetAttempt.objects.filter(
        Q(blocked_until__gt=now) | Q(blocked_until=None), refused=Refusal.TOO_MANY
    )
    ids = {*wrong.values_list("subject_id", flat=True).distinct()}
    ids |= {*refused.values_list("user_id", flat=True).distinct()}
    return list(throttled_among(user_id for user_id in ids if user_id is not None))


def _last_resets(ids: Collection[int]) -> dict[int, datetime]:
    done = ResetAttempt.objects.filter(user_id__in=ids, outcome=AttemptOutcome.SUCCEEDED)
    rows = done.values("user_id").annotate(at=Max("finished_at"))
    return {row["user_id"]: row["at"] for row in rows}
