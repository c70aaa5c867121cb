"""What a sync of a directory costs: the first run, one without changes, one with a few.

    python -m bench.sync [--people 100000] [--rounds 1]
    python -m bench.sync --slapd --people 20000

The floor is the import of the same people from a CSV file, in the same PostgreSQL. Without
`--slapd` the directory is in the memory of the process that reads it, so that its own cost is none;
that memory is measured before and taken off. Each run is in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench.import_people import database
from tests.services.environment import BASE, environment
from tests.services.postgres import postgres
from tests.services.slapd import slapd

_CHANGED_EVERY = 1_000
"""Of so many people, one was changed before the third run."""
_MOBILE = "010-{:04d}-{:04d}"


def here(step: str, people: int, server: dict[str, str]) -> None:
    """What each process does, with the settings of the service."""
    import django  # noqa: PLC0415  # the settings must not be asked for before they are there

    django.setup()
    from dataclasses import replace  # noqa: PLC0415

    from django.core.management import call_command  # noqa: PLC0415

    from audit.services import Actor  # noqa: PLC0415
    from directory.connectors.ldap import account_connector_of  # noqa: PLC0415
    from directory.models import DirectoryConnection  # noqa: PLC0415
    from isolation.scope import in_tenant  # noqa: PLC0415
    from provisioning.models import SyncRun  # noqa: PLC0415
    from provisioning.services import sync_jobs  # noqa: PLC0415
    from provisioning.services.contacts import Importer  # noqa: PLC0415
    from provisioning.services.directory_sync import work  # noqa: PLC0415
    from provisioning.services.files import opened  # noqa: PLC0415
    from provisioning.services.importing import import_users  # noqa: PLC0415
    from tenants.queries import tenant_by_slug  # noqa: PLC0415
    from tests.provisioning.directory import MemoryDirectory, entry_of  # noqa: PLC0415
    from vault.services import seal_column  # noqa: PLC0415

    if step in {"import", "first"}:
        call_command("migrate", verbosity=0)
        new_tenant = ["--name", "Contoso", "--slug", "contoso", "--domain", "contoso.example"]
        call_command("create_tenant", *new_tenant, "--country", "KR", "--language", "ko")
    tenant = tenant_by_slug("contoso")
    assert tenant is not None
    with in_tenant(tenant.pk):
        if step == "import":
            report(
                _imported(people, import_users, opened, Importer(actor_id=Actor.COMMAND, number=""))
            )
            return
        connection = DirectoryConnection.objects.first()
        if connection is None:
            connection = DirectoryConnection.objects.create(
                name="Bench",
                kind="ldap",
                servers=server.get("url", "ldaps://ldap.contoso.example"),
                ca_certificates=server.get("ca", ""),
                base_dn=server.get("base", "dc=contoso,dc=example"),
                bind_dn=server.get("dn", "cn=service"),
                people_filter="(uid=p*)",
                brake_percent=100,
            )
            connection.bind_password = seal_column(
                connection, "bind_password", server.get("password", "")
            )
            connection.save()
        memory = MemoryDirectory()
        # It only reads; a run asks for no more.
        in_memory: Any = memory
        for number in range(0 if server else people):
            phones = {"mobile_phone": _MOBILE.format(2000 + number // 10_000, number % 10_000)}
            memory.put(entry_of(f"p{number}", phones=phones, given_name="Minji", surname="Kim"))
        if step == "changed":
            for number in range(0, 0 if server else people, _CHANGED_EVERY):
                entry = memory.everyone[f"p{number}"]
                memory.put(replace(entry, display_name="Changed"))
        before = _peak_mb()
        started, cpu = time.perf_counter(), time.process_time()
        run = sync_jobs.start(connection, actor_id=Actor.COMMAND)
        while run.is_at_work:
            work(run.pk, account_connector_of if server else lambda _connection: in_memory)
            run = SyncRun.objects.get(pk=run.pk)
        report(
            {
                "state": run.state,
                "seconds": time.perf_counter() - started,
                "cpu_s": time.process_time() - cpu,
                "more_mb": _peak_mb() - before,
                "created": run.created,
                "changed": run.changed,
                "problems": run.problems,
            }
        )


def _imported(people: int, import_users: Any, opened: Any, importer: Any) -> dict[str, Any]:
    with tempfile.TemporaryFile() as file:
        file.write(b"user_principal_name,display_name,given_name,surname,mobile_phone\n")
        for number in range(people):
            mobile = _MOBILE.format(2000 + number // 10_000, number % 10_000)
            row = f"p{number}@contoso.example,Person p{number},Minji,Kim,{mobile}\n"
            file.write(row.encode())
        file.seek(0)
        started = time.perf_counter()
        counts = import_users(opened(file), importer=importer, report=lambda _row: None)
    return {"seconds": time.perf_counter() - started, "created": counts.created}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")


def measured(step: str, env: dict[str, str], people: int, server: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "bench.sync", "--step", step, "--people", str(people)]
    command += ["--server", json.dumps(server)]
    done = subprocess.run(command, cwd=BASE, env=env, check=True, stdout=subprocess.PIPE)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def rounds(folder: Path, people: int, count: int, *, is_real: bool) -> Iterator[dict[str, Any]]:
    with (
        postgres(folder / "postgres") as cluster,
        slapd(folder / "slapd") if is_real else nullcontext() as server,
    ):
        facts: dict[str, str] = {}
        if server is not None:
            for number in range(people):
                mobile = _MOBILE.format(2000 + number // 10_000, number % 10_000)
                mail = f"p{number}@contoso.example"
                server.add_person(f"p{number}", mail=mail, mobile=mobile)
            facts = {
                "url": server.url,
                "ca": server.authority.pem,
                "base": server.people_dn,
                "dn": server.service.dn,
                "password": server.service.password,
            }
        for number in range(count):
            # The keys of an environment are its own.
            envs = [
                environment(
                    folder / f"var{name}",
                    DATABASE_URL=database(cluster, name),
                    DJANGO_SETTINGS_MODULE="sspr.settings",
                )
                for name in (f"import{number}", f"sync{number}")
            ]
            results = {"import": measured("import", envs[0], people, {})}
            for step in ("first", "again", *(() if is_real else ("changed",))):
                results[step] = measured(step, envs[1], people, facts)
            yield results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--slapd", action="store_true", help="a real OpenLDAP")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--server", default="{}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        here(options.step, options.people, json.loads(options.server))
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for results in rounds(Path(folder), options.people, options.rounds, is_real=options.slapd):
            for step, facts in results.items():
                report({"step": step} | facts)
            first = results["first"]["seconds"]
            report(
                {
                    "first ÷ import": round(first / results["import"]["seconds"], 2),
                    "again ÷ first": round(results["again"]["seconds"] / first, 3),
                }
            )


if __name__ == "__main__":
    main()
