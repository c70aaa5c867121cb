"""Nothing that a stranger may do without work makes the database or a process grow."""

import time

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from directory.rules import canonical_upn
from passwords.banned import _of_character, plain, words_of
from passwords.rules import composed
from tests.attacks.test_headers import addresses
from tests.attacks.test_requests import everything_kept

LINKS = [
    "username=minji@contoso.example",
    "reason=unlock",
    "return_to=https://portal.contoso.example/",
    "lng=ko",
    "username=a@b.example&reason=forgot&return_to=https://portal.contoso.example/&mkt=ko",
]


@pytest.mark.parametrize("query", LINKS)
def test_no_link_that_a_stranger_opens_writes_a_row(contoso, query):
    before = everything_kept()

    for path in addresses():
        Client().get(f"{path}?{query}", follow=False)

    assert Session.objects.count() == 0
    assert everything_kept() == before


def test_what_a_link_carried_is_there_without_a_session(contoso):
    client = Client()
    page = client.get("/passwordreset?username=minji@contoso.example&reason=unlock", follow=True)

    assert page.request["QUERY_STRING"] == ""
    assert 'value="minji@contoso.example"' in page.text
    assert 'value="minji@contoso.example"' in client.get("/signin").text
    assert Session.objects.count() == 0


@pytest.mark.parametrize("cookie", ["x", "e30:x:y", "eyJ1c2VybmFtZSI6ImEifQ:1tXxxx:abc"])
def test_a_made_up_cookie_carries_nothing(db, cookie):
    client = Client()
    client.cookies["link"] = cookie

    assert client.get("/signin").status_code == 200


def test_the_longest_links_fit_into_a_cookie(contoso):
    client = Client()
    client.get("/signin", {"return_to": "https://portal.contoso.example/" + "a%41" * 480})
    client.get("/signin", {"username": "가나다라마바사아자차" * 30})

    assert len(client.cookies["link"].OutputString()) < 4_096


def test_signing_out_forgets_what_a_link_carried(contoso):
    client = Client()
    client.get("/signin?username=minji@contoso.example")
    client.post("/signout")

    assert "minji@contoso" not in client.get("/signin").text


def test_lists_of_banned_words_do_not_pile_up_in_a_process():
    for number in range(100):
        words_of(frozenset({f"word{number}"}))

    assert words_of.cache_info().currsize < 50


def test_characters_of_every_script_do_not_pile_up_in_a_process():
    plain("".join(map(chr, range(0x4E00, 0x9FFF))))

    assert _of_character.cache_info().currsize < 20_000


def quickest(work):
    """The least CPU time of a few tries, in seconds: the machine may be busy elsewhere."""
    took = []
    for _ in range(5):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)


@pytest.mark.parametrize("letter", ["\u0627", "\u337f", "\uac00", "\ufdfa"])
def test_an_endless_user_id_costs_next_to_nothing(letter):
    assert quickest(lambda: canonical_upn("a@" + letter * 498)) < 0.01


def test_an_endless_password_costs_next_to_nothing():
    assert quickest(lambda: composed("a" + "\u0301\u0323" * 5_000)) < 0.01


def test_a_password_too_long_to_be_composed_is_still_too_long():
    assert len(composed("e\u0301" * 600)) == 1_200
    assert composed("e\u0301" * 256) == "\u00e9" * 256
