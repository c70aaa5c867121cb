"""A policy as people write it down: changes by name, and what differs between two."""

from typing import get_origin

from tenants.policy import Plain, Policy, from_plain, to_plain, types

_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


def with_changes(policy: Policy, assignments: list[str]) -> Policy:
    """The policy after `NAME=VALUE …`, as the command line gives them.

    Raises:
        ValueError: no such setting, a value of the wrong kind, or a contradiction; the message
            names the setting and what it takes.
    """
    values = to_plain(policy)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or name not in types():
            raise ValueError(f"{name}: no such setting; there are {', '.join(sorted(types()))}")
        values[name] = _parsed(name, text.strip())
    return from_plain(values)


def differences(before: Policy, after: Policy) -> dict[str, tuple[Plain, Plain]]:
    """What changed: setting → (old, new)."""
    old, new = to_plain(before), to_plain(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def lines(policy: Policy) -> list[str]:
    """The whole policy as `NAME=VALUE`, the way `with_changes` reads it."""
    return [f"{name}={written(value)}" for name, value in to_plain(policy).items()]


def written(value: Plain) -> str:
    """A value as people write it down."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value)


def _parsed(name: str, text: str) -> Plain:
    kind = types()[name]
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
