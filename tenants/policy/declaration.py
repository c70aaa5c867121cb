"""What is said about every setting of a policy, once, where it is declared."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum, auto
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from tenants.policy.choices import Labelled
from tenants.policy.texts import Phrase
from tenants.policy.texts import gettext_noop as _

_DECLARED = "declared"
_Value = TypeVar("_Value")


class Section(Labelled):
    """A part of the policy page, by the name that links lead to."""

    PROPERTIES = "properties", _("Who may reset")
    METHODS = "methods", _("Methods")
    SIGN_IN = "sign-in", _("Sign-in")
    REGISTRATION = "registration", _("Registration")
    NOTIFICATIONS = "notifications", _("Notifications")
    CUSTOMISATION = "customisation", _("Help and texts")
    DIRECTORY = "directory", _("Directory")
    ADMINS = "admins", _("Administrators")
    PASSWORDS = "passwords", _("Passwords and lockout")


class Stricter(Enum):
    """Which of two values of a setting holds for a reset that began under one and ends under both.

    Choices count in the order of their declaration, no counts less than yes.
    """

    MAX = auto()
    """The larger one; yes, if either is."""
    MIN = auto()
    """The smaller one; no, if either is."""
    INTERSECTION = auto()
    """What is in both."""
    NOW = auto()
    """The value now: neither is stricter, or a reset that is under way isn't concerned."""

    def of(self, before: Any, now: Any) -> Any:
        if self is Stricter.NOW:
            return now
        if self is Stricter.INTERSECTION:
            return before & now
        return (max if self is Stricter.MAX else min)(before, now, key=_rank)


class TextKind(Enum):
    """What the texts of a setting are that holds several."""

    WORDS = auto()
    COUNTRIES = auto()
    """ISO 3166 codes."""
    HOSTS = auto()
    GROUPS = auto()
    """Names of groups of the organisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a policy.

    Args:
        name: as policies, files, commands and forms call it.
        item: the type of its value, or of each of its values.
        is_several: its value is a frozenset.
        section: of the policy page that it stands in.
        label: what pages call it.
        help_text: what it does, without its default, which pages add.
        stricter: which of two values holds when a policy changes during a reset.
        between: the lowest and the highest value, of a number.
        offered: those of the choices that the policy page offers; None for all.
        kind: what the texts are, of several texts.
        is_for_later: it is stored, but nothing reads it yet, which the policy page says.
    """

    name: str = ""
    item: type[bool | int | str] = str
    is_several: bool = False
    default: Any
    section: Section
    label: Phrase
    help_text: Phrase
    stricter: Stricter
    between: tuple[int, int] | None = None
    offered: frozenset[Labelled] | None = None
    kind: TextKind = TextKind.WORDS
    is_for_later: bool = False

    @property
    def choices(self) -> list[Labelled]:
        """What it can be set to; empty where that isn't a matter of choice."""
        return list(self.item) if issubclass(self.item, Labelled) else []


def setting(
    *,
    default: _Value,
    section: Section,
    label: Phrase,
    help_text: Phrase,
    stricter: Stricter,
    **further: Any,
) -> _Value:
    """Declares one setting as an attribute of the policy, whose type is that of the setting.

    Args:
        further: as `Setting` has it.
    """
    declared = Setting(
        default=default,
        section=section,
        label=label,
        help_text=help_text,
        stricter=stricter,
        **further,
    )
    value: _Value = field(default=default, metadata={_DECLARED: declared})
    return value


def declared_by(policy: type[Any]) -> Mapping[str, Setting]:
    """The settings of a dataclass of them by name, in the order of declaration.

    Raises:
        TypeError: an attribute wasn't declared by `setting`.
    """
    types, found = get_type_hints(policy), {}
    for attribute in fields(policy):
        declared = attribute.metadata.get(_DECLARED)
        if declared is None:
            raise TypeError(f"{attribute.name}: declare it by setting()")
        of_type = types[attribute.name]
        is_several = get_origin(of_type) is frozenset
        found[attribute.name] = replace(
            declared,
            name=attribute.name,
            item=get_args(of_type)[0] if is_several else of_type,
            is_several=is_several,
        )
    return found


def _rank(value: Any) -> int:
    return list(type(value)).index(value) if isinstance(value, Enum) else int(value)
