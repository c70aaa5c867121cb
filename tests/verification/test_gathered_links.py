"""The link of a notice that speaks for several disowns all that they are about."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from account.services import freezing
from directory.models import User
from directory.services import contacts_of_person
from tenants.policy import Factor
from tests.builders import make_email, make_phone, make_user
from tests.verification.test_counted_notices import HOUR, later, tell
from verification.models import NoticeLink
from verification.queries import methods_by_factor, notice_link
from verification.queries.callers import is_act_disowned
from verification.services.notice_words import Notice


@pytest.fixture
def user(user):
    make_phone(user)
    return user


@pytest.fixture
def agents(contoso):
    return [make_user(f"agent{number}@contoso.example") for number in range(2)]


@pytest.fixture
def held(user, agents, mailroom, clock):
    """What a thief and two agents did while texts to the phone were over their limit.

    An honest notice of each kind came before, so that none is the first of its kind.
    """
    for notice in (Notice.ADDED, Notice.TEMPORARY_PASSWORD, Notice.SIGNED_OUT, Notice.FROZEN):
        tell(mailroom, user, notice)
    for notice in (Notice.BLOCK_CLEARED, Notice.MUST_REGISTER):
        tell(mailroom, user, notice, times=3)
    clock.shift(timedelta(seconds=1))
    planted = make_email(user)
    mine = {"phones_too": True}
    acts = [
        tell(mailroom, user, Notice.ADDED, factor=Factor.EMAIL, added=planted.pk, **mine),
        tell(mailroom, user, Notice.TEMPORARY_PASSWORD, actor_id=agents[0].pk, **mine),
        tell(mailroom, user, Notice.SIGNED_OUT, actor_id=agents[1].pk, **mine),
        tell(mailroom, user, Notice.FROZEN, **mine),
    ]
    assert [texts for _mails, texts in acts] == [[]] * 4
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now())


def gathered_link(mailroom, clock):
    _mails, (text,) = later(mailroom, clock, HOUR)
    return notice_link(re.search(r"/w/(\S+)", text.text)[1], timezone.now())


def test_it_takes_back_what_each_of_them_says(user, agents, held, mailroom, clock):
    link = gathered_link(mailroom, clock)

    assert freezing.report_not_me(link)

    assert Factor.EMAIL not in methods_by_factor(user.pk)
    assert not User.objects.get(pk=user.pk).has_usable_password()
    assert [is_act_disowned(agent.pk, user.pk) for agent in agents] == [True, True]


def test_the_staff_read_whose_acts_were_disowned(user, agents, held, mailroom, clock):
    link = gathered_link(mailroom, clock)
    make_user("boss@contoso.example", role="tenant_admin")
    mailroom.work()

    freezing.report_not_me(link)

    (alarm,) = [mail for mail in mailroom.work() if mail.destination == "boss@contoso.example"]
    assert all(agent.upn in alarm.text for agent in agents)


def test_it_is_spent_once_all_of_them_are_dealt_with(user, held, mailroom, clock):
    link = gathered_link(mailroom, clock)
    NoticeLink.objects.filter(pk__in=link.gathers).delete()

    assert not freezing.report_not_me(link)
    assert User.objects.get(pk=user.pk).frozen_at is None


def test_two_destinations_are_gathered_apart_and_each_link_disowns_all(
    user, agents, mailroom, clock
):
    contacts_of_person.enter(
        user.pk, Factor.MOBILE_PHONE, "+821055556666", sms_capable=True, held=False
    )
    tell(mailroom, user, Notice.SIGNED_OUT, times=9, actor_id=agents[0].pk, phones_too=True)

    _mails, texts = later(mailroom, clock, HOUR)

    links = [notice_link(re.search(r"/w/(\S+)", text.text)[1], timezone.now()) for text in texts]
    assert len({text.destination for text in texts}) == 2
    assert [len(link.gathers) for link in links] == [5, 5]
