"""Choosing a file, its encoding, and the columns of an export."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from provisioning.services.export import EXPORTED

LONGEST_REASON = 200
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "cp949": _("Korean (CP949)"),
    "cp932": _("Japanese (Shift JIS, CP932)"),
    "cp936": _("Chinese, simplified (GBK, CP936)"),
    "cp950": _("Chinese, traditional (Big5, CP950)"),
    "cp1252": _("Western European (Windows-1252)"),
    "cp1250": _("Central European (Windows-1250)"),
    "cp1251": _("Cyrillic (Windows-1251)"),
    "cp1253": _("Greek (Windows-1253)"),
    "cp1254": _("Turkish (Windows-1254)"),
    "cp1255": _("Hebrew (Windows-1255)"),
    "cp1256": _("Arabic (Windows-1256)"),
    "cp1257": _("Baltic (Windows-1257)"),
    "cp1258": _("Vietnamese (Windows-1258)"),
    "cp874": _("Thai (Windows-874)"),
    "utf-16": "UTF-16",
}


_WITHOUT_MARK = {"utf-8": "utf-8-sig", "utf-16-le": "utf-16"}


def choice_of(encoding: str) -> str:
    """Its name in `ENCODINGS`, which doesn't tell whether there is a byte order mark."""
    return _WITHOUT_MARK.get(encoding, encoding)


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "CSV, first row with column names. Only user_principal_name is required. UTF-8 is best;"
            " other encodings are recognised, and you see the names before anything is imported."
        ),
        # The reader of the file says that it is empty.
        allow_empty_file=True,
        max_length=None,
        error_messages={
            "required": _("Choose a file first."),
            "invalid": _("Choose a file first."),
        },
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
    )


class EncodingForm(forms.Form):
    encoding = forms.ChoiceField(label=_("Read the file as"), choices=list(ENCODINGS.items()))


class ExportForm(forms.Form):
    columns = forms.MultipleChoiceField(
        label=_("Columns to include"),
        choices=[(name, name) for name in EXPORTED],
        error_messages={"required": _("Choose at least one column.")},
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        label=_("Why do you need this export? (recorded)"),
        max_length=LONGEST_REASON,
        error_messages={"required": _("Enter a reason. It is recorded.")},
    )

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data, initial={"columns": list(EXPORTED)})

    def clean_reason(self) -> str:
        typed: str = self.cleaned_data["reason"]
        return "".join(letter for letter in typed if letter.isprintable())
