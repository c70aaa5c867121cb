"""What the admin says about people is what the portal then does."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directory.models import Membership, User
from isolation.scope import in_tenant
from reset.queries.reach import could_reset, in_scope_of, outlook
from reset.refusals import Refusal
from reset.services.attempts import begin
from tenants.models import Group, GroupNesting
from tenants.policy import Method, Policy, Proof, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_email, make_method, make_prefill, make_questions, make_user
from tests.console.people import with_app
from verification.services.guesses import Paused, count_a_guess

PHONES = {"own": "+821012345678", "shared": "+8221112222"}
GROUPS = ("staff", "seoul", "guests")
RESETTABLE = sorted(set(Method) - {Method.QUESTIONS})
PREFILLED = [Proof.OFFICE_PHONE, Proof.MOBILE_PHONE, Proof.EMAIL]


def possible(values):
    """The policy, or None where the decisions contradict each other."""
    with suppress(ValueError):
        return Policy(**values)
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
        }
    )
    .map(possible)
    .filter(bool)
)
people = st.fixed_dictionaries(
    {
        "role": st.sampled_from([Role.NONE, Role.NONE, Role.HELPDESK, Role.REPORTS_READER]),
        "enabled": st.sampled_from([True, True, True, False]),
        "connector": st.sampled_from(["builtin", "builtin", "ldap"]),
        "verified": st.frozensets(st.sampled_from([*PREFILLED, Proof.QUESTIONS])),
        "entered": st.frozensets(st.sampled_from(PREFILLED)),
        "app": st.booleans(),
        "textable": st.booleans(),
        "one_phone": st.booleans(),
        "groups": st.frozensets(st.sampled_from(GROUPS)),
    }
)


def move_in(person, groups):
    number = User.objects.count()
    user = make_user(
        f"user{number}@contoso.example",
        role=person["role"],
        enabled=person["enabled"],
        connector=person["connector"],
    )
    mobile = PHONES["shared" if person["one_phone"] else "own"]
    values = {
        Proof.MOBILE_PHONE: mobile,
        Proof.OFFICE_PHONE: f"{PHONES['shared']}#12",
        Proof.EMAIL: f"home{number}@mail.example",
    }
    for proof in person["verified"] - {Proof.QUESTIONS}:
        make_method(user, proof, values[proof], textable=person["textable"])
    for proof in person["entered"]:
        make_prefill(user, proof, values[proof], textable=person["textable"])
    if Proof.QUESTIONS in person["verified"]:
        make_questions(user)
    if person["app"]:
        with_app(user)
    for name in person["groups"]:
        Membership.objects.create(user=user, group=groups[name])
    return user


def who_gets_through(users):
    """Asks the portal itself."""
    attempts = {user.pk: begin(user.upn, network="192.0.2.1").attempt for user in users}
    return {pk for pk, attempt in attempts.items() if not attempt.refused}


@pytest.fixture
def groups(contoso):
    """Whoever is in Seoul is staff."""
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

    said = set(User.objects.filter(could_reset(policy)).values_list("pk", flat=True))

    assert said == who_gets_through(users)
    assert said == {user.pk for user in users if outlook(user).refusal is None}


def test_outlook_names_the_first_stop_and_until_when(contoso):
    user = make_user()
    make_email(user)
    with suppress(Paused):
        while True:
            count_a_guess(user.pk)

    found = outlook(user)

    assert found.refusal is Refusal.TOO_MANY
    assert found.until is not None


def test_nobody_of_another_tenant_is_counted(contoso, hanbit):
    with in_tenant(hanbit.pk):
        make_email(make_user("kim@hanbit.example"))
    everybody = Policy(self_service=Scope.ALL)

    assert not User.objects.filter(could_reset(everybody)).exists()
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
        make_method(user, Proof.MOBILE_PHONE, mobile)
        make_prefill(user, Proof.OFFICE_PHONE, f"{PHONES['shared']}{extension}")

    assert list(User.objects.filter(could_reset(policy))) == [two]
