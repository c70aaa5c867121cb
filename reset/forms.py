"""What people type into the portal, and what they are told about it."""

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.queries import takes_other_names
from directory.rules import canonical_upn, is_sign_in_name, is_upn
from isolation.scope import in_tenant, tenant_of_host
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
        if not is_upn(username) and not _is_other_name(username):
            raise forms.ValidationError(
                _("Enter your full user ID, like minji@example.com"), code="format"
            )
        return username


def _is_other_name(username: str) -> bool:
    """Whether it may be a name without a domain: at the own host of an organisation with such."""
    tenant_id = tenant_of_host()
    if tenant_id is None or not is_sign_in_name(username):
        return False
    with in_tenant(tenant_id):
        return takes_other_names()


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
