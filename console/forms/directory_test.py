"""Testing a directory with a user's name, and with an account whose password may be set."""

from django import forms
from django.utils.translation import gettext_lazy as _


def _name_field(label: object, help_text: object) -> forms.CharField:
    attrs = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(
        label=label,  # type: ignore[arg-type]  # lazy texts are no `str` here
        help_text=help_text,  # type: ignore[arg-type]
        max_length=500,
        widget=forms.TextInput(attrs),
    )


class PreflightForm(forms.Form):
    """The user to look at. If empty, only the connection is tested."""

    sample = _name_field(
        _("User"),
        _(
            "User ID, another name at sign-in, or distinguished name. The test reads what this user"
            " may do and what the service account may do to them; it changes nothing."
        ),
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # what a request has
        self.fields["sample"].required = False


class TestAccountForm(forms.Form):
    """An account that no one uses, whose password is set to a random one."""

    account = _name_field(
        _("Test account"), _("User ID or distinguished name of an account that no one uses.")
    )
    understood = forms.BooleanField(
        label=_("The password of this account is replaced by a random one that no one knows."),
        error_messages={"required": _("Confirm that you understand this.")},
    )
