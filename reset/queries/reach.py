"""Who could reset a password: one person as the portal sees them, or everybody at once.

`could_reset` asks the portal's own rules which sets of things are enough, and turns the answer into
SQL, so that a million people are judged without being read. The exception is whoever depends on two
phones that may be one number and verified one of them: numbers are sealed, so these people are
read, many at a time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from directory.models import Membership, User
from directory.prefills import KIND_OF, Kinds
from directory.queries import (
    entered_beside_proof,
    has_prefilled,
    in_scope,
    is_held,
    prefills_of,
)
from reset.queries.attempts import circumstances, policy_for
from reset.refusals import Refusal, why_not
from reset.rules import are_enough, gates_missing
from tenants.policy import Policy, Proof, Scope, for_administrators
from tenants.queries import with_inner_groups
from tenants.roles import Role
from verification.models import AuthenticationMethod, Authenticator, Passkey
from verification.queries import unspent_codes, value_of
from verification.queries.holdings import can_deliver, deliverable, holdings_of
from verification.rules.phones import PHONES, named_again
from verification.rules.quarantine import beginning, is_usable
from verification.rules.ways import Held, Way, methods_of
from verification.services.guesses import paused_among

_ADMINISTRATORS = [role for role in Role if role.is_administrator]
_PHONES = (Proof.MOBILE_PHONE, Proof.OFFICE_PHONE)
_READ_AT_ONCE = 2_000
_TEXTABLE = "textable"
_Kind = Proof | str
"""One thing that can be held. A mobile phone that takes texts is two of them."""


_CONFIRMED: dict[_Kind, Callable[[], QuerySet[Any]]] = {
    Proof.AUTHENTICATOR: lambda: Authenticator.objects.filter(
        confirmed_at__isnull=False, removed_at=None
    ),
    Proof.PASSKEY: lambda: Passkey.objects.filter(removed_at=None),
    Proof.RECOVERY_CODE: unspent_codes,
}
"""What is kept in rows of its own kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the portal would do now if this person came."""

    refusal: Refusal | None
    paused: bool
    until: datetime | None
    """When the pause ends by itself, if it does."""
    ways: tuple[Way, ...]
    required: int
    missing: int
    is_in_scope: bool
    waiting: dict[Proof, datetime]
    """What is too new to count, and from when it does."""


def outlook(user: User) -> Outlook:
    """The portal's own checks, in its own order; nothing is counted or written."""
    policy = policy_for(user)
    pauses = paused_among([user.pk])
    found = circumstances(user, policy, paused=user.pk in pauses)
    decided = policy or Policy()
    holdings = holdings_of(user.pk, decided, at=timezone.now())
    ways = holdings.ways(decided.methods)
    return Outlook(
        refusal=why_not(found),
        paused=user.pk in pauses,
        until=pauses.get(user.pk),
        ways=tuple(ways),
        required=decided.methods_required,
        missing=gates_missing(decided, frozenset(way.method for way in ways)),
        is_in_scope=in_scope(user.pk, decided),
        waiting=holdings.waiting,
    )


def could_reset(policy: Policy, *, among: Collection[int] | None = None) -> Q:
    """People of the tenant in force who would get through the portal's checks.

    Pauses after wrong guesses are left aside: they end by themselves.

    Args:
        among: ids of the only people that are asked about, say those on a page. Without it
            everybody is judged: some seconds for every 100,000 whom two phones decide about.
    """
    people = Q(enabled=True, frozen_at=None, connector="builtin") & in_scope_of(policy)
    if among is not None:
        people &= Q(pk__in=among)
    able = _hold_enough(people & ~Q(role__in=_ADMINISTRATORS), policy)
    stricter = for_administrators(policy) if policy.admin_self_reset else None
    if stricter is not None:
        able |= _hold_enough(people & Q(role__in=_ADMINISTRATORS), stricter)
    return able


def in_scope_of(policy: Policy) -> Q:
    """People whom the policy lets reset. An exclusion wins; nested groups count."""
    if policy.self_service is Scope.NONE:
        return Q(pk__in=[])
    scope = ~_in_groups(policy.excluded_groups) if policy.excluded_groups else Q()
    return scope if policy.self_service is Scope.ALL else scope & _in_groups(policy.groups)


