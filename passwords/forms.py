"""The form for a new password, and the sentences that say why a password is refused."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from passwords.rules import MAX_LENGTH, PasswordFinding, Problem, prepared


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
    """Whether the errors quote a part of the typed password."""

    def __init__(self, data: Mapping[str, object] | None, *, shortest: int) -> None:
        super().__init__(data)
        self._shortest = shortest
        self.list_length(shortest)

    def list_length(self, shortest: int) -> None:
        """Shows how long the password has to be, on the page and to password managers."""
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
            self.add_error("confirm_password", _("The passwords don’t match"))

    def refuse(self, findings: list[PasswordFinding]) -> None:
        """Adds the reasons to the field."""
        self.shows_secrets_again = any(finding.word for finding in findings)
        for finding in findings:
            self.add_error("new_password", finding_words(finding, shortest=self._shortest))


def finding_words(finding: PasswordFinding, *, shortest: int) -> str:
    """The sentence for one reason against a password.

    Args:
        shortest: characters that the policy asks for.
    """
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
