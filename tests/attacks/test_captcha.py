"""Attempts to ask without work or waiting, or twice for the same work."""

import base64
import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from limits import services as limits
from limits.rules import Limit, network
from reset.models import ResetAttempt
from tests.builders import PASSWORD, make_email, make_user
from tests.captcha import NETWORK, solution_of, solved, ticket, work
from tests.console.people import make_admin
from tests.threads import all_at_once
from verification.rules.captcha import LIFETIME, Action, Suspicion
from verification.services import captcha, guessing_alerts
from verification.services.captcha import Captcha
from verification.services.guesses import count_a_guess, uncount

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WHO = {"username": "minji@contoso.example"}
NOT_DONE = "The check didn’t finish. Select Continue to try it again."
NOT_DONE_AT_SIGN_IN = "The check didn’t finish. Select Sign in to try it again."
EXPIRED = "The check expired. Select Continue to do it again."


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def identify(fields, client=None):
    return (client or Client()).post("/passwordreset", WHO | fields)


def got_in(page):
    return page.status_code == 302


def challenge_on(page):
    (challenge,) = re.findall(r'data-altcha="([^"]+)"', page.text)
    return unescape(challenge)


def ticket_on(page):
    (carried,) = re.findall(r'name="ticket" value="([^"]+)"', page.text)
    return carried


def test_what_the_page_asks_for_opens_it_once(contoso, client):
    challenge = challenge_on(client.get("/passwordreset"))
    answer = {"altcha": solution_of(challenge)}

    assert got_in(identify(answer))
    again = identify(answer)

    assert not got_in(again)
    assert NOT_DONE in again.text
    assert ResetAttempt.unscoped.count() == 1


@pytest.mark.parametrize("fields", [{}, {"altcha": ""}, {"altcha": "", "ticket": ""}])
def test_nobody_gets_in_without_work_and_nothing_is_looked_up(contoso, fields):
    page = identify(fields)

    assert page.status_code == 200
    assert NOT_DONE in page.text
    assert WHO["username"] in page.text  # what was typed stays
    assert not ResetAttempt.unscoped.exists()


def test_work_for_one_page_is_no_good_at_another(contoso):
    assert NOT_DONE in identify({"altcha": work(Action.SIGN_IN, Suspicion.MUCH)}).text


def test_work_goes_off(contoso, clock):
    answer = {"altcha": work()}
    clock.shift(LIFETIME + timedelta(seconds=1))

    assert EXPIRED in identify(answer).text


@pytest.mark.parametrize(
    "easier",
    [
        {"keyPrefix": "00"},
        {"keyPrefix": ""},
        {"cost": 0},
        {"expiresAt": 4_000_000_000},
        {"expiresAt": None},
        {"data": {"for": "identify", "suspicion": 2}},
        {"algorithm": "SHA-256"},
    ],
)
def test_nobody_makes_the_work_easier(contoso, easier):
    payload = json.loads(base64.b64decode(work()))
    payload["challenge"]["parameters"] |= easier
    changed = base64.b64encode(json.dumps(payload).encode()).decode()

    assert NOT_DONE in identify({"altcha": changed}).text


def test_nobody_signs_work_of_their_own(contoso):
    given = json.loads(Captcha(Action.IDENTIFY, NETWORK, {}).challenge)
    for signature in ("", "00" * 32, None):
        forged = json.dumps(given | {"signature": signature})
        assert NOT_DONE in identify({"altcha": solution_of(forged)}).text


def test_a_wrong_answer_is_no_answer(contoso):
    right = json.loads(base64.b64decode(work()))
    for lie in ({"counter": 0}, {"counter": "1"}, {"derivedKey": "00"}, {"counter": 2**40}):
        wrong = right | {"solution": right["solution"] | lie}
        sent = base64.b64encode(json.dumps(wrong).encode()).decode()
        assert NOT_DONE in identify({"altcha": sent}).text


@given(
    st.one_of(
        st.text(max_size=50),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["challenge", "solution", "parameters", "signature", "counter"])
                    | st.text(max_size=3),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ).map(lambda value: base64.b64encode(json.dumps(value).encode()).decode()),
    )
)
def test_nonsense_is_no_work_and_breaks_nothing(sent):
    asked = Captcha(Action.IDENTIFY, NETWORK, {"altcha": sent, "ticket": sent})

    assert asked._worked() is not captcha.Finding.PASSED
    assert asked._waited() is not captcha.Finding.PASSED


def test_a_thousand_levels_of_nonsense_are_cheap(contoso):
    deep = base64.b64encode(b"[" * 2_900).decode()

    assert NOT_DONE in identify({"altcha": deep}).text
    assert NOT_DONE in identify({"altcha": "A" * 60_000}).text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["work", "ticket"])
def test_of_many_at_once_one_gets_in(contoso, how):
    with time_machine.travel(NOON, tick=False) as clock:
        fields = {"altcha": work()} if how == "work" else {"ticket": ticket()}
        clock.shift(timedelta(seconds=11))

        pages = all_at_once(8, lambda: identify(fields))

    assert sum(got_in(page) for page in pages) == 1


