"""Hardware tokens: finding one, and choosing a file of them."""

from django import forms
from django.utils.translation import gettext_lazy as _

from console.forms.fields import search_box
from console.forms.lists import ListForm

_MARK = b"\xef\xbb\xbf"
_NOT_TEXT = _("Save the file as CSV in UTF-8, then choose it again.")


class TokenSearchForm(ListForm):
    """Which hardware tokens to list."""

    q = search_box(_("User ID or serial number"), longest=254)
    after = forms.CharField(max_length=254, required=False, widget=forms.HiddenInput)


class TokenFileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "First row: upn, serial number, secret key, time interval, manufacturer, model. The"
            " secret key is in Base32. The time interval is 30 or 60 seconds; leave it empty for"
            " tokens with a button (HOTP)."
        ),
        allow_empty_file=True,
        error_messages={
            "required": _("Choose a file first."),
            "invalid": _("Choose a file first."),
        },
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
    )

    def clean_file(self) -> str:
        """The text of the file. It stays in memory, because it is full of secrets."""
        data: bytes = self.cleaned_data["file"].read()
        try:
            text = data.removeprefix(_MARK).decode()
        except UnicodeDecodeError:
            raise forms.ValidationError(_NOT_TEXT) from None
        if "\0" in text:
            raise forms.ValidationError(_NOT_TEXT)
        return text
