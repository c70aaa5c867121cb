"""A policy as plain values (for the row and for files), and from them again."""

from dataclasses import fields
from enum import Enum
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from tenants.policy import Policy

Plain = str | int | bool | list[str]
_TYPES: dict[str, type | UnionType] = get_type_hints(Policy)
_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


def to_plain(policy: Policy) -> dict[str, Plain]:
    """Every decision as a JSON value; sets sorted, so that equal policies look equal."""
    return {field.name: _plain(getattr(policy, field.name)) for field in fields(Policy)}


def from_plain(values: dict[str, Plain]) -> Policy:
    """The policy of a row. A setting the row doesn't know yet has its default.

    Raises:
        ValueError: a value is of the wrong kind, or the decisions contradict each other.
    """
    known = {name: value for name, value in values.items() if name in _TYPES}
    return Policy(**{name: _typed(name, value) for name, value in known.items()})


def with_changes(policy: Policy, assignments: list[str]) -> Policy:
    """The policy after `NAME=VALUE …`, as the command line gives them.

    Raises:
        ValueError: no such setting, a value of the wrong kind, or a contradiction; the message
            names the setting and what it takes.
    """
    values = to_plain(policy)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or name not in _TYPES:
            raise ValueError(f"{name}: no such setting; there are {', '.join(sorted(_TYPES))}")
        values[name] = _parsed(name, text.strip())
    return from_plain(values)


def differences(before: Policy, after: Policy) -> dict[str, tuple[Plain, Plain]]:
    """What changed: setting → (old, new)."""
    old, new = to_plain(before), to_plain(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def _plain(value: object) -> Plain:
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, Enum):
        return str(value.value)
    assert isinstance(value, (str, int))
    return value


def _typed(name: str, value: Plain) -> object:
    kind = _TYPES[name]
    try:
        if get_origin(kind) is frozenset:
            (item,) = get_args(kind)
            assert isinstance(value, list)
            return frozenset(item(part) for part in value)
        assert isinstance(kind, type)
        return kind(value)
    except (ValueError, AssertionError, TypeError):
        raise ValueError(f"{name}: {_expected(name)}") from None


def _parsed(name: str, text: str) -> Plain:
    kind = _TYPES[name]
    if get_origin(kind) is frozenset:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool:
        if text.lower() not in _YES | _NO:
            raise ValueError(f"{name}: yes or no")
        return text.lower() in _YES
    if kind is int:
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"{name}: a whole number")
        return int(text)
    return text


def _expected(name: str) -> str:
    kind = _TYPES[name]
    item = get_args(kind)[0] if get_origin(kind) is frozenset else kind
    if isinstance(item, type) and issubclass(item, Enum):
        return " | ".join(str(member.value) for member in item)
    return "a comma-separated list" if get_origin(kind) is frozenset else f"{kind}"
