"""Groups: a name, the groups inside, the people in them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from console.forms.lists import ListForm, search_box
from console.queries.groups import people_called
from tenants.queries import groups_named
from tenants.rules import group_name

_MOST_AT_ONCE, _LONGEST = 500, 100


class SearchForm(ListForm):
    """Which groups to list."""

    q = search_box(_("Name"), longest=_LONGEST)


class MemberSearchForm(ListForm):
    """Which members of a group to list."""

    q = search_box(_("Find a member"), longest=100)
    after = forms.CharField(max_length=254, required=False, widget=forms.HiddenInput)


class GroupForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=_LONGEST, error_messages={"required": _("Enter a name")}
    )

    def clean_name(self) -> str:
        name = group_name(self.cleaned_data["name"])
        if ";" in name:
            # It stands between the groups of a person in files that are imported and exported.
            raise forms.ValidationError(_("A name can’t contain ;"))
        if not name.isprintable():
            raise forms.ValidationError(_("Use only letters, digits and common symbols."))
        # Some letters are several in NFC.
        MaxLengthValidator(_LONGEST)(name)
        return name


class ChangeGroupForm(GroupForm):
    """Also the groups inside: whoever is in one of them counts as being in this one."""

    inner = forms.CharField(
        label=_("Groups inside"),
        help_text=_("One name per line. Their members count as members of this group."),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_name(self) -> str:
        # An older name that nobody would be allowed to give now stays until it is changed.
        name: str = self.initial["name"]
        return super().clean_name() if "name" in self.changed_data else name

    def clean_inner(self) -> list[int]:
        names = _lines(self.cleaned_data["inner"])
        found = groups_named(names)
        for name in names:
            if name not in found:
                words = _("The group “%(name)s” doesn’t exist.")
                raise forms.ValidationError(words, params={"name": name})
        return sorted({group.pk for group in found.values()})


class MembersForm(forms.Form):
    """People to put into a group, one user ID a line."""

    users = forms.CharField(
        label=_("Add people"),
        help_text=_("User IDs, one per line, up to 500."),
        max_length=50_000,
        error_messages={"required": _("Enter a user ID")},
        widget=forms.Textarea(attrs={"rows": 4, "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)

    def clean_users(self) -> list[Any]:
        typed = _lines(self.cleaned_data["users"])
        if len(typed) > _MOST_AT_ONCE:
            raise forms.ValidationError(_("Up to 500 at once; import a file for more."))
        found = people_called(typed)
        if unknown := [name for name in typed if name not in found]:
            raise forms.ValidationError(
                [
                    forms.ValidationError(
                        _("No user in this organisation has the user ID “%(name)s”."),
                        params={"name": name},
                    )
                    for name in unknown[:20]
                ]
            )
        return list({person.pk: person for person in found.values()}.values())


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
