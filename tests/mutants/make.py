"""Makes the mutants of modules with the mutators of mutmut. Runs in mutmut's own environment.

`python tests/mutants/make.py PATH…` writes JSON to the standard output. mutmut's own runner leaves
out decorated functions, so every service that is one transaction, and everything that isn't in a
function. This makes mutants of both.

Left out, because no test should depend on it: annotations, decorators, the values of enums (the
stored spelling), the words of exceptions and labels, type variables, `__all__`. So is None for an
annotated value that is never None, because mypy refuses it. Of a text there is one mutant, not
three.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import NEVER_MUTATE_FUNCTION_CALLS
from mutmut.mutation.mutators import mutation_operators, operator_assignment, operator_string

_ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
_CALLS_OF_WORDS = {"cast", "NewType", "TypeVar", "Phrase", "gettext", "gettext_lazy", "_"}


def _is_left_out(node: cst.CSTNode) -> bool:
    match node:
        case cst.Annotation() | cst.Decorator() | cst.Raise() | cst.Assert():
            return True
        case cst.Import() | cst.ImportFrom():
            return True
        case cst.Call(func=cst.Name(value=name)):
            return name in NEVER_MUTATE_FUNCTION_CALLS or name in _CALLS_OF_WORDS
        case cst.Expr(value=cst.SimpleString()):
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value="__all__"))]):
            return True
    return False


def _name(node: cst.CSTNode) -> str:
    match node:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return str(name)
    return ""


def _mutated(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    is_refused = isinstance(node, cst.AnnAssign) and not _allows_none(node.annotation)
    for kind, operator in mutation_operators:
        if isinstance(node, kind) and not (is_refused and operator is operator_assignment):
            others: Iterable[cst.CSTNode] = operator(node)
            if operator is operator_string:
                others = list(others)[:1]
            yield from others


def _allows_none(annotation: cst.Annotation) -> bool:
    words = {node.value for node in _within(annotation) if isinstance(node, cst.Name)}
    return bool(words & {"None", "Any", "object"})


def _is_enum(node: cst.ClassDef) -> bool:
    return any(_name(base.value) in _ENUMS for base in node.bases)


def _stored_spellings(module: cst.Module) -> set[int]:
    """The nodes in the bodies of enums, outside their methods and what is made by calls."""
    nodes: set[int] = set()
    for statement in module.body:
        if isinstance(statement, cst.ClassDef) and _is_enum(statement):
            for part in statement.body.body:
                if not isinstance(part, cst.FunctionDef) and not _is_made(part):
                    nodes |= {id(node) for node in _within(part)}
    return nodes


def _is_made(part: cst.CSTNode) -> bool:
    """Whether the value of a member is made by a call, as each rate of a limit is."""
    match part:
        case cst.SimpleStatementLine(body=[cst.Assign(value=cst.Call())]):
            return True
    return False


def _within(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _within(child)


def mutants(code: str) -> Iterator[dict[str, object]]:
    """The line, the difference and the whole code of each mutant that Python can compile."""
    wrapper = MetadataWrapper(cst.parse_module(code), unsafe_skip_copy=True)
    module = wrapper.module
    parts = [module.code_for_node(statement) for statement in module.body]
    whole = "".join(parts)
    start = code.index(whole)
    positions = wrapper.resolve(PositionProvider)
    enums = _stored_spellings(module)
    seen = {code}
    for number, statement in enumerate(module.body):
        before, after = "".join(parts[:number]), "".join(parts[number + 1 :])
        for node, other in _mutations(statement):
            if id(node) in enums or node not in positions:
                continue
            text = module.code_for_node(statement.deep_replace(node, other))
            changed = code[:start] + before + text + after + code[start + len(whole) :]
            if changed in seen or not _compiles(changed):
                continue
            seen.add(changed)
            yield {
                "place": number,
                "line": positions[node].start.line,
                **_difference(parts[number], text),
                "code": changed,
            }


def _mutations(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Each node of the statement that is mutated, and what replaces it."""
    if not _is_left_out(node):
        for other in _mutated(node):
            yield node, other
        for child in node.children:
            yield from _mutations(child)


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(code: str, changed: str) -> dict[str, str]:
    """The lines that differ, before and after, stripped and joined by one blank."""
    old, new = code.splitlines(), changed.splitlines()
    first = _equal(old, new)
    last = _equal(old[first:][::-1], new[first:][::-1])
    return {
        name: " ".join(line.strip() for line in lines[first : len(lines) - last])
        for name, lines in (("before", old), ("after", new))
    }


def _equal(some: Sequence[str], others: Sequence[str]) -> int:
    """How many lines are equal from the start."""
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


if __name__ == "__main__":
    made = {path: list(mutants(Path(path).read_text())) for path in sys.argv[1:]}
    json.dump(made, sys.stdout)
