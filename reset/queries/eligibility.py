"""Who can reset a password: one user as the portal sees them, or all users at once.

There is one rule, `verification.rules.factors.counted`, and it is asked about a factor summary. The
portal works the summary of one person out from their rows. Here it's read from the users' rows,
where the services that change factors write it: GROUP BY finds the few hundred different keys of
an organisation, the rule judges each, and a list holds the users with one of the right ones.

Most people changed nothing within the hold period, so their key decides. One pass over an index
counts everybody by key. Of those who changed something the database reads the rows, too, and counts
them by their times: what is left of the first number are the others.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.lookups import In
from django.utils import timezone

from delivery.services.gate import calls_paused_until
from directory.factors import ANY_ENTERED, REGISTERED, EligibilityKey, FactorSummary
from directory.models import Membership, User
from directory.queries import different_keys, in_scope, summary_on, with_keys
from reset.queries.attempts import eligibility_facts, policy_for
from reset.queries.summary_key import SummaryKey, changed_after, unchanged_since
from reset.refusals import Refusal, refusal_for
from reset.rules import are_enough, gates_missing
from tenants.policy import Factor, Method, Policy, Scope, for_administrators
from tenants.queries.groups import with_inner_groups
from tenants.roles import Role
from verification.queries.deliverable import deliverable
from verification.queries.factors import registered_methods_of
from verification.queries.registered import method_rows_of
from verification.rules.factors import counted
from verification.rules.method_options import MethodOption, methods_of
from verification.services.guesses import throttled_among

_UNCHANGED = -1
"""Stands in place of a summary's number, where the database worked none out."""
NO_USERS = Q(pk__in=[])
ALL_USERS = ~NO_USERS


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetEligibility:
    """What the portal would do now if this person came."""

    refusal: Refusal | None
    throttled: bool
    until: datetime | None
    """When the pause ends by itself, if it does."""
    options: tuple[MethodOption, ...]
    required: int
    missing: int
    is_in_scope: bool
    waiting: dict[Factor, datetime]
    """What is too new to count, and from when it does."""
    calls_paused: dict[Factor, datetime]
    """Phones that the portal offers to call but doesn't call now, and until when.

    A call to such a phone was denied. The pause ends by itself, so lists and figures ignore it.
    """
    enough_from: datetime | None
    """When the first of these pauses is over without which too few methods work; else None."""

    @property
    def usable_now(self) -> tuple[MethodOption, ...]:
        """What the portal offers, without the calls that it would refuse now."""
        return tuple(option for option in self.options if not _is_paused(option, self.calls_paused))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleAlike:
    """People between whom no rule here makes a difference.

    Args:
        count: how many they are.
        numbers: by each of the judges, the number of their summary.
        changed: whether some times of theirs lie within a judge's hold periods.
        able: by each of the judges, whether they would get through the portal's checks, as far as
            they are in the scope of the judge's policy.
        scopes: whether they are in each of the scopes that were to be told apart.
    """

    count: int
    key: EligibilityKey
    numbers: tuple[int, ...]
    changed: bool
    able: tuple[bool, ...]
    scopes: tuple[bool, ...] = ()

    @property
    def registered(self) -> bool:
        return bool(self.key.factors & REGISTERED)

    @property
    def admin_entered_only(self) -> bool:
        """Whether they verified nothing, but an administrator entered contact data of them."""
        return not self.registered and bool(self.key.factors & ANY_ENTERED)


def eligibility_of(user: User) -> ResetEligibility:
    """The portal's own checks, in its own order; nothing is counted or written."""
    policy = policy_for(user)
    throttled = throttled_among([user.pk])
    facts = eligibility_facts(user, method_rows_of(user.pk), policy, throttled=user.pk in throttled)
    decided = policy or Policy()
    registered = registered_methods_of(user.pk, decided, at=timezone.now())
    options = registered.options(decided.methods)
    calls_paused = {
        option.method.factor: until
        for option in options
        if option.method.is_call
        and (until := calls_paused_until(registered.values[option.method.factor]))
    }
    return ResetEligibility(
        refusal=refusal_for(facts),
        throttled=user.pk in throttled,
        until=throttled.get(user.pk),
        options=tuple(options),
        required=decided.methods_required,
        missing=gates_missing(decided, frozenset(option.method for option in options)),
        is_in_scope=in_scope(user.pk, decided),
        waiting=registered.waiting,
        calls_paused=calls_paused,
        enough_from=_enough_from(options, decided, calls_paused),
    )


