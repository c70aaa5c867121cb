"""Our code reaches the database by Django's cursors alone: they set whose rows it may see."""

import ast
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[2]
ELSEWHERE = {"tests", "bench", "var", ".venv"}
WRAPPER = "isolation/postgresql/base.py"
# A thread of its own runs a statement that belongs to the COPY before it, in one transaction.
PAST_THE_WRAPPER = {"provisioning/bulk.py": ["cursor.cursor"]}
DRIVERS_OWN = {"pgconn", "callproc", "stream", "execute_wrappers", "_autocommit"}
OWNERS = {("connection", "connection"), ("cursor", "cursor"), ("cursor", "connection")}
OF_PSYCOPG = {"psycopg.sql", "psycopg.errors"}
SETS = ("set_config", "sspr.tenant")


def modules():
    for path in sorted(BASE.rglob("*.py")):
        inside = path.relative_to(BASE)
        if inside.parts[0] not in ELSEWHERE:
            yield inside.as_posix()


def name_of(node):
    """`cursor` for `cursor`, `a.cursor` and `a.cursor()`."""
    called = node.func if isinstance(node, ast.Call) else node
    return getattr(called, "attr", getattr(called, "id", ""))


def ways_past_the_wrapper(code):
    """What reaches psycopg, or sets by itself whose rows are seen."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            if (name_of(node.value), node.attr) in OWNERS or node.attr in DRIVERS_OWN:
                yield f"{name_of(node.value)}.{node.attr}"
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == "psycopg")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("psycopg"):
            names = {f"{node.module}.{one.name}" for one in node.names}
            if node.module not in OF_PSYCOPG:
                yield from sorted(names - OF_PSYCOPG)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (word for word in SETS if word in node.value.lower())


def test_no_statement_passes_by_what_sets_whose_rows_it_may_see():
    found = {
        path: list(ways_past_the_wrapper((BASE / path).read_text()))
        for path in modules()
        if path != WRAPPER
    }

    assert {path: options for path, options in found.items() if options} == PAST_THE_WRAPPER


@pytest.mark.parametrize(
    "code",
    [
        "import psycopg",
        "from psycopg import connect",
        "connection.connection.execute('SELECT 1')",
        "connections['default'].cursor().connection.transaction()",
        "with connection.connection.transaction(): pass",
        "connection.connection.pgconn.exec_(b'SELECT 1')",
        "cursor.cursor.execute('SELECT 1')",
        "cursor.callproc('now')",
        "cursor.execute(\"SELECT SET_CONFIG('sspr.x', '1', false)\")",
        "cursor.execute(\"SET sspr.tenant = '*'\")",
    ],
)
def test_each_way_past_it_is_noticed(code):
    assert list(ways_past_the_wrapper(code))
