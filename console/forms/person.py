"""Forms about one person: the user ID, the names and the language."""

import unicodedata
from collections.abc import Collection
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from console.forms.fields import one_line
from directory.models import User
from directory.rules import canonical_upn, is_upn
from provisioning.rules.columns import LONGEST_NAMES
from provisioning.rules.person import Person
from tenants.queries import domain_names

FIELD_NAMES = {
    "upn": _("User ID"),
    "display_name": _("Display name"),
    "given_name": _("First name"),
    "surname": _("Last name"),
    "language": _("Language"),
}
"""Columns of `User` that administrators can change, in words."""
LANGUAGE_NAMES = {"": _("The organisation’s language"), **dict(settings.LANGUAGES)}


def _name(column: str) -> forms.CharField:
    box = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(
        label=FIELD_NAMES[column],
        max_length=LONGEST_NAMES[column],
        required=False,
        validators=[one_line],
        widget=box,
    )


class UserIDField(forms.CharField):
    """A user ID in its canonical form, in a domain of the organisation."""

    def __init__(self, **options: Any) -> None:
        box = forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"})
        required = {"required": _("Enter a user ID")}
        super().__init__(
            label=FIELD_NAMES["upn"],
            max_length=254,
            widget=box,
            error_messages=required,
            **options,
        )

    def clean(self, value: Any) -> str:
        upn = canonical_upn(super().clean(value))
        if not is_upn(upn):
            raise forms.ValidationError(_("Enter a user ID like name@example.com"))
        domain = upn.rpartition("@")[2]
        if domain not in (ours := domain_names()):
            raise forms.ValidationError(
                _("Use one of your organisation’s domains: %(domains)s"),
                params={"domains": ", ".join(sorted(ours))},
            )
        return upn


class RenameForm(forms.Form):
    """Another user ID for a person."""

    user_principal_name = UserIDField()


class PersonForm(forms.Form):
    """The names and the language of a person.

    Args:
        led: columns that a directory decides on. They are shown and can't be edited.
    """

    display_name = _name("display_name")
    given_name = _name("given_name")
    surname = _name("surname")
    language = forms.ChoiceField(
        label=FIELD_NAMES["language"],
        required=False,
        choices=list(LANGUAGE_NAMES.items()),
    )

    def __init__(self, *args: Any, led: Collection[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            field.disabled = name in led

    def clean(self) -> dict[str, Any]:
        texts = {name for name in LONGEST_NAMES if name in self.cleaned_data}
        composed = {name: unicodedata.normalize("NFC", self.cleaned_data[name]) for name in texts}
        for name, text in composed.items():
            if len(text) > LONGEST_NAMES[name]:
                self.add_error(name, _("This name is too long."))
        return self.cleaned_data | composed


class AddPersonForm(PersonForm):
    """A new person."""

    user_principal_name = UserIDField()
    field_order = ("user_principal_name",)

    def person(self) -> Person:
        """What was entered, once the form is valid."""
        typed = dict(self.cleaned_data)
        return Person(upn=typed.pop("user_principal_name"), **typed)


def values_of(user: User) -> dict[str, str]:
    """What `PersonForm` begins with."""
    return {name: getattr(user, name) for name in PersonForm.base_fields}