class Judge:
    """One policy's answers about summaries, each worked out once."""

    def __init__(self, policy: Policy, at: datetime | None = None) -> None:
        stricter = for_administrators(policy) if policy.admin_self_reset else None
        self._policies = {False: policy, True: stricter}
        self._at, self._here = at or timezone.now(), deliverable()
        self._summaries = SummaryKey(policy, self._at)
        self._known: dict[tuple[int, bool], bool] = {}

    @property
    def hold_start(self) -> datetime | None:
        """When the longest hold period began; None where there is none."""
        return self._summaries.hold_start

    @property
    def key(self) -> Combinable:
        """What is the same for people whom this policy doesn't tell apart, as a number."""
        return self._summaries.expression

    def unchanged(self, factors: int) -> int:
        """The key of users with no time within a hold period."""
        return self._summaries.unchanged(factors)

    def is_enough(self, key: int, *, is_admin: bool) -> bool:
        """Whether people with this key hold what gets them through the gates."""
        if (key, is_admin) not in self._known:
            summary = self._summaries.summary(key)
            self._known[key, is_admin] = self.holds_enough(summary, is_admin=is_admin)
        return self._known[key, is_admin]

    def holds_enough(self, summary: FactorSummary, *, is_admin: bool) -> bool:
        policy = self._policies[is_admin]
        if policy is None:
            return False
        return are_enough(_ways(summary, policy, self._at, self._here), policy)

    def condition(
        self, keys: Collection[EligibilityKey] | None = None, numbers: Collection[int] | None = None
    ) -> Q:
        """People who would get through the portal's checks, as far as they are in scope.

        Args:
            keys: all that the people in question have; otherwise it takes a statement to read them.
            numbers: of the summaries of those who changed something within the hold periods;
                likewise.
        """
        keys = different_keys() if keys is None else keys
        unchanged = with_keys(
            key
            for key in keys
            if key.is_open and self.is_enough(self.unchanged(key.factors), is_admin=key.is_admin)
        )
        if self.hold_start is None:
            return unchanged
        changed = changed_after(self.hold_start)
        if numbers is None:
            rows = User.objects.filter(changed).annotate(number=self.key).order_by()
            numbers = set(rows.values_list("number", flat=True).distinct())
        those, admins = (
            with_keys(key for key in keys if key.is_open and key.is_admin is is_admin)
            & _among(self.key, [one for one in numbers if self.is_enough(one, is_admin=is_admin)])
            for is_admin in (False, True)
        )
        return (unchanged_since(self.hold_start) & unchanged) | (changed & (those | admins))


def people_alike(
    people: QuerySet[User], *judges: Judge, scopes: Sequence[Q] = ()
) -> list[PeopleAlike]:
    """Some of the people of the tenant in force, in one statement however many they are.

    Args:
        scopes: conditions by which to tell people apart.
    """
    starts = [judge.hold_start for judge in judges if judge.hold_start]
    apart = {f"scope{n}": _as_boolean(scope) for n, scope in enumerate(scopes)}
    keys = {f"number{n}": judge.key for n, judge in enumerate(judges) if judge.hold_start}
    rows = _counted(people, apart | dict.fromkeys(keys, Value(_UNCHANGED, BigIntegerField())))
    if starts:
        # One statement, and so one look at the table: else a person could count twice, or not.
        changed = people.filter(changed_after(min(starts)))
        rows = rows.union(_counted(changed, apart | keys), all=True)
    unchanged: Counter[tuple[int, tuple[bool, ...]]] = Counter()
    found: list[PeopleAlike] = []
    for row in rows:
        key, inside = EligibilityKey(row["eligibility_key"]), tuple(row[name] for name in apart)
        if all(row[name] == _UNCHANGED for name in keys):
            unchanged[key.value, inside] += row["count"]
            continue
        unchanged[key.value, inside] -= row["count"]
        numbers = [
            row.get(f"number{n}", judge.unchanged(key.factors)) for n, judge in enumerate(judges)
        ]
        found.append(_judged(judges, key, inside, numbers, row["count"], changed=True))
    for (value, inside), number in unchanged.items():
        if number:
            key = EligibilityKey(value)
            numbers = [judge.unchanged(key.factors) for judge in judges]
            found.append(_judged(judges, key, inside, numbers, number, changed=False))
    return found


