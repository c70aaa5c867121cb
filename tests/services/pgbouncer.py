"""PgBouncer before a database: a connection belongs to a client for one transaction."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services.processes import as_child_of_ours, end, free_port, wait_until

_SETTINGS = """
[databases]
* = host={host} port={behind}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
"""


@contextmanager
def pgbouncer(
    folder: Path, *, host: str, port: int, roles: Sequence[str], size: int = 4
) -> Iterator[int]:
    """A pool of so many connections for each role and database of that server. Gives its port.

    PgBouncer refuses to run as root, so root starts it as the user postgres.
    """
    own = free_port()
    folder.mkdir()
    settings, users = folder / "pgbouncer.ini", folder / "users"
    users.write_text("".join(f'"{role}" ""\n' for role in roles))
    settings.write_text(
        _SETTINGS.format(host=host, behind=port, port=own, folder=folder, size=size)
    )
    command = [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", str(settings)]
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        command[1:1] = ["-u", "postgres"]
    with (folder / "log").open("wb") as log:
        pool = subprocess.Popen(
            as_child_of_ours(command), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_until(
            lambda: _answers(own, roles[0], pool),
            what="PgBouncer answers",
            timeout=60,
            detail=(folder / "log").read_text,
        )
        yield own
    finally:
        end(pool)


def _answers(port: int, role: str, pool: "subprocess.Popen[bytes]") -> bool:
    if pool.poll() is not None:
        raise RuntimeError("PgBouncer ended by itself; see its log")
    try:
        psycopg.connect(host="127.0.0.1", port=port, user=role, dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True
