"""The factor summary on a user's row says what the rows say, whatever happened to them."""

import base64
import uuid
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from account.services import freezing
from audit.services import Actor
from delivery.rules.phones import Phone, phone
from directory.factors import ENTERED as ENTERED_FACTORS
from directory.factors import HELD as HELD_FACTORS
from directory.factors import VERIFIED, Factors, FactorSummary, any_of, column_of
from directory.models import User
from directory.queries import summary_on
from isolation.scope import in_tenant
from provisioning.rules.person import Person
from provisioning.services import people
from provisioning.services.contacts import Importer
from registration.services import enrol, manage
from reset.queries.summary_key import SummaryKey
from sspr.tasks import check_factors
from tenants.policy import Factor, Method, Policy, Questions, Scope
from tenants.queries import tenant_ids
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    ANSWERS,
    make_email,
    make_passkey,
    make_phone,
    make_prefill,
    make_recovery_codes,
    make_user,
    of_kind,
)
from tests.console.people import code_now
from tests.flow import begin_unsent
from tests.soft_authenticator import SoftAuthenticator
from vault.services import seal_column
from verification.methods import REGISTRATIONS
from verification.methods.base import TooManyDevices
from verification.models import (
    Challenge,
    Purpose,
    RegisteredMethod,
)
from verification.queries import methods_of_kind
from verification.queries.factors import stored_factors_of, summary_of
from verification.rules.factors import counted
from verification.services import (
    contacts,
    factors,
    recovery_codes,
    roles,
    second_factor,
)

NUMBERS = ["+821012345678", "+821087654321", "+8221112222", "+8221112222#12"]
BY_MESSAGE = [Method.EMAIL, Method.MOBILE_TEXT, Method.ALTERNATE_CALL, Method.OFFICE_CALL]
ENTERED = [Factor.EMAIL, Factor.MOBILE_PHONE, Factor.OFFICE_PHONE]
SMS_CAPABLE = {"+821012345678", "+821087654321"}
numbers = st.sampled_from(NUMBERS)
steps = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(BY_MESSAGE), numbers),
    st.tuples(st.just("remove"), st.sampled_from(Factor)),
    st.tuples(st.just("answer questions"), st.integers(3, 5)),
    st.tuples(st.just("pair an app")),
    st.tuples(st.just("make a passkey")),
    st.tuples(st.just("save codes")),
    st.tuples(st.just("use the last code")),
    st.tuples(st.just("enter"), st.sampled_from(ENTERED), st.sampled_from(["", *NUMBERS])),
    st.tuples(st.just("import"), st.sets(st.sampled_from(ENTERED)), numbers, numbers),
    st.tuples(st.just("wait"), st.sampled_from([1, 23, 24, 200])),
    st.tuples(st.just("veto"), st.sampled_from([1, 30])),
    st.tuples(st.just("remove second factors")),
    st.tuples(st.just("give a role")),
)