def _in_groups(names: Iterable[str]) -> Q:
    groups = with_inner_groups(set(names))
    return Q(Exists(Membership.objects.filter(user_id=OuterRef("pk"), group_id__in=groups)))


def _hold_enough(people: Q, policy: Policy) -> Q:
    """Those of the people who hold what gets them through the gates."""
    if not policy.new_proof_hours:
        return _get_through(people, policy, None)
    border = _border(policy)
    older = _hold_older(policy, border)
    at_once = _get_through(people & ~older, policy, None)
    return at_once | _get_through(people & older, policy, border)


def _border(policy: Policy) -> datetime:
    """What was known by then isn't new."""
    return timezone.now() - timedelta(hours=policy.new_proof_hours)


def _hold_older(policy: Policy, border: datetime) -> Q:
    """People with something older to begin a reset with, or who gave it away just now."""
    usable = beginning(policy, deliverable())
    kinds: list[_Kind] = [
        kind
        for kind in (*(proof for proof in Proof if proof.gate is proof), _TEXTABLE)
        if is_usable([Held(proof=_proof(kind), textable=kind == _TEXTABLE)], usable)
    ]
    held = _any(_holds(kind, policy, verified_by=border, entered_by=border) for kind in kinds)
    return held | Q(older_proof_lost_at__isnull=False, older_proof_lost_at__gt=border)


def _get_through(people: Q, policy: Policy, border: datetime | None) -> Q:
    """Those of the people who are through by what was known by the border, if there is one."""
    least = _least(policy)
    able = people & _any_set(least, policy, border)
    if any(_needs_two_phones(kinds, policy) for kinds in least):
        able &= ~Q(pk__in=_who_count_one_phone_twice(able, policy, border))
    return able


def _least(policy: Policy) -> list[frozenset[_Kind]]:
    """The smallest sets of things that get somebody through the gates."""
    found: list[frozenset[_Kind]] = []
    for kinds in sorted(_subsets(_kinds(policy)), key=len):
        if not any(less <= kinds for less in found) and _is_enough(kinds, policy):
            found.append(kinds)
    return found


def _is_enough(kinds: frozenset[_Kind], policy: Policy) -> bool:
    held = [
        Held(proof=proof, textable=proof is Proof.MOBILE_PHONE and _TEXTABLE in kinds)
        for proof in Proof
        if proof in kinds
    ]
    methods = [m for m in methods_of(held) if m in policy.methods and can_deliver(m)]
    return are_enough([Way(method) for method in methods], policy)


def _kinds(policy: Policy) -> list[_Kind]:
    proofs = {method.proof.gate for method in policy.methods}
    kinds: list[_Kind] = [proof for proof in Proof if proof in proofs]
    return [*kinds, _TEXTABLE] if Proof.MOBILE_PHONE in proofs else kinds


def _subsets(kinds: list[_Kind]) -> Iterator[frozenset[_Kind]]:
    for chosen in product([False, True], repeat=len(kinds)):
        subset = frozenset(kind for kind, is_in in zip(kinds, chosen, strict=True) if is_in)
        if _TEXTABLE not in subset or Proof.MOBILE_PHONE in subset:
            yield subset


