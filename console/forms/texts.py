"""A notice in the organisation's own words."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.forms.fields import one_line
from tenants.rules import unknown_placeholders

PLACEHOLDERS = ("brand", "tenant", "user", "date", "time", "method")


class TextForm(forms.Form):
    subject = forms.CharField(
        label=_("Subject"), max_length=120, error_messages={"required": _("Enter a subject")}
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=2_000,
        error_messages={"required": _("Enter a text")},
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "true"}),
    )

    def __init__(self, data: Mapping[str, Any] | None, *, initial: Mapping[str, str]) -> None:
        super().__init__(data, initial=dict(initial))
        self.fields["body"].help_text = _(
            "Placeholders: %(places)s. Plain text. What to do if it wasn’t them is added below."
        ) % {"places": ", ".join(f"${name}" for name in PLACEHOLDERS)}

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        one_line(subject)
        return _with_known_placeholders(subject)

    def clean_body(self) -> str:
        return _with_known_placeholders(self.cleaned_data["body"].replace("\r\n", "\n").strip())


def _with_known_placeholders(text: str) -> str:
    unknown = unknown_placeholders(text, PLACEHOLDERS)
    if not unknown:
        return text
    is_open = unknown[0].startswith("{") and not unknown[0].endswith("}")
    words = (
        _("The closing } is missing after “$%(name)s”.")
        if is_open
        else _("$%(name)s isn’t one of the placeholders.")
    )
    raise forms.ValidationError(words, params={"name": unknown[0]})
