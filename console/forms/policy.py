"""The policy as a form: one field for every setting, made from its declaration."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from console.forms.fields import GroupLines, HostLines, Lines, range_errors
from console.forms.policy_words import choice, in_words, translated
from tenants.policy import Policy, all_settings, from_plain, to_plain
from tenants.policy.checks import TOO_FEW_QUESTIONS, Contradiction, Contradictory, objections
from tenants.policy.declaration import Setting, TextKind
from tenants.queries.questions import enough_questions

_FEW_ENOUGH_TO_TICK = 100


class PolicyForm(forms.Form):
    """All settings of a policy.

    Args:
        policy: in force now; what the fields begin with.
        version: `policy_edition` of the policy that was shown.
        groups: names of the organisation's groups.
    """

    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Mapping[str, Any] | None, *, policy: Policy, version: str, groups: list[str]
    ) -> None:
        super().__init__(data, initial={**to_plain(policy), "version": version})
        self.policy = policy
        """The policy as it was typed, once the form is valid."""
        for name, setting in all_settings().items():
            self.fields[name] = _field(setting, groups)
            if isinstance(self.fields[name].widget, forms.Textarea):
                self.initial[name] = "\n".join(self.initial[name])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            self.policy = from_plain({name: cleaned[name] for name in all_settings()})
        except Contradictory as refused:
            self._refuse(refused.contradictions)
        else:
            self._refuse(objections(self.policy))
            if not enough_questions(self.policy):
                words = too_few_questions(self.policy.questions_to_register)
                for field in TOO_FEW_QUESTIONS.shown_at:
                    self.add_error(field, words)
        return cleaned

    def _refuse(self, contradictions: Iterable[Contradiction]) -> None:
        for contradiction in contradictions:
            for field in contradiction.shown_at:
                self.add_error(field, str(translated(contradiction.words)))


def too_few_questions(needed: int) -> str:
    return str(translated(TOO_FEW_QUESTIONS.words)) % {"count": needed}


def _help(setting: Setting) -> SafeString:
    """What the setting does, and how it is by default."""
    default = in_words(setting, setting.default)
    sentences = [
        translated(setting.help_text),
        _("Empty by default.") if default == "–" else _("Default: %(value)s.") % {"value": default},
    ]
    return format_html_join(" ", "<span>{}</span>", ([sentence] for sentence in sentences))


def _field(setting: Setting, groups: list[str]) -> forms.Field:
    options: dict[str, Any] = {"label": translated(setting.label), "help_text": _help(setting)}
    offered = setting.choices if setting.offered is None else setting.offered
    choices = [(each.value, choice(each)) for each in setting.choices if each in offered]
    if setting.is_several:
        return _ticks(choices, options) if choices else _texts(setting.kind, groups, options)
    if choices:
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **options)
    if setting.item is bool:
        return forms.BooleanField(required=False, **options)
    if setting.between:
        low, high = setting.between
        return forms.IntegerField(
            min_value=low, max_value=high, error_messages=range_errors(low, high), **options
        )
    return forms.CharField(required=False, max_length=300, **options)


def _texts(kind: TextKind, groups: list[str], options: dict[str, Any]) -> forms.Field:
    match kind:
        case TextKind.GROUPS if len(groups) > _FEW_ENOUGH_TO_TICK:
            return GroupLines(known=groups, **options)
        case TextKind.GROUPS:
            return _ticks([(name, name) for name in groups], options)
        case TextKind.HOSTS:
            return HostLines(**options)
        case TextKind.COUNTRIES:
            return Lines(capitals=True, **options)
        case TextKind.WORDS:
            return Lines(**options)


def _ticks(choices: list[tuple[str, Any]], options: dict[str, Any]) -> forms.Field:
    return forms.MultipleChoiceField(
        choices=choices, required=False, widget=forms.CheckboxSelectMultiple, **options
    )
