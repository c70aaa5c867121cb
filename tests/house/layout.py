"""Measures the layout: how much code there is, how far it is cut up, and which names repeat.

`python -m tests.house.layout` prints the figures and the class names that repeat. The test beside
this module holds each figure under its ceiling. Lower a ceiling when its figure has fallen.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.house.test_size import BASE, ours

Sources = Mapping[str, str]
"""The text of each module, by its path."""
NOT_MEASURED = {"tests", "bench"}
GIVEN_NAMES = {"Command"}
"""Names of classes that Django asks for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of the layout.

    Args:
        ceiling: the highest value that passes the test.
        goal: the value that the layout is meant to reach.
    """

    name: str
    measure: Callable[[Sources], float]
    ceiling: float
    goal: float


def sources() -> dict[str, str]:
    """Our modules without tests, benchmarks and migrations."""
    return {
        path.as_posix(): (BASE / path).read_text()
        for path in ours()
        if path.suffix == ".py" and path.parts[0] not in NOT_MEASURED
    }


def lines(modules: Sources) -> int:
    """All lines, blank ones included."""
    return sum(len(text.splitlines()) for text in modules.values())


def share_with_one_caller(modules: Sources) -> float:
    """Lines of private functions with exactly one caller, in percent of all lines."""
    within = sum(
        lines_of(function)
        for text in modules.values()
        for function in functions_with_one_caller(text)
    )
    return round(100 * within / lines(modules), 1)


def functions_with_one_caller(text: str) -> Iterator[ast.FunctionDef]:
    """Functions of a module whose name begins with `_` and that one other function names.

    A function that is named outside functions too, as in a table, isn't among them.
    """
    module = ast.parse(text)
    private = {
        node.name: node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_")
    }
    callers = defaultdict(set)
    for name, caller in names_used(module):
        if name in private and private[name] is not caller:
            callers[name].add(caller)
    for name, function in private.items():
        if len(callers[name]) == 1 and None not in callers[name]:
            yield function


def names_used(
    node: ast.AST, caller: ast.FunctionDef | None = None
) -> Iterator[tuple[str, ast.FunctionDef | None]]:
    """Each name that is used, and the outermost function or method that uses it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Name):
            yield child.id, caller
        inner = child if caller is None and isinstance(child, ast.FunctionDef) else caller
        yield from names_used(child, inner)


def lines_of(function: ast.FunctionDef) -> int:
    """Its lines, with its decorators."""
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return (function.end_lineno or function.lineno) - first + 1


def repeated_classes(modules: Sources) -> dict[str, list[str]]:
    """Names of classes that stand in more than one module, and those modules."""
    places = defaultdict(list)
    for path, text in modules.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and node.name not in GIVEN_NAMES:
                places[node.name].append(path)
    return {name: paths for name, paths in sorted(places.items()) if len(paths) > 1}


FIGURES = (
    Figure("lines outside tests and migrations", lines, 58_000, 27_000),
    Figure("% of lines in private functions with one caller", share_with_one_caller, 7.5, 4),
    Figure(
        "class names that stand more than once",
        lambda modules: len(repeated_classes(modules)),
        4,
        4,
    ),
)


def table(modules: Sources) -> Iterator[str]:
    """The figures as lines of text, then the class names that repeat."""
    yield f"{'figure':50}{'now':>8}{'ceiling':>9}{'goal':>8}"
    for one in FIGURES:
        yield f"{one.name:50}{one.measure(modules):>8,}{one.ceiling:>9,}{one.goal:>8,}"
    yield ""
    for name, paths in repeated_classes(modules).items():
        yield f"{name}: {', '.join(paths)}"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(sources()), ""]))
