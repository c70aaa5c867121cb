"""What people type into the portal, and what they are told about it."""

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.rules import canonical_upn, is_upn
from reset.rules import MAX_MESSAGE, Goal


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


class ContactForm(forms.Form):
    shown_again = ("message",)
    message = forms.CharField(
        label=gettext_lazy("Message"),
        help_text=gettext_lazy(
            "For example, a phone number where we can reach you. Never write a password "
            "or a code here."
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
