"""People as the admin lists them: fifty at a time, by name, counted as far as it is cheap."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event
from console.queries.paging import first_page
from console.rules import State, state, support_code
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
    usable_proofs,
)
from reset.refusals import Refusal
from tenants.policy import Factor, Policy
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Role
from typed.rules import folded
from verification.services.guesses import throttled_among

COUNTED_EXACTLY = 10_000
_TO_REGISTER = {State.CAPABLE, State.BLOCKED}
_LONGEST_PAUSE = timedelta(hours=1)
_GUESSES = (Activity.RESET_PROGRESS, Activity.IDENTITY_PROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which people to list. What is empty narrows nothing."""

    search: str = ""
    state: State | None = None
    method: Factor | None = None
    role: Role | None = None
    language: str = ""
    unconfirmed: bool = False
    """Only who has contact data of an administrator that they never confirmed."""
    after: str = ""
    """User principal name of the last one of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the list."""

    pk: int
    upn: str
    name: str
    role: Role
    state: State
    to_register: bool
    """Whether the person has verified nothing yet, though the state doesn't say so."""
    until: datetime | None
    methods: tuple[Factor, ...]
    last_reset_at: datetime | None


def people(wanted: Wanted) -> tuple[list[Listed], str]:
    """One page, and the name after which the next one begins; empty at the end."""
    policy = policy_in_force()
    found = _found(wanted, policy).filter(upn__gt=wanted.after)
    users, last = first_page(found.order_by("upn"))
    return _listed(users, policy), last.upn if last else ""


def how_many(wanted: Wanted) -> tuple[int, bool]:
    """How many people all pages of a list show together.

    Returns:
        The number, and whether it is exact. Above `COUNTED_EXACTLY` it has two digits that count:
        such a list changes while it is read.
    """
    number = _number(wanted, policy_in_force())
    if number <= COUNTED_EXACTLY:
        return number, True
    step = 10 ** (len(str(number)) - 2)
    return round(number / step) * step, False


def person_of(person_id: int) -> User | None:
    return User.objects.filter(pk=person_id).first()


def people_of(person_ids: Collection[int]) -> list[User]:
    """Those of these people who belong to the tenant in force."""
    return list(User.objects.filter(pk__in=person_ids).order_by("upn"))


def attempt_called(code: str) -> ResetAttempt | None:
    """Somebody's reset attempt with this support code, typed as people type it."""
    if not (plain := support_code(code)):
        return None
    return ResetAttempt.objects.filter(support_code=plain).exclude(user_id=None).first()


def last_reset_at(user_id: int) -> datetime | None:
    return _last_resets([user_id]).get(user_id)


def _found(wanted: Wanted, policy: Policy) -> QuerySet[User]:
    """Everybody who is wanted, in no order, whichever page is asked for."""
    found = _searched(User.objects.all(), wanted.search)
    if wanted.state is not None:
        found = found.filter(_in_state(wanted.state, policy))
    if wanted.method is not None:
        found = found.filter(holds_any(VERIFIED[wanted.method]))
    if wanted.role is not None:
        found = found.filter(role=wanted.role)
    if wanted.language:
        found = found.filter(_speaking(wanted.language))
    if wanted.unconfirmed:
        found = found.filter(holds_any(ANY_ENTERED))
    return found


def _number(wanted: Wanted, policy: Policy) -> int:
    if wanted.state not in {State.CAPABLE, State.PARTIAL}:
        return _found(wanted, policy).count()
    # As on the overview: counted by what people hold, not looked at one by one.
    everyone = _found(replace(wanted, state=None), policy)
    alike = people_alike(everyone.filter(_may_try(policy)), Judge(policy))
    return sum(
        some.count
        for some in alike
        if some.key.is_active
        and (
            some.able[0] if wanted.state is State.CAPABLE else some.registered and not some.able[0]
        )
    )


def _searched(found: QuerySet[User], search: str) -> QuerySet[User]:
    if not search:
        return found
    if (attempt := attempt_called(search)) is not None:
        return found.filter(pk=attempt.user_id or 0)
    upn = canonical_upn(search)
    return found.filter(Q(upn__startswith=upn) | Q(folded_name__contains=folded(search)))


def _in_state(wanted: State, policy: Policy) -> Q:
    if wanted is State.DISABLED:
        return Q(enabled=False)
    if wanted is State.FROZEN:
        return Q(enabled=True, frozen_at__isnull=False)
    in_scope = in_scope_of(policy)
    if wanted is State.BLOCKED:
        return Q(enabled=True, frozen_at=None, pk__in=_blocked()) & in_scope
    keys = different_keys()
    active = [key for key in keys if key.is_active]
    if wanted is State.OUT:
        return with_keys(active) & ~in_scope
    if wanted is State.NONE:
        # Whatever administrators entered: these are still to register.
        return with_keys(key for key in active if not key.factors & REGISTERED) & in_scope
    able = Judge(policy).condition(keys)
    registered = with_keys(key for key in active if key.factors & REGISTERED)
    return _may_try(policy) & (able if wanted is State.CAPABLE else registered & ~able)


def _may_try(policy: Policy) -> Q:
    """Users in scope whose guessing isn't paused."""
    return in_scope_of(policy) & ~Q(pk__in=_blocked())


def _blocked() -> list[int]:
    """Whose guessing is paused now.

    A counter doesn't know whose it is. So it is asked about whoever was wrong lately enough for a
    pause, and whoever was refused because of one that isn't over or has no end.
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


def _speaking(language: str) -> Q:
    """Who is written to in this language; whoever has none is in the organisation's."""
    theirs = Q(language=language)
    return theirs | Q(language="") if language == tenant_in_force().language else theirs


def _listed(users: list[User], policy: Policy) -> list[Listed]:
    ids = [user.pk for user in users]
    throttled, resets, usable = throttled_among(ids), _last_resets(ids), _usable(users)
    scope = User.objects.filter(in_scope_of(policy), pk__in=ids)
    in_scope = set(scope.values_list("pk", flat=True))
    capable = capable_among(users, policy, in_scope)
    registered = {user.pk for user in users if user.factors & REGISTERED}
    states = {
        user.pk: state(
            enabled=user.enabled,
            frozen=user.frozen_at is not None,
            in_scope=user.pk in in_scope,
            throttled=user.pk in throttled,
            capable=user.pk in capable,
            registered=user.pk in registered,
        )
        for user in users
    }
    return [
        Listed(
            pk=user.pk,
            upn=user.upn,
            name=user.display_name,
            role=Role(user.role),
            state=states[user.pk],
            to_register=states[user.pk] in _TO_REGISTER and user.pk not in registered,
            until=throttled[user.pk] if states[user.pk] is State.BLOCKED else None,
            methods=usable[user.pk],
            last_reset_at=resets.get(user.pk),
        )
        for user in users
    ]


def _usable(users: list[User]) -> dict[int, tuple[Factor, ...]]:
    """What the portal would offer each of these people now."""
    order = list(Factor).index
    return {
        user.pk: tuple(sorted(usable_proofs(user, policy_for(user)), key=order)) for user in users
    }


def _last_resets(ids: Collection[int]) -> dict[int, datetime]:
    done = ResetAttempt.objects.filter(user_id__in=ids, outcome=AttemptOutcome.SUCCEEDED)
    rows = done.values("user_id").annotate(at=Max("finished_at"))
    return {row["user_id"]: row["at"] for row in rows}
