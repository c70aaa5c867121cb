"""What the admin says about people is what the portal then does."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Address
from itertools import count, islice

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.queries.overview import RegistrationCoverage, reach
from console.queries.people import Wanted, how_many
from console.queries.people import people as list_of_people
from console.queries.person import methods_of_person
from console.queries.policy import impact, who_would_lose
from console.rules import PersonState
from directory.factors import ANY_ENTERED, REGISTERED, VERIFIED, Factors
from directory.models import Membership, User
from directory.queries import different_keys, in_scope
from isolation.scope import current_tenant_id, in_tenant
from reset.queries.attempts import Reads, attempt_of, state_of
from reset.queries.eligibility import (
    Judge,
    eligibility_of,
    in_scope_of,
    is_capable,
    people_alike,
)
from reset.refusals import Refusal
from reset.services.attempts import begin
from reset.services.gates import GateVerification
from tenants.models import Group, GroupNesting
from tenants.policy import Factor, Method, Policy, Questions, Scope
from tenants.policy.checks import objections
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    ANSWERS,
    as_if_entered,
    make_email,
    make_method,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_user,
    of_kind,
)
from tests.console.people import with_app
from verification.models import RegisteredMethod
from verification.services import factors
from verification.services.guesses import Throttled, count_a_guess

PHONES = {"own": "+821012345678", "second": "+821087654321", "shared": "+8221112222"}
GROUPS = ("staff", "seoul", "guests")
NETWORKS = count(int(IPv4Address("10.0.0.0")), 256)
RESETTABLE = sorted({method.allowed_as for method in Method} - {Method.QUESTIONS})
PREFILLED = [Factor.OFFICE_PHONE, Factor.MOBILE_PHONE, Factor.EMAIL]


def possible(values):
    """The policy, or None where the decisions contradict each other or no user may make them."""
    with suppress(ValueError):
        found = Policy(**values)
        return None if objections(found) else found
    return None


policies = (
    st.fixed_dictionaries(
        {
            "self_service": st.sampled_from([Scope.ALL, Scope.ALL, Scope.GROUPS, Scope.NONE]),
            "groups": st.frozensets(st.sampled_from(GROUPS), min_size=1),
            "excluded_groups": st.frozensets(st.sampled_from(GROUPS), max_size=1),
            "reset_methods": st.frozensets(st.sampled_from(RESETTABLE), min_size=1),
            "methods_required": st.integers(1, 2),
            "questions": st.sampled_from(Questions),
            "prefilled_usable": st.frozensets(st.sampled_from(PREFILLED)),
            "admin_self_reset": st.booleans(),
            "new_proof_hours": st.sampled_from([0, 24, 72]),
            "email_min_age_days": st.sampled_from([0, 0, 1, 5]),
            "questions_to_reset": st.integers(3, 5),
        }
    )
    .map(possible)
    .filter(bool)
)
people = st.fixed_dictionaries(
    {
        "role": st.sampled_from([Role.NONE, Role.NONE, Role.HELPDESK, Role.REPORTS_READER]),
        "enabled": st.sampled_from([True, True, True, False]),
        "frozen": st.sampled_from([False, False, False, True]),
        "connector": st.sampled_from(["builtin", "builtin", "ldap"]),
        "verified": st.frozensets(
            st.sampled_from([*PREFILLED, Factor.ALTERNATE_PHONE, Factor.QUESTIONS])
        ),
        "entered": st.frozensets(st.sampled_from(PREFILLED)),
        "app": st.booleans(),
        "old": st.frozensets(st.sampled_from(Factor)),
        "lost": st.sampled_from([None, None, timedelta(hours=1), timedelta(days=2)]),
        "codes": st.sampled_from(["none", "saved", "used up"]),
        "answers": st.integers(2, 5),
        "held": st.booleans(),
        "sms_capable": st.fixed_dictionaries({"verified": st.booleans(), "entered": st.booleans()}),
        "mobile": st.fixed_dictionaries(
            dict.fromkeys(["verified", "entered"], st.sampled_from(sorted(PHONES)))
        ),
        "alternate": st.sampled_from(sorted(PHONES)),
        "alternate_sms_capable": st.booleans(),
        "groups": st.frozensets(st.sampled_from(GROUPS)),
    }
)


def move_in(person, groups):
    number = User.objects.count()
    user = make_user(
        f"user{number}@contoso.example",
        role=person["role"],
        enabled=person["enabled"],
        frozen_at=timezone.now() if person["frozen"] else None,
        connector=person["connector"],
    )
    values = {
        Factor.OFFICE_PHONE: f"{PHONES['shared']}#12",
        Factor.EMAIL: f"home{number}@mail.example",
    }
    for how, make in (("verified", make_method), ("entered", make_prefill)):
        held = values | {Factor.MOBILE_PHONE: PHONES[person["mobile"][how]]}
        for factor in person[how] - {Factor.ALTERNATE_PHONE, Factor.QUESTIONS}:
            more = {"held": person["held"]} if how == "entered" else {}
            make(user, factor, held[factor], sms_capable=person["sms_capable"][how], **more)
    if Factor.ALTERNATE_PHONE in person["verified"]:
        second, sms_capable = PHONES[person["alternate"]], person["alternate_sms_capable"]
        for how in ("entered", "verified"):
            # What a number takes doesn't depend on what it is called.
            if Factor.MOBILE_PHONE in person[how] and person["mobile"][how] == person["alternate"]:
                sms_capable = person["sms_capable"][how]
        make_method(user, Factor.ALTERNATE_PHONE, second, sms_capable=sms_capable)
    if Factor.QUESTIONS in person["verified"]:
        make_questions(user, dict(islice(ANSWERS.items(), person["answers"])))
    if person["app"]:
        with_app(user)
    if person["codes"] != "none":
        make_recovery_codes(user)
    if person["codes"] == "used up":
        of_kind(Factor.RECOVERY_CODE).filter(user=user).update(removed_at=timezone.now())
    grow_old(user, person["old"])
    if person["lost"]:
        User.objects.filter(pk=user.pk).update(older_proof_lost_at=timezone.now() - person["lost"])
    factors.refresh([user.pk])
    for name in person["groups"]:
        Membership.objects.create(user=user, group=groups[name])
    return user


def grow_old(user, factors):
    """As if these had been registered, or entered, two days ago."""
    then = timezone.now() - timedelta(days=2)
    RegisteredMethod.objects.filter(user=user, kind__in=factors).update(verified_at=then)
    as_if_entered(user, then, factors)
    if factors >= set(PREFILLED):
        User.objects.filter(pk=user.pk).exclude(prefill_held_since=None).update(
            prefill_held_since=then
        )
    if Factor.AUTHENTICATOR in factors:
        of_kind(Factor.AUTHENTICATOR).filter(user=user).update(verified_at=then)
    if Factor.RECOVERY_CODE in factors:
        of_kind(Factor.RECOVERY_CODE).filter(user=user).update(verified_at=then)


def on_offer_at_the_portal(user, policy):
    """The kinds that a user is offered after the first step of the portal."""
    begun = begin(user.upn, network=str(IPv4Address(next(NETWORKS))))
    if begun.attempt.refused:
        return None
    state = state_of(attempt_of(begun.cookie), Reads.METHODS)
    return {way.method.factor for way in GateVerification(state).options()}


def who_gets_through(users):
    """Asks the portal itself, from another network each time: those have a limit of their own."""
    attempts = {
        user.pk: begin(user.upn, network=str(IPv4Address(next(NETWORKS)))).attempt for user in users
    }
    return {pk for pk, attempt in attempts.items() if not attempt.refused}


@pytest.fixture
def groups(contoso):
    """Members of Seoul are staff."""
    found = {name: Group.objects.create(name=name) for name in GROUPS}
    GroupNesting.objects.create(outer=found["staff"], inner=found["seoul"])
    return found


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policy=policies, crowd=st.lists(people, min_size=1, max_size=4))
def test_who_could_reset_by_the_admin_gets_through_at_the_portal(groups, policy, crowd):
    User.objects.all().delete()
    users = [move_in(person, groups) for person in crowd]
    change_policy(policy)

    said = set(User.objects.filter(is_capable(policy)).values_list("pk", flat=True))

    assert said == who_gets_through(users)
    assert said == {user.pk for user in User.objects.all() if eligibility_of(user).refusal is None}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policy=policies, crowd=st.lists(people, min_size=1, max_size=4))
def test_what_counts_on_the_page_and_in_the_list_is_what_the_portal_offers(groups, policy, crowd):
    User.objects.all().delete()
    users = [move_in(person, groups) for person in crowd]
    change_policy(policy)
    listed = {row.pk: row for row in list_of_people(Wanted())[0]}

    for user in users:
        counting = {thing.factor for thing in methods_of_person(user) if thing.counts}
        offered = on_offer_at_the_portal(user, policy)
        assert counting == set(listed[user.pk].methods)
        if offered is not None:
            # Questions that are asked second aren't offered first.
            second = {Factor.QUESTIONS} if policy.questions is Questions.SECOND else set()
            assert counting - second == offered - second


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policy=policies, crowd=st.lists(people, min_size=1, max_size=4))
def test_filters_and_figures_count_those_whom_the_list_shows_so(groups, policy, crowd):
    User.objects.all().delete()
    users = [move_in(person, groups) for person in crowd]
    change_policy(policy)
    rows = list_of_people(Wanted())[0]

    for state in PersonState:
        # Users who still have to register are listed so, whatever an administrator entered.
        shown = {
            row.pk
            for row in rows
            if row.state is state or (state is PersonState.NONE and row.to_register)
        }
        assert {row.pk for row in list_of_people(Wanted(state=state))[0]} == shown
        assert how_many(Wanted(state=state)) == (len(shown), True)
    for factor in Factor:
        holding = {user.pk for user in User.objects.all() if user.factors & VERIFIED[factor]}
        assert {row.pk for row in list_of_people(Wanted(method=factor))[0]} == holding
    factors_of = dict(User.objects.values_list("pk", "factors"))
    inside = {user.pk for user in users if user.enabled and in_scope(user.pk, policy)}
    assert reach() == RegistrationCoverage(
        able=len(who_gets_through(users)),
        in_scope=len(inside),
        registered=sum(bool(factors_of[pk] & REGISTERED) for pk in inside),
        entered=sum(
            bool(factors_of[pk] & ANY_ENTERED and not factors_of[pk] & REGISTERED) for pk in inside
        ),
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=policies, after=policies, crowd=st.lists(people, min_size=1, max_size=4))
def test_the_impact_of_a_change_is_who_the_portal_then_treats_differently(
    groups, before, after, crowd
):
    User.objects.all().delete()
    users = [move_in(person, groups) for person in crowd]

    said = impact(before, after)
    losers = set(who_would_lose(before, after, current_tenant_id()))

    change_policy(before)
    could = who_gets_through(users)
    change_policy(after)
    can = who_gets_through(users)
    names = {user.upn for user in users if user.pk in could - can}
    assert (said.lose, said.gain) == (len(could - can), len(can - could))
    assert losers == set(said.first_names) == names
    assert said.people == sum(user.enabled for user in users)


def test_all_who_would_lose_are_named_portion_by_portion(contoso, hanbit, monkeypatch):
    monkeypatch.setattr("console.queries.policy._NAMED_AT_ONCE", 2)
    users = [make_user(f"user{number}@contoso.example") for number in range(7)]
    for user in users:
        make_email(user)
    for lucky in users[2:5]:
        make_method(lucky, Factor.MOBILE_PHONE, PHONES["own"])
    before, after = (Policy(self_service=Scope.ALL, methods_required=n) for n in (1, 2))

    with in_tenant(hanbit.pk):
        named = who_would_lose(before, after, contoso.pk)
        first = next(named)
        # A slow reader has no tenant in force while it waits.
        assert current_tenant_id() == hanbit.pk

    assert [first, *named] == [user.upn for user in users[:2] + users[5:]]


def test_outlook_names_the_first_stop_and_until_when(contoso):
    user = make_user()
    make_email(user)
    with suppress(Throttled):
        while True:
            count_a_guess(user.pk)

    found = eligibility_of(user)

    assert found.refusal is Refusal.TOO_MANY
    assert found.until is not None


def test_nobody_of_another_tenant_is_counted(contoso, hanbit):
    with in_tenant(hanbit.pk):
        make_email(make_user("kim@hanbit.example"))
    everybody = Policy(self_service=Scope.ALL)

    assert not User.objects.filter(is_capable(everybody)).exists()
    assert not User.objects.filter(in_scope_of(everybody)).exists()


@pytest.mark.parametrize("extension", ["", "#12"])
def test_one_number_kept_as_both_phones_is_one_gate(contoso, extension):
    policy = Policy(
        self_service=Scope.ALL,
        methods_required=2,
        reset_methods=frozenset({Method.MOBILE_CALL, Method.OFFICE_CALL}),
    )
    change_policy(policy)
    one, two = make_user("one@contoso.example"), make_user("two@contoso.example")
    for user, mobile in ((one, PHONES["shared"]), (two, PHONES["own"])):
        make_method(user, Factor.MOBILE_PHONE, mobile)
        make_prefill(user, Factor.OFFICE_PHONE, f"{PHONES['shared']}{extension}")

    assert list(User.objects.filter(is_capable(policy))) == [two]


def with_both_phones(number, **more):
    user = make_user(f"user{number}@contoso.example", **more)
    make_method(user, Factor.MOBILE_PHONE, f"+8210123400{number:02d}")
    make_prefill(user, Factor.OFFICE_PHONE, PHONES["shared"])
    return user


def statements_to_judge(policy):
    with CaptureQueriesContext(connection) as captured:
        User.objects.filter(is_capable(policy)).count()
    return len(captured)


def test_judging_more_people_takes_no_more_statements(contoso):
    both_phones = Policy(
        self_service=Scope.ALL,
        methods_required=2,
        reset_methods=frozenset({Method.MOBILE_CALL, Method.OFFICE_CALL}),
    )
    with_both_phones(0)
    of_one = statements_to_judge(both_phones)
    for number in range(1, 10):
        with_both_phones(number)

    assert statements_to_judge(both_phones) == of_one


def test_no_number_is_read_to_judge_people(contoso, monkeypatch):
    with_both_phones(0)
    make_email(with_both_phones(1, role=Role.HELPDESK))
    monkeypatch.setattr("verification.queries.open_column", None)
    monkeypatch.setattr("verification.queries.registered.opened", None)
    monkeypatch.setattr("directory.queries.opened", None)

    assert User.objects.filter(is_capable(Policy(self_service=Scope.ALL))).count() == 2


def test_an_entered_number_doesnt_stand_in_for_a_verified_one_that_takes_no_texts(contoso):
    texts_only = Policy(
        self_service=Scope.ALL,
        reset_methods=frozenset({Method.MOBILE_TEXT}),
        prefilled_usable=frozenset({Factor.MOBILE_PHONE}),
    )
    change_policy(texts_only)
    user = make_user()
    make_method(user, Factor.MOBILE_PHONE, PHONES["shared"], sms_capable=False)
    make_prefill(user, Factor.MOBILE_PHONE, PHONES["own"], sms_capable=True)

    assert not who_gets_through([user])
    assert not User.objects.filter(is_capable(texts_only)).exists()


@pytest.mark.parametrize("may", [True, False], ids=["may", "may not"])
def test_administrators_are_counted_only_where_they_may_reset_by_themselves(contoso, may):
    policy = Policy(self_service=Scope.ALL, admin_self_reset=may)
    change_policy(policy)
    admin = with_both_phones(0, role=Role.TENANT_ADMIN)

    said = User.objects.filter(is_capable(policy)).exists()

    assert said is bool(who_gets_through([admin])) is may


def test_every_key_is_seen_and_none_of_another_tenant(contoso, hanbit):
    users = [make_user(f"user{number}@contoso.example") for number in range(3)]
    make_email(users[1])
    make_method(users[2], Factor.MOBILE_PHONE, PHONES["own"])
    with in_tenant(hanbit.pk):
        make_questions(make_user("kim@hanbit.example"), ANSWERS)

    of_rows = sorted(User.objects.values_list("eligibility_key", flat=True))
    assert [key.value for key in different_keys()] == of_rows
    assert len(of_rows) == 3


def test_an_organisation_without_people_has_no_keys(contoso):
    assert different_keys() == []


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    values=st.fixed_dictionaries(
        {
            "factors": st.integers(0, int(~Factors(0))),
            "enabled": st.booleans(),
            "frozen_at": st.sampled_from([None, timezone.now()]),
            "connector": st.sampled_from(["builtin", "ldap"]),
            "role": st.sampled_from([role for role in Role if role is not Role.OPERATOR]),
        }
    )
)
def test_the_key_says_what_the_row_says(contoso, values):
    User.objects.all().delete()
    make_user()

    User.objects.update(**values)

    (key,) = different_keys()
    active = values["enabled"] and values["frozen_at"] is None
    assert (key.factors, key.enabled, key.is_active, key.is_open, key.is_admin) == (
        values["factors"],
        values["enabled"],
        active,
        active and values["connector"] == "builtin",
        values["role"].is_administrator,
    )


def test_everybody_is_counted_by_what_an_index_holds(contoso):
    """So that PostgreSQL reads a tenth of what the rows would be."""
    policy = Policy(self_service=Scope.ALL, excluded_groups=frozenset({"guests"}))
    Group.objects.create(name="guests")
    with_both_phones(0)
    (index,) = [one for one in User._meta.indexes if one.name == "user_eligibility"]

    with CaptureQueriesContext(connection) as captured:
        people_alike(User.objects.filter(in_scope_of(policy)), Judge(policy))

    (counting,) = [one["sql"] for one in captured if "UNION ALL" in one["sql"]]
    everybody, _, changed = counting.partition("UNION ALL")
    columns = set(re.findall(r'"directory_user"\."(\w+)"', everybody))
    assert columns == set(index.fields)
    assert "factors_changed_at" in changed


@pytest.mark.parametrize("scope", [Scope.ALL, Scope.GROUPS])
def test_the_impact_of_a_change_is_counted_in_one_statement(groups, scope):
    before = Policy(self_service=Scope.ALL, excluded_groups=frozenset({"guests"}))
    after = replace(before, self_service=scope, groups=frozenset({"staff"}), methods_required=2)
    make_email(make_user())

    with CaptureQueriesContext(connection) as captured:
        said = impact(before, after)

    assert (said.people, said.lose) == (1, 1)
    assert sum("COUNT(" in one["sql"] for one in captured) == 1


@pytest.mark.parametrize("hours", [0, 24])
def test_people_are_counted_in_one_statement(contoso, hours):
    policy = Policy(self_service=Scope.ALL, new_proof_hours=hours)
    make_email(make_user())
    judge = Judge(policy)

    with CaptureQueriesContext(connection) as captured:
        (some,) = people_alike(User.objects.all(), judge)

    assert len(captured) == 1
    assert (some.count, some.changed) == (1, hours > 0)
