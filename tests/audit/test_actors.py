"""Every event names its actor, which is the subject only where the subject acted."""

import ast
import inspect

import pytest

from audit.activities import WITHOUT_PROOF, Activity
from audit.services import record, record_each
from tests.services.environment import BASE

BY_THE_USER = {
    Activity.SIGNED_IN,
    Activity.PASSWORD_ACCEPTED,
    Activity.SIGNED_OUT,
    Activity.BROWSER_REMEMBERED,
    Activity.BROWSER_FORGOTTEN,
    Activity.DEFAULT_METHOD_CHANGED,
    Activity.PREFERENCES_CHANGED,
    Activity.PASSWORD_RESET,
    Activity.ACCOUNT_UNLOCKED,
    Activity.PASSWORD_CHANGED,
    Activity.METHOD_REGISTERED,
    Activity.METHOD_CHANGED,
    Activity.METHOD_DELETED,
    Activity.RECOVERY_CODE_USED,
    Activity.REGISTRATION_COMPLETED,
    Activity.REGISTRATION_SKIPPED,
    Activity.METHODS_REVIEWED,
    Activity.IDENTITY_PROVED,
    Activity.ADMIN_SIGNED_IN,
    Activity.SECOND_FACTOR_REGISTERED,
    Activity.SECOND_FACTOR_FAILED,
    Activity.ACCESS_PASS_USED,
}
"""What users do themselves, behind a password, a pass or a proof."""


SERVICES = {"record", "record_each"}


def calls():
    """Every place that writes an event: file, function around it, call."""
    for file in sorted(BASE.glob("*/**/*.py")):
        name = file.relative_to(BASE).as_posix()
        if name.startswith((".", "tests/")) or "/migrations/" in name:
            continue
        tree = ast.parse(file.read_text())
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in SERVICES:
                    yield pytest.param(function, node, id=f"{name}:{node.lineno}")


def said(call, name):
    return next((ast.unparse(one.value) for one in call.keywords if one.arg == name), None)


def activities(function, call):
    """Those named in the call; where it is a variable, those named in its function."""
    return named_in(call.args[0]) or named_in(function)


def named_in(tree):
    return {
        Activity[one.attr]
        for one in ast.walk(tree)
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "Activity"
    }


CALLS = list(calls())


def test_the_services_that_write_events_are_looked_at():
    named = set().union(*(activities(*one.values) for one in CALLS))

    # The acts of administrators on people are named in a table beside their one call.
    assert len(named) > 45
    assert len(CALLS) > 60


@pytest.mark.parametrize("service", [record, record_each])
def test_there_is_no_default_for_who_did_it(service):
    assert inspect.signature(service).parameters["actor_id"].default is inspect.Parameter.empty


@pytest.mark.parametrize(("function", "call"), CALLS)
def test_the_person_it_happened_to_did_it_only_where_users_do_it_themselves(function, call):
    actor = said(call, "actor_id")

    assert actor not in {None, "None"}
    if actor == said(call, "subject_id"):
        assert activities(function, call) <= BY_THE_USER


@pytest.mark.parametrize(("function", "call"), CALLS)
def test_events_that_anyone_can_cause_have_an_anonymous_actor(function, call):
    if activities(function, call) & WITHOUT_PROOF:
        assert said(call, "actor_id") == "Actor.ANONYMOUS"
