"""Puts a mutant into a module that is imported already, without importing anything again.

Functions get the mutant's code, wherever they are referred to and however they are decorated. A
constant is calculated anew, with the constants that are made of it, and replaced in every module
that imported it. Of a class in which a field or an attribute was mutated the defaults are replaced.
"""

import ast
import gc
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import EnumType
from functools import _lru_cache_wrapper, lru_cache
from types import CodeType, FunctionType, ModuleType

from tests.services.environment import BASE

Functions = Mapping[str, Sequence[FunctionType]]
"""The functions of a module, by their qualified name."""
CALLS: set[tuple[str, str]] = set()
"""The file and the qualified name of each function that was called; see `noting_calls`."""


class DoesNotImport(Exception):
    """The mutated module can't be imported: each of its tests fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs in a mutant.

    Args:
        code: of the whole mutated module.
        place: the number of the mutated statement in the module.
        within: that statement, if it is a class.
        statement: that statement, or the one in the class that differs.
    """

    code: str
    place: int
    within: ast.ClassDef | None
    statement: ast.stmt

    @property
    def name(self) -> str | None:
        """The qualified name of the function that is mutated; None outside functions.

        The `__new__` of an enum makes its members and isn't called again: it counts as outside.
        """
        if not isinstance(self.statement, ast.FunctionDef) or self.statement.name == "__new__":
            return None
        return ".".join(part.name for part in (self.within, self.statement) if part)


def change(source: str, code: str, place: int) -> Change:
    """What differs between the source and the code of a mutant."""
    then, now = _statements(source)[place], ast.parse(code).body[place]
    if not (isinstance(then, ast.ClassDef) and isinstance(now, ast.ClassDef)):
        return Change(code=code, place=place, within=None, statement=now)
    (part,) = (
        new for old, new in zip(then.body, now.body, strict=True) if ast.dump(old) != ast.dump(new)
    )
    return Change(code=code, place=place, within=now, statement=part)


@lru_cache(maxsize=8)
def _statements(source: str) -> list[ast.stmt]:
    return ast.parse(source).body


def functions_of(path: str) -> Functions:
    """All living functions whose code comes from the file, also those behind decorators."""
    functions = defaultdict(list)
    for function in gc.get_objects():
        # `isinstance` would wake the lazy objects that other tests left behind.
        if type(function) is FunctionType and function.__code__.co_filename == path:
            functions[function.__code__.co_qualname].append(function)
    return functions


@contextmanager
def noting_calls(source: str, path: str, functions: Functions) -> Iterator[None]:
    """While this lasts, each function and method of the module notes in `CALLS` that it is called.

    A trace function would be called by everything that runs, and make a test several times slower.
    """
    tree = ast.parse(source)
    for part in tree.body:
        for inner in [part, *(part.body if isinstance(part, ast.ClassDef) else [])]:
            if isinstance(inner, ast.FunctionDef):
                name = f"{part.name}.{inner.name}" if isinstance(part, ast.ClassDef) else inner.name
                note = f"__import__({__name__!r}, fromlist=['CALLS']).CALLS.add({(path, name)!r})"
                inner.body[:0] = ast.parse(note).body
    before = {function: function.__code__ for each in functions.values() for function in each}
    _replace_code(functions, compile(tree, path, "exec"))
    try:
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


def _replace_code(functions: Functions, module: CodeType, name: str | None = None) -> None:
    """Give functions the code they have in the module: all, or the named one and those in it."""
    for code in _codes(module):
        if name in {None, code.co_qualname, code.co_qualname.partition(".<locals>.")[0]}:
            for function in functions.get(code.co_qualname, []):
                function.__code__ = code


def put_in(module: ModuleType, functions: Functions, change: Change) -> None:
    """Make the living module behave as the mutant.

    Raises:
        DoesNotImport: calculating a value of the module fails.
    """
    if change.name is not None:
        _replace_function(module, functions, change)
    elif change.within is not None:
        for within in [change.within, *_classes_with({change.within.name}, change)]:
            _replace_fields(module, within)
    else:
        _replace_constants(module, change)
    clear_caches()


def clear_caches() -> None:
    """Forget what comes from the module as it was: results, and compiled statements."""
    # A plugin is loaded before Django is set up, so it can't import what imports Django.
    for statement in getattr(sys.modules.get("isolation.compiled"), "_statements", ()):
        statement._texts.clear()
    for module in list(sys.modules.values()):
        if _is_ours(module):
            for value in list(vars(module).values()):
                if type(value) is _lru_cache_wrapper:
                    value.cache_clear()


def _is_ours(module: ModuleType) -> bool:
    path = getattr(module, "__file__", None) or ""
    return path.startswith(f"{BASE}/") and "/.venv/" not in path


def _replace_function(module: ModuleType, functions: Functions, change: Change) -> None:
    path, name = str(module.__file__), str(change.name)
    _replace_code(functions, compile(change.code, path, "exec"), name)
    definition = change.statement
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    namespace = dict(vars(module))
    _execute([definition], path, namespace)
    made = namespace[definition.name]
    for function in functions.get(name, []):
        function.__defaults__, function.__kwdefaults__ = made.__defaults__, made.__kwdefaults__


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _replace_fields(module: ModuleType, within: ast.ClassDef) -> None:
    namespace = dict(vars(module))
    _execute([within], str(module.__file__), namespace)
    old, new = vars(module)[within.name], namespace[within.name]
    if "__dataclass_fields__" in vars(old):
        old.__init__.__defaults__ = new.__init__.__defaults__
        old.__init__.__kwdefaults__ = new.__init__.__kwdefaults__
        old.__dataclass_fields__ = new.__dataclass_fields__
    if isinstance(old, EnumType):
        for member in new:
            old[member.name].__dict__.update(vars(member) | {"__objclass__": old})
        return
    for name, value in vars(new).items():
        is_plain = not callable(value) and not inspect.isdatadescriptor(value)
        if is_plain and not name.startswith("__"):
            setattr(old, name, value)


def _replace_constants(module: ModuleType, change: Change) -> None:
    """Calculate the constant, then what further down is made of it."""
    old = dict(vars(module))
    namespace = dict(old)
    changed = _names(change.statement, ast.Store)
    again = [change.statement]
    for later in ast.parse(change.code).body[change.place + 1 :]:
        if isinstance(later, (ast.Assign, ast.AnnAssign)) and _names(later, ast.Load) & changed:
            changed |= _names(later, ast.Store)
            again.append(later)
    _execute(again, str(module.__file__), namespace)
    for name in changed & old.keys():
        for other in list(sys.modules.values()):
            if other is module or (_is_ours(other) and vars(other).get(name) is old[name]):
                setattr(other, name, namespace[name])
    for within in _classes_with(changed, change):
        _replace_fields(module, within)


def _classes_with(names: set[str], change: Change) -> list[ast.ClassDef]:
    """The classes further down whose fields or members are made with one of these names."""
    return [
        later
        for later in ast.parse(change.code).body[change.place + 1 :]
        if isinstance(later, ast.ClassDef)
        and any(
            not isinstance(part, ast.FunctionDef) and _names(part, ast.Load) & names
            for part in later.body
        )
    ]


def _names(statement: ast.stmt, context: type[ast.expr_context]) -> set[str]:
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }


def _execute(statements: list[ast.stmt], path: str, namespace: dict[str, object]) -> None:
    run: Callable[..., None] = exec
    try:
        run(compile(ast.Module(statements, []), path, "exec"), namespace)
    except Exception as problem:
        raise DoesNotImport(repr(problem)) from problem
