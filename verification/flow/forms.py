"""Choosing a method, and typing the whole number of a phone."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from delivery.rules.phones import NotAPhone, phone
from tenants.queries import policy_in_force, tenant_in_force
from verification.methods import module_of
from verification.methods.options import option_words
from verification.rules.method_options import MethodOption

NUMBER_WRONG = gettext_lazy("This number doesn’t match the one we have. Check it and try again.")


class MethodForm(forms.Form):
    """One of the methods that this user can use. No other can be chosen."""

    method = forms.ChoiceField(
        label=gettext_lazy("Choose how you want to verify it’s you."),
        error_messages={
            "required": gettext_lazy("Select a method"),
            "invalid_choice": gettext_lazy("Select a method"),
        },
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None, *, options: Sequence[MethodOption]) -> None:
        super().__init__(data)
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(each.method.value, option_words(each)) for each in options]
        if options and (module_of(options[0].method).is_preselected or len(options) == 1):
            self.initial["method"] = options[0].method.value


class NumberForm(forms.Form):
    """The whole number of a registered phone, typed by a user who knows it.

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
            _("To verify it’s you, enter the full number that ends in %(digits)s")
            % {"digits": ends_in}
            if ends_in
            else _("To verify it’s you, enter the full number of this phone")
        )

    def clean_phone(self) -> str:
        """As E.164, without an extension."""
        home = tenant_in_force().country
        countries = policy_in_force().countries or frozenset({home})
        try:
            number = phone(
                self.cleaned_data["phone"], region=home, countries=countries, office=True
            )
        except NotAPhone:
            # Text that is no phone number isn't the registered number, and costs no try.
            raise forms.ValidationError(NUMBER_WRONG, code="number") from None
        return number.e164
