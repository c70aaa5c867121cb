"""The layout gets no worse: each of its figures stays under its ceiling."""

import pytest

from tests.house.layout import (
    FIGURES,
    functions_with_one_caller,
    lines,
    repeated_classes,
    share_with_one_caller,
    sources,
)

CUT_UP = """
def page():
    return _part() + _shared()


def _part():
    return _shared()


def _shared():
    return 1


def _of_two_methods():
    return 3


def _in_a_table():
    return 2


def _recursive(depth):
    return _recursive(depth - 1)


class Page:
    def show(self):
        return _of_a_method(), _of_two_methods()


class Other:
    def show(self):
        return _of_two_methods()


@decorated
def _of_a_method():
    return _in_a_table()


TABLE = {"a": _in_a_table}
"""


@pytest.fixture(scope="module")
def modules():
    return sources()


@pytest.mark.parametrize("figure", FIGURES, ids=[figure.name for figure in FIGURES])
def test_a_figure_stays_under_its_ceiling(modules, figure):
    assert figure.measure(modules) <= figure.ceiling


def test_a_private_function_counts_when_one_function_calls_it():
    found = [function.name for function in functions_with_one_caller(CUT_UP)]

    assert found == ["_part", "_of_a_method"]


def test_the_share_counts_whole_functions_with_their_decorators():
    # Two lines of `_part`, three of `_of_a_method`.
    assert share_with_one_caller({"page.py": CUT_UP}) == round(100 * 5 / lines({"": CUT_UP}), 1)


def test_a_class_name_counts_when_it_stands_in_two_modules():
    modules = {
        "a.py": "class Way: pass\nclass Once:\n    class Meta: pass\n",
        "b.py": "class Way: pass\nclass Command: pass\n",
        "c.py": "class Command: pass\nclass Other:\n    class Meta: pass\n",
    }

    assert repeated_classes(modules) == {"Way": ["a.py", "b.py"]}


def test_tests_and_migrations_are_left_out(modules):
    assert "reset/rules.py" in modules
    assert not [path for path in modules if "migrations/" in path or path.startswith("tests/")]
