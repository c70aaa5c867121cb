"""The policy as a form: one field for every setting, made from the policy's own types."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args, get_origin

from django import forms
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from console.forms.policy_words import CONTRADICTIONS, LATER, OBJECTIONS, WORDS, choice
from directory.prefills import KIND_OF
from tenants.policy import RANGES, Method, Policy, Proof, from_plain, to_plain, types
from tenants.policy_file import objection, written
from tenants.queries import enough_questions
from tenants.rules import NotADomain, group_key, web_host

_FEW_ENOUGH_TO_TICK = 100
_ALSO = {
    "questions_to_register": "questions_to_reset",
    "reset_methods": "methods_required",
    "groups": "self_service",
    "answer_max_length": "answer_min_length",
    "access_pass_minutes": "access_pass_most_minutes",
    "contact_address": "contact",
    "contact_url": "contact",
}
"""A contradiction is shown at both of the settings that contradict each other."""
_SPOKEN_FOR = {method for method in Method if method.allowed_as is not method}
_NOT_TICKED: dict[str, set[Enum]] = {
    "reset_methods": {Method.QUESTIONS, *_SPOKEN_FOR},
    "sign_in_methods": {Method.QUESTIONS, *_SPOKEN_FOR},
    "prefilled_usable": {proof for proof in Proof if proof not in KIND_OF},
}
"""What isn't offered: questions have a setting of their own; what isn't a contact nobody enters
for others."""


class PolicyForm(forms.Form):
    """Every decision of an organisation.

    Args:
        policy: in force now; what the fields begin with.
        version: of the policy that the person saw.
        groups: names of the organisation's groups.
    """

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None, *, policy: Policy, version: str, groups: list[str]
    ) -> None:
        super().__init__(data, initial={**to_plain(policy), "version": version})
        self._before = policy
        self.policy = policy
        """The policy as it was typed, once the form is valid."""
        for name, kind in types().items():
            self.fields[name] = _field(name, kind, groups)
            if isinstance(self.fields[name].widget, forms.Textarea):
                self.initial[name] = "\n".join(self.initial[name])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        typed = {name: cleaned[name] for name in types()}
        try:
            self.policy = from_plain(typed)
        except ValueError as contradiction:
            name = str(contradiction).partition(":")[0]
            words = str(CONTRADICTIONS.get(name, _("This value isn’t possible here.")))
            for field in [name, _ALSO[name]] if name in _ALSO else [name]:
                self.add_error(field, words)
        else:
            self._object()
            self._count_questions()
        return cleaned

    def _object(self) -> None:
        name = objection(self.policy).partition(":")[0]
        if name:
            self.add_error(name, str(OBJECTIONS[name]))

    def _count_questions(self) -> None:
        if not enough_questions(self.policy):
            for field in ("question_bank", "questions_to_register"):
                self.add_error(field, too_few_questions(self.policy.questions_to_register))


class Lines(forms.CharField):
    """Several values, one a line or with commas between them."""

    widget = forms.Textarea

    def __init__(self, *, capitals: bool = False, **options: Any) -> None:
        super().__init__(required=False, max_length=20_000, **options)
        self.widget.attrs |= {"rows": 4, "autocapitalize": "none", "spellcheck": "false"}
        self._capitals = capitals

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if self._capitals:
            text = text.upper()
        parts = (part.strip() for line in text.splitlines() for part in line.split(","))
        return sorted({part for part in parts if part})


class HostLines(Lines):
    """Host names, as they are compared. What isn't one is for the policy to refuse."""

    def to_python(self, value: Any) -> Any:
        return sorted({_host(line) for line in super().to_python(value)})


