"""A directory that hangs or fails takes little of a process from the others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from directory.connectors.base import NotPermitted, OutcomeUnknown, Unreachable
from directory.connectors.bulkhead import (
    FAILURES,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    PAGE_S,
    WINDOW_S,
    Breaker,
    Bulkhead,
    checking,
    time_left,
    within,
)
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from sspr.middleware import RequestContext
from tests.services.processes import wait_until

PATIENCE_S = 60
REFUSED = DirectoryFailure.REFUSED_HERE


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class BreakerMachine(RuleBasedStateMachine):
    """Any order of beginnings, ends and pauses. `streak` are the failures since an answer."""

    def __init__(self):
        super().__init__()
        self.breaker, self.now = Breaker(), 1_000.0
        self.running = []
        self.streak = []
        self.opened_at, self.pause_s = None, FIRST_PAUSE_S

    @rule(seconds=st.sampled_from([0.5, FIRST_PAUSE_S, WINDOW_S, WINDOW_S + 1, LONGEST_PAUSE_S]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def an_operation_arrives(self):
        is_probed = any(self.running)
        is_over = self.opened_at is None or self.now >= self.opened_at + self.pause_s
        expected = self.opened_at is None or (is_over and not is_probed)

        assert self.breaker.admits(self.now) == expected
        if expected:
            self.running.append(self.breaker.begin())
            assert self.running[-1] == (self.opened_at is not None)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 50))
    def it_is_answered(self, which):
        self.running.pop(which % len(self.running))
        self.running = [False for _ in self.running]
        self.breaker.answered()
        self.streak, self.opened_at, self.pause_s = [], None, FIRST_PAUSE_S

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 50))
    def it_fails(self, which):
        is_probe = self.running.pop(which % len(self.running))
        self.breaker.failed(self.now, is_probe=is_probe)
        if is_probe:
            self.opened_at, self.pause_s = self.now, min(2 * self.pause_s, LONGEST_PAUSE_S)
        elif self.opened_at is None:
            if self.streak and self.now - self.streak[-1] > WINDOW_S:
                self.streak = []
            self.streak.append(self.now)
            if len(self.streak) == FAILURES:
                self.opened_at = self.now

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 50))
    def it_says_nothing(self, which):
        self.breaker.abandoned(is_probe=self.running.pop(which % len(self.running)))

    @invariant()
    def it_is_asked_again_after_the_longest_pause(self):
        if not any(self.running):
            assert self.breaker.admits(self.now + LONGEST_PAUSE_S)

    @invariant()
    def an_open_breaker_is_suspect(self):
        if self.opened_at is not None:
            assert self.breaker.is_suspect(self.now)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=150, stateful_step_count=40)


def directory(number, **changes):
    values = {"servers": f"ldaps://d{number}.example", "bind_dn": "cn=sspr", "tenant_id": 1}
    return DirectoryConnection(pk=number, **(values | changes))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bulkhead(clock):
    return Bulkhead(threads=8, wait_s=PATIENCE_S, clock=clock)


class Hanging:
    """Threads that hang in directories until `end`, and then get an answer."""

    def __init__(self, bulkhead, pool):
        self.bulkhead, self.pool, self.over = bulkhead, pool, threading.Event()

    def begin(self, number, times=1):
        for _ in range(times):
            inside = threading.Event()
            self.pool.submit(self._operation, directory(number), inside)
            assert inside.wait(PATIENCE_S)

    def _operation(self, connection, inside):
        with self.bulkhead.entered(connection):
            inside.set()
            self.over.wait(PATIENCE_S)

    def wait_for(self, number, times=1):
        """Threads that wait for room. Returns what they get."""
        waiting = [
            self.pool.submit(is_admitted, self.bulkhead, directory(number)) for _ in range(times)
        ]
        wait_until(
            lambda: self.bulkhead._waiting == times, what="Threads that wait", timeout=PATIENCE_S
        )
        return waiting

    def end(self):
        self.over.set()


@pytest.fixture
def hanging(bulkhead):
    with ThreadPoolExecutor(20) as pool:
        hanging = Hanging(bulkhead, pool)
        try:
            yield hanging
        finally:
            hanging.end()


def fail(bulkhead, number=1, times=1, error=Unreachable):
    for _ in range(times):
        with pytest.raises(error), bulkhead.entered(directory(number)):
            raise error


def is_admitted(bulkhead, connection):
    try:
        with bulkhead.entered(connection):
            return True
    except Unreachable as refusal:
        return refusal.failure is not REFUSED


def test_a_hanging_directory_holds_half_of_the_threads(bulkhead, hanging, clock):
    hanging.begin(1, times=4)
    clock.now += PATIENCE_S

    assert not is_admitted(bulkhead, directory(1))
    assert is_admitted(bulkhead, directory(2))


def test_hanging_directories_leave_a_quarter_of_the_threads(bulkhead, hanging, clock):
    hanging.begin(1, times=3)
    hanging.begin(2, times=3)
    clock.now += PATIENCE_S

    assert not is_admitted(bulkhead, directory(3))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_process_of_few_threads_asks_directories_too(threads):
    assert is_admitted(Bulkhead(threads), directory(1))


def test_an_operation_waits_while_others_are_answered(bulkhead, hanging):
    hanging.begin(1, times=4)
    (waiting,) = hanging.wait_for(1)

    hanging.end()

    assert waiting.result(PATIENCE_S)


def test_as_few_wait_as_leave_a_quarter_of_the_threads(bulkhead, hanging):
    hanging.begin(1, times=4)
    waiting = hanging.wait_for(1, times=2)

    assert not is_admitted(bulkhead, directory(1))

    hanging.end()
    assert all(each.result(PATIENCE_S) for each in waiting)


def test_a_directory_that_failed_has_one_thread_until_it_answers(bulkhead, hanging, clock):
    fail(bulkhead)
    hanging.begin(1)
    assert not is_admitted(bulkhead, directory(1))

    clock.now += WINDOW_S + 1
    assert is_admitted(bulkhead, directory(1))


def test_directories_that_failed_have_a_quarter_together(bulkhead, hanging):
    for number in (1, 2, 3):
        fail(bulkhead, number)
    hanging.begin(1)
    hanging.begin(2)

    assert not is_admitted(bulkhead, directory(3))
    assert is_admitted(bulkhead, directory(4))


@pytest.mark.parametrize("error", [Unreachable, OutcomeUnknown])
def test_a_directory_that_failed_often_is_left_alone_and_then_probed(bulkhead, clock, error):
    fail(bulkhead, times=FAILURES, error=error)
    assert not is_admitted(bulkhead, directory(1))
    assert is_admitted(bulkhead, directory(2))

    clock.now += FIRST_PAUSE_S
    fail(bulkhead)
    clock.now += FIRST_PAUSE_S
    assert not is_admitted(bulkhead, directory(1))

    clock.now += FIRST_PAUSE_S
    assert is_admitted(bulkhead, directory(1))
    assert is_admitted(bulkhead, directory(1))


def test_an_answer_that_is_an_error_is_an_answer(bulkhead):
    fail(bulkhead, times=FAILURES - 1)
    fail(bulkhead, error=NotPermitted)
    fail(bulkhead, times=FAILURES - 1)

    assert is_admitted(bulkhead, directory(1))


def test_what_was_refused_here_says_nothing_about_the_directory(bulkhead):
    for _ in range(FAILURES):
        with pytest.raises(Unreachable), bulkhead.entered(directory(1)):
            raise Unreachable(REFUSED)

    assert is_admitted(bulkhead, directory(1))


def test_steps_of_an_operation_are_a_part_of_it(bulkhead):
    fail(bulkhead)

    with bulkhead.entered(directory(1)), ThreadPoolExecutor(1) as other_thread:
        assert is_admitted(bulkhead, directory(1))
        assert not other_thread.submit(is_admitted, bulkhead, directory(1)).result()


def test_operations_may_end_in_any_order(bulkhead):
    first, second = (bulkhead.entered(directory(number)) for number in (1, 2))
    for each in (first, second):
        each.__enter__()
    for each in (first, second):
        each.__exit__(None, None, None)

    fail(bulkhead, 1, times=FAILURES)
    assert not is_admitted(bulkhead, directory(1))


def test_an_edited_connection_is_asked_at_once(bulkhead):
    fail(bulkhead, times=FAILURES)

    assert is_admitted(bulkhead, directory(1, bind_password=b"sealed anew"))


def test_a_success_elsewhere_ends_the_pause(bulkhead):
    fail(bulkhead, times=FAILURES)
    before, after = timezone.now() - timedelta(hours=1), timezone.now() + timedelta(hours=1)

    assert not is_admitted(bulkhead, directory(1, last_success_at=before))
    assert is_admitted(bulkhead, directory(1, last_success_at=after))


def test_a_check_is_made_while_the_breaker_is_open(bulkhead):
    fail(bulkhead, times=FAILURES)

    with checking():
        assert is_admitted(bulkhead, directory(1))


def test_the_time_of_a_page_is_shared_by_its_steps():
    assert time_left(5) == 5
    with within(PAGE_S):
        assert time_left(5) == 5
        with within(3):
            assert 0 < time_left(5) <= 3
        with within(0), pytest.raises(Unreachable) as refusal:
            time_left(5)

    assert refusal.value.failure is REFUSED


def test_each_page_has_a_time_of_its_own(rf, monkeypatch):
    monkeypatch.setattr("directory.connectors.bulkhead.PAGE_S", PAGE_S)
    page = RequestContext(lambda _request: time_left(2 * PAGE_S))

    assert 0 < page(rf.get("/")) <= PAGE_S
    assert time_left(2 * PAGE_S) == 2 * PAGE_S
