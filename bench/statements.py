"""Statements that reach PostgreSQL, counted and timed by it: it writes each into its log."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.services.postgres import SUPERUSER, Cluster

_SETTLE_S = 1.0
_ENTRY = re.compile(
    r"^@([^@]*)@([^@]*)@ LOG:  (?:statement|execute [^:]*): (.*?)(?=^@|\Z)",
    re.MULTILINE | re.DOTALL,
)
_TOOK = re.compile(r"^@([^@]*)@[^@]*@ LOG:  duration: ([\d.]+) ms", re.MULTILINE)
_QUOTED = re.compile(r"E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"[^\"]*\"", re.DOTALL)
_NO_DATA = re.compile(
    r"BEGIN|START|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|DEALLOCATE"
    r"|SELECT\s+(?:pg_catalog\.)?set_config\b|SELECT\s+(?:1|NULL|'')?\s*\Z",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Counted:
    """Statements by the application that sent them, as it calls itself (PGAPPNAME).

    Args:
        data: those that read or write rows: not those that begin and end transactions, set
            something for the session or the transaction, or try whether a session is alive.
        messages: ways to the server and back; a message may carry several statements.
    """

    data: Counter[str] = field(default_factory=Counter)
    every: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)


@contextmanager
def counting(cluster: Cluster, log: Path, database: str) -> Iterator[Counted]:
    """Counts what reaches one database until the block ends, from sessions that are open, too."""
    counted = Counted()
    _tell(cluster, "SET log_statement = 'all'", "SET log_line_prefix = '@%d@%a@ '")
    start = log.stat().st_size
    try:
        yield counted
    finally:
        time.sleep(_SETTLE_S)
        _tell(cluster, "RESET log_statement")
    with log.open(errors="replace") as file:
        file.seek(start)
        for where, who, said in _ENTRY.findall(file.read()):
            if where == database:
                _count(counted, who, said)


@contextmanager
def timing(cluster: Cluster) -> Iterator[None]:
    """Lets PostgreSQL write down how long each statement took, until the block ends."""
    _tell(cluster, "SET log_min_duration_statement = 0", "SET log_line_prefix = '@%d@%a@ '")
    try:
        yield
    finally:
        _tell(cluster, "RESET log_min_duration_statement")


def spent_ms(log: Path, database: str, start: int) -> float:
    """What the statements of one database took together, planning and compiling included.

    Args:
        start: size of the log before the first of them.
    """
    with log.open(errors="replace") as file:
        file.seek(start)
        entries = _TOOK.findall(file.read())
    return sum(float(took) for where, took in entries if where == database)


def statements_in(message: str) -> list[str]:
    r"""The statements of a message, with what was quoted in them left out.

    >>> statements_in("SET LOCAL a = 'x;y'; SELECT 1 FROM b WHERE c = E'it\\'s;'; ")
    ["SET LOCAL a = ''", "SELECT 1 FROM b WHERE c = ''"]
    """
    parts = _QUOTED.sub("''", message).split(";")
    return [part.strip() for part in parts if part.strip()]


def _count(counted: Counted, who: str, message: str) -> None:
    counted.messages[who] += 1
    for statement in statements_in(message):
        counted.every[who] += 1
        counted.data[who] += not _NO_DATA.match(statement)


def _tell(cluster: Cluster, *settings: str) -> None:
    url = cluster.url("postgres", role=SUPERUSER)
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM {setting}")
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(_SETTLE_S)
