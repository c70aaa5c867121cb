"""Forms about people: which to list, why to act on them, and how to reach them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from console.forms.fields import range_errors, search_box
from console.forms.lists import ListForm
from console.forms.policy_words import choice
from console.queries.people import Wanted
from console.rules import PersonState
from delivery.rules.mailboxes import NotAMailbox, mailbox
from delivery.rules.phones import NotAPhone, Phone, phone
from directory.models import User
from directory.queries import prefilled
from registration.forms import phone_words
from registration.queries import AddressProblem, address_problem
from tenants.policy import Factor
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Role
from verification.rules.access_passes import LATEST_START, Allowance, Terms
from verification.rules.masking import mask

LONGEST_NOTE = 200
STATES = {
    PersonState.CAPABLE: _("Can reset"),
    PersonState.PARTIAL: _("Partly registered"),
    PersonState.NONE: _("Not registered"),
    PersonState.BLOCKED: _("Blocked"),
    PersonState.FROZEN: _("Frozen"),
    PersonState.OUT: _("Not in scope"),
    PersonState.DISABLED: pgettext_lazy("account", "Disabled"),
}
ROLES = {
    Role.TENANT_ADMIN: _("Tenant admin"),
    Role.HELPDESK: _("Helpdesk"),
    Role.REPORTS_READER: _("Reports reader"),
}
_CONTACTS = {factor.value: factor for factor in Factor if factor.can_be_entered}
"""Fields of the form of contact data."""


def _choices(words: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    return [("", _("All")), *((value, label) for value, label in words.items())]


class FilterForm(ListForm):
    """Which people to list."""

    q = search_box(_("User ID, name or support code"), longest=200)
    state = forms.TypedChoiceField(
        label=_("Registration"),
        required=False,
        coerce=PersonState,
        empty_value=None,
        choices=_choices(STATES),
    )
    method = forms.TypedChoiceField(
        label=_("Method"),
        required=False,
        coerce=Factor,
        empty_value=None,
        choices=_choices({factor: choice(factor) for factor in Factor}),
    )
    role = forms.TypedChoiceField(
        label=_("Role"), required=False, coerce=Role, empty_value=None, choices=_choices(ROLES)
    )
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=_choices(dict(settings.LANGUAGES))
    )
    unconfirmed = forms.BooleanField(label=_("Has unconfirmed contact data"), required=False)
    after = forms.CharField(max_length=254, required=False, widget=forms.HiddenInput)

    def wanted(self) -> Wanted:
        typed = dict(self.cleaned_data) if self.is_valid() else {}
        return Wanted(search=typed.pop("q", ""), **typed)


class DeletedForm(ListForm):
    """Which deleted people to list."""

    q = search_box(_("User ID or name"), longest=200)
    after = forms.CharField(max_length=254, required=False, widget=forms.HiddenInput)


class NoteForm(forms.Form):
    """Why something is done. The reason is recorded."""

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
    """Why a person is let in. Its answer shows a secret, so it works once."""

    token = forms.CharField(max_length=50, required=False, widget=forms.HiddenInput)


class IssuePassForm(IssueForm):
    """How long, and how often, a Temporary Access Pass works."""

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
        """What was entered, once the form is valid."""
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
        # The field has no seconds: the current minute means now.
        if typed < self._now - timedelta(minutes=1):
            raise forms.ValidationError(_("Enter a time in the future"))
        if typed > self._now + LATEST_START:
            raise forms.ValidationError(_("At most 30 days from now"))
        return max(typed, self._now)


def _box(inputmode: str) -> forms.TextInput:
    """A field that the browser doesn't fill in: it would be with the administrator's own data."""
    return forms.TextInput(attrs={"autocomplete": "off", "inputmode": inputmode})


class ContactDataForm(forms.Form):
    """How to reach a person, as administrators know it.

    Each field begins with a masked value: left as it is, the value stays; emptied, it is deleted.
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

    def __init__(self, data: Mapping[str, Any] | None, *, person: User) -> None:
        entered = prefilled(person.pk)
        masked = {name: mask(entered[f].value) for name, f in _CONTACTS.items() if f in entered}
        super().__init__(data, initial=masked)
        self._person = person

    def changes(self) -> list[tuple[Factor, str, bool]]:
        """What was changed: factor, value or nothing, and whether the number takes texts."""
        changed = [(_CONTACTS[name], self.cleaned_data[name]) for name in self.changed_data]
        return [
            (factor, value.stored, value.sms_capable)
            if isinstance(value, Phone)
            else (factor, value or "", False)
            for factor, value in changed
        ]

    def clean_office_phone(self) -> Phone | None:
        return self._phone("office_phone", office=True)

    def clean_mobile_phone(self) -> Phone | None:
        return self._phone("mobile_phone", office=False)

    def clean_email(self) -> str:
        typed: str = self.cleaned_data["email"]
        if not typed or "email" not in self.changed_data:
            return ""
        try:
            address = mailbox(typed)
        except NotAMailbox:
            raise forms.ValidationError(_("Enter an email address like name@example.com")) from None
        problem = address_problem(self._person, address)
        if problem is AddressProblem.OWN:
            raise forms.ValidationError(
                _("That mailbox needs the forgotten password. Enter another address.")
            )
        if problem is not None:
            words = _("Addresses at %(domain)s can’t be used. Enter a personal address.")
            raise forms.ValidationError(words, params={"domain": address.rpartition("@")[2]})
        return address

    def _phone(self, name: str, *, office: bool) -> Phone | None:
        typed: str = self.cleaned_data[name]
        if not typed or name not in self.changed_data:
            return None
        home = tenant_in_force().country
        countries = policy_in_force().countries or frozenset({home})
        try:
            return phone(typed, region=home, countries=countries, office=office)
        except NotAPhone as refused:
            raise forms.ValidationError(phone_words(refused, home)) from None
