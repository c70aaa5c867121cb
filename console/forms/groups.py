"""Groups: a name, the groups inside, the people in them."""

from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from console.forms.fields import lines_of, one_line, search_box
from console.forms.lists import ListForm
from directory.queries import users_of
from tenants.queries.groups import groups_named
from tenants.rules import group_name

_MOST_AT_ONCE, _LONGEST = 500, 100


class GroupSearchForm(ListForm):
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
            # The separator between the groups of a person in files that are imported and exported.
            raise forms.ValidationError(_("A name can’t contain ;"))
        one_line(name)
        # Some letters become several in NFC.
        MaxLengthValidator(_LONGEST)(name)
        return name


class ChangeGroupForm(GroupForm):
    """A group with the groups inside it, whose members count as its own."""

    inner = forms.CharField(
        label=_("Groups inside"),
        help_text=_("One name per line. Their members count as members of this group."),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_name(self) -> str:
        # A name that was given before today's rules stays until it is changed.
        name: str = self.initial["name"]
        return super().clean_name() if "name" in self.changed_data else name

    def clean_inner(self) -> list[int]:
        names = lines_of(self.cleaned_data["inner"])
        groups = groups_named(names)
        for name in names:
            if name not in groups:
                words = _("The group “%(name)s” doesn’t exist.")
                raise forms.ValidationError(words, params={"name": name})
        return sorted({group.pk for group in groups.values()})


class MembersForm(forms.Form):
    """People to put into a group, one user ID a line."""

    users = forms.CharField(
        label=_("Add people"),
        help_text=_("User IDs, one per line, up to 500."),
        max_length=50_000,
        error_messages={"required": _("Enter a user ID")},
        widget=forms.Textarea(attrs={"rows": 4, "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_users(self) -> list[Any]:
        typed = lines_of(self.cleaned_data["users"])
        if len(typed) > _MOST_AT_ONCE:
            raise forms.ValidationError(_("Up to 500 at once; import a file for more."))
        users = users_of(typed)
        if unknown := [name for name in typed if name not in users]:
            raise forms.ValidationError(
                [
                    forms.ValidationError(
                        _("No user in this organisation has the user ID “%(name)s”."),
                        params={"name": name},
                    )
                    for name in unknown[:20]
                ]
            )
        return list({user.pk: user for user in users.values()}.values())