def test_who_waits_gets_in_without_a_script(contoso, clock, client):
    waiting = ticket_on(client.get("/passwordreset"))
    clock.shift(timedelta(seconds=9))
    early = identify({"ticket": waiting}, client)

    assert "Wait 1 more second, then select Continue." in early.text
    assert ticket_on(early) != ""
    clock.shift(timedelta(seconds=1))
    # The page that said so carries the ticket on: no user waits twice.
    assert got_in(identify({"ticket": ticket_on(early)}, client))


def test_a_ticket_is_good_once_for_a_while_and_where_it_was_given(contoso, clock):
    first, second, third = ticket(), ticket(), ticket()
    clock.shift(timedelta(seconds=10))

    assert got_in(identify({"ticket": first}))
    assert not got_in(identify({"ticket": first}))
    assert not got_in(identify({"ticket": second}, Client(REMOTE_ADDR="198.51.100.1")))
    assert not got_in(identify({"ticket": ticket(Action.SIGN_IN)}))
    assert not got_in(identify({"ticket": third[:-2] + "xx"}))
    clock.shift(LIFETIME)
    assert EXPIRED in identify({"ticket": third}).text


def test_tickets_taken_all_at_once_are_used_no_faster_than_one_after_another(contoso, clock):
    tickets = [ticket() for _ in range(20)]
    clock.shift(timedelta(seconds=10))

    pages = [identify({"ticket": one}) for one in tickets]

    assert [got_in(page) for page in pages] == [True] * 12 + [False] * 8
    refused = pages[-1]
    assert "Too many requests came from your network. Try again in 2 minutes." in refused.text
    clock.shift(timedelta(seconds=119))
    assert not got_in(identify({"ticket": tickets[-1]}))
    clock.shift(timedelta(seconds=1))
    assert got_in(identify({"ticket": ticket_on(refused)}))


def test_where_the_suspicion_is_greater_fewer_tickets_are_used_at_once(contoso, clock):
    for _ in range(20):
        captcha.count_a_user_id(NETWORK)
    tickets = [ticket() for _ in range(20)]
    clock.shift(timedelta(seconds=20))

    assert sum(got_in(identify({"ticket": one})) for one in tickets) == 6


def test_who_waits_in_a_crowded_network_is_told_in_korean(contoso, clock):
    tickets = [ticket() for _ in range(13)]
    clock.shift(timedelta(seconds=10))
    korean = Client(headers={"accept-language": "ko"})

    page = [identify({"ticket": one}, korean) for one in tickets][-1]

    assert "2분 뒤에 다시 시도하세요." in page.text


def test_a_ticket_that_would_go_off_meanwhile_is_replaced_and_the_new_ones_time_is_said(
    contoso, clock
):
    old = ticket()
    clock.shift(LIFETIME - timedelta(seconds=128))
    young = [ticket() for _ in range(12)]
    clock.shift(timedelta(seconds=10))
    for one in young:
        identify({"ticket": one})
    clock.shift(timedelta(seconds=116))

    page = identify({"ticket": old})

    assert "Try again in 10 seconds." in page.text
    clock.shift(timedelta(seconds=10))
    assert got_in(identify({"ticket": ticket_on(page)}))


def test_a_crowd_holds_up_no_other_network_no_other_page_and_no_script(contoso, clock):
    crowd = [ticket() for _ in range(20)]
    elsewhere = "198.51.100.1"
    other = ticket(network=elsewhere)
    sign_in = Captcha(Action.SIGN_IN, NETWORK, {"ticket": ticket(Action.SIGN_IN)})
    clock.shift(timedelta(seconds=10))
    for one in crowd:
        identify({"ticket": one})

    assert got_in(identify({"ticket": other}, Client(REMOTE_ADDR=elsewhere)))
    assert sign_in.judge(Suspicion.NONE) is captcha.Finding.PASSED
    assert got_in(identify({"altcha": work()}))


def test_a_used_ticket_sent_again_and_again_takes_nobodys_turn(contoso, clock):
    used, fresh = ticket(), ticket()
    clock.shift(timedelta(seconds=10))
    for _ in range(20):
        identify({"ticket": used})

    assert got_in(identify({"ticket": fresh}))


@pytest.mark.django_db(transaction=True)
def test_twenty_tickets_used_at_the_same_moment_are_counted_too(contoso):
    with time_machine.travel(NOON, tick=False) as clock:
        tickets = iter([ticket() for _ in range(20)])
        clock.shift(timedelta(seconds=11))

        pages = all_at_once(20, lambda: identify({"ticket": next(tickets)}))

    assert sum(got_in(page) for page in pages) == 12


