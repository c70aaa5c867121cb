"""What strangers can do with codes that they make the service send: to a person, and to a table."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.models import Event
from console.rules import AdminAction
from console.services.people import act
from directory.connectors.base import Unreachable
from directory.connectors.builtin import Builtin
from passwords.hashing import Busy
from tenants.policy import Factor, Method, Policy, Scope, SecondFactor, Unknown
from tenants.services import change_policy
from tests.attacks.test_flows import choose, enter, has, identify, set_password
from tests.builders import (
    PASSWORD,
    make_email,
    make_phone,
    make_prefill,
    make_recovery_codes,
    make_user,
)
from tests.console.people import make_admin
from tests.registration.test_setup import phone_form
from verification.models import Challenge
from verification.services import sign_in

CHOOSE = "/signin/second-factor"
HOUR = timedelta(minutes=61)


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, sign_in_second_factor=SecondFactor.REQUIRED)


def stranger_asks(user, method, number):
    browser = Client(REMOTE_ADDR=f"198.51.100.{number + 1}")
    identify(browser, user.upn)
    browser.post("/passwordreset/choose", {"reason": "forgot"})
    return choose(browser, method)


def owner_asks(user, method):
    """The owner, who knows the password, at the second factor."""
    browser = Client()
    browser.post("/signin", {"username": user.upn, "password": PASSWORD})
    return browser.post(CHOOSE, {"method": method})


@pytest.mark.parametrize(
    ("method", "hold", "times"), [("mobile_text", make_phone, 6), ("email", make_email, 11)]
)
def test_codes_that_strangers_ask_for_leave_the_owner_those_of_signing_in(
    user, mailroom, method, hold, times
):
    hold(user)
    with time_machine.travel(timezone.now(), tick=False):
        for number in range(times):
            stranger_asks(user, method, number)
        mailroom.work()

        owner_asks(user, method)

        assert len(mailroom.work()) == 1


def test_texts_that_strangers_ask_for_all_day_leave_the_owner_those_of_signing_in(user, mailroom):
    make_phone(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(10):
            stranger_asks(user, "mobile_text", number)
            clock.shift(HOUR / 5)
        mailroom.work()

        owner_asks(user, "mobile_text")

        assert len(mailroom.work()) == 1


def test_a_full_day_of_the_organisation_leaves_those_of_signing_in(user, mailroom):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            sign_in_second_factor=SecondFactor.REQUIRED,
            daily_message_cap=5,
        )
    )
    make_phone(user)
    for number in range(5):
        make_phone(other := make_user(f"other{number}@contoso.example"), f"010-2222-333{number}")
        stranger_asks(other, "mobile_text", number)
    of_strangers = len(mailroom.work())

    owner_asks(user, "mobile_text")
    of_the_owner = len(mailroom.work())
    owner_asks(user, "mobile_text")

    assert (of_strangers, of_the_owner, len(mailroom.work())) == (4, 1, 0)


def test_calls_that_strangers_ask_for_keep_nobody_from_registering(user, mailroom):
    make_prefill(user, Factor.OFFICE_PHONE, "+82212340001")
    with time_machine.travel(timezone.now(), tick=False):
        for number in range(30):
            stranger_asks(user, "office_call", number)
        mailroom.work()
        owner = Client()
        owner.post("/signin", {"username": user.upn, "password": PASSWORD})
        owner.post("/ssprsetup/phone", phone_form("010-7777-6666"))

        assert [message.destination for message in mailroom.work()] == ["+821077776666"]


def test_signing_in_has_a_limit_of_its_own(user, mailroom):
    """A thief who knows the password can't ring a phone without end, either."""
    make_phone(user)
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(6):
            owner_asks(user, "mobile_text")

    assert len(mailroom.work()) == 5


def written(user):
    return Event.objects.filter(subject_id=user.pk).count()


def test_wrong_recovery_codes_fill_nobodys_history(user):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.RECOVERY_CODE})))
    make_recovery_codes(user)
    browser = Client()
    identify(browser, user.upn)
    choose(browser, "recovery_code")
    before = written(user)

    for _ in range(50):
        browser.post("/passwordreset/recovery-code", {"code": "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF"})

    assert written(user) - before <= 5


def test_codes_for_a_challenge_that_is_over_fill_nobodys_history(user, mailroom):
    make_email(user)
    browser = Client()
    identify(browser, user.upn)
    choose(browser, "email")
    Challenge.objects.update(expires_at=timezone.now())
    before = written(user)

    for _ in range(50):
        enter(browser, "00000000")

    assert written(user) == before


def test_choosing_again_and_again_makes_no_endless_rows(user):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            reset_methods=frozenset({Method.RECOVERY_CODE, Method.AUTHENTICATOR}),
            unknown_users=Unknown.DECOY,
        )
    )
    browser = Client()
    identify(browser, user.upn)
    browser.post("/passwordreset/choose", {"reason": "forgot"})

    answers = [
        choose(browser, method).status_code
        for _ in range(30)
        for method in ("recovery_code", "authenticator")
    ]

    assert Challenge.objects.count() == 40
    assert answers[-1] == 200


@pytest.mark.parametrize("why", [Unreachable, Busy])
def test_what_was_not_taken_is_no_reset_of_the_day(user, mailroom, monkeypatch, why):
    make_email(user)
    browser = Client()
    identify(browser, user.upn)
    choose(browser, "email")
    enter(browser, mailroom.code())

    def takes_nothing(*_args):
        raise why

    with monkeypatch.context() as patch:
        patch.setattr(Builtin, "set_password", takes_nothing)
        refused = [set_password(browser).status_code for _ in range(6)]
    set_password(browser)

    assert refused == [503] * 6
    assert not has(user, PASSWORD)


def test_a_busy_machine_uses_up_no_networks_failures(user, monkeypatch):
    def is_busy(**_more):
        raise Busy

    with monkeypatch.context() as patch:
        patch.setattr(sign_in, "authenticate", is_busy)
        for _ in range(100):
            Client().post("/signin", {"username": user.upn, "password": PASSWORD})

    signed_in = Client().post("/signin", {"username": user.upn, "password": PASSWORD})

    assert signed_in.status_code == 302


@pytest.mark.parametrize("shown", Unknown)
def test_the_helpdesk_lets_codes_go_to_a_phone_again(user, mailroom, shown):
    change_policy(Policy(self_service=Scope.ALL, unknown_users=shown))
    make_phone(user)
    make_prefill(user, Factor.OFFICE_PHONE, "+82212340001")
    with time_machine.travel(timezone.now(), tick=False):
        for number in range(6):
            stranger_asks(user, "mobile_text", number)
        mailroom.work()

        act(AdminAction.CLEAR, make_admin(), user, note="called us")
        mailroom.work()
        stranger_asks(user, "mobile_text", 9)

        assert [message.destination for message in mailroom.work()] == ["+821012345678"]


def test_an_organisation_that_clears_again_and_again_rings_a_phone_three_times_as_often_at_most(
    contoso, mailroom
):
    """The owner of an organisation may have entered the number of any person."""
    trusted = frozenset({Factor.MOBILE_PHONE})
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=trusted))
    admin, puppet, sent = make_admin(), make_user("puppet@contoso.example"), 0
    make_prefill(puppet, Factor.MOBILE_PHONE, "+821099998888", sms_capable=True)
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(5):
            for number in range(5):
                stranger_asks(puppet, "mobile_text", number)
            sent += sum(one.destination == "+821099998888" for one in mailroom.work())
            act(AdminAction.CLEAR, admin, puppet, note="again")
            mailroom.work()

    assert sent == 15