def _counted(people: QuerySet[User], columns: Mapping[str, Combinable]) -> QuerySet[Any, Any]:
    rows = people.annotate(**columns).order_by().values("eligibility_key", *columns)
    counted_rows: QuerySet[Any, Any] = rows.annotate(count=Count("pk"))
    return counted_rows


def _judged(
    judges: Sequence[Judge],
    key: EligibilityKey,
    scopes: tuple[bool, ...],
    numbers: Sequence[int],
    count: int,
    *,
    changed: bool,
) -> PeopleAlike:
    able = tuple(
        key.is_open and judge.is_enough(number, is_admin=key.is_admin)
        for judge, number in zip(judges, numbers, strict=True)
    )
    return PeopleAlike(
        count=count, key=key, numbers=tuple(numbers), changed=changed, able=able, scopes=scopes
    )


def is_capable(policy: Policy) -> Q:
    """People of the tenant in force who would get through the portal's checks.

    Pauses after wrong guesses are left aside: they end by themselves.
    """
    return in_scope_of(policy) & Judge(policy).condition()


def capable_among(users: Iterable[User], policy: Policy, in_scope: Collection[int]) -> set[int]:
    """The ids of those of these users who would get through, by the same rule.

    Args:
        in_scope: the ids of those whom the policy lets reset.
    """
    judge = Judge(policy)
    return {
        user.pk
        for user in users
        if user.pk in in_scope
        and user.enabled
        and user.frozen_at is None
        and user.has_writable_password
        and judge.holds_enough(summary_on(user), is_admin=Role(user.role).is_administrator)
    }


def usable_factors(user: User, policy: Policy | None) -> frozenset[Factor]:
    """What the portal would offer this user now, by the summary; nothing without a policy."""
    if policy is None:
        return frozenset()
    now, here = timezone.now(), deliverable()
    return frozenset(option.method.factor for option in _ways(summary_on(user), policy, now, here))


def in_scope_of(policy: Policy) -> Q:
    """People whom the policy lets reset. An exclusion wins; nested groups count."""
    if policy.self_service is Scope.NONE:
        return NO_USERS
    # Never an empty condition: negated, it would still match all users.
    scope = ~_in_groups(policy.excluded_groups) if policy.excluded_groups else ALL_USERS
    return scope if policy.self_service is Scope.ALL else scope & _in_groups(policy.groups)


def _enough_from(
    options: Sequence[MethodOption], policy: Policy, calls_paused: Mapping[Factor, datetime]
) -> datetime | None:
    """When enough of the methods work again; None where enough work now, or will never do."""
    for until in (None, *sorted(calls_paused.values())):
        still = {
            factor: end for factor, end in calls_paused.items() if until is None or end > until
        }
        if are_enough([option for option in options if not _is_paused(option, still)], policy):
            return until
    return None


def _is_paused(option: MethodOption, calls_paused: Collection[Factor]) -> bool:
    return option.method.is_call and option.method.factor in calls_paused


def _ways(
    summary: FactorSummary, policy: Policy, at: datetime, here: frozenset[Method]
) -> list[MethodOption]:
    counts = counted(summary, policy, deliverable=here, at=at)
    allowed = policy.methods & here
    return [MethodOption(method) for method in methods_of(counts.held) if method in allowed]


def _as_boolean(condition: Q) -> Case:
    return Case(
        When(condition, then=Value(True)),  # noqa: FBT003  # a column
        default=Value(False),  # noqa: FBT003
        output_field=BooleanField(),
    )


def _among(key: Any, numbers: Sequence[int]) -> Q:
    return Q(In(key, numbers)) if numbers else NO_USERS


def _in_groups(names: Iterable[str]) -> Q:
    groups = with_inner_groups(set(names))
    return Q(Exists(Membership.objects.filter(user_id=OuterRef("pk"), group_id__in=groups)))
