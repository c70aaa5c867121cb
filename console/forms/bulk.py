"""Forms that confirm an action for everyone who matches a filter."""

from django import forms
from django.utils.translation import gettext_lazy as _

from console.forms.people import IssueForm, IssuePassForm
from tenants.models import Group
from tenants.queries.groups import groups_named

_COUNT = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class BulkForm(IssueForm):
    """Why it is done, and for how many people the administrator was asked."""

    count = _COUNT

    @property
    def options(self) -> dict[str, object]:
        """What the run has to know besides the reason."""
        return {}


class BulkGroupForm(BulkForm):
    """Adds everyone to a group."""

    group = forms.CharField(
        label=_("Group"),
        help_text=_("The whole name of a group that isn’t decided by a directory."),
        max_length=100,
        error_messages={"required": _("Enter a name")},
    )
    field_order = ("group", "note")

    def clean_group(self) -> Group:
        name = self.cleaned_data["group"]
        named = groups_named([name]).get(name)
        group = Group.objects.filter(pk=named.pk, directory_id=None).first() if named else None
        if group is None:
            words = _("The group “%(name)s” doesn’t exist.")
            raise forms.ValidationError(words, params={"name": name})
        return group

    @property
    def options(self) -> dict[str, object]:
        return {"group_id": self.cleaned_data["group"].pk}


class BulkPassForm(IssuePassForm):
    """Issues a pass to everyone."""

    count = _COUNT

    @property
    def options(self) -> dict[str, object]:
        terms = self.terms
        return {
            "starts_at": terms.starts_at.isoformat(),
            "ends_at": terms.ends_at.isoformat(),
            "once": terms.once,
        }
