"""Notices are counted as codes are: no flood on a phone, a bill that ends, and none is lost."""

import itertools
import uuid
from datetime import timedelta

import pytest
from celery import current_app
from django.test import Client

from delivery import services as outbox
from delivery.models import Outgoing
from delivery.services import gate
from isolation.scope import in_tenant
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_tenant, make_user
from tests.threads import all_at_once
from tests.verification.test_challenges import ask
from verification.services import notices
from verification.services.challenges import Refused
from verification.services.notice_words import Notice

PHONE = "+821012345678"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(minutes=61), timedelta(hours=25)


@pytest.fixture
def user(user):
    make_phone(user)
    return user


def tell(mailroom, user, notice=Notice.PASSWORD_CHANGED, times=1, **more):
    """What left because of it, by mail and by text."""
    for _ in range(times):
        notices.tell(user, notice, **more)
    return parted(mailroom.work())


def parted(messages):
    texts = [one for one in messages if one.destination.startswith("+")]
    return [one for one in messages if one not in texts], texts


def later(mailroom, clock, wait):
    clock.shift(wait)
    outbox.sweep()
    return parted(mailroom.work())


def test_twenty_five_changes_ring_one_phone_four_times_and_then_once_for_all_others(
    user, mailroom, clock
):
    mails, texts = tell(mailroom, user, times=25)

    assert len(texts) == 4  # the first of its kind, and three an hour
    assert len(mails) == 25

    mails, texts = later(mailroom, clock, HOUR)

    assert mails == []
    assert [text.destination for text in texts] == [PHONE]
    assert "21 more changes" in texts[0].text
    assert "/w/" in texts[0].text
    assert later(mailroom, clock, HOUR) == ([], [])


def test_a_notice_that_was_held_alone_says_what_it_would_have_said(user, mailroom, clock):
    tell(mailroom, user, times=4)
    tell(mailroom, user, times=1)

    _mails, (text,) = later(mailroom, clock, HOUR)

    assert "your password was changed" in text.text


def test_no_flood_of_others_hides_the_first_of_a_kind(user, mailroom, clock):
    tell(mailroom, user, Notice.ADDED, times=20, factor=Factor.AUTHENTICATOR)

    _mails, texts = tell(mailroom, user, Notice.RESET)

    assert ["password was reset" in text.text for text in texts] == [True]


def test_mails_beyond_the_days_number_are_gathered_into_one(user, mailroom, clock):
    make_email(user)
    address = "minji.home@mail.example"
    mails, _texts = tell(mailroom, user, times=60)
    assert len([mail for mail in mails if mail.destination == address]) == 41

    mails, _texts = later(mailroom, clock, DAY)

    (mail,) = [mail for mail in mails if mail.destination == address]
    assert mail.subject.startswith("19 more changes were made to your")
    assert "19 more changes were made to minji@contoso.example since" in mail.text
    assert "/wasnt-me/" in mail.text


def test_the_gathered_notice_is_in_the_persons_language(contoso, mailroom, clock):
    user = make_user(language="ko")
    make_phone(user)
    tell(mailroom, user, times=6)

    _mails, (text,) = later(mailroom, clock, HOUR)

    assert "변경 2건" in text.text


def test_texts_of_notices_are_a_part_of_the_organisations_day(contoso, mailroom, clock):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=30))
    people = [make_user(f"user{number}@contoso.example") for number in range(8)]
    for number, person in enumerate(people):
        make_phone(person, f"010-2222-333{number}")

    texts = [len(tell(mailroom, person, Notice.ADDED, factor=Factor.EMAIL)[1]) for person in people]

    assert texts == [1, 1, 1, 0, 0, 0, 0, 0]


def test_notices_use_up_no_codes_and_codes_no_notices(user, mailroom, clock):
    tell(mailroom, user, times=20)
    text = {"method": Method.MOBILE_TEXT, "destination": PHONE, "sms_capable": True}

    for _ in range(5):
        ask(user, uuid.uuid4(), **text)
    assert len(mailroom.work()) == 5
    with pytest.raises(Refused):
        ask(user, uuid.uuid4(), **text)

    assert len(tell(mailroom, user, Notice.RESET)[1]) == 1


def test_a_password_that_was_changed_is_mailed_however_full_the_day(user, mailroom, monkeypatch):
    monkeypatch.setattr(gate, "_cap", lambda **_kind: 0)

    vital = tell(mailroom, user)
    other = tell(mailroom, user, Notice.ADDED, times=2, factor=Factor.EMAIL)

    assert [len(messages) for messages in vital] == [1, 0]
    assert [len(messages) for messages in other] == [1, 0]  # the first of its kind


