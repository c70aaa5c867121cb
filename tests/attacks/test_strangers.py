"""A stranger stops no one else: not from registering, proving, signing in, resetting or asking."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from delivery import services as outbox
from limits.rules import Limit
from tenants.policy import Factor, Policy, Scope, Unknown
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.captcha import came_from, solved, work
from tests.pages import without_random
from tests.registration.test_setup import phone_form
from tests.reset.test_known_browser import identify, known_from, reset
from verification.queries import methods_by_factor
from verification.rules.captcha import Action, Suspicion
from verification.services.guesses import Throttled, count_a_guess

HELP = "/passwordreset/contact"


def guessed_by_strangers(user):
    for _ in range(10):
        count_a_guess(user.pk)
    with pytest.raises(Throttled):
        count_a_guess(user.pk)


def test_wrong_codes_of_strangers_keep_no_new_user_from_registering(user, mailroom):
    change_policy(Policy(self_service=Scope.ALL, unknown_users=Unknown.DECOY))
    guessed_by_strangers(user)
    owner = signed_in(user)

    owner.post("/ssprsetup/phone", phone_form("010-7777-6666"))
    owner.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert Factor.MOBILE_PHONE in methods_by_factor(user.pk)


def test_wrong_codes_of_strangers_keep_no_one_from_proving_freshly(user, mailroom):
    make_email(user)
    guessed_by_strangers(user)
    owner = signed_in(user)

    owner.post("/security-info/proof", {"method": "email"})
    owner.post("/security-info/proof/verify", {"code": mailroom.code()})

    assert owner.get("/ssprsetup/phone").status_code == 200


def test_in_a_network_where_much_was_tried_a_known_browser_still_resets(user, mailroom):
    make_email(user)
    own = known_from(user)
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST)

    assert "R04" in identify(Client(), user).content.decode()
    reset(own, user, mailroom)

    user.refresh_from_db()
    assert not user.check_password(PASSWORD)


def test_a_browser_known_for_one_user_is_not_let_through_for_another(user, mailroom):
    own, other = known_from(user), make_user("yuna@contoso.example")
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST)

    assert "R04" in identify(own, other).content.decode()


def test_a_large_office_resets_more_than_two_hundred_times_a_day(user, mailroom):
    make_email(user)
    came_from(Limit.USER_IDS_FROM_A_NETWORK, 250)
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST, 250)

    reset(Client(), user, mailroom)

    user.refresh_from_db()
    assert not user.check_password(PASSWORD)


def test_beyond_two_hundred_user_ids_a_stranger_does_the_dearest_work(user):
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST, 200)

    def tried(suspicion):
        fields = {"username": user.upn, "altcha": work(suspicion=suspicion)}
        return Client().post("/passwordreset", fields).status_code == 302

    assert not tried(Suspicion.MUCH)
    assert tried(Suspicion.MOST)


def test_where_much_failed_a_right_password_passes_with_work(user):
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST, 100)
    typed = {"username": user.upn, "password": PASSWORD}
    newcomer = Client()

    assert newcomer.post("/signin", typed).status_code == 200
    paid = typed | {"altcha": work(Action.SIGN_IN, Suspicion.MOST)}
    assert newcomer.post("/signin", paid).status_code == 302


def test_where_everything_failed_a_known_browser_signs_in_without_work(user):
    own = known_from(user)
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)
    typed = {"username": user.upn, "password": PASSWORD}

    assert own.post("/signin", typed).status_code == 302
    strangers = Client().post("/signin", solved(typed, action=Action.SIGN_IN))
    assert strangers.status_code == 429


def test_an_invented_cookie_of_a_known_browser_saves_no_work(user):
    came_from(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST, 100)
    browser = Client()
    browser.cookies[settings.KNOWN_COOKIE_NAME] = "abcdef.123456"
    typed = {"username": user.upn, "password": PASSWORD}

    assert browser.post("/signin", typed).status_code == 200


def asks(upn, number):
    browser = Client(REMOTE_ADDR=f"198.51.100.{number % 200 + 1}")
    browser.post("/passwordreset", solved({"username": upn}))
    return browser.post(HELP, {"message": "hello"})


def test_invented_names_do_not_mute_the_helpdesk(user, mailroom):
    make_user("help@contoso.example", role=Role.HELPDESK)
    pages = [asks(f"nobody{number}@contoso.example", number) for number in range(25)]

    page = asks(user.upn, 30)

    mails = mailroom.work()
    assert ["minji" in mail.subject for mail in mails] == [False] * 20 + [True]
    assert {"Your request was sent" in one.text for one in [*pages, page]} == {True}


def test_requests_beyond_the_number_of_an_hour_reach_the_helpdesk_in_one_mail(
    user, mailroom, clock
):
    make_user("help@contoso.example", role=Role.HELPDESK)
    for number in range(23):
        assert "was sent" in asks(f"nobody{number}@contoso.example", number).text
    for number in range(22):
        who = make_user(f"person{number}@contoso.example")
        assert "was sent" in asks(who.upn, 50 + number).text
    assert len(mailroom.work()) == 40

    clock.shift(timedelta(minutes=61))
    outbox.sweep()
    mails = mailroom.work()

    assert sorted(mail.subject.partition("] ")[2][:20] for mail in mails) == [
        "2 more requests for ",
        "3 more requests for ",
    ]
    assert ["that were entered don’t exist" in mail.text for mail in mails].count(True) == 1


def test_no_link_in_an_unknown_user_id_reaches_the_helpdesk(user, mailroom):
    make_user("help@contoso.example", role=Role.HELPDESK)
    link = "www.evil-helpdesk.example/sso?ticket=4711&u=@contoso.example"
    asks(link, 1)
    asks("www.evil-helpdesk.example@contoso.example", 2)

    mails = mailroom.work()

    assert len(mails) >= 1
    for mail in mails:
        assert "evil" not in without_random(f"{mail.subject} {mail.text} {mail.html}")
        assert "Unknown user" in mail.subject


def test_only_who_was_mailed_about_is_told_that_the_team_knows(user, mailroom):
    make_user("help@contoso.example", role=Role.HELPDESK)
    first, again = asks(user.upn, 1), asks(user.upn, 2)

    assert "Your request was sent" in first.text
    assert "We already told your IT team" in again.text
    assert len(mailroom.work()) == 1