class History:
    """One user, and what happens to them through the services that pages and jobs call."""

    def __init__(self, clock):
        self.clock = clock
        self.user = make_user()

    def after(self, step):
        name, *details = step
        self.user.refresh_from_db()
        with suppress(manage.Frozen, enrol.UsedElsewhere, roles.NotARoleHere):
            getattr(self, name.replace(" ", "_"))(*details)
        return User.objects.get(pk=self.user.pk)

    def register(self, method, number):
        value = "kim@mail.example" if method is Method.EMAIL else number
        challenge = Challenge(method=method, sms_capable=value in SMS_CAPABLE)
        challenge.destination = seal_column(challenge, "destination", value)
        enrol._register(self.user, challenge)

    def remove(self, factor):
        if factor is Factor.AUTHENTICATOR:
            for app in methods_of_kind(self.user.pk, Factor.AUTHENTICATOR)[:1]:
                manage.remove(self.user, Factor.AUTHENTICATOR, app.pk)
        elif factor is Factor.PASSKEY:
            for key in methods_of_kind(self.user.pk, Factor.PASSKEY)[:1]:
                manage.remove(self.user, Factor.PASSKEY, key.pk)
        elif factor is Factor.RECOVERY_CODE:
            manage.remove(self.user, Factor.RECOVERY_CODE)
        else:
            manage.remove(self.user, factor)

    def answer_questions(self, count):
        enrol.save_questions(self.user, dict(list(ANSWERS.items())[:count]))

    def pair_an_app(self):
        session, app = uuid.uuid4(), Factor.AUTHENTICATOR
        with suppress(TooManyDevices):
            pairing = REGISTRATIONS[app].by_code.shown(self.user, session)["pairing"]
            entered = {"code": code_now(base64.b32decode(pairing.key).hex()), "name": "phone"}
            assert enrol.activate_device(self.user, session, app, entered)

    def make_a_passkey(self):
        make_passkey(self.user, SoftAuthenticator())

    def save_codes(self):
        session = uuid.uuid4()
        recovery_codes.new_set(self.user, session)
        enrol.save_recovery_codes(self.user, session)

    def use_the_last_code(self):
        codes = make_recovery_codes(self.user)
        last = recovery_codes._mac(self.user.pk, codes[0])
        of_kind(Factor.RECOVERY_CODE).exclude(lookup=last).update(removed_at=timezone.now())
        session = uuid.uuid4()
        begin_unsent(self.user, session, Method.RECOVERY_CODE)
        recovery_codes.answer(self.user.pk, Purpose.SIGN_IN, session, codes[0])

    def enter(self, factor, value):
        if factor is Factor.EMAIL and value:
            value = "home@mail.example"
        contacts.enter(
            self.user, factor, value, sms_capable=value in SMS_CAPABLE, actor_id=Actor.COMMAND
        )

    def import_(self, factors, mobile, office):
        person = Person(
            upn=self.user.upn,
            alternate_email="file@mail.example" if Factor.EMAIL in factors else "",
            mobile_phone=as_phone(mobile) if Factor.MOBILE_PHONE in factors else None,
            office_phone=as_phone(office) if Factor.OFFICE_PHONE in factors else None,
        )
        importer = Importer(actor_id=Actor.COMMAND, number="1")
        people.write([person], {}, importer)

    def wait(self, hours):
        self.clock.shift(timedelta(hours=hours))

    def veto(self, hours):
        since = timezone.now() - timedelta(hours=hours)
        freezing.remove_added_methods(self.user, added=None, since=since)

    def remove_second_factors(self):
        second_factor.remove_second_factor(self.user, actor_id=Actor.COMMAND)

    def give_a_role(self):
        role = Role.NONE if self.user.role else Role.HELPDESK
        roles.change_role(self.user, role, actor_id=Actor.COMMAND)


setattr(History, "import", History.import_)


def as_phone(number):
    e164, _, extension = number.partition("#")
    return Phone(e164, number in SMS_CAPABLE, extension)


def by_rows(user):
    return summary_of(stored_factors_of(user.pk, user))


def on_row(user):
    columns = summary_on(user).columns()
    return columns | {"factors_changed_at": user.factors_changed_at}


@pytest.fixture
def organisation(contoso):
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=frozenset(ENTERED)))
    return contoso


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, min_size=1, max_size=8))
def test_the_summary_says_what_the_rows_say_after_every_step(organisation, history):
    User.objects.all().delete()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        lived = History(clock)
        for step in history:
            user = lived.after(step)

            assert on_row(user) == by_rows(user).columns(), step
            assert counts_alike(user, by_rows(user))


HOLDS = [
    dict.fromkeys(Factor, 1),
    dict.fromkeys(Factor, 24),
    dict.fromkeys(Factor, 0),
    dict.fromkeys(Factor, 24) | {Factor.EMAIL: 168},
    dict.fromkeys(Factor, 0) | {Factor.EMAIL: 24},
    {factor: 1 + 12 * place for place, factor in enumerate(Factor)},
]
"""Hold periods of each factor, in hours."""


def holding_for(hours, usable):
    """All that the rule reads of a policy."""
    return SimpleNamespace(
        hold_periods={factor: timedelta(hours=hours[factor]) for factor in Factor},
        methods=usable,
        questions=Questions.GATE,
        questions_to_reset=4,
        prefilled_usable=frozenset(ENTERED),
    )


def counts_alike(user, summary):
    """Whether the numbers that GROUP BY finds are judged as the summary, whatever the policy."""
    now = timezone.now()
    keys = [SummaryKey(holding_for(hours, frozenset()), now) for hours in HOLDS]
    numbers = {f"key{place}": key.expression for place, key in enumerate(keys)}
    found = User.objects.annotate(**numbers).values_list(*numbers).get(pk=user.pk)
    for hours, key, number in zip(HOLDS, keys, found, strict=True):
        for usable in (frozenset(), frozenset({Method.EMAIL}), frozenset(Method)):
            policy = holding_for(hours, usable)
            of_summary, of_group = [
                counted(one, policy, deliverable=frozenset(Method), at=now).factors
                for one in (summary, key.summary(number))
            ]
            if of_summary != of_group:
                return False
    return True


