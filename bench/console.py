"""How long the pages of the administration take in a small and in a large organisation.

    python -m bench.console [--people 2000 200000] [--rounds 3] [--by-groups]

Starts a PostgreSQL as it comes, with a database for each size, and opens in each: the overview,
the list of people, each of its filters, a search, a person's page, the audit log of five events
for each person with its filters, and what a change of the policy would do. Wall time is what
Django took for the answer; database time is what PostgreSQL says that it took for the statements,
and how much of that it worked is what the kernel counts, in steps of 10 ms. The ratio is that of
the database times. The median of the rounds counts; a page that took over ten seconds is opened
once only.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import product
from pathlib import Path
from typing import Any

import psycopg

from bench.kernel import cpu_ms, postmaster_of
from bench.statements import spent_ms, timing
from tests.services.environment import BASE, environment
from tests.services.postgres import Cluster, postgres

_LIST = "/admin/people/"
_PREVIEW = "/admin/policy/impact/"
_SLOW_S = 10.0
_SELECT = re.compile(r'<select name="(\w+)".*?</select>', re.DOTALL)
_OPTION = re.compile(r'<option value="([^"]+)"')
_CHANGES: tuple[dict[str, Any], ...] = (
    {"methods_required": 2},
    {"reset_methods": ["mobile_text", "mobile_call"]},
)
"""What is previewed: one more gate, and no code by mail any more."""
_AUDIT = "/admin/audit/"
_EVENTS_OF_A_PERSON = 5
_EVENTS = """
    INSERT INTO audit_event
        (tenant_id, at, activity, outcome, actor_id, subject_id, support_code, reason, details)
    SELECT
        (SELECT min(id) FROM tenants_tenant WHERE slug = 'contoso'),
        now() - n * interval '20 seconds',
        (ARRAY['signed_in', 'code_sent', 'reset_flow_progress',
            'security_info_changed'])[1 + n %% 4],
        CASE WHEN n %% 20 = 0 THEN 'failure' ELSE 'success' END,
        ids.least + n %% %s, ids.least + n %% %s, upper(lpad(to_hex(n), 8, '0')), '',
        CASE n %% 4 WHEN 1 THEN '{"method": "email"}' WHEN 3 THEN '{"method": "mobile_phone"}'
            ELSE '{}' END::jsonb
    FROM generate_series(1, %s) AS n, (SELECT min(id) AS least FROM directory_user) AS ids
"""
_AUDIT_FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"q": "user0000"},
    {"q": "nothing like it"},
    {"q": "0000-1A2B"},
    {"by": "user0000"},
    {"by": "this service"},
    {"outcome": "failure"},
    {"outcome": "failure", "activity": "signed_in"},
    {"activity": "code_sent"},
    {"activity": "user_deleted"},
    {"method": "email"},
    {"method": "passkey"},
    {"setting": "code_digits"},
    {"since": "2020-01-01", "until": "2020-02-01"},
)
"""Filters of frequent and of rare records, and of none."""
_STAFF = "Staff"
"""The group of three in four people; see `bench.people`."""
_BY_GROUPS: dict[str, Any] = {"self_service": "groups", "groups": [_STAFF]}


def pages(client: Any, *, by_groups: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every page that is measured: what it's called, and how it is opened.

    Args:
        by_groups: whether the policy lets some groups reset only; else a change to that is
            previewed, too.
    """
    for change in (*_CHANGES, *(() if by_groups else (_BY_GROUPS,))):
        name = "policy, " + ", ".join(change)
        form = client.get("/admin/policy/").context["form"].initial
        typed = {name: "" if value is None else value for name, value in form.items()} | change
        yield f"{name}: sent", partial(_sent, client, typed)
        yield f"{name}: preview", partial(client.get, _PREVIEW)
    yield "overview", partial(client.get, "/admin/")
    yield "people", partial(client.get, _LIST)
    people = client.get(_LIST).text
    person = re.findall(rf"{_LIST}(\d+)/", people)[3]
    yield "person", partial(client.get, f"{_LIST}{person}/")
    yield "timeline", partial(client.get, f"{_LIST}{person}/timeline/")
    filters = [(s[1], value) for s in _SELECT.finditer(people) for value in _OPTION.findall(s[0])]
    filters += product(["q"], ["user0000", "Minji 19", "nothing like it"])
    for field, value in [*filters, ("unconfirmed", "on")]:
        yield f"people, {field}={value}", partial(client.get, _LIST, {field: value})

    for query in _AUDIT_FILTERS:
        name = ", ".join(f"{field}={value}" for field, value in query.items())
        yield f"audit, {name or 'all'}", partial(client.get, _AUDIT, query)


def _sent(client: Any, typed: dict[str, Any]) -> Any:
    """The change waits for a preview: it takes the reset from some."""
    answer = client.post("/admin/policy/", typed)
    if answer.status_code == HTTPStatus.FOUND:
        assert answer.headers["Location"] == _PREVIEW, answer.headers["Location"]
    return answer


