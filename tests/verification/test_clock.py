"""One clock: what a page says at 23:41, the mail about it says too."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.template import Context, Template
from django.utils import timezone, translation

from tests.builders import make_phone, make_user
from tests.verification.test_codes import ask
from verification.clock import day_and_clock, when
from verification.services import notices
from verification.services.notice_words import Notice
from verification.words import paused_words

LATE = datetime(2026, 11, 28, 14, 41, tzinfo=UTC)
IN_KOREAN = "오후 11:41 (KST)"


@pytest.fixture(autouse=True)
def late_in_seoul():
    with time_machine.travel(LATE, tick=False), timezone.override(ZoneInfo("Asia/Seoul")):
        yield


@pytest.mark.parametrize(
    ("language", "today", "later"),
    [
        ("en", "23:41 KST", "29 November 2027, 23:41 KST"),
        ("ko", IN_KOREAN, "2027년 11월 29일 오후 11:41 (KST)"),
    ],
)
def test_a_page_and_a_sentence_say_a_time_alike(language, today, later):
    another_day = datetime(2027, 11, 29, 14, 41, tzinfo=UTC)
    page = Template("{% load components %}{% when at %}")

    with translation.override(language):
        shown = [page.render(Context({"at": at})) for at in (LATE, another_day)]
        said = [paused_words(at) for at in (LATE, another_day)]

    for words, written, spoken in zip((today, later), shown, said, strict=True):
        assert f">{words}<" in written
        assert words in spoken


def test_a_mail_about_a_change_says_day_and_time_as_pages_do(contoso, mailroom):
    for upn, language in (("minji@contoso.example", "ko"), ("amy@contoso.example", "en")):
        notices.tell(make_user(upn, language=language), Notice.PASSWORD_CHANGED)
    korean, english = (mail.text for mail in mailroom.work())

    assert f"2026년 11월 28일 {IN_KOREAN}에" in korean
    assert "on 28 November 2026 at 23:41 KST" in english


def test_a_mail_with_a_code_says_until_when_as_pages_do(contoso, mailroom):
    ask(make_user(), "7" * 32, language="ko")

    (mail,) = mailroom.work()

    assert "오후 11:51 (KST)까지 한 번만" in mail.text


def test_the_day_is_said_as_soon_as_it_is_another_one():
    after_midnight = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)

    assert when(after_midnight) == day_and_clock(after_midnight) == "29 November 2026, 00:00 KST"


def test_a_text_says_the_time_with_its_zone(contoso, mailroom):
    for upn, language in (("minji@contoso.example", "ko"), ("amy@contoso.example", "en")):
        user = make_user(upn, language=language)
        make_phone(user)
        notices.tell(user, Notice.RESET)
    texts = [one.text for one in mailroom.work() if one.destination.startswith("+")]

    assert len(texts) == 2
    assert "at 23:41 KST" in texts[1]
    # A long link leaves no room for a time in Korean; then none is said.
    assert not re.search(r"23:41(?! KST)", "".join(texts))


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/Sao_Paulo", "11:41 UTC-3"),
        ("Asia/Dubai", "18:41 UTC+4"),
        ("Asia/Kathmandu", "20:26 UTC+5:45"),
        ("Europe/Berlin", "15:41 CET"),
        ("UTC", "14:41 UTC"),
    ],
)
def test_a_zone_without_letters_is_said_as_its_distance(zone, said):
    with translation.override("en"), timezone.override(ZoneInfo(zone)):
        assert when(LATE).endswith(said)
