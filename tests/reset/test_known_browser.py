"""Browsers in which a user signed in before: what strangers guess elsewhere counts apart."""

import pytest
from django.test import Client

from limits import services as limits
from limits.rules import Limit
from reset.models import ResetAttempt
from tenants.policy import Policy, Scope
from tenants.services import change_policy
from tests.builders import PASSWORD, make_user
from tests.captcha import solved
from tests.visits import sign_in
from verification.services import guesses
from verification.services.guesses import AttemptCounter, Throttled

NEW = "correct horse battery staple"


@pytest.fixture
def own(user):
    """The user's browser, in which they signed in before."""
    return known_from(user)


def known_from(user):
    browser = Client()
    browser.post("/signin", {"username": user.upn, "password": PASSWORD})
    browser.post("/signout")
    return browser


def identify(browser, user):
    return browser.post("/passwordreset", solved({"username": user.upn}), follow=True)


def ask_for_a_code(browser):
    return browser.post("/passwordreset/verify", {"method": "email"})


def guess_wrong(browser, user, mailroom, times=10):
    """As often as it takes, five times for each code."""
    for _ in range(times // 5):
        identify(browser, user)
        ask_for_a_code(browser)
        mailroom.work()
        for _try in range(5):
            browser.post("/passwordreset/code", {"code": "00000000"})


def reset(browser, user, mailroom):
    identify(browser, user)
    ask_for_a_code(browser)
    browser.post("/passwordreset/code", {"code": mailroom.code()})
    typed = {"new_password": NEW, "confirm_password": NEW}
    browser.post("/passwordreset/new-password", typed)
    user.refresh_from_db()
    return user.check_password(NEW)


def test_a_strangers_guesses_dont_keep_the_owner_from_resetting_in_their_own_browser(
    user, own, mailroom
):
    guess_wrong(Client(), user, mailroom)
    assert b"R04" in identify(Client(), user).content

    assert reset(own, user, mailroom)


def test_a_strangers_codes_dont_use_up_those_of_the_owners_own_browser(user, own, mailroom):
    stranger, own_codes = Client(), 0
    for _ in range(12):
        identify(stranger, user)
        ask_for_a_code(stranger)
    assert len(mailroom.work()) == 10  # to one mailbox in ten minutes

    for _ in range(12):
        identify(own, user)
        ask_for_a_code(own)
        own_codes += len(mailroom.work())

    assert own_codes == 10


def test_a_known_browser_has_a_budget_of_its_own_and_no_more(user, own, mailroom):
    guess_wrong(own, user, mailroom)

    assert b"R04" in identify(own, user).content
    assert b"R04" in identify(known_from(user), user).content
    assert reset(Client(), user, mailroom)


def test_a_reset_in_a_strangers_browser_is_not_known_by_what_others_signed_in_there(user, mailroom):
    stranger = known_from(make_user("stranger@contoso.example"))
    guess_wrong(Client(), user, mailroom)

    assert b"R04" in identify(stranger, user).content


@pytest.mark.parametrize(
    "forged", ["", "abc", "0123.4567~89ab.cdef", "~~~~~", ".", "a" * 5_000], ids=len
)
def test_a_cookie_that_is_not_ours_makes_no_browser_known(user, mailroom, settings, forged):
    guess_wrong(Client(), user, mailroom)
    browser = Client()
    browser.cookies[settings.KNOWN_COOKIE_NAME] = forged

    assert b"R04" in identify(browser, user).content


def test_a_pause_that_begins_on_the_way_ends_the_attempt_where_it_counts(user, own, mailroom):
    """An attempt in a known browser goes on, whatever an attacker guesses elsewhere."""
    identify(own, user)
    ask_for_a_code(own)
    code = mailroom.code()
    guess_wrong(Client(), user, mailroom)

    answer = own.post("/passwordreset/code", {"code": code}, follow=True)

    assert answer.redirect_chain[-1][0] == "/passwordreset/new-password"


def test_guesses_of_both_kinds_count_towards_the_hundred_that_only_the_helpdesk_lifts(contoso):
    """Otherwise a known browser would double what NIST allows.

    Source: NIST SP 800-63B-4 section 3.2.2.
    """
    for _ in range(99):
        limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, "1")
    guesses.count_a_guess(1, AttemptCounter.KNOWN_BROWSER)

    for counter in (AttemptCounter.SELF_SERVICE, AttemptCounter.KNOWN_BROWSER):
        with pytest.raises(Throttled) as throttle:
            guesses.count_a_guess(1, counter)
        assert throttle.value.until is None
        assert guesses.throttle_of(1, counter) is not None


def test_who_is_paused_in_their_own_browser_alone_is_found_and_cleared_as_well(contoso):
    for _ in range(10):
        guesses.count_a_guess(1, AttemptCounter.KNOWN_BROWSER)
    assert guesses.throttled_among([1, 2]).keys() == {1}

    guesses.reset(1)

    assert not guesses.throttled_among([1, 2])
    guesses.count_a_guess(1, AttemptCounter.KNOWN_BROWSER)


def test_nobody_is_known_anywhere(user, own, mailroom):
    """An unknown user ID is treated in the same way, in any browser."""
    own.post("/passwordreset", solved({"username": "nobody@contoso.example"}))

    assert not ResetAttempt.objects.get().from_known_browser


def test_cookies_that_were_collected_end_with_the_password(user):
    """A thief with the password collects browsers, to guess more often at the next one."""
    change_policy(Policy(self_service=Scope.ALL, lockout_threshold=3))
    collected = [known_from(user) for _ in range(5)]
    owner = known_from(user)
    owner.post("/signin", {"username": user.upn, "password": PASSWORD})
    typed = {"password": PASSWORD, "new_password": NEW, "confirm_password": NEW}
    owner.post("/changepassword", typed)

    answers = [
        sign_in(browser, user, password=f"guess {number} {at}")
        for at, browser in enumerate(collected)
        for number in range(3)
    ]

    assert sum("is not correct" in answer.text for answer in answers) <= 3
    owner.post("/signout")
    assert sign_in(owner, user, password=NEW).status_code == 302