def _holds(
    kind: _Kind,
    policy: Policy,
    *,
    verified_by: datetime | None = None,
    entered_by: datetime | None = None,
) -> Q:
    """Verified; or, where nothing is, entered by an administrator and trusted by the policy."""
    if kind in _CONFIRMED:
        rows = _CONFIRMED[kind]()
        if verified_by is not None:
            rows = rows.filter(confirmed_at__lte=verified_by)
        return Q(Exists(rows.filter(user_id=OuterRef("pk"))))
    proof = _proof(kind)
    rows = AuthenticationMethod.objects.filter(user_id=OuterRef("pk"))
    verified = rows.filter(proof=proof)
    right_one = {"textable": True} if kind == _TEXTABLE else {}
    counting = rows.filter(proof__in=[one for one in Proof if one.gate is proof], **right_one)
    if verified_by is not None:
        counting = counting.filter(
            Q(known_since__lte=verified_by) | Q(known_since=None, verified_at__lte=verified_by)
        )
    if kind is Proof.QUESTIONS:
        counting = counting.annotate(n=Count("answers")).filter(n__gte=policy.questions_to_reset)
    holds = Q(Exists(counting))
    if proof in policy.prefilled_usable and proof in KIND_OF:
        kinds = KIND_OF[proof] | (Kinds.TEXTABLE if kind == _TEXTABLE else Kinds(0))
        trusted = has_prefilled(kinds)
        if entered_by is not None:
            trusted &= Q(prefilled_at__lte=entered_by)
        if policy.new_proof_hours:
            trusted &= ~is_held(KIND_OF[proof], _border(policy))
        holds |= ~Q(Exists(verified)) & trusted
    return holds


def _proof(kind: _Kind) -> Proof:
    return Proof.MOBILE_PHONE if kind == _TEXTABLE else Proof(kind)


def _needs_two_phones(kinds: frozenset[_Kind], policy: Policy) -> bool:
    """Whether the office phone counts here for what any mobile phone in its place wouldn't."""
    if Proof.OFFICE_PHONE not in kinds:
        return False
    return not _is_enough(kinds - {Proof.OFFICE_PHONE} | {Proof.MOBILE_PHONE}, policy)


def _who_count_one_phone_twice(able: Q, policy: Policy, border: datetime | None) -> list[int]:
    """Who would be through only because one number is kept as both phones."""
    both = _all(_holds(phone, policy, verified_by=border) for phone in _PHONES)
    without = [kinds for kinds in _least(policy) if Proof.OFFICE_PHONE not in kinds]
    depend = User.objects.filter(able & both & ~_any_set(without, policy, border))
    verified = Exists(AuthenticationMethod.objects.filter(user_id=OuterRef("pk"), proof__in=PHONES))
    # Where both were entered, it's known without a key.
    entered = depend.filter(has_prefilled(Kinds.ONE_PHONE)).exclude(verified)
    found = list(entered.values_list("pk", flat=True))
    rest = depend.filter(verified).values_list("pk", flat=True)
    ids = rest.iterator(chunk_size=_READ_AT_ONCE)
    while some := list(islice(ids, _READ_AT_ONCE)):
        numbers = _phones_of(some, policy, border)
        found += [pk for pk, own in numbers.items() if Proof.OFFICE_PHONE in named_again(own)]
    return found


def _phones_of(
    user_ids: list[int], policy: Policy, border: datetime | None
) -> dict[int, dict[Proof, str]]:
    """The numbers of these people, as the portal would use them: what was verified wins."""
    trusted = [phone for phone in _PHONES if phone in policy.prefilled_usable]
    found: dict[int, dict[Proof, str]] = {user_id: {} for user_id in user_ids}
    entered = User.objects.filter(pk__in=user_ids).exclude(prefill_kinds=0)
    for user in entered.only(
        "prefill", "prefill_kinds", "prefill_held_kinds", "prefill_held_since"
    ):
        held = entered_beside_proof(user)
        found[user.pk] = {
            proof: one.value
            for proof, one in prefills_of(user).items()
            if proof in trusted and not (proof in held and held[proof] > _border(policy))
        }
    for one in AuthenticationMethod.objects.filter(user_id__in=user_ids, proof__in=PHONES):
        if border is None or one.since <= border:
            found[one.user_id][Proof(one.proof)] = value_of(one)
        else:
            found[one.user_id].pop(Proof(one.proof), None)
    return found


def _any_set(sets: Iterable[frozenset[_Kind]], policy: Policy, border: datetime | None) -> Q:
    return _any(_all(_holds(kind, policy, verified_by=border) for kind in kinds) for kinds in sets)


def _all(conditions: Iterable[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found &= condition
    return found


def _any(conditions: Iterable[Q]) -> Q:
    """Whether one of them holds; nobody meets none."""
    found = Q(pk__in=[])
    for condition in conditions:
        found |= condition
    return found
