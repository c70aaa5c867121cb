"""The form that changes a password."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from passwords.forms import NewPasswordForm
from passwords.rules import prepared


class ChangePasswordForm(NewPasswordForm):
    """A new password, and the current one that permits it."""

    password = forms.CharField(
        label=gettext_lazy("Current password"),
        strip=False,
        max_length=500,
        error_messages={"required": gettext_lazy("Enter your current password")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("password", "new_password", "confirm_password")

    def clean(self) -> None:
        super().clean()
        new = self.cleaned_data.get("new_password")
        if new and new == prepared(self.cleaned_data.get("password", "")):
            words = _("The new password must differ from the current one")
            self.add_error("new_password", words)
