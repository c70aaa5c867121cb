"""Whose messages use up whose limits: strangers and other organisations take none away."""

import uuid
from datetime import timedelta

import pytest

from audit.activities import Activity
from audit.models import Event
from delivery import services as outbox
from delivery.models import Kind, Outgoing
from delivery.services import gate
from delivery.services.gate import OverLimit, Sending, Share, admit
from isolation.scope import in_tenant
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.builders import make_phone, make_tenant, make_user
from tests.console.people import make_admin
from tests.verification.test_challenges import ask
from verification.models import Purpose
from verification.services import notices, staff_notices
from verification.services.challenges import forget_sendings
from verification.services.notice_words import Notice

HOUR, DAY = timedelta(minutes=61), timedelta(hours=25)
HELPDESK = "helpdesk@contoso.example"
OFFICE = "+8225550000"


def admitted(times, **sending):
    """How many of so many the gate lets through."""
    allowed = 0
    for _ in range(times):
        try:
            admit(Sending(**sending))
        except OverLimit:
            continue
        allowed += 1
    return allowed


def mail(share, where=HELPDESK):
    return {"kind": Kind.EMAIL, "destination": where, "share": share}


def code(share=Share.REGISTER, number=0):
    return {"kind": Kind.TEXT, "destination": f"+8210{number:08d}", "share": share}


def phone_only(name, number):
    """A person whose user ID is no mailbox that gets anything else than notices."""
    person = make_user(f"{name}@contoso.example", language="en")
    make_phone(person, f"+8210{number:08d}")
    return person


def texts(messages):
    return [one for one in messages if one.destination.startswith("+")]


def later(mailroom, clock, wait):
    clock.shift(wait)
    outbox.sweep()
    return mailroom.work()


def test_notices_about_many_people_dont_flood_one_mailbox_or_phone(contoso, mailroom, clock):
    box, phone = "victim@elsewhere.example", "+821099990000"
    for number in range(170):
        person = make_user(f"user{number}@contoso.example", language="en")
        notices.tell(
            person, Notice.CONTACT_ENTERED, factors=[Factor.EMAIL], also_value=box, also_phone=phone
        )

    sent = mailroom.work()

    assert len(texts(sent)) == 15  # twelve first ones, and three an hour
    assert len([one for one in sent if one.destination == box]) == 160  # 120 first ones, and forty
    assert Outgoing.objects.filter(state=Outgoing.State.HELD, kind="text").count() == 155


def test_several_organisations_flood_a_phone_no_more_than_one(contoso, clock):
    first = {"kind": Kind.TEXT, "destination": "+821099990000", "share": Share.NOTICE}
    sent = 0
    for tenant in (contoso, make_tenant("second"), make_tenant("third")):
        with in_tenant(tenant.pk):
            sent += sum(
                admitted(1, **first, person=str(number), notice="contact_entered")
                for number in range(20)
            )

    assert sent == 15


def test_requests_for_help_use_up_no_alarms(contoso, clock):
    for _ in range(16):
        admitted(25, **mail(Share.HELP))
        admitted(25, **mail(Share.HELP_UNKNOWN))
        clock.shift(HOUR)

    assert admitted(1, **mail(Share.STAFF)) == 1


@pytest.mark.parametrize("share", [Share.STAFF, Share.HELP, Share.HELP_UNKNOWN])
def test_another_organisation_uses_up_nothing_of_a_helpdesks_mailbox(contoso, clock, share):
    with in_tenant(make_tenant("rogue").pk):
        admitted(700, **mail(share))

    assert admitted(1, **mail(share)) == 1


def test_alarms_over_the_limit_come_as_one_mail(contoso, mailroom, clock):
    boss = make_admin()
    admitted(600, **mail(Share.STAFF, boss.upn))
    for number in range(3):
        staff_notices.notify_of_role(make_user(f"person{number}@contoso.example"))
    assert mailroom.work() == []

    clock.shift(timedelta(days=1))
    (one,) = later(mailroom, clock, HOUR)

    assert "3 more notices about accounts" in one.subject
    assert "This email replaces 3 of them" in one.text