class GroupLines(Lines):
    """Names of groups, one a line: a name may hold a comma."""

    def __init__(self, *, known: list[str], **options: Any) -> None:
        super().__init__(**options)
        self._known = {group_key(name): name for name in reversed(known)} | {n: n for n in known}

    def to_python(self, value: Any) -> Any:
        text = forms.CharField.to_python(self, value) or ""
        typed = sorted({line.strip() for line in text.splitlines() if line.strip()})
        names = set()
        for line in typed:
            name = self._known.get(line) or self._known.get(group_key(line))
            if name is None:
                raise forms.ValidationError(
                    _("There is no group “%(name)s”."), params={"name": line}
                )
            names.add(name)
        return sorted(names)


def too_few_questions(needed: int) -> str:
    words = _("Offer at least %(count)s questions: so many are asked at registration.")
    return str(words) % {"count": needed}


def in_words(policy: Policy, name: str) -> str:
    """The value of a setting as the page says it."""
    value = getattr(policy, name)
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, frozenset):
        said = (str(choice(one)) if isinstance(one, Enum) else str(one) for one in value)
        return ", ".join(sorted(said)) or "–"
    if isinstance(value, Enum):
        return str(choice(value))
    return written(to_plain(policy)[name]) or "–"


def text_in_words(name: str, text: str) -> str:
    """The value of a setting as the page says it, from how it is written down in the audit log."""
    kind = types().get(name)
    if kind is bool:
        return str(_("Yes") if text == "yes" else _("No"))
    if get_origin(kind) is frozenset:
        parts = (_one_in_words(get_args(kind)[0], part) for part in text.split(",") if part)
        return ", ".join(sorted(parts)) or "–"
    return _one_in_words(kind, text) or "–"


def _one_in_words(kind: Any, text: str) -> str:
    """A choice that there was once, and isn't any more, stays as it was written."""
    if isinstance(kind, type) and issubclass(kind, Enum) and text in {one.value for one in kind}:
        return str(choice(kind(text)))
    return text


def _host(text: str) -> str:
    try:
        return web_host(text)
    except NotADomain:
        return text


def _help(name: str) -> SafeString:
    """What the setting does, how it is by default, and whether it does anything yet."""
    default = in_words(Policy(), name)
    sentences = [
        WORDS[name][1],
        _("Empty by default.") if default == "–" else _("Default: %(value)s.") % {"value": default},
    ]
    if name in LATER:
        sentences.append(_("Stored now, takes effect in a later version."))
    return format_html_join(" ", "<span>{}</span>", ([one] for one in sentences))


def _field(name: str, kind: Any, groups: list[str]) -> forms.Field:
    options: dict[str, Any] = {"label": WORDS[name][0], "help_text": _help(name)}
    if get_origin(kind) is frozenset:
        return _several(name, get_args(kind)[0], groups, options)
    if kind is bool:
        return forms.BooleanField(required=False, **options)
    if kind is int:
        low, high = RANGES[name]
        return forms.IntegerField(min_value=low, max_value=high, **options)
    if issubclass(kind, Enum):
        choices = [(one.value, choice(one)) for one in kind]
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **options)
    return forms.CharField(required=False, max_length=300, **options)


def _several(name: str, item: Any, groups: list[str], options: dict[str, Any]) -> forms.Field:
    if name in {"groups", "excluded_groups"}:
        return _group_field(groups, options)
    if name == "return_to_hosts":
        return HostLines(**options)
    if not issubclass(item, Enum):
        return Lines(capitals=name == "countries", **options)
    left_out = _NOT_TICKED.get(name, set())
    return _ticks([(one.value, choice(one)) for one in item if one not in left_out], options)


def _group_field(groups: list[str], options: dict[str, Any]) -> forms.Field:
    if len(groups) > _FEW_ENOUGH_TO_TICK:
        return GroupLines(known=groups, **options)
    return _ticks([(name, name) for name in groups], options)


def _ticks(choices: list[tuple[str, Any]], options: dict[str, Any]) -> forms.Field:
    return forms.MultipleChoiceField(
        choices=choices, required=False, widget=forms.CheckboxSelectMultiple, **options
    )
