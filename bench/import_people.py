"""How long a big import takes, beside the least that PostgreSQL needs for the same file.

    python -m bench.import_people [--rows 1000000] [--rounds 2] [--seed 1]

Starts a PostgreSQL of its own. Each round measures, one after the other: the floor, which is COPY
of the file's bytes into one bare table (primary key, unique name in the tenant); the import, in a
process of its own and an empty tenant; and COPY of the rows that it made into a table like theirs,
which is what PostgreSQL alone needs for them. The best of the rounds counts.
"""

import argparse
import csv
import json
import os
import random  # noqa: TID251  # a file that is the same each time is what a seed is for
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from tests.services.environment import BASE, environment
from tests.services.postgres import SUPERUSER, Cluster, as_role, postgres

_COLUMNS = (
    "user_principal_name",
    "display_name",
    "given_name",
    "surname",
    "language",
    "office_phone",
    "mobile_phone",
    "alternate_email",
)
_GIVEN = ("민지", "서준", "하은", "도윤", "Anna", "Joe", "Maria", "Chen", "Fatima", "Lars")
_SURNAMES = ("김", "이", "박", "최", "Kim", "Novak", "O'Brien", "García", "Schmidt", "van Dijk")
_MAIL_HOSTS = ("naver.example", "gmail.example", "mail.example", "daum.example")
_WRITTEN = """
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = 'directory_user'::regclass
      AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
"""All columns but those that PostgreSQL works out."""
_EVERY_BAD = 100
_CHUNK = 1 << 16
_BARE = f"""
    CREATE TABLE bare (
        id bigserial PRIMARY KEY,
        tenant_id bigint NOT NULL DEFAULT 1,
        {", ".join(f"{name} text NOT NULL" for name in _COLUMNS)},
        UNIQUE (tenant_id, user_principal_name)
    )
