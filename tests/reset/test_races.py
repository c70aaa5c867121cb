"""Two at once, with real threads and real commits."""

import threading

import pytest
from django.db import connection
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from reset.models import PassedGate, ResetAttempt
from tests.builders import make_email, make_tenant, make_user
from tests.captcha import solved
from verification.models import Challenge
from verification.services.challenges import code_mac
from verification.services.notice_links import issue
from verification.services.notice_words import Notice

RIGHT = "12345678"


def at_once(count, work):
    """Runs the same work in as many threads, all let go at the same moment."""
    gate = threading.Barrier(count)
    results = []

    def run(number):
        try:
            gate.wait()
            results.append(work(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def portal(transactional_db, mailroom):
    """A tenant and its user, committed, with a browser at the code page."""
    tenant = make_tenant("contoso")
    with in_tenant(tenant.pk):
        make_email(make_user())
        client = Client()
        client.post("/passwordreset", solved({"username": "minji@contoso.example"}))
        client.post("/passwordreset/verify", {"method": "email"})
        challenge = Challenge.objects.get()
        challenge.code_mac = code_mac(challenge, RIGHT)
        challenge.save()
        yield client.cookies["reset"].value


def browser(cookie):
    client = Client()
    client.cookies["reset"] = cookie
    return client


def test_of_two_racing_right_codes_exactly_one_passes_the_gate(portal):
    def send(_number):
        return browser(portal).post("/passwordreset/code", {"code": RIGHT}).status_code

    at_once(2, send)

    assert PassedGate.objects.count() == 1
    assert Event.objects.filter(reason="gate_passed").count() == 1


def test_two_hundred_wrong_guesses_at_once_count_as_the_cap(portal):
    def send(number):
        codes = [f"{10_000_000 + number * 10 + n}" for n in range(10)]
        return [browser(portal).post("/passwordreset/code", {"code": c}) for c in codes]

    at_once(20, send)

    compared = Event.objects.filter(reason__in=["code_wrong", "code_dead"]).count()
    assert Challenge.objects.get().tries <= 5
    assert Event.objects.filter(reason="code_wrong").count() <= 5
    assert compared <= 10
    assert not PassedGate.objects.exists()


def test_of_two_racing_new_passwords_exactly_one_is_set(portal):
    client = browser(portal)
    client.post("/passwordreset/code", {"code": RIGHT})
    cookie = client.cookies["reset"].value

    def send(number):
        new = f"correct horse battery {number}"
        fields = {"new_password": new, "confirm_password": new}
        return browser(cookie).post("/passwordreset/new-password", fields).status_code

    at_once(4, send)

    assert Event.objects.filter(activity=Activity.PASSWORD_RESET).count() == 1
    assert ResetAttempt.objects.get().finished_at is not None


def test_of_racing_presses_one_stops_everything_and_tells(portal):
    link = f"/wasnt-me/{issue(User.objects.get(), Notice.RESET)[0]}"

    answers = at_once(4, lambda _number: Client().post(link).status_code)

    assert answers == [302] * 4
    assert Event.objects.filter(activity=Activity.SELF_SERVICE_FROZEN).count() == 1


def test_a_new_password_that_races_with_a_freeze_comes_before_it_or_not_at_all(portal):
    client = browser(portal)
    client.post("/passwordreset/code", {"code": RIGHT})
    cookie = client.cookies["reset"].value
    link = f"/wasnt-me/{issue(User.objects.get(), Notice.RESET)[0]}"
    new = {"new_password": "correct horse battery", "confirm_password": "correct horse battery"}

    def act(number):
        if number:
            return Client().post(link).status_code
        return browser(cookie).post("/passwordreset/new-password", new).status_code

    at_once(2, act)

    told = [Activity.PASSWORD_RESET, Activity.SELF_SERVICE_FROZEN]
    order = (
        Event.objects.filter(activity__in=told).order_by("pk").values_list("activity", flat=True)
    )
    assert list(order) in (told, told[1:])
    assert User.objects.get().frozen_at is not None
