"""How a setting of a policy is declared, with everything that is known about it."""

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
    """A part of the policy page. The value is its anchor."""

    PROPERTIES = "properties", _("Who can reset")
    METHODS = "methods", _("Methods")
    SIGN_IN = "sign-in", _("Sign-in")
    REGISTRATION = "registration", _("Registration")
    NOTIFICATIONS = "notifications", _("Notifications")
    CUSTOMISATION = "customisation", _("Help and texts")
    DIRECTORY = "directory", _("Directory")
    ADMINS = "admins", _("Administrators")
    PASSWORDS = "passwords", _("Passwords and lockout")


class Stricter(Enum):
    """Which value of a setting holds for a reset during which the policy was changed.

    Choices are ordered as they are declared, and no comes before yes.
    """

    MAX = auto()
    """The larger one; yes, if either is."""
    MIN = auto()
    """The smaller one; no, if either is."""
    INTERSECTION = auto()
    """The items that are in both."""
    NOW = auto()
    """The new value: neither is stricter, or running resets aren't concerned."""

    def of(self, before: Any, now: Any) -> Any:
        if self is Stricter.NOW:
            return now
        if self is Stricter.INTERSECTION:
            return before & now
        return (max if self is Stricter.MAX else min)(before, now, key=_rank)


class TextKind(Enum):
    """What the texts are in a setting that has several."""

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
        name: in policies, files, commands and forms.
        item: the type of its value, or of each of its values.
        is_several: its value is a frozenset.
        section: its part of the policy page.
        label: its name on pages.
        help_text: what it does, without its default, which pages add.
        stricter: which value holds if the policy changes during a reset.
        between: the lowest and the highest value of a number.
        offered: the choices that the policy page offers; None for all.
        kind: for several texts, what they are.
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

    @property
    def choices(self) -> list[Labelled]:
        """The values that it can be set to; empty if it isn't a choice."""
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
    """Declares one setting as an attribute of the policy. The attribute's type is the setting's.

    Args:
        further: other arguments of `Setting`.
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
