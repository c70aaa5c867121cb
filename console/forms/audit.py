"""Which records of the audit log to list."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from operator import itemgetter
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.activities import Activity, Outcome
from audit.words import ACTORS, RESULTS, label_of
from console.forms.fields import ExportReason, search_box
from console.forms.lists import ListForm
from console.forms.policy_words import choice, translated
from console.queries.audit import Sought
from tenants.policy import Method, all_settings
from tenants.policy.declaration import Section

_ABOUT_PEOPLE = ("q", "by", "method", "setting")
_EARLIEST, _LATEST = date(1970, 1, 1), date(2999, 12, 31)
"""Near the ends of the calendar, midnight doesn't exist in all time zones."""


def _day(label: Any) -> forms.DateField:
    refused = _("Enter a date")
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(_EARLIEST, refused), MaxValueValidator(_LATEST, refused)],
        error_messages={"invalid": refused},
    )


def _choice(label: Any, kind: type[StrEnum]) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, required=False, coerce=kind, empty_value=None)


class AuditSearchForm(ListForm):
    q = search_box(_("Person or support code"))
    by = search_box(pgettext_lazy("audit", "Done by"))
    activity = _choice(_("Activity"), Activity)
    outcome = _choice(_("Result"), Outcome)
    method = _choice(_("Method"), Method)
    setting = forms.ChoiceField(label=_("Setting of the policy"), required=False)
    since = _day(_("First day"))
    until = _day(_("Last day"))
    before = forms.IntegerField(
        min_value=0, max_value=2**63 - 1, required=False, widget=forms.HiddenInput
    )

    def __init__(self, data: Mapping[str, Any], *, may_see_people: bool) -> None:
        super().__init__(data)
        if not may_see_people:
            # What a search finds tells which people there are, and what was changed.
            for name in _ABOUT_PEOPLE:
                del self.fields[name]
        named = sorted(((each.value, label_of(each)) for each in Activity), key=itemgetter(1))
        self._offer("activity", named)
        self._offer("outcome", [(each.value, words) for each, words in RESULTS.items()])
        self._offer("method", [(each.value, choice(each)) for each in Method])
        self._offer("setting", _settings())

    def sought(self) -> Sought:
        typed = dict(self.cleaned_data) if self.is_valid() else {}
        by = typed.get("by", "").casefold()
        others = {actor for actor, words in ACTORS.items() if by and by in str(words).casefold()}
        return Sought(search=typed.pop("q", ""), other_actors=frozenset(others), **typed)

    @property
    def used(self) -> list[str]:
        """Names of the filters that narrow the list."""
        typed = self.cleaned_data if self.is_valid() else {}
        return [name for name in FILTER_NAMES if typed.get(name)]

    def in_words(self) -> list[tuple[Any, str]]:
        """What the filters are called, and what they are set to."""
        words: list[tuple[Any, str]] = []
        for name in self.used:
            field, value = self.fields[name], self.data[name]
            offered = getattr(field, "choices", ())
            groups = (each if isinstance(each[1], list) else ("", [each]) for each in offered)
            names = {str(key): str(text) for _group, some in groups for key, text in some}
            words.append((field.label, str(names.get(value, value))))
        return words

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields.get(name)
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All")), *choices]


FILTER_NAMES: dict[str, Any] = {
    name: field.label for name, field in AuditSearchForm.base_fields.items() if name != "before"
}


class AuditExportForm(forms.Form):
    file_format = forms.ChoiceField(
        label=_("File"),
        choices=[("csv", _("CSV, for spreadsheets")), ("jsonl", _("JSON lines, for programs"))],
        initial="csv",
        widget=forms.RadioSelect,
    )
    reason = ExportReason()

    def __init__(self, data: Mapping[str, Any] | None, *, may_see_people: bool) -> None:
        super().__init__(data)
        if not may_see_people:
            # These files have the facts that such readers don't see.
            del self.fields["file_format"]


def _settings() -> list[Any]:
    """The settings of the policy, by the sections of its page."""
    by_section: dict[Section, list[Any]] = {section: [] for section in Section}
    for name, setting in all_settings().items():
        by_section[setting.section].append((name, translated(setting.label)))
    return [(choice(section), settings) for section, settings in by_section.items()]
