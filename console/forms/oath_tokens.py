"""Choosing a file of hardware tokens."""

from django import forms
from django.utils.translation import gettext_lazy as _

_MARK = b"\xef\xbb\xbf"
_NOT_TEXT = _("Save the file as CSV in UTF-8, then choose it again.")


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
