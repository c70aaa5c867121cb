"""Finding people, saying why something is done to them, and entering how to reach them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from console.forms.lists import ListForm, search_box
from console.forms.numbers import range_errors
from console.forms.policy_words import choice
from console.rules import State
from delivery.rules.mailboxes import NotAMailbox, mailbox
from delivery.rules.phones import NotAPhone, Phone, phone
from registration.forms import phone_words
from tenants.policy import Factor
from tenants.roles import Role
from verification.rules.access_passes import LATEST_START, Allowance, Terms

LONGEST_NOTE = 200
STATES = {
    State.CAPABLE: _("Can reset"),
    State.PARTIAL: _("Partly registered"),
    State.NONE: _("Not registered"),
    State.BLOCKED: _("Blocked"),
    State.FROZEN: _("Frozen"),
    State.OUT: _("Not in scope"),
    State.DISABLED: pgettext_lazy("account", "Disabled"),
}
ROLES = {
    Role.TENANT_ADMIN: _("Tenant admin"),
    Role.HELPDESK: _("Helpdesk"),
    Role.REPORTS_READER: _("Reports reader"),
}
_ANY = ("", _("All"))


class FilterForm(ListForm):
    """Which people to list."""

    q = search_box(_("User ID, name or support code"), longest=200)
    state = forms.ChoiceField(label=_("Registration"), required=False)
    method = forms.ChoiceField(label=_("Method"), required=False)
    role = forms.ChoiceField(label=_("Role"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    unconfirmed = forms.BooleanField(label=_("Has unconfirmed contact data"), required=False)
    after = forms.CharField(max_length=254, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        offered: dict[str, list[tuple[str, Any]]] = {
            "state": [(one.value, words) for one, words in STATES.items()],
            "method": [(one.value, choice(one)) for one in Factor],
            "role": [(one.value, words) for one, words in ROLES.items()],
            "language": list(settings.LANGUAGES),
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [_ANY, *choices]


class NoteForm(forms.Form):
    """Why something is done. It is written down for good."""

    note = forms.CharField(
        label=_("Reason (recorded)"),
        help_text=_("For example, a ticket number. Never write a password or a code here."),
        max_length=LONGEST_NOTE,
        error_messages={"required": _("Enter a reason")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_note(self) -> str:
        typed: str = self.cleaned_data["note"]
        note = "".join(letter for letter in typed if letter.isprintable()).strip()
        if not note:
            raise forms.ValidationError(_("Enter a reason"))
        return note


class IssueForm(NoteForm):
    """Why somebody is let in. What is shown for it is shown once, so it is sent once."""

    token = forms.CharField(max_length=50, required=False, widget=forms.HiddenInput)


class PassForm(IssueForm):
    """For how long somebody may sign in with a Temporary Access Pass."""

    minutes = forms.IntegerField(
        label=_("Valid for (minutes)"), widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )
    starts_at = forms.DateTimeField(
        label=_("Valid from"),
        help_text=_("Leave empty to start now."),
        required=False,
        error_messages={"invalid": _("Enter a date and a time")},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    once = forms.BooleanField(
        label=_("Single use"),
        help_text=_("If not selected, the person can use the pass until it expires."),
        required=False,
        initial=True,
    )
    field_order = ("minutes", "starts_at", "once", "note")

    def __init__(
        self, data: Mapping[str, Any] | None, *, token: str, now: datetime, allowance: Allowance
    ) -> None:
        super().__init__(data, initial={"token": token, "minutes": allowance.usual})
        self._now, least, most = now, allowance.least, allowance.most
        minutes = self.fields["minutes"]
        minutes.help_text = gettext("%(least)s to %(most)s.") % {"least": least, "most": most}
        minutes.validators += [MinValueValidator(least), MaxValueValidator(most)]
        minutes.error_messages |= range_errors(least, most)
        if allowance.always_once:
            del self.fields["once"]

    @property
    def terms(self) -> Terms:
        """What was asked for, once the form is valid."""
        typed = self.cleaned_data
        starts_at = typed["starts_at"] or self._now
        return Terms(
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=typed["minutes"]),
            once=typed.get("once", True),
        )

    def clean_starts_at(self) -> datetime | None:
        typed: datetime | None = self.cleaned_data["starts_at"]
        if typed is None:
            return None
        # The field knows minutes only: this minute is now.
        if typed < self._now - timedelta(minutes=1):
            raise forms.ValidationError(_("Enter a time in the future"))
        if typed > self._now + LATEST_START:
            raise forms.ValidationError(_("At most 30 days from now"))
        return max(typed, self._now)


def _box(inputmode: str) -> forms.TextInput:
    """The browser offers nothing: it would be the administrator's own."""
    return forms.TextInput(attrs={"autocomplete": "off", "inputmode": inputmode})


class ContactForm(forms.Form):
    """How to reach somebody, as an administrator knows it.

    What there is stands in its field in part: left as it is, it stays; emptied, it is taken away.
    In full it is shown for a reason only, and never here.
    """

    office_phone = forms.CharField(
        label=_("Office phone"), max_length=100, required=False, widget=_box("tel")
    )
    mobile_phone = forms.CharField(
        label=_("Mobile phone"), max_length=100, required=False, widget=_box("tel")
    )
    email = forms.CharField(
        label=_("Alternate email"), max_length=254, required=False, widget=_box("email")
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        home: str,
        countries: frozenset[str],
        masked: Mapping[str, str],
    ) -> None:
        super().__init__(data, initial=dict(masked))
        self._home, self._countries = home, countries

    def clean_office_phone(self) -> Phone | None:
        return self._phone("office_phone", office=True)

    def clean_mobile_phone(self) -> Phone | None:
        return self._phone("mobile_phone", office=False)

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"]
        if not typed or "email" not in self.changed_data:
            return ""
        try:
            return mailbox(typed)
        except NotAMailbox:
            raise forms.ValidationError(_("Enter an email address like name@example.com")) from None

    def _phone(self, name: str, *, office: bool) -> Phone | None:
        typed: str = self.cleaned_data[name]
        if not typed or name not in self.changed_data:
            return None
        try:
            return phone(typed, region=self._home, countries=self._countries, office=office)
        except NotAPhone as refused:
            raise forms.ValidationError(phone_words(refused, self._home)) from None
