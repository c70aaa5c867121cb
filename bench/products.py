"""What `bench.reset` compares: how each product is started, and how a user resets in it."""

import contextlib
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from bench.browser import Browser
from bench.mail import Mail
from tests.services.environment import BASE, environment
from tests.services.processes import end, free_port, wait_until

SERVICE, NO_HISTORY, CONTRIB = "service", "no history", "Django"
PEERS = {CONTRIB: "contrib", "allauth, link": "allauth-link", "allauth, code": "allauth-code"}
PER_ORGANISATION = 500
"""Users of the service in an organisation: its daily share of mails must last."""
_READY_S = 90
_PEER_WEB = "granian --interface wsgi --port {port} --workers 1 bench.peers.wsgi:application"
_PEOPLE = """
    INSERT INTO auth_user (username, email, password, first_name, last_name,
        is_superuser, is_staff, is_active, date_joined)
    SELECT 'user' || n, 'user' || n || '@mail.example', %s, '', '', false, false, true, now()
    FROM generate_series(0, %s) n
"""
_ADDRESSES = """
    INSERT INTO account_emailaddress (user_id, email, verified, "primary")
    SELECT id, email, true, true FROM auth_user
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A product that answers.

    Args:
        walk: resets the password of the user with this number, from the first page to the last.
        database: its name in the cluster.
        web, workers: PIDs; their descendants belong to them.
    """

    name: str
    port: int
    database: str
    walk: Callable[[Browser, int], None]
    web: list[int]
    workers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the products share.

    Args:
        core: where web servers run; everything else runs on the others.
        database: gives the URL of a new database of that name.
    """

    folder: Path
    core: int
    mail: Mail
    redis_url: str
    database: Callable[[str], str]
    people: int


@contextmanager
def service(place: Place, *, beat: bool) -> Iterator[Running]:
    """The service as its Procfile starts it, with one web worker.

    Args:
        beat: whether the jobs that run by the clock run.
    """
    var, port = place.folder / SERVICE, free_port()
    env = environment(
        var,
        DATABASE_URL=place.database(SERVICE),
        REDIS_URL=place.redis_url,
        EMAIL_URL=place.mail.url,
        PORT=str(port),
        SSPR_BASE_URL=f"http://localhost:{port}",
        DJANGO_SETTINGS_MODULE="sspr.settings",
    )
    # So that this process can do the work that its pages ask of browsers.
    os.environ |= {name: env[name] for name in env if name.startswith(("SSPR_", "DJANGO_"))}
    run(env, "manage.py", "migrate", "--verbosity", "0")
    run(env, "manage.py", "collectstatic", "--noinput", "--verbosity", "0")
    run(env, "-m", "bench.reset", "--populate", str(place.people))
    commands = procfile(port)
    web = commands.pop("web")
    if not beat:
        commands["workers"] += " codes bulk"
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(process(command, env | {"PGAPPNAME": "worker"}, var, name))
            for name, command in commands.items()
        }
        web_env = env | {"PGAPPNAME": "web"}
        pid = stack.enter_context(process(web, web_env, var, "web", core=place.core))
        _await(port, "/healthz", var / "web.log")
        walk = _service_walk(place)
        yield Running(SERVICE, port, SERVICE, walk, [pid], list(started.values()))


def without_history(place: Place, service: Running) -> Running:
    """The same processes, for users of organisations that keep no former passwords."""
    walk = _service_walk(place, first=first_without_history(place.people))
    return replace(service, name=NO_HISTORY, walk=walk)


@contextmanager
def peer(place: Place, name: str) -> Iterator[Running]:
    """The password reset of another product, with the same number of users."""
    which, port = PEERS[name], free_port()
    database = which.replace("-", "_")
    url = place.database(database)
    env = environment(
        place.folder / which,
        DATABASE_URL=url,
        EMAIL_URL=place.mail.url,
        PEER=which,
        PGAPPNAME="web",
        DJANGO_SETTINGS_MODULE="bench.peers.settings",
    )
    run(env, "-m", "django", "migrate", "--verbosity", "0")
    hashing = "from django.contrib.auth.hashers import *; print(make_password('old'))"
    hashed = run(env, "-m", "django", "shell", "--verbosity", "0", "--command", hashing)
    with psycopg.connect(url) as connection:
        connection.execute(_PEOPLE, [hashed.strip(), place.people - 1])
        if which != "contrib":
            connection.execute(_ADDRESSES)
    walks = {"contrib": _contrib_walk, "allauth-link": _link_walk, "allauth-code": _code_walk}
    command = _PEER_WEB.format(port=port)
    with process(command, env, place.folder / which, "web", core=place.core) as pid:
        _await(port, "/admin/login/", place.folder / which / "web.log")
        yield Running(name, port, database, walks[which](place.mail), [pid], [])


def source_of(number: int) -> str:
    """An address of loopback for each reset: limits count what comes from one network."""
    return f"127.{1 + number // 62_500 % 250}.{number // 250 % 250}.{1 + number % 250}"


def _service_walk(place: Place, *, first: int = 0) -> Callable[[Browser, int], None]:
    """How users of the service reset. The numbers of these users begin at `first`."""
    import django  # noqa: PLC0415  # the settings are in the environment only now

    django.setup()
    from tests.captcha import work  # noqa: PLC0415
    from verification.rules import captcha  # noqa: PLC0415

    # What a browser works for costs the server the same, however many tries the browser needs.
    captcha._TRIES = (4, 6, 8, 10)  # noqa: SLF001

    def walk(browser: Browser, number: int) -> None:
        _, upn, address = person(first + number % place.people)
        place.mail.forget(address)
        assert "data-altcha" in browser.get("/passwordreset")
        factor = work()
        browser.send({"username": upn, "altcha": factor}, leads_to="/passwordreset/verify")
        browser.send({"method": "email"}, leads_to="/passwordreset/code")
        code = place.mail.wait_for(address, r"(?<!\d)(\d{8})(?!\d)")
        browser.send({"code": code}, leads_to="/passwordreset/new-password")
        typed = f"correct horse battery {number}"
        fields = {"new_password": typed, "confirm_password": typed}
        browser.send(fields, leads_to="/passwordreset/done")

    return walk


def person(number: int) -> tuple[str, str, str]:
    """Slug of the organisation, user ID and address of a user of the service."""
    slug = f"org{number // PER_ORGANISATION}"
    return slug, f"user{number}@{slug}.example", f"user{number}@mail.example"


def first_without_history(people: int) -> int:
    """Number of the first user whose organisation keeps no former passwords.

    As many users as the others, in organisations behind theirs.
    """
    return math.ceil(people / PER_ORGANISATION) * PER_ORGANISATION


def _contrib_walk(mail: Mail) -> Callable[[Browser, int], None]:
    def walk(browser: Browser, number: int) -> None:
        browser.get("/accounts/password_reset/")
        address = f"user{number}@mail.example"
        browser.send({"email": address}, leads_to="/accounts/password_reset/done/")
        link = mail.wait_for(address, r"http://[^/]+(/accounts/reset/\S+)")
        browser.get(link, leads_to=r"/accounts/reset/\w+/set-password/")
        typed = f"correct horse battery {number}"
        fields = {"new_password1": typed, "new_password2": typed}
        browser.send(fields, leads_to="/accounts/reset/done/")

    return walk


def _link_walk(mail: Mail) -> Callable[[Browser, int], None]:
    def walk(browser: Browser, number: int) -> None:
        browser.get("/accounts/password/reset/")
        address = f"user{number}@mail.example"
        browser.send({"email": address}, leads_to="/accounts/password/reset/done/")
        link = mail.wait_for(address, r"http://[^/]+(/accounts/password/reset/key/\S+)")
        browser.get(link, leads_to=r"/accounts/password/reset/key/\w+-set-password/")
        typed = f"correct horse battery {number}"
        fields = {"password1": typed, "password2": typed}
        browser.send(fields, leads_to="/accounts/password/reset/key/done/")

    return walk


def _code_walk(mail: Mail) -> Callable[[Browser, int], None]:
    def walk(browser: Browser, number: int) -> None:
        browser.get("/accounts/password/reset/")
        address = f"user{number}@mail.example"
        browser.send({"email": address}, leads_to="/accounts/password/reset/confirm/")
        code = mail.wait_for(address, r"\b([A-Z0-9]{4}-[A-Z0-9]{4})\b")
        browser.send({"code": code}, leads_to="/accounts/password/reset/complete/")
        typed = f"correct horse battery {number}"
        fields = {"password1": typed, "password2": typed}
        browser.send(fields, leads_to="/accounts/password/reset/done/")

    return walk


def procfile(port: int) -> dict[str, str]:
    """The commands of all parts that run; the web server has one worker."""
    lines = (BASE / "Procfile").read_text().splitlines()
    commands = {name: command for name, _, command in (line.partition(": ") for line in lines)}
    commands.pop("release")
    web = commands["web"].replace("$PORT", str(port)).replace("${WEB_CONCURRENCY:-2}", "1")
    return commands | {"web": web}


@contextmanager
def process(
    command: str, env: Mapping[str, str], folder: Path, name: str, *, core: int | None = None
) -> Iterator[int]:
    """A Python program in the background, on one core if it is said. Gives its PID."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    with (folder / f"{name}.log").open("wb") as log:
        program = subprocess.Popen(  # noqa: S603
            [*pinned, sys.executable, "-m", *shlex.split(command.removeprefix("python -m "))],
            cwd=BASE,
            env=env,
            stdout=log,
            stderr=log,
        )
    try:
        yield program.pid
    finally:
        end(program)


def run(env: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=BASE, env=env, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout


def _await(port: int, path: str, log: Path) -> None:
    def answers() -> bool:
        with contextlib.suppress(URLError, OSError), urlopen(f"http://localhost:{port}{path}"):
            return True
        return False

    wait_until(answers, what="Web server ready", timeout=_READY_S, detail=log.read_text)
