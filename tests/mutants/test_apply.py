"""A mutant behaves in the living module as if the module had been imported with it."""

import ast
import importlib.util
import sys

import pytest
from django.utils.functional import SimpleLazyObject

from isolation import compiled
from tests.mutants import apply

SOURCE = """
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

LEAST = 3
TWICE = LEAST * 2


@dataclass(frozen=True)
class Rate:
    times: int

@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    passed: int = 1

    def more(self, by: int = 5) -> int:
        return self.passed + by


class Limit(Enum):
    CODES = Rate(5)
    MAILS = Rate(LEAST * 2)


@dataclass(frozen=True)
class Traits:
    strength: int
    is_device: bool = False


class Method(str, Enum):
    def __new__(cls, value: str, traits: Traits) -> "Method":
        member = str.__new__(cls, value)
        member._value_ = value
        member.strength, member.is_device = traits.strength + 0, traits.is_device
        return member

    EMAIL = "email", Traits(2)
    PASSKEY = "passkey", Traits(4, True)


@lru_cache(maxsize=8)
def enough(count: int) -> bool:
    return count >= LEAST


@contextmanager
def opened(start: int = 7):
    yield start + 1
"""


@pytest.fixture
def living(tmp_path, monkeypatch):
    path = tmp_path / "living.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("living", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "living", module)
    monkeypatch.setattr(apply, "BASE", tmp_path)
    spec.loader.exec_module(module)
    return module


def put_in(living, before, after):
    functions = apply.functions_of(living.__file__)
    assert SOURCE.count(before) == 1
    place = next(
        number
        for number, statement in enumerate(ast.parse(SOURCE).body)
        if before in str(ast.get_source_segment(SOURCE, statement))
    )
    change = apply.change(SOURCE, SOURCE.replace(before, after), place)
    apply.put_in(living, functions, change)


def test_lazy_objects_that_live_are_left_asleep(living):
    lazy = SimpleLazyObject(lambda: pytest.fail("was woken"))
    living.LAZY = lazy

    put_in(living, "count >= LEAST", "count > LEAST")

    assert not living.enough(3)


def test_a_function_behind_a_decorator_gets_the_code(living):
    opened = living.opened
    put_in(living, "start + 1", "start - 1")

    with opened(4) as value:
        assert value == 3


def test_what_a_function_remembered_is_forgotten(living):
    assert living.enough(3)
    put_in(living, "count >= LEAST", "count > LEAST")

    assert not living.enough(3)


def test_a_compiled_statement_is_compiled_anew(living, monkeypatch):
    monkeypatch.setattr(compiled, "_statements", [])
    statement = compiled.CompiledRead(list)
    statement._texts["sqlite"] = "as it was"
    put_in(living, "count >= LEAST", "count > LEAST")

    assert statement._texts == {}


def test_a_method_gets_code_and_defaults(living):
    facts = living.Facts()
    put_in(living, "by: int = 5", "by: int = 6")

    assert facts.more() == 7


def test_a_field_gets_its_default(living):
    put_in(living, "passed: int = 1", "passed: int = 2")

    assert living.Facts().passed == 2


def test_a_member_of_an_enum_gets_its_value(living):
    codes = living.Limit.CODES
    put_in(living, "CODES = Rate(5)", "CODES = Rate(7)")

    assert codes.value.times == 7


def test_a_member_of_an_enum_gets_what_is_made_of_its_value(living):
    passkey = living.Method.PASSKEY
    put_in(living, "Traits(4, True)", "Traits(9, True)")

    assert (passkey.strength, living.Method.EMAIL.strength) == (9, 2)
    assert living.Method("passkey") is passkey


def test_members_of_an_enum_are_made_anew_by_its_new_and_of_defaults(living):
    email, passkey = living.Method.EMAIL, living.Method.PASSKEY
    put_in(living, "traits.strength + 0", "traits.strength + 5")
    assert (email.strength, passkey.strength) == (7, 9)
    put_in(living, "is_device: bool = False", "is_device: bool = True")

    assert (email.is_device, passkey.is_device) == (True, True)
    assert email.strength == 2


def test_a_constant_changes_what_is_made_of_it_and_what_imported_it(living, tmp_path, monkeypatch):
    importer = importlib.util.module_from_spec(
        importlib.util.spec_from_file_location("importer", tmp_path / "importer.py")
    )
    importer.TWICE = living.TWICE
    monkeypatch.setitem(sys.modules, "importer", importer)
    put_in(living, "LEAST = 3", "LEAST = 4")

    assert (living.LEAST, living.TWICE, importer.TWICE) == (4, 8, 8)
    assert living.Limit.MAILS.value.times == 8
    assert not living.enough(3)


def test_a_value_that_fails_to_be_calculated_is_reported(living):
    with pytest.raises(apply.DoesNotImport):
        put_in(living, "LEAST = 3", "LEAST = None")


def test_calls_are_noted_until_it_ends(living):
    functions = apply.functions_of(living.__file__)
    code = living.Facts.more.__code__
    apply.CALLS.clear()
    with apply.noting_calls(SOURCE, "living.py", functions):
        living.Facts().more()
        living.enough(99)
    noted = set(apply.CALLS)
    living.opened(1)

    assert noted == {("living.py", "Facts.more"), ("living.py", "enough")}
    assert noted == apply.CALLS
    assert living.Facts.more.__code__ is code
