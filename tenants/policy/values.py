"""Converts policies to and from rows, files and command lines, and compares them."""

from enum import Enum
from typing import Any

import yaml

from tenants.policy.checks import wrong_kind
from tenants.policy.declaration import Setting
from tenants.policy.settings import Policy, all_settings

Plain = str | int | bool | list[str]
_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


def to_plain(policy: Policy) -> dict[str, Plain]:
    """Every setting as a JSON value; sets are sorted, so that equal policies look equal."""
    return {name: plain(getattr(policy, name)) for name in all_settings()}


def from_plain(values: dict[str, Plain]) -> Policy:
    """The policy of a row. A setting that the row doesn't have gets its default.

    Raises:
        Contradictory: a value is of the wrong kind, or the settings contradict each other.
    """
    known = all_settings()
    return Policy(
        **{name: _typed(known[name], value) for name, value in values.items() if name in known}
    )


def plain(value: object) -> Plain:
    """The value of a setting as a JSON value."""
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, Enum):
        return str(value.value)
    assert isinstance(value, (str, int))
    return value


def differences(before: Policy, after: Policy) -> dict[str, tuple[Plain, Plain]]:
    """The changed settings: name → (old, new)."""
    old, new = to_plain(before), to_plain(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def with_changes(policy: Policy, assignments: list[str]) -> Policy:
    """The policy with changes from a command line, `NAME=VALUE …`.

    Raises:
        ValueError: no such setting, a value of the wrong kind, or a contradiction; the message
            names the setting and what it takes.
    """
    known, values = all_settings(), to_plain(policy)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or name not in known:
            raise ValueError(f"{name}: no such setting; there are {', '.join(sorted(known))}")
        values[name] = _from_text(known[name], text.strip())
    return from_plain(values)


def lines(policy: Policy) -> list[str]:
    """The whole policy as `NAME=VALUE`, readable by `with_changes`."""
    return [f"{name}={written(value)}" for name, value in to_plain(policy).items()]


def written(value: Plain) -> str:
    """A value in command lines and audit events."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value)


def as_yaml(policy: Policy) -> str:
    """The whole policy as a file that `from_yaml` reads."""
    return yaml.safe_dump(to_plain(policy), allow_unicode=True, sort_keys=False)


def from_yaml(text: str, policy: Policy) -> Policy:
    """The policy with changes from a file. Settings that it doesn't name stay as they are.

    Raises:
        ValueError: not YAML, no such setting, a value of the wrong kind, or a contradiction; the
            message names the setting.
    """
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        where = getattr(problem, "problem_mark", None)
        raise ValueError(f"not YAML{f', line {where.line + 1}' if where else ''}") from None
    if not isinstance(read, dict):
        raise ValueError("not a list of settings, NAME: VALUE on each line")  # noqa: TRY004  # one error for callers
    known = all_settings()
    if unknown := sorted(str(name) for name in read if name not in known):
        raise ValueError(f"{unknown[0]}: no such setting")
    changes = {name: _from_yaml(known[name], value) for name, value in read.items()}
    return from_plain(to_plain(policy) | changes)


def _typed(setting: Setting, value: Any) -> Any:
    try:
        if not setting.is_several:
            return setting.item(value)
        assert isinstance(value, list)
        return frozenset(setting.item(part) for part in value)
    except (ValueError, AssertionError, TypeError):
        raise wrong_kind(setting.name, _takes(setting)) from None


def _takes(setting: Setting) -> str:
    if setting.choices:
        return " | ".join(str(choice.value) for choice in setting.choices)
    return "a comma-separated list" if setting.is_several else "a whole number"


def _from_text(setting: Setting, text: str) -> Plain:
    if setting.is_several:
        return [part.strip() for part in text.split(",") if part.strip()]
    if setting.item is bool:
        if text.lower() not in _YES | _NO:
            raise wrong_kind(setting.name, "yes or no")
        return text.lower() in _YES
    if setting.item is int:
        if not text.isascii() or not text.isdigit():
            raise wrong_kind(setting.name, "a whole number")
        return int(text)
    return text


def _from_yaml(setting: Setting, value: Any) -> Plain:
    """Checks YAML's type against the setting's."""
    if setting.is_several:
        if not isinstance(value, list):
            raise wrong_kind(setting.name, "a list")
        return [str(part) for part in value]
    if setting.item is bool or setting.item is int:
        if type(value) is not setting.item:
            is_bool = setting.item is bool
            raise wrong_kind(setting.name, "yes or no" if is_bool else "a whole number")
        return int(value) if setting.item is int else bool(value)
    # YAML reads a bare `off` as false.
    return "off" if value is False else str(value if value is not None else "")
