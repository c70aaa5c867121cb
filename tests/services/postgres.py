"""A throwaway PostgreSQL cluster on loopback: fast, because it forgets everything anyway."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from tests.services.processes import as_child_of_ours, end, free_port, wait_until

ROLE = "sspr"
SERVICE = "sspr_service"
"""A role that owns nothing: what a running service logs in with. `ROLE` migrates."""
SUPERUSER = "postgres"
_SETTINGS = (
    "fsync=off full_page_writes=off synchronous_commit=off shared_buffers=64MB max_connections=300"
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster. Neither of our roles is a superuser: row-level security binds them."""

    port: int

    def url(self, database: str, *, role: str = ROLE) -> str:
        return f"postgres://{role}@127.0.0.1:{self.port}/{database}"


@contextmanager
def postgres(folder: Path) -> Iterator[Cluster]:
    """A cluster in the folder, with a role and an empty database called `sspr`.

    PostgreSQL refuses to run as root, so root starts it as the user postgres, for whom every parent
    of the folder must be open (mode 755).
    """
    data, port = folder / "data", free_port()
    folder.mkdir(parents=True)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    with (folder / "log").open("wb") as log:
        initdb = [_program("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"]
        _check(_run_as_owner([*map(str, initdb), "-E", "UTF8", "--locale=C.UTF-8"], log), folder)
        settings = [*_SETTINGS.split(), "listen_addresses=127.0.0.1"]
        command = [_program("postgres"), "-D", str(data), "-k", str(folder), "-p", str(port)]
        command += [word for setting in settings for word in ("-c", setting)]
        server = _run_as_owner(command, log)
    cluster = Cluster(port)
    try:
        wait_until(lambda: _answers(cluster, server), what="PostgreSQL answers", timeout=60)
        with _superuser(cluster) as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
            connection.execute(f"CREATE ROLE {SERVICE} LOGIN")
            connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")
        yield cluster
    finally:
        end(server, how=signal.SIGQUIT)


@contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """A new empty database beside the one of the URL; gone at the end. Gives its URL."""
    beside, _, _ = url.rpartition("/")
    name = f"site_{os.getpid()}_{free_port()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield f"{beside}/{name}"
    finally:
        what = f"database {name} is dropped"
        wait_until(lambda: _is_dropped(url, name), what=what, timeout=60)


def _is_dropped(url: str, name: str) -> bool:
    """Drops the database; False while autovacuum is in it, which only a superuser may end."""
    with psycopg.connect(url, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        try:
            connection.execute(drop.format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


def as_role(url: str, role: str) -> str:
    """The same database for another role of the cluster."""
    return re.sub("//[^@/]*@", f"//{role}@", url, count=1)


def for_a_service(url: str) -> str:
    """Gives the service's role what it needs of all that will be made in there. Gives its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES"):
            connection.execute(f"ALTER DEFAULT PRIVILEGES GRANT {what} TO {SERVICE}")
    return as_role(url, SERVICE)


def _program(name: str) -> str:
    """The newest installed; Debian keeps them out of the PATH."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: float(path.parts[4]), default=None)
    return str(newest or shutil.which(name) or name)


def _run_as_owner(command: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--reset-env"]
    return subprocess.Popen(
        as_child_of_ours([*(owner if os.getuid() == 0 else []), *command]),
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd="/",
        start_new_session=True,
    )


def _check(initdb: "subprocess.Popen[bytes]", folder: Path) -> None:
    if initdb.wait():
        raise RuntimeError(f"initdb failed:\n{(folder / 'log').read_text()}")


def _answers(cluster: Cluster, server: "subprocess.Popen[bytes]") -> bool:
    if server.poll() is not None:
        raise RuntimeError("PostgreSQL ended by itself; see its log")
    try:
        _superuser(cluster).close()
    except psycopg.OperationalError:
        return False
    return True


def _superuser(cluster: Cluster) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(cluster.url("postgres", role=SUPERUSER), autocommit=True)
