"""What one directory may take from this process: threads, waiting and time.

A directory that accepts connections and never answers holds the threads that wait for it. So each
directory may have half of the web threads, and all directories together three quarters. One that
failed may have one thread until it answers again, and all of those together a quarter. After
several failures in a row it isn't asked at all for a while, which gets longer.

Each process decides for itself, because the network between a node and a directory can be what is
broken. No library does this: pybreaker runs one operation at a time, for all threads, and its pause
never gets longer.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from threading import Condition

from django.conf import settings
from django.utils import timezone

from directory.connectors import health
from directory.connectors.base import OutcomeUnknown, ServiceAccountRefused, Unreachable
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from isolation.scope import setting

PAGE_S = 8.0
"""How long all that one page asks directories for may take."""
LEAST_S = 0.5
"""With less time left nothing is begun: what is too late then isn't the directory's failure."""
WAIT_S = 1.0
"""How long an operation waits until another one has ended."""
FAILURES = 3
WINDOW_S = 60.0
"""So many failures, with no answer between and none longer ago, open the breaker."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 120.0

_ends_at: ContextVar[float | None] = ContextVar("directory_time_ends_at", default=None)
_inside: ContextVar[frozenset[int]] = ContextVar("inside_directories", default=frozenset())
_is_check: ContextVar[bool] = ContextVar("is_directory_check", default=False)


@dataclass(slots=True)
class Breaker:
    """Whether a directory is asked at all. Times are seconds of a monotonic clock.

    Closed, it admits everything. Open, it admits nothing until the pause is over, and then a single
    operation, the probe: if that fails, too, the next pause is twice as long.
    """

    failures: int = 0
    failed_at: float = 0.0
    opened_at: float | None = None
    pause_s: float = FIRST_PAUSE_S
    is_probed: bool = False

    def admits(self, now: float) -> bool:
        if self.opened_at is None:
            return True
        return not self.is_probed and now >= self.opened_at + self.pause_s

    def is_suspect(self, now: float) -> bool:
        """Whether it failed lately and hasn't answered since."""
        return self.opened_at is not None or (
            self.failures > 0 and now - self.failed_at <= WINDOW_S
        )

    def begin(self) -> bool:
        """Returns whether the operation that begins is the probe."""
        self.is_probed = self.opened_at is not None
        return self.is_probed

    def answered(self) -> None:
        """Any answer closes it, also that of an operation from before it opened."""
        self.failures, self.opened_at = 0, None
        self.pause_s, self.is_probed = FIRST_PAUSE_S, False

    def failed(self, now: float, *, is_probe: bool) -> None:
        if self.opened_at is not None:
            if is_probe:
                self.opened_at, self.is_probed = now, False
                self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)
            return
        self.failures = self.failures + 1 if self.is_suspect(now) else 1
        self.failed_at = now
        if self.failures >= FAILURES:
            self.opened_at = now

    def abandoned(self, *, is_probe: bool) -> None:
        """The operation ended before it said anything about the directory."""
        if is_probe:
            self.is_probed = False


@dataclass(slots=True, eq=False)
class _Directory:
    """One directory, as this process knows it.

    Args:
        failed_at: the last time, by the clock that the rows of the database have.
    """

    configuration: int
    breaker: Breaker = field(default_factory=Breaker)
    failed_at: datetime | None = None


@dataclass(slots=True, eq=False)
class _Operation:
    directory: _Directory
    began: float
    breaker: Breaker
    is_probe: bool