def test_a_network_that_tries_many_user_ids_works_and_waits_longer(contoso, clock):
    for _ in range(20):
        assert got_in(identify({"altcha": work()}))

    assert NOT_DONE in identify({"altcha": work()}).text
    assert got_in(identify({"altcha": work(suspicion=Suspicion.SOME)}))
    waiting = ticket()
    clock.shift(timedelta(seconds=11))
    assert "Wait 9 more seconds" in identify({"ticket": waiting}).text
    assert got_in(identify({"altcha": work()}, Client(REMOTE_ADDR="198.51.100.1")))
    clock.shift(timedelta(minutes=10))
    assert got_in(identify({"altcha": work()}))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", False),
    ],
)
def test_an_ipv6_site_is_one_network(contoso, one, other, alike):
    for _ in range(20):
        captcha.count_a_user_id(network(one))

    page = identify({"altcha": work()}, Client(REMOTE_ADDR=other))

    assert got_in(page) is not alike


@pytest.mark.parametrize("name", ["minji@contoso.example", "nobody@contoso.example", "x@no.where"])
def test_signing_in_costs_work_after_three_wrong_passwords_whoever_it_is(contoso, name):
    make_email(make_user())
    fields = {"username": name, "password": "wrong"}
    pages = [
        Client(REMOTE_ADDR=f"192.0.2.{n}").post("/signin", fields | {"password": f"wrong {n}"})
        for n in range(4)
    ]

    said = [NOT_DONE_AT_SIGN_IN in page.text for page in pages]
    assert said == [False, False, False, True]
    assert (
        "Your user ID or password is not correct"
        in Client(REMOTE_ADDR="192.0.2.9")
        .post("/signin", solved(fields | {"password": "wrong 9"}, action=Action.SIGN_IN))
        .text
    )


def test_a_right_password_signs_in_with_the_work_that_the_page_did_by_itself(contoso, client):
    make_email(make_user())
    for n in range(4):
        client.post("/signin", WHO | {"password": f"wrong {n}"})
    answer = {"altcha": solution_of(challenge_on(client.get("/signin")))}

    assert client.post("/signin", WHO | {"password": PASSWORD}).status_code == 200
    assert client.post("/signin", WHO | {"password": PASSWORD} | answer).status_code == 302


@pytest.mark.parametrize("path", ["/signin", "/signin/pass"])
def test_a_network_where_much_fails_works_more_and_more(contoso, client, path):
    fields = {"password": "x", "access_pass": "x"}
    names = itertools.count()

    def tried(suspicion=None):
        more = {} if suspicion is None else {"altcha": work(Action.SIGN_IN, suspicion)}
        who = {"username": f"user{next(names)}@contoso.example"}
        return NOT_DONE_AT_SIGN_IN not in client.post(path, who | fields | more).text

    assert all(tried() for _ in range(5))
    assert not tried()
    assert all(tried(Suspicion.NONE) for _ in range(15))
    assert not tried(Suspicion.NONE)
    assert tried(Suspicion.SOME)
    for _ in range(30):
        limits.hit(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST, NETWORK)
    assert not tried(Suspicion.SOME)
    assert tried(Suspicion.MUCH)


def test_many_wrong_codes_of_one_organisation_make_work_dearer_and_are_told(
    contoso, hanbit, mailroom, client
):
    make_admin("admin@contoso.example")
    for user_id in range(1, 52):
        count_a_guess(user_id)

    assert guessing_alerts.is_raised(contoso.pk)
    assert not guessing_alerts.is_raised(hanbit.pk)
    assert NOT_DONE in identify({"altcha": work()}).text
    assert got_in(identify({"altcha": work(suspicion=Suspicion.SOME)}))
    elsewhere = client.post("/passwordreset", {"username": "a@hanbit.example", "altcha": work()})
    assert got_in(elsewhere)
    assert Event.objects.filter(activity=Activity.GUESSING_SUSPECTED).count() == 1
    (letter,) = mailroom.work()
    assert letter.destination == "admin@contoso.example"
    assert "Unusually many wrong codes" in letter.subject


def test_right_codes_and_few_wrong_ones_alarm_nobody(contoso):
    for user_id in range(1, 200):
        count_a_guess(user_id)
        uncount(user_id)
    for user_id in range(1, 51):
        count_a_guess(user_id)

    assert not guessing_alerts.is_raised(contoso.pk)


def test_a_big_organisation_may_be_wrong_more_often(contoso, monkeypatch):
    monkeypatch.setattr(guessing_alerts, "_PER_USERS", 1)
    for number in range(55):
        make_user(f"user{number}@contoso.example")
    for user_id in range(1, 56):
        count_a_guess(user_id)

    assert not guessing_alerts.is_raised(contoso.pk)
    count_a_guess(56)
    assert guessing_alerts.is_raised(contoso.pk)


def test_an_alarm_is_given_once_an_hour(contoso, mailroom, clock):
    make_admin("admin@contoso.example")
    for user_id in range(1, 60):
        count_a_guess(user_id)
    clock.shift(timedelta(hours=1, seconds=1))

    assert not guessing_alerts.is_raised(contoso.pk)
    for user_id in range(1, 60):
        count_a_guess(user_id)
    assert guessing_alerts.is_raised(contoso.pk)
    assert len(mailroom.work()) == 2