def measure(
    log: Path, database: str, rounds: int, *, by_groups: bool
) -> dict[str, dict[str, float]]:
    """Milliseconds of each page, of Django (`wall`) and of PostgreSQL (`database`, `cpu`)."""
    from django.conf import settings  # noqa: PLC0415  # needs the settings
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import setup_test_environment  # noqa: PLC0415

    from isolation.scope import in_tenant  # noqa: PLC0415
    from tenants.policy import Scope  # noqa: PLC0415
    from tenants.queries import policy_in_force, tenant_by_slug  # noqa: PLC0415
    from tenants.services import change_policy  # noqa: PLC0415
    from tests import forms  # noqa: PLC0415
    from tests.console.people import behind_both, make_admin  # noqa: PLC0415
    from verification.rules import captcha  # noqa: PLC0415

    setup_test_environment()
    settings.OWN_HOSTS = ["testserver"]
    Client.request, Client.post = forms.request, forms.post  # type: ignore[method-assign]
    captcha.ROUNDS, captcha._TRIES = 1, (4, 6, 8, 10)  # noqa: SLF001
    tenant = tenant_by_slug("contoso")
    assert tenant is not None
    with in_tenant(tenant.pk):
        admin = make_admin()  # type: ignore[no-untyped-call]
        if by_groups:
            groups = frozenset({_STAFF})
            change_policy(replace(policy_in_force(), self_service=Scope.GROUPS, groups=groups))
    client = behind_both(admin)
    client.raise_request_exception = False
    client.get("/admin/audit/")  # what is loaded and compiled once
    return {
        name: _measured(go, log, database, rounds)
        for name, go in pages(client, by_groups=by_groups)
    }


def _measured(go: Callable[[], Any], log: Path, database: str, rounds: int) -> dict[str, float]:
    walls: list[float] = []
    spent: list[float] = []
    worked: list[float] = []
    postmaster, status = postmaster_of(log.parent), 0
    while len(walls) < rounds and sum(walls) < _SLOW_S * 1e3:
        start, before, began = log.stat().st_size, cpu_ms([postmaster]), time.perf_counter()
        status = go().status_code
        walls.append((time.perf_counter() - began) * 1e3)
        spent.append(spent_ms(log, database, start))
        worked.append(cpu_ms([postmaster]) - before)
    return {
        "wall": statistics.median(walls),
        "database": statistics.median(spent),
        "cpu": statistics.median(worked),
        "failed": status not in {HTTPStatus.OK, HTTPStatus.FOUND},
    }


def report(sizes: list[int], measured: list[dict[str, dict[str, float]]]) -> None:
    heads = "".join(f"{size:>26,} " for size in sizes)
    say(f"{'wall / database / its CPU, ms':40}{heads}  ratio")
    for name in measured[0]:
        found = [one[name] for one in measured]
        cells = [
            f"{one['wall']:8.0f} / {one['database']:6.0f} / {one['cpu']:6.0f}"
            f"{'!' if one['failed'] else ' '}"
            for one in found
        ]
        ratio = found[-1]["database"] / max(found[0]["database"], 0.1)
        say(f"{name:40}{''.join(cells)}  {ratio:6.1f}")
    if any(page["failed"] for one in measured for page in one.values()):
        say("! PostgreSQL ended a statement that took too long, and the page failed.")


def here(what: str, argument: str, log: Path, rounds: int, *, by_groups: bool) -> None:
    """What a process does whose settings are those of one database."""
    import django  # noqa: PLC0415  # settings come first

    django.setup()
    if what == "fill":
        from django.core.management import call_command  # noqa: PLC0415

        from bench.people import fill  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        fill(int(argument))
        _add_events(int(argument))
        return
    say(json.dumps(measure(log, argument, rounds, by_groups=by_groups)))


def _add_events(people: int) -> None:
    from django.db import connection  # noqa: PLC0415  # needs the settings

    from isolation.scope import all_tenants  # noqa: PLC0415

    with all_tenants(), connection.cursor() as cursor:
        cursor.execute(_EVENTS, [people, people, people * _EVENTS_OF_A_PERSON])
        cursor.execute("ANALYZE audit_event")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, nargs="+", default=[2_000, 200_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--by-groups", action="store_true", help="a policy for some groups only")
    parser.add_argument("--here", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        what, argument, log = options.here
        here(what, argument, Path(log), options.rounds, by_groups=options.by_groups)
        return
    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "postgres") as cluster:
            measured = [
                measured_with(cluster, folder, people, options.rounds, by_groups=options.by_groups)
                for people in options.people
            ]
    report(options.people, measured)


def measured_with(
    cluster: Cluster, folder: Path, people: int, rounds: int, *, by_groups: bool
) -> dict[str, dict[str, float]]:
    """Fills a database, and measures in it."""
    database, log = f"people{people}", folder / "postgres/log"
    with psycopg.connect(cluster.url("sspr"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}".encode())
    env = environment(
        folder / database,
        DATABASE_URL=cluster.url(database),
        DJANGO_SETTINGS_MODULE="sspr.settings",
    )

    def run(what: str, argument: str) -> str:
        command = [sys.executable, "-m", "bench.console", "--rounds", str(rounds)]
        command += ["--by-groups"] if by_groups else []
        command += ["--here", what, argument, str(log)]
        done = subprocess.run(command, cwd=BASE, env=env, check=True, stdout=subprocess.PIPE)  # noqa: S603
        return done.stdout.decode()

    began = time.monotonic()
    run("fill", str(people))
    say(f"{people:,} people, filled in {time.monotonic() - began:.0f} s")
    with timing(cluster):
        return dict(json.loads(run("measure", database).splitlines()[-1]))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")
    main()
