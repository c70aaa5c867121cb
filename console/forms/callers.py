"""How a caller is verified, and what they said."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from directory.models import User
from tenants.policy import Method
from verification.flow.callers import PORTAL
from verification.methods.options import option_words
from verification.queries.callers import caller_methods
from verification.rules.challenges import typed_code

_READ_OUT = frozenset(method for method in Method if method.is_code)
"""Methods whose code the caller can read out."""


class AskForm(forms.Form):
    """A code by a registered method, or a number in the portal."""

    method = forms.ChoiceField(
        label=_("How should the caller verify their identity?"),
        error_messages={"required": _("Select a method"), "invalid_choice": _("Select a method")},
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None, *, person: User) -> None:
        super().__init__(data)
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        options = caller_methods(person.pk).options(_READ_OUT)
        portal = (PORTAL, _("They sign in and read me the number they see"))
        field.choices = [*((each.method.value, option_words(each)) for each in options), portal]


class SaidForm(forms.Form):
    """What the caller read out."""

    said = forms.CharField(
        label=_("Number or code from the caller"),
        max_length=50,
        error_messages={"required": _("Enter the number")},
        widget=forms.TextInput(
            attrs={"class": "code", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )

    def clean_said(self) -> str:
        return typed_code(self.cleaned_data["said"])
