"""Makes the mutants of one module with the mutators of mutmut. Runs in mutmut's own environment.

`python tests/mutants/make.py PATH` writes a JSON list to the standard output. mutmut's own runner
leaves out decorated functions, so every service that is one transaction, and everything that isn't
in a function. This makes mutants of both.

Left out, because no test should depend on it: annotations, decorators, the values of enums (the
stored spelling), the words of exceptions and labels, type variables. So is None for an annotated
value that is never None, because mypy refuses it. Of a text there is one mutant, not three.
"""

import difflib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import NEVER_MUTATE_FUNCTION_CALLS
from mutmut.mutation.mutators import mutation_operators, operator_assignment, operator_string

_ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
_CALLS_OF_WORDS = {"cast", "NewType", "TypeVar", "Phrase", "gettext", "gettext_lazy", "_"}


class Mutations(cst.CSTVisitor):  # type: ignore[misc]  # not installed where mypy runs
    """Collects each mutation: the node, what replaces it, and in which statement it stands."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[cst.CSTNode, cst.CSTNode, int]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _is_left_out(node):
            return False
        position = self.get_metadata(PositionProvider, node, None)
        if position is not None:
            line = position.start.line
            self.made += [(node, other, line) for other in _mutated(node)]
        return True


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
    """The nodes in the bodies of enums, outside their methods."""
    nodes: set[int] = set()
    for statement in module.body:
        if isinstance(statement, cst.ClassDef) and _is_enum(statement):
            for part in statement.body.body:
                if not isinstance(part, cst.FunctionDef):
                    nodes |= {id(node) for node in _within(part)}
    return nodes


def _within(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _within(child)


def mutants(code: str) -> Iterator[dict[str, object]]:
    """The line, the difference and the whole code of each mutant that Python can compile."""
    wrapper = MetadataWrapper(cst.parse_module(code), unsafe_skip_copy=True)
    visitor = Mutations()
    wrapper.visit(visitor)
    enums = _stored_spellings(wrapper.module)
    seen = {code}
    for node, other, line in visitor.made:
        if id(node) in enums:
            continue
        changed = wrapper.module.deep_replace(node, other).code
        if changed in seen or not _compiles(changed):
            continue
        seen.add(changed)
        before, after = _difference(code, changed)
        yield {"line": line, "before": before, "after": after, "code": changed}


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(code: str, changed: str) -> tuple[str, str]:
    """The lines that differ, before and after, stripped and joined by one blank."""
    lines = list(difflib.ndiff(code.splitlines(), changed.splitlines()))
    before, after = (
        " ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return before, after


if __name__ == "__main__":
    json.dump(list(mutants(Path(sys.argv[1]).read_text())), sys.stdout)