@dataclass(slots=True)
class Bulkhead:
    """The directories that this process uses.

    Args:
        threads: of this process, of which the directories may have a part.
    """

    threads: int
    wait_s: float = WAIT_S
    clock: Callable[[], float] = time.monotonic
    _directories: dict[int, _Directory] = field(default_factory=dict)
    _running: list[_Operation] = field(default_factory=list)
    _waiting: int = 0
    _changed: Condition = field(default_factory=Condition)

    @contextmanager
    def entered(self, connection: DirectoryConnection) -> Iterator[None]:
        """One operation in a directory. What it calls may enter again and is a part of it.

        Raises:
            Unreachable: at once, because the directory failed lately, or too much waits for it.
        """
        if connection.pk in _inside.get():
            yield
            return
        operation = self._begin(connection)
        has_answered: bool | None = None
        try:
            _inside.set(_inside.get() | {connection.pk})
            yield
            has_answered = True
        except Unreachable as problem:
            has_answered = None if problem.failure is DirectoryFailure.REFUSED_HERE else False
            raise
        except OutcomeUnknown:
            has_answered = False
            raise
        except Exception:
            has_answered = True
            raise
        finally:
            # Not by a token: operations may end in another order, where generators hold them.
            _inside.set(_inside.get() - {connection.pk})
            self._end(operation, has_answered=has_answered)

    def _begin(self, connection: DirectoryConnection) -> _Operation:
        with self._changed:
            directory = self._directory(connection)
            if not self._has_room(directory) and self._may_wait(directory):
                self._waiting += 1
                self._changed.wait_for(lambda: self._has_room(directory), self.wait_s)
                self._waiting -= 1
            now, breaker = self.clock(), directory.breaker
            is_admitted = _is_check.get() or breaker.admits(now)
            if not is_admitted or not self._has_room(directory):
                raise Unreachable(DirectoryFailure.REFUSED_HERE)
            operation = _Operation(directory, now, breaker, is_probe=breaker.begin())
            self._running.append(operation)
            return operation

    def _end(self, operation: _Operation, *, has_answered: bool | None) -> None:
        with self._changed:
            self._running.remove(operation)
            if has_answered is None:
                operation.breaker.abandoned(is_probe=operation.is_probe)
            elif has_answered:
                operation.breaker.answered()
            else:
                operation.breaker.failed(self.clock(), is_probe=operation.is_probe)
                operation.directory.failed_at = timezone.now()
            self._changed.notify_all()

    def _directory(self, connection: DirectoryConnection) -> _Directory:
        """With a new breaker if the connection was edited."""
        password = bytes(connection.bind_password)
        way = (connection.servers, connection.ca_certificates, connection.bind_dn, password)
        directory = self._directories.setdefault(connection.pk, _Directory(hash(way)))
        if directory.configuration != hash(way):
            directory.configuration, directory.breaker = hash(way), Breaker()
        answered_at = connection.last_success_at
        if answered_at and directory.failed_at and answered_at > directory.failed_at:
            # Another process had an answer since: this one needn't wait until its pause is over.
            directory.breaker.pause_s = 0.0
        return directory

    def _has_room(self, directory: _Directory) -> bool:
        now, quarter = self.clock(), max(1, self.threads // 4)
        if len(self._running) >= max(1, self.threads - quarter):
            return False
        own = [each for each in self._running if each.directory is directory]
        if not directory.breaker.is_suspect(now):
            return len(own) < max(1, self.threads // 2)
        suspects = [each for each in self._running if each.breaker.is_suspect(now)]
        return not own and len(suspects) < quarter

    def _may_wait(self, directory: _Directory) -> bool:
        """Only while answers arrive. A thread that waits is of no more use than one inside."""
        now = self.clock()
        if directory.breaker.is_suspect(now):
            return False
        is_moving = all(
            now - each.began < self.wait_s for each in self._running if each.directory is directory
        )
        most = max(1, self.threads - max(1, self.threads // 4))
        return is_moving and len(self._running) + self._waiting < most


_process = Bulkhead(settings.WEB_THREADS)


@contextmanager
def entered(connection: DirectoryConnection) -> Iterator[None]:
    """One operation in a directory: see `Bulkhead.entered`. How it ended is noted on the row."""
    try:
        with _process.entered(connection):
            yield
    except Unreachable as problem:
        health.note_failure(connection, problem.failure)
        raise
    except OutcomeUnknown:
        health.note_failure(connection, DirectoryFailure.NO_ANSWER)
        raise
    except ServiceAccountRefused:
        health.note_failure(connection, DirectoryFailure.SERVICE_ACCOUNT_REFUSED)
        raise
    health.note_success(connection)


def checking() -> AbstractContextManager[None]:
    """A check, which asks a directory also while its breaker is open. It needs room as others."""
    return setting(_is_check, value=True)


def within(seconds: float) -> AbstractContextManager[None]:
    """All that the block asks directories for takes no longer than this."""
    return setting(_ends_at, time.monotonic() + seconds)


def time_left(most_s: float) -> float:
    """How long the next step in a directory may take, in seconds.

    Raises:
        Unreachable: the time of the page is used up.
    """
    ends_at = _ends_at.get()
    if ends_at is None:
        return most_s
    if (left := ends_at - time.monotonic()) < LEAST_S:
        raise Unreachable(DirectoryFailure.REFUSED_HERE)
    return min(left, most_s)
