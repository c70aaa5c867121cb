"""A thief of a mailbox reads the notices, too. So a phone gets one."""

import pytest
from django.test import Client
from django.utils import timezone

from isolation.scope import in_tenant
from reset.models import ResetAttempt
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.test_flows import NEW, choose, enter, identify, set_password
from tests.builders import make_phone, make_prefill, make_user, signed_in
from verification.models import Challenge
from verification.services import notices
from verification.services.notice_words import Notice

OWN, ENTERED = "+821012345678", "+821099998888"


def reset(user, mailroom, method=Method.EMAIL):
    """Resets the password; gives the destinations of the notices."""
    client = Client()
    identify(client, user.upn)
    choose(client, method)
    enter(client, mailroom.code())
    assert set_password(client).status_code == 302
    return {message.destination: message.text for message in mailroom.work()}


def test_phones_hear_of_a_reset_by_mail_alone(user, mailroom):
    make_phone(user)
    make_prefill(user, Factor.MOBILE_PHONE, ENTERED, sms_capable=True)

    told = reset(user, mailroom)

    assert set(told) == {user.upn, "minji.home@mail.example", OWN, ENTERED}
    assert "your password was reset" in told[OWN]
    assert "/w/" in told[OWN]


def test_a_reset_by_phone_is_mailed_only(user, mailroom):
    make_phone(user)

    told = reset(user, mailroom, Method.MOBILE_TEXT)

    assert set(told) == {user.upn, "minji.home@mail.example"}


def test_phones_that_take_no_texts_are_left_alone(user, mailroom):
    make_prefill(user, Factor.MOBILE_PHONE, ENTERED, sms_capable=False)
    make_prefill(user, Factor.OFFICE_PHONE, "+8221112222#12")

    assert set(reset(user, mailroom)) == {user.upn, "minji.home@mail.example"}


def test_nobody_is_texted_where_the_policy_allows_no_texts(contoso, user, mailroom):
    make_phone(user)
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.EMAIL})))

    with in_tenant(contoso.pk):
        assert set(reset(user, mailroom)) == {user.upn, "minji.home@mail.example"}


def test_a_phone_that_is_replaced_hears_of_it_and_can_object(user, mailroom):
    make_phone(user)
    client = signed_in(user)
    client.get("/ssprsetup/phone")
    client.post("/security-info/proof", {"method": "email"})
    client.post("/security-info/proof/verify", {"code": mailroom.code()})
    typed = {"phone_country": "KR", "phone": "010-7777-6666", "method": "mobile_text"}
    client.post("/ssprsetup/phone", typed)
    client.post("/ssprsetup/verify", {"code": mailroom.code()})

    told = {message.destination: message.text for message in mailroom.work()}

    assert "was changed" in told[OWN]
    assert "/w/" in told[OWN]
    assert "+821077776666" not in told


UNDELIVERABLE = "müller@contoso.example"


@pytest.fixture
def helpdesk_mailbox(contoso):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            prefilled_usable=frozenset({Factor.EMAIL, Factor.MOBILE_PHONE}),
        )
    )
    return make_user("desk@contoso.example", role=Role.HELPDESK).upn


def test_an_entered_mailbox_hears_of_a_reset_where_nothing_else_is_known(
    helpdesk_mailbox, mailroom
):
    user = make_user(UNDELIVERABLE)
    make_prefill(user, Factor.EMAIL, "home@mail.example")

    told = reset(user, mailroom)

    assert "was reset" in told["home@mail.example"]
    assert ResetAttempt.objects.get().notified == ["h•••e@m•••.example"]
    assert helpdesk_mailbox not in told


def test_an_entered_phone_hears_of_a_change_where_nothing_else_is_known(contoso, mailroom):
    user = make_user(UNDELIVERABLE)
    make_prefill(user, Factor.MOBILE_PHONE, ENTERED, sms_capable=True)

    notices.tell(user, Notice.PASSWORD_CHANGED)

    assert [message.destination for message in mailroom.work()] == [ENTERED]


def test_the_helpdesk_hears_of_a_reset_that_nobody_else_can_be_told_of(helpdesk_mailbox, mailroom):
    user = make_user(UNDELIVERABLE)
    make_prefill(user, Factor.MOBILE_PHONE, "+8225550100", sms_capable=False)
    client = Client()
    identify(client, user.upn)
    choose(client, Method.MOBILE_CALL)
    Challenge.objects.update(confirmed_at=timezone.now())
    client.get("/passwordreset/call")
    client.post("/passwordreset/call")
    set_password(client)

    told = {message.destination: message.text for message in mailroom.work()}

    assert "We have no email address or phone number" in told.get(helpdesk_mailbox, "")
    assert "We sent a confirmation" not in client.get("/passwordreset/done").text


def test_a_reset_stands_in_the_list_of_the_user_where_the_policy_sends_no_notices(user, mailroom):
    change_policy(Policy(self_service=Scope.ALL, notify_on_reset=False))

    told = reset(user, mailroom)

    page = signed_in(user, NEW).get("/security-info").text
    assert told == {}
    assert "The password was reset" in page
    assert "/security-info/wasnt-me" in page