ages = st.sampled_from([0, 1, 12, 24, 30, 80, 168, 200])
summaries = st.fixed_dictionaries(
    {
        "verified": st.dictionaries(st.sampled_from(Factor), ages),
        "entered": st.sets(st.sampled_from(ENTERED)),
        "held": st.sets(st.sampled_from(ENTERED)),
        "entered_age": ages,
        "held_age": ages,
        "lost_age": st.none() | ages,
    }
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=summaries)
def test_people_in_one_group_are_judged_as_each_of_them(contoso, drawn):
    User.objects.all().delete()
    verified = drawn["verified"]
    entered = drawn["entered"] - verified.keys()
    with time_machine.travel(timezone.now(), tick=False):
        now = timezone.now()
        summary = FactorSummary(
            factors=any_of(
                [
                    *(VERIFIED[factor] for factor in verified),
                    *(ENTERED_FACTORS[factor] for factor in entered),
                    *(HELD_FACTORS[factor] for factor in entered & drawn["held"]),
                    Factors.FIVE_ANSWERS | Factors.FOUR_ANSWERS | Factors.MOBILE_TEXTS,
                ]
            ),
            since={factor: now - timedelta(hours=age) for factor, age in verified.items()},
            admin_entered_since=now - timedelta(hours=drawn["entered_age"]),
            held_since=now - timedelta(hours=drawn["held_age"]),
            lost_at=None if drawn["lost_age"] is None else now - timedelta(hours=drawn["lost_age"]),
        )
        user = make_user(
            prefilled_at=summary.admin_entered_since,
            prefill_held_since=summary.held_since,
            older_proof_lost_at=summary.lost_at,
            **summary.columns(),
        )

        assert counts_alike(user, summary)


def test_new_people_of_an_import_have_their_summary_at_once(contoso):
    importer = Importer(actor_id=Actor.COMMAND, number="1")
    number = phone("010-1234-5678", region="KR", countries=frozenset({"KR"}))
    person = Person(upn="new@contoso.example", mobile_phone=number, office_phone=number)

    people.write([person], {}, importer)

    user = User.objects.get(upn="new@contoso.example")
    assert user.factors == (
        Factors.ENTERED_MOBILE
        | Factors.ENTERED_MOBILE_TEXTS
        | Factors.ENTERED_OFFICE
        | Factors.OFFICE_IS_MOBILE
    )
    assert on_row(user) == by_rows(user).columns()


def test_every_factor_has_a_bit_and_a_column():
    assert VERIFIED.keys() == set(Factor)
    assert {column_of(factor) for factor in Factor} <= {f.name for f in User._meta.get_fields()}


def test_what_was_only_entered_makes_nobody_recent(contoso):
    user = make_user()
    make_prefill(user, Factor.EMAIL, "kim@mail.example")

    user.refresh_from_db()
    assert user.factors_changed_at is None


def test_the_nightly_check_mends_what_another_program_changed_and_says_so(contoso, hanbit):
    users = []
    for tenant_id in (contoso.pk, hanbit.pk):
        with in_tenant(tenant_id):
            user = make_user(f"kim@t{tenant_id}.example")
            make_email(user)
            make_phone(user)
            users.append(user)
    with in_tenant(hanbit.pk):
        RegisteredMethod.objects.filter(user=users[1], kind=Factor.EMAIL).delete()

    with capture_logs() as logs:
        check_factors()

    errors = [(log["event"], log["user"]) for log in logs if log["log_level"] == "error"]
    assert errors == [("factor_summary_mended", users[1].pk)]
    with in_tenant(hanbit.pk):
        user = User.objects.get(pk=users[1].pk)
        assert user.factors == VERIFIED[Factor.MOBILE_PHONE] | Factors.MOBILE_TEXTS
        assert user.email_since is None


def test_the_check_stops_in_time_and_goes_on_where_it_was(contoso, monkeypatch):
    monkeypatch.setattr("verification.services.factors._AT_ONCE", 2)
    for number in range(5):
        make_email(make_user(f"user{number}@contoso.example"))
    User.objects.update(factors=0)

    done, mended, turns = factors.check(tenant_ids(), seconds=0), 0, 0
    while done.tenant_id is not None:
        monkeypatch.setattr(
            "verification.services.factors.monotonic", iter([0.0, 0.5, 1.5]).__next__
        )
        done = factors.check(tenant_ids(), start=done.tenant_id, after=done.after, seconds=1)
        mended, turns = mended + done.mended, turns + 1

    assert (mended, turns) == (5, 4)


def test_the_check_can_be_run_by_hand(contoso, capsys):
    make_email(make_user())
    call_command("check_factors")
    User.objects.update(factors=0)
    call_command("check_factors")

    assert capsys.readouterr().out.splitlines() == ["All summaries are right.", "1 mended."]


def test_codes_that_a_restore_takes_away_are_gone_from_the_summary(contoso):
    user = make_user()
    make_email(user)
    make_recovery_codes(user)

    call_command("after_restore", "--backup-taken-at", timezone.now().isoformat())

    user.refresh_from_db()
    assert user.factors == VERIFIED[Factor.EMAIL]
    assert on_row(user) == by_rows(user).columns()