def test_what_is_held_for_a_full_day_leaves_when_there_is_room(user, mailroom, clock, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(gate, "_cap", lambda **_kind: 0)
        mails, texts = tell(mailroom, user, Notice.ADDED, times=2, factor=Factor.EMAIL)
        assert (len(mails), len(texts)) == (1, 0)

    mails, texts = later(mailroom, clock, HOUR)

    assert (len(mails), len(texts)) == (1, 1)


def test_every_held_notice_is_wiped_once_it_left(user, mailroom, clock):
    tell(mailroom, user, times=9)
    later(mailroom, clock, HOUR)

    states = Outgoing.objects.filter(kind="text")
    assert states.exclude(destination=b"", content=b"", digest="").count() == 0
    assert states.filter(state=Outgoing.State.GATHERED).count() == 4


def test_one_who_knows_the_password_texts_the_phone_no_more_often_than_the_limit(
    user, mailroom, clock
):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=10, password_history=0))
    browser, old = Client(), "correct horse battery staple"
    browser.post("/signin", {"username": user.upn, "password": PASSWORD})
    passwords = [PASSWORD, *(f"{old} number {number}" for number in range(6))]
    for before, after in itertools.pairwise(passwords):
        typed = {"password": before, "new_password": after, "confirm_password": after}
        browser.post("/changepassword", typed)
    mails, texts = parted(mailroom.work())

    assert len(mails) == 6
    assert len(texts) == 1


def test_what_a_phone_refuses_uses_up_nothing_of_the_organisation(contoso, mailroom):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=10))
    text = {"method": Method.MOBILE_TEXT, "destination": PHONE, "sms_capable": True}
    for number in range(12):
        person = make_user(f"user{number}@contoso.example")
        if number < 5:
            ask(person, uuid.uuid4(), **text)
        else:
            with pytest.raises(Refused):
                ask(person, uuid.uuid4(), **text)

    others = [make_user(f"other{number}@contoso.example") for number in range(4)]
    for number, person in enumerate(others[:3]):
        ask(person, uuid.uuid4(), **text | {"destination": f"+82109999888{number}"})

    assert len(mailroom.work()) == 8
    with pytest.raises(Refused):
        ask(others[3], uuid.uuid4(), **text | {"destination": "+821099998889"})


def test_what_the_organisation_refuses_uses_up_nothing_of_the_phone(contoso, mailroom, clock):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=1))
    user = make_user()
    text = {"method": Method.MOBILE_TEXT, "destination": PHONE, "sms_capable": True}
    ask(make_user("first@contoso.example"), uuid.uuid4(), **text)
    for _ in range(40):
        with pytest.raises(Refused):
            ask(user, uuid.uuid4(), **text | {"destination": "+821099998888"})

    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=100))
    for _ in range(5):
        ask(user, uuid.uuid4(), **text | {"destination": "+821099998888"})

    assert len(mailroom.work()) == 6


def test_one_mailbox_gets_no_more_codes_in_a_day_than_the_table_says(contoso, mailroom, clock):
    user = make_user()
    for _ in range(24 * 6):
        for _ in range(2):
            try:
                ask(user, uuid.uuid4())
            except Refused:
                break
        clock.shift(10 * MINUTE)

    assert Outgoing.objects.count() == 50


@pytest.mark.django_db(transaction=True)
def test_racing_workers_send_no_more_notices_than_the_limit(mailroom):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        user = make_user()
        make_phone(user)
        for _ in range(20):
            notices.tell(user, Notice.PASSWORD_CHANGED)
    jobs = list(mailroom.published)

    def work(number):
        for job, tenant_id, *ids in jobs[number::4]:
            current_app.tasks[job](tenant_id, *map(str, ids))

    numbers = iter(range(4))
    all_at_once(4, lambda: work(next(numbers)), tenant_id=tenant.pk)

    _mails, texts = parted(mailroom.sent)
    assert len(texts) == 4
    with in_tenant(tenant.pk):
        held = Outgoing.objects.filter(kind="text", state=Outgoing.State.HELD)
        gathered = Outgoing.objects.filter(kind="text", state=Outgoing.State.GATHERED).count()
        assert sum(row.gathered for row in held) == 16
        assert sum(len(row.about) for row in held) == 16
        assert gathered + held.count() == 16
