"""Every message is counted: only the gate lets one into the outbox, only the outbox sends one."""

import ast

import pytest

from tests.house.test_size import BASE, ours

CODE = {
    path.as_posix(): ast.parse((BASE / path).read_text())
    for path in ours()
    if path.suffix == ".py" and path.parts[0] not in {"tests", "bench"}
}


def uses(name):
    """Files that call or make something of this name, or import from a module of this name."""
    return {
        path for path, tree in CODE.items() if any(is_use(node, name) for node in ast.walk(tree))
    }


def is_use(node, name):
    if isinstance(node, ast.ImportFrom):
        return node.module == name
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called.split(".")[-1] == name or called in {
        f"{name}.{manager}.{making}"
        for manager in ("objects", "unscoped")
        for making in ("create", "bulk_create", "get_or_create", "update_or_create")
    }


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("Permit", "delivery/services/gate.py"),
        ("Outgoing", "delivery/services/outbox.py"),
        ("channel", "delivery/services/outbox.py"),
        ("django.core.mail", "delivery/channels/email.py"),
    ],
)
def test_only_one_place_sends_and_only_one_lets_in(name, only):
    assert uses(name) == {only}
