"""Signing in with a Temporary Access Pass, and what that opens."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from limits.rules import Limit
from reset.models import ResetAttempt
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_tenant, make_user, signed_in
from tests.captcha import came_from, solved, without_work
from tests.console.people import behind_both, confirm, helpdesk_of, make_admin, with_app
from tests.threads import all_at_once
from vault import keyring
from verification.models import AccessPass, RegisteredMethod
from verification.rules.access_passes import BEYOND_GUESSING, LETTERS, Terms
from verification.rules.captcha import Action
from verification.services import access_passes
from verification.services.sign_in import TooManyFailures, sign_in_by_pass
from verification.session import Session

UPN = "minji@contoso.example"
BAD = "This pass is not correct, has expired or was already used."


def make_pass(person, *, minutes=60, once=False, starts_in=0, agent=None):
    starts_at = timezone.now() + timedelta(minutes=starts_in)
    terms = Terms(starts_at=starts_at, ends_at=starts_at + timedelta(minutes=minutes), once=once)
    agent = agent or helpdesk_of(person)
    return access_passes.issue(agent, person, terms, note="T-1")


def enter(letters, upn=UPN, client=None):
    client = client or Client()
    client.answer = client.post(
        "/signin/pass", solved({"username": upn, "access_pass": letters}, action=Action.SIGN_IN)
    )
    return client


def is_in(client):
    return client.answer.status_code == 302


def test_a_pass_leads_to_the_registration_and_is_written_down(contoso, client):
    user = make_user()
    letters = make_pass(user)
    page = client.get("/signin")
    inside = enter(f" {letters.upper()} ", " MINJI@contoso.example ", client)

    assert 'href="/signin/pass"' in page.text
    assert inside.answer.url == "/ssprsetup"
    assert inside.get("/ssprsetup").status_code == 200
    assert Event.objects.filter(activity=Activity.ACCESS_PASS_USED, subject_id=user.pk).exists()
    assert not Event.objects.filter(activity=Activity.SIGNED_IN).exists()


def test_a_phone_or_mailbox_can_be_registered_with_it(contoso, mailroom):
    user = make_user()
    client = enter(make_pass(user, once=True))

    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert RegisteredMethod.objects.filter(user=user, kind=Factor.EMAIL).exists()


def test_it_counts_as_a_proof_for_who_lost_what_they_had(contoso):
    user = make_user()
    make_email(user)

    assert enter(make_pass(user)).get("/security-info/remove/email").status_code == 200
    assert signed_in(user).get("/security-info/remove/email").url == "/security-info/proof"


@pytest.mark.parametrize(
    "path", ["/changepassword", "/admin/", "/admin/second-factor/", "/admin/people/"]
)
def test_it_opens_nothing_else(contoso, path):
    user = make_admin(UPN)
    with_app(user)
    client = enter(make_pass(user))

    for answer in (client.get(path), client.post(path, {"code": "123456"})):
        assert answer.status_code in {302, 404, 405}
        assert answer.status_code != 302 or answer.url.startswith("/signin")
    assert client.get("/ssprsetup").status_code == 200


def test_no_password_is_set_with_it_without_the_old_one(contoso):
    user = make_user()
    client = enter(make_pass(user))
    new = "a quite new horse battery"
    typed = {"password": "", "new_password": new, "confirm_password": new}

    client.post("/changepassword", typed)
    client.post(
        "/changepassword", typed | {"password": Session(client.session).access_pass.pass_id}
    )

    assert User.objects.get(pk=user.pk).password == user.password


def test_a_second_factor_passed_before_is_forgotten(contoso):
    user = make_admin(UPN)
    client = behind_both(user)
    client.post("/signout")
    enter(make_pass(user), client=client)

    assert Session(client.session).step_up is None
    assert client.get("/admin/people/").url.startswith("/signin")


def test_what_the_pass_proved_is_not_what_a_password_opens(contoso):
    user = make_user()
    make_email(user)
    client = enter(make_pass(user))

    client.post("/signin", {"username": UPN, "password": PASSWORD})

    assert client.get("/security-info/remove/email").url == "/security-info/proof"
    assert client.get("/changepassword").status_code == 200


def test_a_temporary_password_that_is_due_doesnt_keep_them_from_registering(contoso):
    user = make_user(must_change_password=True)

    assert enter(make_pass(user)).get("/ssprsetup").status_code == 200
    assert signed_in(user).get("/ssprsetup").url == "/changepassword"


def test_a_pass_is_no_gate_of_a_reset(contoso, client, mailroom):
    user = make_user()
    make_email(user)
    letters = make_pass(user)
    enter(letters, client=client)
    client.post("/passwordreset", solved({"username": UPN}))

    page = client.get("/passwordreset/verify/", follow=True)
    client.post("/passwordreset/verify/", {"method": "email"})
    for typed in (letters, letters.replace("-", "")):
        client.post("/passwordreset/verify/", {"code": typed})

    assert "Temporary Access Pass" not in page.text
    assert "access_pass" not in set(Method)
    assert not ResetAttempt.objects.filter(passed_gates__isnull=False).exists()
    assert client.get("/passwordreset/new-password/").status_code in {302, 404}


def test_a_pass_is_no_password(contoso, client):
    letters = make_pass(make_user())

    for typed in (letters, letters.replace("-", "")):
        answer = client.post("/signin", {"username": UPN, "password": typed})
        assert answer.status_code == 200


def same_words(client, upn):
    """What the page says, without what differs on every page: the name and the token."""
    page = client.answer.text.replace(upn, "")
    return without_work(page)


def _wrong(user):
    make_pass(user)
    return "abcd-efgh"


def _none(_user):
    return "abcd-efgh"


def _expired(user):
    with time_machine.travel(timezone.now() - timedelta(hours=2)):
        return make_pass(user)


def _early(user):
    return make_pass(user, starts_in=5)


def _used(user):
    letters = make_pass(user, once=True)
    enter(letters)
    return letters


def _revoked(user):
    letters = make_pass(user)
    access_passes.revoke(user)
    return letters


def _replaced(user):
    letters = make_pass(user)
    make_pass(user)
    return letters


def _disabled(user):
    letters = make_pass(user)
    User.objects.filter(pk=user.pk).update(enabled=False)
    return letters


def _worn_out(user):
    letters = make_pass(user)
    AccessPass.objects.update(tries=100)
    return letters


BAD_ONES = [_wrong, _none, _expired, _early, _used, _revoked, _replaced, _disabled, _worn_out]


@pytest.mark.parametrize("how", BAD_ONES, ids=lambda how: how.__name__)
def test_whatever_is_wrong_gets_one_answer_for_the_same_work(contoso, how):
    letters = how(make_user())
    stranger, outside = Client(), Client()
    with CaptureQueriesContext(connection) as unknown:
        enter(letters, "nobody@contoso.example", stranger)
    client = Client()
    with CaptureQueriesContext(connection) as known:
        enter(letters, client=client)
    enter(letters, "minji@nowhere.example", outside)

    assert not is_in(client)
    assert BAD in client.answer.text
    assert letters not in client.answer.text
    assert len(known) == len(unknown)
    assert same_words(client, UPN) == same_words(stranger, "nobody@contoso.example")
    assert same_words(client, UPN) == same_words(outside, "minji@nowhere.example")


def test_someone_elses_pass_and_one_of_another_organisation_open_nothing(contoso, hanbit):
    make_user()
    others = make_pass(make_user("other@contoso.example"))
    with in_tenant(hanbit.pk):
        theirs = make_pass(make_user("minji@hanbit.example"))

    assert not is_in(enter(others))
    assert not is_in(enter(theirs))
    assert is_in(enter(theirs, "minji@hanbit.example"))


def test_nobody_comes_in_as_an_operator(db):
    User.unscoped.create(upn="op@service.example", tenant_id=None, role=Role.OPERATOR)

    assert not is_in(enter("abcd-efgh", "op@service.example"))


def test_too_many_wrong_passes_from_one_network_are_stopped(contoso):
    letters = make_pass(make_user())
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)

    client = enter(letters)
    assert client.answer.status_code == 429
    assert "Too many requests came from your network" in client.answer.text


def test_a_hundred_wrong_ones_kill_a_pass_and_a_right_one_before_forgives_them(contoso):
    user = make_user()
    letters = make_pass(user)
    for _ in range(98):
        assert access_passes.redeem(user, "wrong") is None
    assert access_passes.redeem(user, letters) is not None
    for _ in range(100):
        access_passes.redeem(user, "wrong")

    assert access_passes.redeem(user, letters) is None


def wrong_tries(user, times=100):
    for _ in range(times):
        access_passes.redeem(user, "wrong")


def test_who_can_do_something_about_a_stopped_pass_hears_of_it_once(contoso, mailroom):
    user = make_user()
    make_email(user)
    make_admin()
    agent = make_admin("help@contoso.example", role=Role.HELPDESK)
    letters = make_pass(user, agent=agent)
    mailroom.work()

    wrong_tries(user, 150)

    mails = {mail.destination: mail for mail in mailroom.work()}
    assert set(mails) == {
        "minji.home@mail.example",
        UPN,
        "admin@contoso.example",
        "help@contoso.example",
    }
    assert mails[UPN].subject == "Your Temporary Access Pass for Contoso was stopped"
    assert "Ask your IT team for a new one." in mails[UPN].text
    told = mails["help@contoso.example"]
    assert f"/admin/people/{user.pk}/" in told.text
    assert not [mail for mail in mails.values() if letters in mail.text]
    (event,) = Event.objects.filter(activity=Activity.ACCESS_PASS_STOPPED)
    assert event.actor_id is None
    assert event.subject_id == user.pk


def test_a_new_pass_in_place_of_a_stopped_one_is_good_at_once(contoso):
    user = make_user()
    helpdesk = behind_both(make_admin("help@contoso.example", role=Role.HELPDESK))
    make_pass(user)
    wrong_tries(user)

    page = helpdesk.get(f"/admin/people/{user.pk}/")
    issuing = f"/admin/people/{user.pk}/do/access-pass/"
    new = confirm(helpdesk, issuing, minutes="60", once="on", note="7").context["letters"]

    assert "a wrong pass was entered too often. Issue a new one." in page.text
    assert "Valid from" not in page.text
    assert issuing in page.text
    assert is_in(enter(new))


def test_whoever_came_in_before_stays_in_when_strangers_stop_the_pass(contoso):
    user = make_user()
    client = enter(make_pass(user))

    wrong_tries(user)

    assert client.get("/ssprsetup").status_code == 200


def test_wrong_tries_never_stop_a_pass_that_nobody_can_guess(contoso, mailroom):
    change_policy(Policy(self_service=Scope.ALL, access_pass_length=BEYOND_GUESSING))
    user = make_user()
    letters = make_pass(user)
    mailroom.work()

    wrong_tries(user, 201)

    assert access_passes.redeem(user, letters) is not None
    assert mailroom.work() == []


def test_a_pass_that_nobody_can_guess_is_64_bits():
    assert len(LETTERS) ** BEYOND_GUESSING >= 2**64 > len(LETTERS) ** (BEYOND_GUESSING - 1)


def test_a_long_pass_is_guarded_by_the_count_of_the_network_alone(contoso):
    change_policy(Policy(self_service=Scope.ALL, access_pass_length=BEYOND_GUESSING))
    letters = make_pass(make_user())
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST, 999, network="192.0.2.1")
    sign_in_by_pass(UPN, "wrong", network="192.0.2.1")

    with pytest.raises(TooManyFailures):
        sign_in_by_pass(UPN, letters, network="192.0.2.1")
    assert sign_in_by_pass(UPN, letters, network="198.51.100.1") is not None


@pytest.mark.django_db(transaction=True)
def test_wrong_tries_at_the_same_moment_stop_a_pass_once():
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        user = make_user()
        letters = make_pass(user)
        wrong_tries(user, 95)

    all_at_once(10, lambda: access_passes.redeem(user, "wrong"), tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        assert access_passes.redeem(user, letters) is None
        assert Event.objects.filter(activity=Activity.ACCESS_PASS_STOPPED).count() == 1


def test_the_session_ends_with_the_pass_whatever_is_clicked(contoso):
    user = make_user()
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = enter(make_pass(user, minutes=20))
        now.shift(timedelta(minutes=14))
        client.post("/session/extend")
        within = client.get("/ssprsetup")
        now.shift(timedelta(minutes=6))
        after = client.get("/ssprsetup")

    assert within.status_code == 200
    assert after.url.startswith("/signin")


def test_the_session_lives_fifteen_minutes(contoso):
    user = make_user()
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = enter(make_pass(user, minutes=60))
        now.shift(timedelta(minutes=15))
        after = client.get("/ssprsetup")

    assert after.url.startswith("/signin")


@pytest.mark.parametrize("minutes", [10, 43_200])
def test_a_pass_works_until_its_last_moment(contoso, minutes):
    user = make_user()
    with time_machine.travel(timezone.now(), tick=False) as now:
        letters = make_pass(user, minutes=minutes)
        now.shift(timedelta(minutes=minutes, seconds=-1))
        before = is_in(enter(letters))
        now.shift(timedelta(seconds=1))
        after = is_in(enter(letters))

    assert (before, after) == (True, False)


def test_a_pass_for_several_times_works_again(contoso):
    letters = make_pass(make_user())

    assert is_in(enter(letters))
    assert is_in(enter(letters))


def test_signing_out_works_and_a_stolen_cookie_is_worth_nothing_then(contoso):
    client = enter(make_pass(make_user()))
    stolen = Client()
    stolen.cookies = client.cookies.copy()

    assert client.post("/signout").url == "/signin?out"
    assert stolen.get("/ssprsetup").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_with_a_pass_for_once_open_one_session():
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        user = make_user()
        letters = make_pass(user, once=True)

    won = all_at_once(20, lambda: access_passes.redeem(user, letters), tenant_id=tenant.pk)

    assert sum(one is not None for one in won) == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_issued_at_once_one_is_good():
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        user = make_user()
        agent = helpdesk_of(user)

    passes = all_at_once(5, lambda: make_pass(user, agent=agent), tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        good = [letters for letters in passes if access_passes.redeem(user, letters)]
        assert len(good) == 1
        assert AccessPass.objects.filter(revoked_at=None).count() == 1


def test_a_pass_outlives_the_key_it_was_made_with(contoso, settings):
    user = make_user()
    letters = make_pass(user)
    settings.ENCRYPTION_KEYS = [
        "a newer key of the operator, long enough",
        *settings.ENCRYPTION_KEYS,
    ]
    keyring.purpose_key.cache_clear()

    try:
        assert access_passes.redeem(user, letters) is not None
    finally:
        keyring.purpose_key.cache_clear()


def test_a_node_of_the_version_before_issues_passes_that_count_wrong_tries(contoso):
    """It writes a row without the columns that it doesn't know."""
    person = make_user(UPN)
    make_pass(person)
    known = [
        field.column
        for field in AccessPass._meta.concrete_fields
        if field.name not in {"letters", "stopped_at", "id"}
    ]
    columns = ", ".join(f'"{column}"' for column in known)
    values = list(AccessPass.objects.values_list(*known).get())
    AccessPass.objects.all().delete()
    key = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO verification_accesspass ("id", {columns})'  # our own names
            f" VALUES (%s, {', '.join(['%s'] * len(known))})",
            [key.hex if connection.vendor == "sqlite" else key, *values],
        )

    assert AccessPass.objects.get().letters < BEYOND_GUESSING
