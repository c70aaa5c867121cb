"""How long to wait is said as an amount where no organisation's clock is known."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import translation

from verification.rules.captcha import Action, Finding
from verification.words import captcha_words, crowded_words

NOW = datetime(2026, 11, 29, 21, 29, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [
        (0.2, "in 1 second.", "1초 뒤에"),
        (10, "in 10 seconds.", "10초 뒤에"),
        (119, "in 119 seconds.", "119초 뒤에"),
        (121, "in 3 minutes.", "3분 뒤에"),
        (7_140, "in 119 minutes.", "119분 뒤에"),
        (86_400, "in 24 hours.", "24시간 뒤에"),
    ],
)
def test_a_crowded_network_reads_how_long_it_waits(seconds, english, korean):
    with time_machine.travel(NOW, tick=False):
        until = NOW + timedelta(seconds=seconds)

        assert crowded_words(until).endswith(english)
        with translation.override("ko"):
            assert korean in crowded_words(until)


@pytest.mark.parametrize(
    ("action", "seconds", "english", "korean"),
    [
        (Action.IDENTIFY, 10, "Wait 10 more seconds, then select Continue.", "10초 뒤에 [계속]"),
        (Action.IDENTIFY, 1, "Wait 1 more second, then select Continue.", "1초 뒤에 [계속]"),
        (Action.SIGN_IN, 10, "Wait 10 more seconds, then select Sign in.", "10초 뒤에 [로그인]"),
        (Action.SIGN_IN, 1, "Wait 1 more second, then select Sign in.", "1초 뒤에 [로그인]"),
    ],
)
def test_who_waits_without_a_script_reads_the_seconds_left(action, seconds, english, korean):
    with time_machine.travel(NOW, tick=False):
        ripe_at = NOW + timedelta(seconds=seconds)

        assert english in captcha_words(action, Finding.EARLY, ripe_at)
        with translation.override("ko"):
            assert korean in captcha_words(action, Finding.EARLY, ripe_at)
            assert "UTC" not in captcha_words(action, Finding.EARLY, ripe_at)
