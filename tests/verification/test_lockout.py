"""Smart lockout at sign-in and at the change of a password, as guessers and owners meet it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from passwords import hashing
from reset.services.attempts import begin
from tenants.policy import Policy, Scope
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_user
from tests.captcha import solved, without_work
from tests.console.people import behind_both, make_admin
from tests.threads import all_at_once
from verification.models import SignInLockout
from verification.rules.captcha import Action
from verification.rules.lockout import FORGOTTEN_AFTER, LONGEST, LockoutState, Strictness, tried
from verification.services import lockouts

NEW = "correct horse battery staple"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STRICT = Strictness(threshold=10, first=timedelta(seconds=60))
UNKNOWN = "nobody@contoso.example"
NAME = re.compile(r"\b\w+@contoso\.example")


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, require_registration=False)


def give(client, password, upn="minji@contoso.example", **more):
    fields = solved({"username": upn, "password": password}, action=Action.SIGN_IN)
    return client.post("/signin", fields, **more)


def guess(times, upn="minji@contoso.example", client=None, start=0):
    """So many different wrong passwords; the answer to the last."""
    client = client or Client()
    return [give(client, f"wrong {number}", upn) for number in range(start, start + times)][-1]


def is_in(client):
    return client.get("/security-info").status_code == 200


def test_the_tenth_wrong_password_locks_even_the_right_one_out_for_a_minute(user):
    guess(9)
    assert give(Client(), PASSWORD).status_code == 302
    with time_machine.travel(timezone.now(), tick=False) as clock:
        guess(10, start=20)

        refused = give(client := Client(), PASSWORD)

        assert refused.status_code == 429
        assert refused["Retry-After"] == "60"
        assert "temporarily locked" in refused.text
        assert not is_in(client)
        clock.shift(timedelta(seconds=61))
        give(client, PASSWORD)
        assert is_in(client)


def test_after_a_lock_the_first_failure_locks_again_twice_as_long_up_to_five_hours(user):
    lasted = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        guess(9)
        for number in range(12):
            guess(1, start=100 + number)
            answer = guess(1, start=200)
            lasted.append(int(answer["Retry-After"]))
            clock.shift(timedelta(seconds=lasted[-1]))

    assert lasted[:4] == [60, 120, 240, 480]
    assert lasted[-1] == LONGEST.total_seconds()


def test_a_day_without_failures_begins_anew(user):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        guess(9)
        clock.shift(FORGOTTEN_AFTER)

        assert guess(9, start=20).status_code == 200


def test_the_same_wrong_password_counts_once(user):
    client = Client()

    for _ in range(20):
        give(client, "old password from last month")

    assert SignInLockout.objects.get().failures == 1
    assert give(client, PASSWORD).status_code == 302


def test_a_right_password_forgets_what_was_counted_there(user):
    guess(9)
    give(Client(), PASSWORD)

    assert guess(9, start=20).status_code == 200


def test_the_policy_says_how_many_and_how_long(user):
    change_policy(Policy(self_service=Scope.ALL, lockout_threshold=3, lockout_seconds=1_000))
    with time_machine.travel(timezone.now(), tick=False):
        guess(3)

        assert guess(1, start=9)["Retry-After"] == "1000"


def test_a_strangers_guesses_dont_keep_the_owner_out_of_their_own_browser(user):
    mine = Client()
    give(mine, PASSWORD)
    mine.post("/signout")
    guess(30)

    give(mine, PASSWORD)

    assert is_in(mine)


def test_a_familiar_browser_has_a_budget_of_its_own(user):
    mine = Client()
    give(mine, PASSWORD)
    mine.post("/signout")

    guess(10, client=mine)

    assert give(mine, PASSWORD).status_code == 429
    assert give(Client(), PASSWORD).status_code == 302


def test_a_browser_is_familiar_to_who_signed_in_there_and_to_nobody_else(user):
    other = make_user("other@contoso.example")
    shared = Client()
    give(shared, PASSWORD, other.upn)
    shared.post("/signout")
    guess(10)

    assert give(shared, PASSWORD).status_code == 429
    assert give(shared, PASSWORD, other.upn).status_code == 302


@pytest.mark.parametrize("lie", ["x" * 5_000, "ab.cd", "~~..~", "0" * 32 + "." + "0" * 64, "é.é"])
def test_nobody_makes_a_browser_familiar_by_writing_its_cookie(user, lie):
    forger = Client()
    forger.cookies[settings.KNOWN_COOKIE_NAME] = lie
    guess(10)

    assert give(forger, PASSWORD).status_code == 429


def test_a_cookie_of_another_organisation_is_worth_nothing(user, hanbit):
    with in_tenant(hanbit.pk):
        cookie = lockouts.made_known(make_user("minji@hanbit.example"), "")

    assert lockouts.device_of(user.upn, cookie) == lockouts.UNKNOWN_DEVICE


def test_five_people_share_a_browser_and_the_sixth_takes_the_oldest_place(user):
    cookie = ""
    people = [user, *(make_user(f"p{number}@contoso.example") for number in range(5))]
    for one in people:
        cookie = lockouts.made_known(one, cookie)

    known = [lockouts.device_of(one.upn, cookie) != lockouts.UNKNOWN_DEVICE for one in people]

    assert known == [False, True, True, True, True, True]


def test_who_doesnt_exist_is_locked_alike_byte_for_byte_and_statement_for_statement(user):
    def seen(upn):
        client, pages, statements = Client(REMOTE_ADDR=f"192.0.2.{len(upn)}"), [], []
        for number in range(12):
            with CaptureQueriesContext(connection) as asked:
                page = give(client, f"wrong {number}", upn)
            pages.append((page.status_code, NAME.sub("", without_work(page.text))))
            # The statements without the ids in them; an unknown user's id is NULL.
            statements.append([re.sub(r"'[^']*'|\d+|NULL", "?", one["sql"]) for one in asked])
        return pages, statements

    with time_machine.travel(timezone.now(), tick=False):
        seen("somebody.else@contoso.example")
        known, unknown = seen(user.upn), seen(UNKNOWN)

    assert known[0] == unknown[0]
    assert known[1] == unknown[1]


def test_a_locked_out_guess_costs_no_hash(user, monkeypatch):
    guess(10)
    monkeypatch.setattr(hashing.Argon2, "verify", None)
    monkeypatch.setattr(hashing.Argon2, "encode", None)

    assert give(Client(), "another").status_code == 429


def test_each_lock_is_on_record_once_and_no_password_is(user):
    guess(10)
    guess(5, start=50)

    (event,) = Event.objects.filter(activity=Activity.SIGN_IN_LOCKED)
    assert event.subject_id == user.pk
    assert "wrong" not in str(event.details)
    assert "wrong" not in str(list(SignInLockout.objects.values()))


def test_a_busy_machine_counts_nothing(user, monkeypatch):
    def busy(*_arguments):
        raise hashing.Busy

    monkeypatch.setattr(hashing.Argon2, "verify", busy)
    for number in range(12):
        give(Client(), f"wrong {number}")

    assert SignInLockout.objects.get().failures == 0


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_no_more_comparisons_than_the_threshold(user, contoso):
    numbers = iter(range(20))

    def guess_one():
        try:
            lockouts.count_a_try(user.upn, f"wrong {next(numbers)}")
        except lockouts.Locked:
            return False
        return True

    compared = all_at_once(16, guess_one, tenant_id=contoso.pk)

    assert compared.count(True) == Policy().lockout_threshold


def test_a_reset_ends_the_lock_everywhere(user, mailroom):
    make_email(user)
    guess(10)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/choose", {"reason": "forgot"})
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})

    client.post("/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW})

    assert give(Client(), NEW).status_code == 302


def test_a_locked_person_is_offered_to_unlock_and_keeps_the_password(user, mailroom):
    make_email(user)
    guess(10)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/choose", {"reason": "unlock"})
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})

    client.post("/passwordreset/unlock")

    assert give(Client(), PASSWORD).status_code == 302


def test_resets_that_fail_never_lock_a_sign_in(user):
    make_email(user)
    for _ in range(12):
        begin(user.upn, network="192.0.2.2")

    assert give(Client(), PASSWORD).status_code == 302


def test_the_helpdesk_ends_it(user):
    guess(10)
    agent = behind_both(make_admin("help@contoso.example"))

    page = agent.get(f"/admin/people/{user.pk}/")
    agent.post(f"/admin/people/{user.pk}/do/clear/", {"note": "ticket 12", "confirm": "on"})

    assert "after wrong passwords" in page.text
    assert not SignInLockout.objects.exists()
    assert not User.objects.get(pk=user.pk).is_locked
    assert give(Client(), PASSWORD).status_code == 302


def test_wrong_old_passwords_at_a_change_lock_that_page_and_no_sign_in(user):
    client = Client()
    give(client, PASSWORD)
    typed = {"new_password": NEW, "confirm_password": NEW}
    for number in range(10):
        client.post("/changepassword", {"password": f"wrong {number}", **typed})

    answer = client.post("/changepassword", {"password": PASSWORD, **typed})

    user.refresh_from_db()
    assert "Paused until" in answer.text
    assert user.check_password(PASSWORD)
    assert give(Client(), PASSWORD).status_code == 302


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 100_000)), max_size=60))
def test_whatever_happens_a_lock_comes_by_the_threshold_and_never_lasts_too_long(tries):
    standing, now, strange = LockoutState(), NOON, 0
    for password, seconds in tries:
        now += timedelta(seconds=seconds)
        if standing.is_locked(now):
            continue
        before, standing = standing, tried(standing, password, now, STRICT)
        strange = standing.failures
        assert standing.failures - before.failures <= 1
        if standing.locked_until is not None:
            assert standing.locked_until - (standing.last_at or now) <= LONGEST
    assert strange < STRICT.threshold or standing.locks > 0
