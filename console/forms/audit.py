"""Which records of the audit log to list."""

from collections.abc import Mapping
from datetime import date
from operator import itemgetter
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from audit.activities import Activity
from audit.words import label_of
from console.forms.fields import search_box
from console.forms.lists import ListForm
from console.queries.audit import Sought

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


class AuditSearchForm(ListForm):
    q = search_box(_("User ID or support code"))
    activity = forms.TypedChoiceField(
        label=_("Activity"), required=False, coerce=Activity, empty_value=None
    )
    since = _day(_("First day"))
    until = _day(_("Last day"))
    before = forms.IntegerField(
        min_value=0, max_value=2**63 - 1, required=False, widget=forms.HiddenInput
    )

    def __init__(self, data: Mapping[str, Any], *, may_see_people: bool) -> None:
        super().__init__(data)
        if not may_see_people:
            # What a search finds tells which people there are.
            del self.fields["q"]
        activity = self.fields["activity"]
        assert isinstance(activity, forms.ChoiceField)
        named = sorted(((each.value, label_of(each)) for each in Activity), key=itemgetter(1))
        activity.choices = [("", _("All")), *named]

    def sought(self) -> Sought:
        typed = dict(self.cleaned_data) if self.is_valid() else {}
        return Sought(search=typed.pop("q", ""), **typed)