"""


def write_file(path: Path, rows: int, seed: int) -> None:
    """People in a file: every hundredth row is bad in one of five ways, none is there twice."""
    chance = random.Random(seed)  # noqa: S311
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(_COLUMNS)
        for number in range(rows):
            out.writerow(_row(number, chance))


def _row(number: int, chance: random.Random) -> list[str]:
    given, surname = chance.choice(_GIVEN), chance.choice(_SURNAMES)
    row = [
        f"user{number:07d}@contoso.example",
        f"{surname}, {given}" if number % 10 == 0 else f"{surname} {given}",
        given,
        surname,
        chance.choice(("ko", "en", "ko-KR")),
        f"02-{chance.randint(2000, 9999)}-{chance.randint(0, 9999):04d}",
        _mobile(number, chance),
        f"person.{number}@{chance.choice(_MAIL_HOSTS)}",
    ]
    if number % _EVERY_BAD == 0:
        column, cell = chance.choice(
            [
                (0, f"user{number}@fabrikam.example"),
                (4, "xx"),
                (5, "none"),
                (6, "1.01E+10"),
                (7, "a"),
            ]
        )
        row[column] = cell
    return row


def _mobile(number: int, chance: random.Random) -> str:
    middle, last = chance.randint(2000, 4999), chance.randint(0, 9999)
    spelt = ("010-{}-{:04d}", "010{}{:04d}", "+82 10-{}-{:04d}", "+8210{}{:04d}")
    return spelt[number % 4].format(middle, last)


def floor(url: str, path: Path) -> float:
    """Seconds for the bytes of the file to arrive in one bare table."""
    with psycopg.connect(url) as connection:
        connection.execute(_BARE)
        connection.commit()
        started = time.perf_counter()
        statement = f"COPY bare ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT csv, HEADER)"
        with path.open("rb") as file, connection.cursor().copy(statement) as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
        connection.commit()
        return time.perf_counter() - started


def measured_import(url: str, path: Path, folder: Path) -> dict[str, float]:
    """Seconds and peak memory of an import in a process that does nothing else."""
    env = environment(folder / "var", DATABASE_URL=url, DJANGO_SETTINGS_MODULE="sspr.settings")
    command = [sys.executable, "-m", "bench.import_people", "--import", str(path)]
    done = subprocess.run(command, cwd=BASE, env=env, check=True, stdout=subprocess.PIPE)  # noqa: S603
    return dict(json.loads(done.stdout.splitlines()[-1]))


def import_here(path: Path) -> None:
    """What the process of `measured_import` does."""
    import django  # noqa: PLC0415  # the settings must not be asked for before they are there

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from audit.services import Actor  # noqa: PLC0415
    from isolation.scope import in_tenant  # noqa: PLC0415
    from provisioning.services.contacts import Importer  # noqa: PLC0415
    from provisioning.services.files import opened  # noqa: PLC0415
    from provisioning.services.importing import import_users  # noqa: PLC0415
    from tenants.queries import tenant_by_slug  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    new_tenant = ["--name", "Contoso", "--slug", "contoso", "--domain", "contoso.example"]
    call_command("create_tenant", *new_tenant, "--country", "KR", "--language", "ko")
    tenant = tenant_by_slug("contoso")
    assert tenant is not None
    started = time.perf_counter()
    with path.open("rb") as file, in_tenant(tenant.pk):
        importer = Importer(actor_id=Actor.COMMAND, number="")
        counts = import_users(opened(file), importer=importer, report=lambda _row: None)
    took = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "seconds": took,
        "peak_mb": used.ru_maxrss / 1024,
        "cpu_s": used.ru_utime + used.ru_stime,
        "created": counts.created,
        "refused": counts.refused,
    }
    sys.stdout.write(json.dumps(report) + "\n")


def finished_rows(url: str, path: Path) -> float:
    """Seconds for the rows that the import made to arrive in a table like theirs."""
    with psycopg.connect(as_role(url, SUPERUSER)) as connection:
        connection.execute("CREATE TABLE again (LIKE directory_user INCLUDING ALL)")
        (columns,) = connection.execute(_WRITTEN).fetchone() or ("",)
        made = sql.SQL("COPY (SELECT {} FROM directory_user ORDER BY id) TO STDOUT")
        named = sql.SQL(columns)
        with path.open("wb") as file, connection.cursor().copy(made.format(named)) as copy:
            for chunk in copy:
                file.write(chunk)
        connection.commit()
        again = sql.SQL("COPY again ({}) FROM STDIN").format(named)
        started = time.perf_counter()
        with path.open("rb") as file, connection.cursor().copy(again) as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
        connection.commit()
        return time.perf_counter() - started


def rounds(
    cluster: Cluster, path: Path, folder: Path, count: int
) -> Iterator[tuple[float, dict[str, float]]]:
    for number in range(count):
        least = floor(database(cluster, f"bare{number}"), path)
        service = database(cluster, f"service{number}")
        found = measured_import(service, path, folder)
        yield least, found | {"finished_rows": finished_rows(service, folder / "finished")}


def database(cluster: Cluster, name: str) -> str:
    """An empty one. It goes when the cluster goes: dropping it now would disturb the next."""
    with psycopg.connect(cluster.url("sspr"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return cluster.url(name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--import", dest="file", type=Path)
    options = parser.parse_args()
    if options.file:
        import_here(options.file)
        return
    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "people.csv"
        write_file(path, options.rows, options.seed)
        say(f"{options.rows} rows, {path.stat().st_size / 1e6:.1f} MB")
        with postgres(folder / "postgres") as cluster:
            report(list(rounds(cluster, path, folder, options.rounds)), options.rows)


def report(measured: list[tuple[float, dict[str, float]]], rows: int) -> None:
    for least, found in measured:
        say(f"  floor {least:6.1f} s   import {found['seconds']:6.1f} s   {json.dumps(found)}")
    least = min(least for least, _ in measured)
    best = min((found for _, found in measured), key=lambda found: found["seconds"])
    say(f"floor   {rows / least:9.0f} rows/s")
    say(f"import  {rows / best['seconds']:9.0f} rows/s, {best['peak_mb']:.0f} MB at most")
    alone = min(found["finished_rows"] for _, found in measured)
    say(f"ratio   {best['seconds'] / least:9.2f}")
    say(f"PostgreSQL alone, for the finished rows: {alone:.1f} s, {alone / least:.2f} of the floor")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")
    main()
