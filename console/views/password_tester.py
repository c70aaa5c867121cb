"""What the policy says of a password, tried out by administrators who set the policy."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from console.views.frame import FORM, page, shown
from directory.models import User
from directory.queries import user_of
from directory.rules import canonical_upn
from directory.services.passwords import judged
from passwords.banned import NEEDED
from passwords.forms import finding_words
from tenants.policy import Policy
from tenants.queries import policy_in_force
from tenants.roles import Permission


class TesterForm(forms.Form):
    """A password to try, and whose it would be. It isn't stored.

    Only the parts that are easy to guess are shown again.
    """

    new_password = forms.CharField(
        label=gettext_lazy("Password to test"),
        help_text=gettext_lazy("It isn’t stored or recorded. Don’t enter a password you use."),
        strip=False,
        max_length=500,
        error_messages={"required": gettext_lazy("Enter a new password")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    username = forms.CharField(
        label=gettext_lazy("User ID"),
        help_text=gettext_lazy("This person’s names are checked too."),
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data)
        self.user: User | None = None

    def clean_username(self) -> str:
        name = canonical_upn(self.cleaned_data["username"])
        if name:
            self.user = user_of(name)
            if self.user is None:
                raise forms.ValidationError(_("No user has this user ID."))
        return name


@sensitive_post_parameters("new_password")
@page(Permission.SET_POLICY, FORM)
def tester(request: HttpRequest, _user: User) -> HttpResponse:
    form = TesterForm(request.POST or None)
    context: dict[str, object] = {"title": _("Test a password"), "form": form, "needed": NEEDED}
    if form.is_valid():
        context |= _verdict(form.cleaned_data["new_password"], form.user, policy_in_force())
    return shown(request, "console/policy/password_tester.html", context)


def _verdict(password: str, user: User | None, policy: Policy) -> dict[str, object]:
    judgement = judged(password, user)
    words = [
        {
            "typed": password[part.start : part.stop],
            "word": part.word,
            "is_as_typed": password[part.start : part.stop].casefold() == part.word.casefold(),
            "is_exact": part.is_exact,
        }
        for part in judgement.worth.parts
        if part.word
    ]
    shortest = policy.password_min_length
    return {
        "is_tried": True,
        "findings": [finding_words(each, shortest=shortest) for each in judgement.findings],
        "points": judgement.worth.points,
        "words": words,
        "others": judgement.worth.points - len(words),
    }
