"""The whole service as it runs in earnest: a web server and workers, as processes of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sspr.run import WEB
from sspr.workers import AT_ONCE, parts_of
from tests.services.commands import Commands
from tests.services.environment import BASE, environment
from tests.services.postgres import fresh_database
from tests.services.processes import end, free_port, kill_tree, wait_until
from tests.services.redis import another_database

_READY_S = 120
_TAIL = 4_000
_PROCESSES = sum(len(parts_of(name)) for name in AT_ONCE if name != "beat")


@dataclass(slots=True)
class Site:
    """A running service. `url` has no slash at its end."""

    url: str
    var: Path
    env: dict[str, str]
    _running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _commands: Commands | None = None

    def manage(self, *arguments: str, owner: str = "") -> str:
        """Run a management command against this service. Gives what it printed.

        Args:
            owner: the database's URL for another role than the service's.

        Raises:
            AssertionError: it failed; with all that it printed.
        """
        env = self.env | ({"DATABASE_URL": owner} if owner else {})
        if self._commands and self._commands.env != env:
            self._commands.stop()
            self._commands = None
        self._commands = self._commands or Commands(env)
        done = self._commands.run(arguments)
        assert done.returncode == 0, f"manage.py {arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start_web(self) -> None:
        self._start("web", *WEB.format(port=self.env["PORT"]).split())
        self._await("web", "Web server ready", lambda: _answers(f"{self.url}/healthz"))

    def start_worker(self) -> None:
        """Start all workers and the beat, and come back when the workers take tasks."""
        self.start_workers("worker", "sspr.workers", processes=_PROCESSES)

    def start_workers(self, name: str, command: str, *, processes: int = 1) -> None:
        """Start workers by a command, and come back when so many processes take tasks."""
        self._start(name, *command.split(), "--log-level", "INFO")
        ready = r"\d@\S+ ready\."
        self._await(
            name,
            "Workers ready",
            lambda: len(re.findall(ready, self.log(name))) >= processes,
        )

    def stop_worker(self) -> None:
        """End the worker as a deployment does: it finishes what it has in hand."""
        end(self._running.pop("worker"))

    def kill_worker(self) -> None:
        """kill -9 of the worker with its pool and its beat: the power fails."""
        kill_tree(self._running.pop("worker"))

    def stop(self) -> None:
        while self._running:
            end(self._running.popitem()[1])
        if self._commands:
            self._commands.stop()

    def log(self, part: str) -> str:
        """What `web` or `worker` wrote since its last start."""
        return (self.var / f"{part}.log").read_text(errors="replace")

    def _start(self, part: str, *command: str) -> None:
        assert part not in self._running, f"The {part} runs already"
        with (self.var / f"{part}.log").open("wb") as log:
            self._running[part] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=BASE,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _await(self, part: str, what: str, is_ready: Callable[[], bool]) -> None:
        def ready() -> bool:
            code = self._running[part].poll()
            assert code is None, f"The {part} ended ({code}):\n{self.log(part)[-_TAIL:]}"
            return is_ready()

        wait_until(ready, what=what, timeout=_READY_S, detail=lambda: self.log(part)[-_TAIL:])


@contextmanager
def site(var: Path, settings: Mapping[str, str], *, owner: str = "") -> Iterator[Site]:
    """The service, migrated and up, with this state folder and these settings.

    Args:
        owner: the database's URL for the role that migrates, where it's another.
    """
    port = str(free_port())
    url = f"http://localhost:{port}"
    env = environment(var, SSPR_BASE_URL=url, PORT=port, **settings)
    running = Site(url, var, env)
    try:
        running.manage("migrate", "--verbosity", "0", owner=owner)
        running.manage("collectstatic", "--noinput", "--verbosity", "0")
        running.start_web()
        running.start_worker()
        yield running
    finally:
        running.stop()


@contextmanager
def site_alone(var: Path, settings: Mapping[str, str], *, redis: int) -> Iterator[Site]:
    """A migrated service on the kind of database and broker of this run; nothing of it is started.

    Args:
        redis: the number of Redis's database that no other test uses.
    """
    with ExitStack() as stack:
        chosen = {"SSPR_TESTING": "1", **settings}
        if "DATABASE_URL" in os.environ:
            url = stack.enter_context(fresh_database(os.environ["DATABASE_URL"]))
            chosen["DATABASE_URL"] = url
        if "REDIS_URL" in os.environ:
            chosen["REDIS_URL"] = another_database(os.environ["REDIS_URL"], redis)
        env = environment(var, SSPR_BASE_URL="http://localhost:8000", **chosen)
        running = Site("http://localhost:8000", var, env)
        stack.callback(running.stop)
        running.manage("migrate", "--verbosity", "0")
        yield running


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
