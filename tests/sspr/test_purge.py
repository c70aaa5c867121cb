"""What the purge deletes, what it leaves, and that it touches no other tenant's rows."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from audit.models import Event
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from limits import services as limits
from limits.models import Counter
from limits.rules import Limit
from reset.models import ResetAttempt
from sspr import purge as table
from sspr.purge import OF_A_TENANT, purge
from tenants.models import PolicyVersion
from tenants.policy import Factor
from tests.builders import (
    PASSWORD,
    make_email,
    make_passkey,
    make_questions,
    make_recovery_codes,
    make_user,
    of_kind,
)
from tests.captcha import solved
from tests.console.people import with_app
from tests.soft_authenticator import SoftAuthenticator
from verification.models import (
    Challenge,
    RegisteredMethod,
    SignInLockout,
)
from verification.services import authenticators, recovery_codes
from verification.services.removal import remove

NEW = "correct horse battery staple"


def after(**time):
    return time_machine.travel(timezone.now() + timedelta(**time))


@pytest.fixture
def lived(contoso, mailroom):
    """A user who has everything, signed in wrongly, and reset once and half a time."""
    user = make_user()
    make_email(user)
    make_questions(user)
    make_recovery_codes(user)
    with_app(user)
    make_passkey(user, SoftAuthenticator())
    Client().post("/signin", {"username": user.upn, "password": "wrong"})
    Client().post("/signin", {"username": user.upn, "password": PASSWORD})
    for is_whole in (True, False):
        client = Client()
        client.post("/passwordreset", solved({"username": user.upn}))
        client.post("/passwordreset/verify", {"method": "email"})
        if is_whole:
            client.post("/passwordreset/code", {"code": mailroom.code()})
            typed = {"new_password": NEW, "confirm_password": NEW}
            client.post("/passwordreset/new-password", typed)
    return user


def counts():
    return {rule.model._meta.label: rule.model.objects.count() for rule in OF_A_TENANT}


def test_nothing_goes_on_the_same_day(lived):
    before = counts() | {"sessions": Session.objects.count()}

    purge()

    assert counts() | {"sessions": Session.objects.count()} == before


def test_after_years_only_what_people_hold_and_the_history_are_there(lived):
    events, people = Event.objects.count(), User.objects.count()
    held = RegisteredMethod.objects.count()
    with after(days=3_000):
        purge()

    kept = {name for name, count in counts().items() if count}
    assert kept == {
        "tenants.PolicyVersion",
        "verification.RegisteredMethod",
    }
    assert Event.objects.count() == events
    assert (User.objects.count(), RegisteredMethod.objects.count()) == (people, held)
    assert not Session.objects.exists()
    assert not Counter.objects.filter(ends_at__lt=timezone.now().timestamp()).exists()


def test_a_reset_that_succeeded_is_known_for_longer(lived):
    with after(days=91):
        purge()

        assert [one.outcome for one in ResetAttempt.objects.all()] == ["succeeded"]


def test_what_was_removed_or_never_finished_goes_and_the_rest_doesnt(lived):
    app, key = of_kind(Factor.AUTHENTICATOR).get(), of_kind(Factor.PASSKEY).get()
    session = uuid.uuid4()
    recovery_codes.new_set(lived, session)
    authenticators.pairing_of(lived, session, issuer="Contoso")
    with after(days=2):
        purge()
    assert of_kind(Factor.RECOVERY_CODE).count() == 10
    assert list(of_kind(Factor.AUTHENTICATOR)) == [app]
    remove(lived.pk, Q(pk=key.pk))
    with after(days=31):
        purge()

    assert not of_kind(Factor.PASSKEY).exists()
    assert list(of_kind(Factor.AUTHENTICATOR)) == [app]


def test_a_lockout_that_goes_on_stays(contoso):
    later = timezone.now() + timedelta(hours=30)
    SignInLockout.objects.create(who="a", device="", last_at=timezone.now(), locked_until=later)
    SignInLockout.objects.create(who="b", device="", last_at=timezone.now())
    with after(hours=25):
        purge()

    assert list(SignInLockout.objects.values_list("who", flat=True)) == ["a"]


def test_a_pause_that_lasts_stays(contoso):
    for _ in range(100):
        limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, "1")
    with after(days=100):
        purge()

        assert limits.blocked_until(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, "1")


def test_every_organisation_and_nobody_is_seen_to(contoso, hanbit):
    for tenant_id in (hanbit.pk, NO_TENANT):
        with in_tenant(tenant_id):
            SignInLockout.objects.create(who="x", device="", last_at=timezone.now())
    with after(days=2):
        done = purge()

    assert done["verification.SignInLockout"] == 2


def test_a_row_that_comes_into_use_meanwhile_stays_and_keeps_nothing_else(lived, hanbit):
    day_before = timezone.now() - timedelta(days=2)
    for tenant_id in (lived.tenant_id, hanbit.pk):
        with in_tenant(tenant_id):
            PolicyVersion.objects.create(digest="older", values={})
            PolicyVersion.objects.update(written_at=day_before)
            SignInLockout.objects.create(who="x", device="", last_at=day_before)
    older = PolicyVersion.objects.get(digest="older")

    def begin_an_attempt(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if '"tenants_policyversion"."values"' in sql.partition(" FROM ")[0]:
            ResetAttempt.objects.update(policy_version=older)
        return result

    with connection.execute_wrapper(begin_an_attempt):
        done = purge()

    assert PolicyVersion.objects.filter(digest="older").exists()
    assert done == {"verification.SignInLockout": 2, "tenants.PolicyVersion": 1}


def test_much_goes_in_portions(contoso, monkeypatch):
    monkeypatch.setattr(table, "_PORTION", 3)
    now = timezone.now()
    Challenge.objects.bulk_create(
        Challenge(user_id=1, purpose="reset", context=uuid.uuid4(), created_at=now, expires_at=now)
        for _ in range(10)
    )
    with after(days=31):
        assert purge()["verification.Challenge"] == 10


def test_the_command_says_what_it_did(contoso, capsys):
    SignInLockout.objects.create(who="x", device="", last_at=timezone.now() - timedelta(days=2))

    call_command("purge")
    call_command("purge")

    assert capsys.readouterr().out.splitlines() == [
        "verification.SignInLockout: 1",
        "Nothing to delete.",
    ]
