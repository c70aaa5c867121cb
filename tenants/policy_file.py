"""A policy as people write it down: changes by name, and what differs between two."""

from typing import Any, get_origin

import yaml

from tenants.policy import Method, Plain, Policy, from_plain, to_plain, types

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


def objection(policy: Policy) -> str:
    """Why it isn't to be decided like this, `setting: why`; empty where nothing speaks against it.

    No check of `Policy`: what was decided before must stay readable, or nobody gets in to mend it.
    """
    if policy.contact_url and not policy.contact_url.startswith("https://"):
        return "contact_url: an https:// address"
    if policy.contact_address and "@" not in policy.contact_address:
        return "contact_address: an email address"
    if policy.methods == {Method.AUTHENTICATOR}:
        return "reset_methods: another besides the app, for whoever loses it"
    return ""


def lines(policy: Policy) -> list[str]:
    """The whole policy as `NAME=VALUE`, the way `with_changes` reads it."""
    return [f"{name}={written(value)}" for name, value in to_plain(policy).items()]


def as_yaml(policy: Policy) -> str:
    """The whole policy as a file that `from_yaml` reads."""
    return yaml.safe_dump(to_plain(policy), allow_unicode=True, sort_keys=False)


def from_yaml(text: str, policy: Policy) -> Policy:
    """The policy after what the file says; settings that it doesn't name stay as they are.

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
    if unknown := sorted(str(name) for name in read if name not in types()):
        raise ValueError(f"{unknown[0]}: no such setting")
    return from_plain(to_plain(policy) | {name: _from_file(name, read[name]) for name in read})


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


def _from_file(name: str, value: Any) -> Plain:
    """YAML's own types, held to those of the setting."""
    kind = types()[name]
    if get_origin(kind) is frozenset:
        if not isinstance(value, list):
            raise ValueError(f"{name}: a list")
        return [str(part) for part in value]
    if kind is bool or kind is int:
        if type(value) is not kind:
            raise ValueError(f"{name}: {'yes or no' if kind is bool else 'a whole number'}")
        return int(value) if kind is int else bool(value)
    # YAML reads a bare `off` as false.
    return "off" if value is False else str(value if value is not None else "")
