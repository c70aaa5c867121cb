"""What people type into the portal, and what they are told about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from delivery.rules.phones import NotAPhone, phone
from directory.rules import canonical_upn, is_upn
from passwords.rules import MAX_LENGTH, Finding, Problem, prepared
from reset.rules import MAX_MESSAGE, Goal
from tenants.queries import policy_in_force, tenant_in_force
from verification.clock import when

NUMBER_WRONG = gettext_lazy("This number doesn’t match the one we have. Check it and try again.")


class IdentifyForm(forms.Form):
    shown_again = ("username",)
    username = forms.CharField(
        label=gettext_lazy("User ID"),
        help_text=gettext_lazy("Usually your work or school email address, like minji@example.com"),
        error_messages={"required": gettext_lazy("Enter your user ID")},
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "username", "inputmode": "email"}),
    )

    def clean_username(self) -> str:
        username = canonical_upn(self.cleaned_data["username"])
        if not is_upn(username):
            raise forms.ValidationError(
                _("Enter your full user ID, like minji@example.com"), code="format"
            )
        return username


class NumberForm(forms.Form):
    """The whole number of a phone that is kept, typed by whoever knows it.

    Args:
        ends_in: its last two digits; nothing where they would tell too much.
    """

    shown_again = ("phone",)
    phone = forms.CharField(
        label=gettext_lazy("Phone number"),
        max_length=100,
        error_messages={"required": gettext_lazy("Enter your phone number")},
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )

    def __init__(self, data: Mapping[str, Any] | None, *, ends_in: str) -> None:
        super().__init__(data)
        field = self.fields["phone"]
        field.widget.attrs.pop("maxlength", None)
        field.help_text = (
            _("To be sure it’s you, type the complete number that ends in %(digits)s")
            % {"digits": ends_in}
            if ends_in
            else _("To be sure it’s you, type the complete number of this phone")
        )

    def clean_phone(self) -> str:
        """As E.164, without an extension."""
        home = tenant_in_force().country
        countries = policy_in_force().countries or frozenset({home})
        try:
            found = phone(self.cleaned_data["phone"], region=home, countries=countries, office=True)
        except NotAPhone:
            # What is no number isn't the one that we have, and costs no try.
            raise forms.ValidationError(NUMBER_WRONG, code="number") from None
        return found.e164


class GoalForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Why are you having trouble signing in?"),
        error_messages={"required": gettext_lazy("Select what you want to do")},
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they come
        two_lines = "<b>{}</b><small>{}</small>"
        self.fields["reason"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (
                Goal.FORGOT.value,
                format_html(
                    two_lines,
                    _("I forgot my password"),
                    _("You will choose a new one. This also unlocks your account."),
                ),
            ),
            (
                Goal.UNLOCK.value,
                format_html(
                    two_lines,
                    _("I know my password, but I still can’t sign in"),
                    _("We unlock your account. Your password stays the same."),
                ),
            ),
        ]


class NewPasswordForm(forms.Form):
    new_password = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        error_messages={"required": gettext_lazy("Enter a new password")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    confirm_password = forms.CharField(
        label=gettext_lazy("Enter the new password again"),
        strip=False,
        error_messages={"required": pgettext_lazy("problem", "Enter the new password again")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    shows_secrets_again = False
    """Whether the page quotes a part of the password that was typed."""

    def __init__(self, data: Mapping[str, object] | None, *, shortest: int) -> None:
        super().__init__(data)
        self._shortest = shortest
        self.fields["new_password"].help_text = _(
            "At least %(min)s characters. A few unrelated words work well."
        ) % {"min": shortest}
        rules = f"minlength: {shortest}; maxlength: {MAX_LENGTH};"
        self.fields["new_password"].widget.attrs["passwordrules"] = rules

    def clean_new_password(self) -> str:
        return prepared(self.cleaned_data["new_password"])

    def clean_confirm_password(self) -> str:
        return prepared(self.cleaned_data["confirm_password"])

    def clean(self) -> None:
        first = self.cleaned_data.get("new_password")
        again = self.cleaned_data.get("confirm_password")
        if first and again and first != again:
            self.add_error("confirm_password", _("The two passwords are not the same"))

    def refuse(self, findings: list[Finding]) -> None:
        """Says next to the field what speaks against the password."""
        self.shows_secrets_again = any(finding.word for finding in findings)
        for finding in findings:
            self.add_error("new_password", self._words(finding))

    def _words(self, finding: Finding) -> str:
        return finding_words(finding, shortest=self._shortest)


class ChangePasswordForm(NewPasswordForm):
    """A new password from somebody who knows the old one."""

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


class ContactForm(forms.Form):
    shown_again = ("message",)
    message = forms.CharField(
        label=gettext_lazy("Message"),
        help_text=gettext_lazy(
            "For example where you can be reached. Never write a password or a code here."
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "true", "autocomplete": "off"}),
    )

    def clean_message(self) -> str:
        message: str = self.cleaned_data["message"]
        if len(message) > MAX_MESSAGE:
            raise forms.ValidationError(
                _("Use no more than %(max)s characters") % {"max": MAX_MESSAGE}
            )
        return message


def finding_words(finding: Finding, *, shortest: int) -> str:
    """What speaks against a password, as the page says it."""
    words = {
        Problem.SHORT: ngettext(
            "Use at least %(min)s characters. You entered %(count)s.",
            "Use at least %(min)s characters. You entered %(count)s.",
            finding.amount,
        ),
        Problem.LONG: _("Use no more than %(max)s characters"),
        Problem.CLASSES: _(
            "Use more kinds of characters: lower case, upper case, digits, symbols."
        ),
        Problem.REPETITIVE: _(
            "Use at least %(max)s different characters. Spaces and characters that can’t be seen"
            " don’t count."
        ),
        Problem.PERSONAL: _(
            "Choose another password: it contains your name, your user ID or your"
            " organisation’s name."
        ),
        Problem.BANNED: _(
            "Choose another password: it is too close to “%(word)s”, which is easy to guess."
        ),
        Problem.BREACHED: _(
            "Choose another password: this one appears in lists of stolen passwords."
        ),
        Problem.USED: _("Choose a password you have not used here before"),
    }[finding.problem]
    return words % {
        "min": shortest,
        "max": finding.amount,
        "count": finding.amount,
        "word": finding.word,
    }


def too_many_passwords(until: datetime | None) -> str:
    """What is said where no more new passwords are compared with the former ones."""
    if until is None:
        return _("You tried too many new passwords. Try again later.")
    return _("You tried too many new passwords. Try again after %(time)s.") % {"time": when(until)}
