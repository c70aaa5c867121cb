"""The keys of a session are declared in `verification/session.py` and spelled nowhere else."""

import ast

import pytest

from tests.house.layout import sources
from tests.house.test_size import BASE, ours
from verification.session import Session

DECLARED_IN = "verification/session.py"
KEEPS_SESSIONS = "sspr/sessions.py"
WITH_SESSIONS = {"sspr/middleware.py", "sspr/purge.py", "sspr/restoring.py", "sspr/settings.py"}
"""Modules that read no key of one."""
OF_DJANGO = {"flush", "cycle_key", "is_empty"}
"""Methods of Django's session that know no key."""


def bare_sessions(text):
    """Lines that do more with a request's session or a `store` than wrap it or end it."""
    module = ast.parse(text)
    allowed = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Session", "getattr"}:
            allowed |= {id(argument) for argument in node.args}
        if isinstance(node, ast.Attribute) and node.attr in OF_DJANGO:
            allowed.add(id(node.value))
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and (node.attr == "store" or ast.unparse(node).endswith("request.session"))
        and id(node) not in allowed
    ]


def imports_of_sessions(text):
    return "django.contrib.sessions" in text


def templates_with_a_session():
    return [path for path in (BASE / "templates").rglob("*.html") if ".session" in path.read_text()]


def test_no_module_spells_a_key_of_the_session():
    modules = {path: text for path, text in sources().items() if path != KEEPS_SESSIONS}
    declared = modules.pop(DECLARED_IN)

    assert {path: lines for path, text in modules.items() if (lines := bare_sessions(text))} == {}
    assert bare_sessions(declared)
    assert {path for path, text in modules.items() if imports_of_sessions(text)} == WITH_SESSIONS
    assert templates_with_a_session() == []


def test_no_test_spells_a_key_of_the_session():
    tests = {path: (BASE / path).read_text() for path in ours() if path.parts[0] == "tests"}
    keys = {name for name in vars(Session) if not name.startswith("_")}

    spelled = {
        path.as_posix(): node.lineno
        for path, text in tests.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value).endswith("session")
        and getattr(node.slice, "value", None) in keys
    }

    assert spelled == {}


@pytest.mark.parametrize(
    "line",
    [
        'request.session["key"] = 1',
        'request.session.get("key")',
        'request.session.pop("key", None)',
        '"key" in request.session',
        "request.session[KEY]",
        "Session(request.session).store[KEY]",
        "f(request.session)",
    ],
)
def test_each_way_to_spell_a_key_is_seen(line):
    assert bare_sessions(line) == [1]


@pytest.mark.parametrize(
    "line", ["Session(request.session).ends_at", "request.session.flush()", "session.save()"]
)
def test_the_typed_object_and_the_end_of_a_session_are_allowed(line):
    assert bare_sessions(line) == []