def test_first_mails_of_a_kind_dont_wait_for_the_organisations_day(
    contoso, mailroom, clock, monkeypatch
):
    monkeypatch.setattr(gate, "_cap", lambda **_kind: 0)
    person = make_user()

    notices.tell(person, Notice.ADDED, factor=Factor.MOBILE_PHONE)
    notices.tell(person, Notice.ADDED, factor=Factor.MOBILE_PHONE)

    assert len(mailroom.work()) == 1


def test_one_person_uses_up_a_tenth_of_the_texts_of_notices(contoso, mailroom, clock):
    insider = make_user("insider@contoso.example", language="en")
    for number in range(30):
        also = f"+8210777{number:05d}"
        notices.tell(insider, Notice.REMOVED, factor=Factor.MOBILE_PHONE, also_phone=also)

    assert len(texts(mailroom.work())) == 10
    notices.tell(phone_only("other", 8_888), Notice.ADDED, factor=Factor.AUTHENTICATOR)
    assert len(texts(mailroom.work())) == 1


def test_vital_texts_leave_where_those_of_notices_are_used_up(contoso, mailroom, clock):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=30))
    for number in range(5):
        person = phone_only(f"insider{number}", number)
        notices.tell(person, Notice.ADDED, factor=Factor.AUTHENTICATOR)
    assert len(texts(mailroom.work())) == 3

    for number in range(8):
        notices.tell(phone_only(f"person{number}", 100 + number), Notice.RESET)

    assert len(texts(mailroom.work())) == 6
    assert admitted(40, **code()) == 5  # to one phone
    assert sum(admitted(1, **code(number=number)) for number in range(200, 240)) == 27 - 6 - 5


def test_administrators_hear_once_a_day_that_notices_are_late(contoso, mailroom, clock):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=10))
    boss = make_admin()
    for number in range(4):
        person = phone_only(f"person{number}", number)
        notices.tell(person, Notice.ADDED, factor=Factor.AUTHENTICATOR)

    mailroom.work()
    sent = mailroom.sent

    alarms = [one for one in sent if one.destination == boss.upn]
    assert [one.subject for one in alarms] == ["[Contoso] Some notices to your people are late"]
    assert Event.objects.filter(activity=Activity.NOTICES_LATE).count() == 1


def test_a_notice_that_expires_is_not_dropped_in_silence(contoso, mailroom, clock):
    notices.tell(make_user(), Notice.ADDED, factor=Factor.EMAIL)
    clock.shift(timedelta(days=3))

    mailroom.work()

    assert Event.objects.filter(activity=Activity.NOTICES_LATE).count() == 1


def test_denying_a_call_to_one_extension_pauses_no_other_of_the_switchboard(contoso, clock):
    gate.pause_calls(f"{OFFICE}#101")

    assert gate.calls_paused_until(f"{OFFICE}#101")
    assert gate.calls_paused_until(f"{OFFICE}#202") is None
    assert gate.calls_paused_until(OFFICE) is None


def test_the_helpdesk_ends_the_pause_of_an_extension(contoso, clock):
    gate.pause_calls(f"{OFFICE}#101")

    forget_sendings(1, [f"{OFFICE}#101"])

    assert gate.calls_paused_until(f"{OFFICE}#101") is None


@pytest.mark.parametrize("share", [Share.REGISTER, Share.SIGN_IN, Share.ANONYMOUS])
def test_one_person_uses_up_no_more_than_sixty_codes_a_day(contoso, clock, share):
    sent = 0
    for number in range(100):
        sent += admitted(1, **code(share, number), person="7")
        clock.shift(timedelta(minutes=10))

    assert sent == 60
    assert admitted(1, **code(share, 999), person="8") == 1


def test_administrators_hear_once_that_few_codes_are_left(contoso, mailroom, clock):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=10))
    boss = make_admin()
    text = {"method": Method.MOBILE_TEXT, "sms_capable": True, "purpose": Purpose.SIGN_IN}

    alarms = []
    for number in range(9):
        person = make_user(f"person{number}@contoso.example")
        ask(person, uuid.uuid4(), destination=f"+8210{number:08d}", **text)
        alarms.append([one.subject for one in mailroom.work() if one.destination == boss.upn])

    assert alarms[:7] == [[]] * 7
    assert alarms[7:] == [["[Contoso] Few verification codes are left for today"], []]
    assert Event.objects.filter(activity=Activity.CODES_NEARLY_USED_UP).count() == 1
