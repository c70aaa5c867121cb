"""What narrows a list. It stands in the address, and so does where a page of it begins."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _


def search_box(label: Any, *, longest: int = 254) -> forms.CharField:
    """Where people type what they look for."""
    box = forms.TextInput(attrs={"autocomplete": "off", "type": "search"})
    return forms.CharField(label=label, max_length=longest, required=False, widget=box)


class ListForm(forms.Form):
    """Which rows to list. What can't be understood narrows nothing."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)

    @property
    def is_narrowed(self) -> bool:
        """Whether these are fewer rows than there are, or begin further on."""
        return self.is_valid() and any(self.cleaned_data.values())

    def text(self, name: str) -> str:
        """What was typed into one field of plain text."""
        return str(self.cleaned_data[name]) if self.is_valid() else ""

    def address(self, **more: object) -> str:
        """The same list with something else in it, as it stands in an address."""
        typed = {**self.cleaned_data, **more} if self.is_valid() else more
        return urlencode({name: _written(value) for name, value in typed.items() if value})


class OrganisationsForm(ListForm):
    """Which organisations to list for an operator."""

    q = search_box(_("Name or short name"))


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
