"""Filters of a list. They stand in the address, and so does the place where a page begins."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from console.forms.fields import search_box


class ListForm(forms.Form):
    """Which rows to list. Invalid values narrow nothing."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)

    @property
    def is_narrowed(self) -> bool:
        """Whether the list leaves out rows, or begins further on."""
        return self.is_valid() and any(self.cleaned_data.values())

    def text(self, name: str) -> str:
        """The value of one text field; empty if the form is invalid."""
        return str(self.cleaned_data[name]) if self.is_valid() else ""

    def address(self, **more: object) -> str:
        """The query of the address of this list with other values."""
        typed = {**self.cleaned_data, **more} if self.is_valid() else more
        return urlencode({name: str(value) for name, value in typed.items() if value})


class OrganisationsForm(ListForm):
    """Which organisations to list for an operator."""

    q = search_box(_("Name or short name"))
