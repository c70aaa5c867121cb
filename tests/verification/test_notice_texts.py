"""The texts that tell of a change: one message each, with the way to "this wasn't me" in it."""

import re

import pytest
from django.test import Client

from tenants.models import Tenant
from tenants.policy import Factor
from tests.builders import make_phone, make_user
from verification.rules.texts import fits
from verification.services import notices
from verification.services.notice_words import Notice


def texted(mailroom, user, notice, factor=Factor.ALTERNATE_PHONE):
    notices.tell(user, notice, factor=factor)
    (text,) = [one for one in mailroom.work() if one.destination.startswith("+")]
    return text.text


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("brand", ["Contoso", "한빛전자산업", "가나다라마바사아자차"])
@pytest.mark.parametrize("host", ["localhost", "reset.hanbit.example"])
def test_a_text_about_a_change_is_one_message(contoso, mailroom, settings, language, brand, host):
    settings.BASE_URL = f"https://{host}"
    Tenant.objects.filter(pk=contoso.pk).update(short_name=brand)

    for number, notice in enumerate(one for one in Notice if one.needs_a_link):
        user = make_user(f"user{number}@contoso.example", language=language)
        make_phone(user, f"010-1234-{number:04d}")
        text = texted(mailroom, user, notice)
        assert fits(text)
        assert f"\nhttps://{host}/w/" in text


def test_where_there_is_room_the_text_says_what_was_changed(contoso, mailroom):
    user = make_user(language="en")
    make_phone(user)

    text = texted(mailroom, user, Notice.ADDED)

    assert "Alternate phone was added to your account" in text


def test_a_host_that_leaves_no_room_loses_no_words(contoso, mailroom, settings):
    settings.BASE_URL = f"https://{'a' * 60}.{'b' * 60}.example"
    user = make_user(language="en")
    make_phone(user)

    text = texted(mailroom, user, Notice.ADDED)

    assert "Alternate phone was added to your account" in text
    assert "/w/" in text


def test_the_link_in_a_text_stops_self_service(contoso, mailroom):
    user = make_user()
    make_phone(user)
    text = texted(mailroom, user, Notice.RESET)
    path = re.search(r"https?://[^/]+(/w/\S+)", text)[1]

    Client().get(path)
    user.refresh_from_db()
    assert user.frozen_at is None
    Client().post(path)

    user.refresh_from_db()
    assert user.frozen_at is not None


@pytest.mark.parametrize("notice", [one for one in Notice if one.needs_a_link])
def test_nobody_is_asked_whether_they_did_what_an_administrator_did(contoso, mailroom, notice):
    notices.tell(make_user(language="en"), notice, factor=Factor.EMAIL)

    text = mailroom.work()[0].text

    by_an_administrator = "dministrator" in text.partition("If ")[0]
    assert ("If you asked for this, you don’t have to do anything." in text) is by_an_administrator
    if_it_was_you = {
        Notice.CALL_DENIED: "If you requested the call, you don’t have to do anything."
    }.get(notice, "If this was you, you don’t have to do anything.")
    assert (if_it_was_you in text) is not by_an_administrator
    assert "ell your IT team." in text
