"""Giving a role."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.forms.people import ROLES, NoteForm
from directory.models import User
from directory.queries import user_of
from directory.rules import canonical_upn
from tenants.roles import Role

_ROLES = [(role.value, words) for role, words in ROLES.items()]
_NO_ROLE = ("", _("No role"))


class RoleForm(NoteForm):
    """Another role for a user who has one."""

    role = forms.ChoiceField(
        label=_("Role"),
        required=False,
        choices=[*_ROLES, _NO_ROLE],
        widget=forms.RadioSelect,
    )
    understood = forms.BooleanField(
        label=_("Invalidate these and assign the role"), required=False, widget=forms.HiddenInput
    )
    """Shown only if the role would end something: see `ask_about`."""
    field_order = ["role", "note", "understood"]

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])

    def ask_about(self, endings: Sequence[str]) -> None:
        """Asks whether to give the role although it ends these."""
        self.fields["understood"].widget = forms.CheckboxInput()
        for words in endings:
            self.add_error("understood", words)


class AppointForm(RoleForm):
    """A role for a user of the organisation, by user ID."""

    username = forms.CharField(
        label=_("User ID"),
        max_length=500,
        error_messages={"required": _("Enter a user ID")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "email"}),
    )
    field_order = ["username", "role", "note", "understood"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.required, role.choices = True, _ROLES
        role.error_messages["required"] = _("Choose a role.")

    def clean_username(self) -> User:
        user = user_of(canonical_upn(self.cleaned_data["username"]))
        if user is None:
            raise forms.ValidationError(_("No user in this organisation has this user ID."))
        return user
