"""The workers and the beat, in one command.

    python -m sspr.workers           # a worker for each queue, and the beat
    python -m sspr.workers codes=8   # a worker for one queue only, with eight tasks at once

A parent loads the service once and then forks the processes, so that they share its memory. It runs
no tasks itself. A process that ends by itself is forked again. At SIGTERM, SIGINT or SIGHUP each
process finishes its running tasks, and then the parent ends.
"""

import argparse
import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog
from celery import Celery
from celery.signals import task_postrun, task_prerun
from celery.utils.nodenames import host_format
from django.conf import settings
from django.template import engines
from django.urls import get_resolver
from django.utils import translation
from django.utils.log import configure_logging

from delivery import channels
from sspr.celery import app

AT_ONCE = {"codes": 4, "bulk": 2, "beat": 1}
"""The parts → how many tasks each runs at once by default."""
_LOADED_LATE = """
    billiard.dummy billiard.pool celery.app.control celery.app.events celery.app.log
    celery.apps.beat celery.apps.worker celery.concurrency.thread celery.events.receiver
    celery.worker.autoscale celery.worker.components celery.worker.consumer
    celery.worker.consumer.delayed_delivery celery.worker.strategy dbm.dumb encodings.idna
"""
"""Modules that Celery loads when it starts: loaded before the fork, they share memory."""
_STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_LOOK_S = 0.5
_PR_SET_PDEATHSIG = 1
_log = structlog.get_logger("sspr.workers")


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """One process.

    Args:
        queue: whose tasks it runs; `beat` publishes tasks instead.
        number: of the process, among those of the queue.
        threads: how many tasks it runs at once.
    """

    queue: str
    number: int
    threads: int


@dataclass(slots=True)
class WorkerSupervisor:
    """Keeps a process running for each part.

    Args:
        work: runs in the process of a part until SIGTERM, and returns the exit code.
        pause_s: the shortest time from one start of a part to the next.
    """

    parts: Sequence[WorkerProcess]
    work: Callable[[WorkerProcess], int]
    pause_s: float = 5.0
    running: dict[int, WorkerProcess] = field(default_factory=dict)
    started_at: dict[WorkerProcess, float] = field(default_factory=dict)
    is_stopping: bool = False

    def run(self) -> None:
        """Returns when a signal came and every process has ended."""
        for each in _STOP:
            signal.signal(each, self._stop)
        while self.running or not self.is_stopping:
            for part in self.parts:
                if part not in self.running.values() and self._is_due(part):
                    self._start(part)
            time.sleep(_LOOK_S)
            self._note_ended()

    def _is_due(self, part: WorkerProcess) -> bool:
        last = self.started_at.get(part)
        return last is None or time.monotonic() >= last + self.pause_s

    def _start(self, part: WorkerProcess) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        if not self.is_stopping:
            self.started_at[part] = time.monotonic()
            pid = os.fork()
            if not pid:
                _set_up(part)
                sys.exit(self.work(part))
            self.running[pid] = part
            _log.info("process_started", queue=part.queue, number=part.number, pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)

    def _stop(self, *_signal: object) -> None:
        self.is_stopping = True
        for pid in self.running:
            os.kill(pid, signal.SIGTERM)

    def _note_ended(self) -> None:
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            part = self.running.pop(pid, None)
            # The first process of a container also gets orphans, which are no parts.
            if part and not self.is_stopping:
                code = os.waitstatus_to_exitcode(status)
                _log.error("process_ended", queue=part.queue, number=part.number, exit_code=code)


def _set_up(part: WorkerProcess) -> None:
    """Sets up a process right after the fork."""
    # In a session of its own, since a terminal sends Ctrl-C to all processes of a session.
    os.setsid()
    # Ends with the parent, however that ends. Source: prctl(2). Celery's function for it loads a
    # parser of C, which takes 13 MB.
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(OSError):
        Path("/proc/self/comm").write_text(f"sspr-{part.queue}")
    for each in _STOP:
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP)
    gc.enable()


def main() -> None:
    options = _options()
    parts = [part for parts in options.parts for part in parts]
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    # The garbage collector writes into objects, and each written page of memory is no longer
    # shared. Source: documentation of `gc.freeze`.
    gc.disable()
    if any(part.queue != "beat" for part in parts):
        load()
    gc.freeze()
    WorkerSupervisor(parts, partial(work, log_level=options.log_level)).run()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sspr.workers")
    parser.add_argument(
        "parts",
        nargs="*",
        type=parts_of,
        metavar="PART[=NUMBER]",
        default=[parts_of(name) for name in AT_ONCE],
        help=f"{', '.join(AT_ONCE)}; all of them by default. NUMBER: tasks at once",
    )
    parser.add_argument("--log-level", default="WARNING", help="of what Celery itself logs")
    return parser.parse_args()


def parts_of(text: str) -> Sequence[WorkerProcess]:
    """The processes for an argument of the command.

    Tasks of `codes` wait for mail servers, so they run in threads, which take a quarter of the
    memory. Tasks of other queues have a process each, so that a time limit ends no other task.

    Raises:
        ValueError: no such part, or no such number.

    >>> parts_of("codes=8")
    [WorkerProcess(queue='codes', number=1, threads=8)]
    >>> [part.number for part in parts_of("bulk")]
    [1, 2]
    """
    name, _, number = text.partition("=")
    at_once = int(number or AT_ONCE.get(name, 0))
    if name not in AT_ONCE or at_once < 1 or (name == "beat" and number):
        raise ValueError(f"no such part: {text}")
    if name == "codes":
        return [WorkerProcess(name, 1, at_once)]
    return [WorkerProcess(name, each, 1) for each in range(1, at_once + 1)]


def load() -> None:
    """Loads all that workers and tasks use, also at first use. Connects to nothing."""
    app.loader.init_worker()
    app.finalize()
    for module in _LOADED_LATE.split():
        import_module(module)
    app.connection_for_read().get_transport_cls()
    channels.load()
    engines.all()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            get_resolver()._populate()  # noqa: SLF001  # links in mails


def work(part: WorkerProcess, log_level: str) -> int:
    """Runs the tasks of a queue, or the beat, until SIGTERM."""
    if part.queue == "beat":
        # Without tasks: the beat publishes them by name.
        clock = Celery("sspr", fixups=[])
        clock.config_from_object("django.conf:settings", namespace="CELERY")
        clock.Beat(quiet=True).run()
        return 0
    if part.threads == 1:
        task_prerun.connect(_begin_time_limit)
        task_postrun.connect(_end_time_limit)
    worker = app.Worker(
        hostname=host_format(f"{part.queue}{part.number}@%h"),
        queues=[part.queue],
        pool_cls="threads",
        concurrency=part.threads,
        loglevel=log_level,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    return worker.exitcode or 0


def _begin_time_limit(sender: Any, **_signal: Any) -> None:
    """Lets the kernel end this process after the time limit of its task; it is forked again.

    The broker then publishes the task again, and each task counts its tries.
    """
    signal.alarm(sender.time_limit or settings.CELERY_TASK_TIME_LIMIT)


def _end_time_limit(**_signal: Any) -> None:
    signal.alarm(0)


if __name__ == "__main__":
    main()
