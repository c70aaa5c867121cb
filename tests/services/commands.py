"""Management commands in forks of one process that has loaded and checked the service already.

A Python of its own for each command spends over a second of CPU on imports, some hundred times in
a run of the browser's tests, and another half on the system checks, which give the same answer each
time. A fork is a process of its own as well: with its own connections, its own caches and its own
end, and nothing of the command before it.
"""

import gc
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import StringIO
from typing import IO

from tests.services.environment import BASE
from tests.services.processes import end


class Commands:
    """Runs commands one at a time, with the settings that one environment gives."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self._stack = ExitStack()
        self._out = self._stack.enter_context(_empty_file())
        self._err = self._stack.enter_context(_empty_file())
        written = (self._out.fileno(), self._err.fileno())
        self._process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.services.commands", *map(str, written)],
                cwd=BASE,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=written,
            )
        )

    def run(self, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        """As `subprocess.run` of manage.py would, with all that was printed."""
        for file in (self._out, self._err):
            # The position is shared with the fork, which begins to write at it.
            file.seek(0)
            file.truncate()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
        self._process.stdin.flush()
        code = self._process.stdout.readline()
        assert code, f"The process for commands ended ({self._process.poll()})"
        printed = []
        for file in (self._out, self._err):
            file.seek(0)
            printed.append(file.read().decode())
        return subprocess.CompletedProcess(arguments, int(code), *printed)

    def stop(self) -> None:
        end(self._process)
        self._stack.close()


@contextmanager
def _empty_file() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


def _serve(out: int, err: int) -> None:
    """Answer each line of arguments with the exit code of the command, until there are no more."""
    import django  # noqa: PLC0415  # only the process that serves needs it
    from django.core.management import BaseCommand, call_command  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")
    django.setup()
    call_command("check", stdout=StringIO())
    BaseCommand.requires_system_checks = []
    # A collection in a fork would copy every page of memory that it shares with this process.
    gc.freeze()
    fork = multiprocessing.get_context("fork")
    while line := sys.stdin.readline():
        command = fork.Process(target=_run, args=(json.loads(line), out, err))
        command.start()
        command.join()
        print(command.exitcode, flush=True)  # noqa: T201


def _run(arguments: list[str], out: int, err: int) -> None:
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    os.dup2(out, 1)
    os.dup2(err, 2)
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    _serve(*map(int, sys.argv[1:]))
