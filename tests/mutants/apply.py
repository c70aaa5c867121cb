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
from collections.abc import Callable, Iterator, Mapping
from functools import _lru_cache_wrapper
from types import CodeType, FunctionType, ModuleType

Functions = Mapping[str, list[FunctionType]]
"""The functions of a module, by their qualified name."""


class DoesNotImport(Exception):
    """The mutated module can't be imported: each of its tests fails."""


def functions_of(path: str) -> Functions:
    """All living functions whose code comes from the file, also those behind decorators."""
    functions = defaultdict(list)
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == path:
            functions[function.__code__.co_qualname].append(function)
    return functions


def mutated_part(source: str, code: str) -> tuple[ast.stmt | None, ast.stmt]:
    """The class, if the mutation stands in one, and the mutated statement in it."""
    old, new = ast.parse(source).body, ast.parse(code).body
    then, now = _differing(old, new)
    if not (isinstance(then, ast.ClassDef) and isinstance(now, ast.ClassDef)):
        return None, now
    return now, _differing(then.body, now.body)[1]


def _differing(old: list[ast.stmt], new: list[ast.stmt]) -> tuple[ast.stmt, ast.stmt]:
    (pair,) = (
        (then, now) for then, now in zip(old, new, strict=True) if ast.dump(then) != ast.dump(now)
    )
    return pair


def name_of(within: ast.stmt | None, statement: ast.stmt) -> str | None:
    """The qualified name of the function that is mutated; None outside functions."""
    if not isinstance(statement, ast.FunctionDef):
        return None
    return f"{within.name}.{statement.name}" if isinstance(within, ast.ClassDef) else statement.name


def put_in(module: ModuleType, functions: Functions, source: str, code: str) -> None:
    """Make the living module behave as the mutant.

    Raises:
        DoesNotImport: calculating a value of the module fails.
    """
    within, statement = mutated_part(source, code)
    name = name_of(within, statement)
    if name is not None:
        _replace_function(module, functions, name, statement, code)
    elif isinstance(within, ast.ClassDef):
        _replace_fields(module, within)
    else:
        _replace_constants(module, statement, code)
    clear_caches()


def clear_caches() -> None:
    """Forget what functions of ours remember, because it may come from the module as it was."""
    for module in list(sys.modules.values()):
        if not is_ours(module):
            continue
        for value in list(vars(module).values()):
            if isinstance(value, _lru_cache_wrapper):
                value.cache_clear()


def is_ours(module: ModuleType) -> bool:
    path = getattr(module, "__file__", None) or ""
    return path.startswith(_base()) and "/.venv/" not in path


def _base() -> str:
    return __file__.removesuffix("tests/mutants/apply.py")


def _replace_function(
    module: ModuleType, functions: Functions, name: str, statement: ast.stmt, code: str
) -> None:
    path = str(module.__file__)
    inner = f"{name}.<locals>."
    for part in _codes(compile(code, path, "exec")):
        if part.co_qualname == name or part.co_qualname.startswith(inner):
            for function in functions.get(part.co_qualname, []):
                function.__code__ = part
    assert isinstance(statement, ast.FunctionDef)
    statement.decorator_list = []
    statement.returns = None
    namespace = dict(vars(module))
    _execute([statement], path, namespace)
    made = namespace[statement.name]
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
    for name, value in vars(new).items():
        is_plain = not callable(value) and not inspect.isdatadescriptor(value)
        if is_plain and not name.startswith("__"):
            setattr(old, name, value)


def _replace_constants(module: ModuleType, statement: ast.stmt, code: str) -> None:
    """Calculate the constant, then those further down that are made of it."""
    old = dict(vars(module))
    namespace = dict(old)
    statements = ast.parse(code).body
    first = next(
        place for place, part in enumerate(statements) if ast.dump(part) == ast.dump(statement)
    )
    changed = _names(statement, ast.Store)
    again = [statement]
    for later in statements[first + 1 :]:
        is_value = isinstance(later, (ast.Assign, ast.AnnAssign))
        if is_value and _names(later, ast.Load) & changed:
            changed |= _names(later, ast.Store)
            again.append(later)
    _execute(again, str(module.__file__), namespace)
    for name in changed & old.keys():
        for other in list(sys.modules.values()):
            if other is module or (is_ours(other) and vars(other).get(name) is old[name]):
                setattr(other, name, namespace[name])


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
