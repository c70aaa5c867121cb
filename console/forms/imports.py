"""Choosing a file, its encoding, and the columns of an export."""

from collections.abc import Mapping
from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import get_language, gettext, to_locale
from django.utils.translation import gettext_lazy as _

from console.forms.fields import ExportReason
from provisioning.models import Import
from provisioning.queries import import_context
from provisioning.rules.columns import COLUMNS, READ
from provisioning.rules.layouts import HEADER_WITHIN, Layout
from provisioning.services.export import EXPORTED
from provisioning.services.jobs import Preview
from provisioning.services.missing import is_braked_by

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


COLUMN_NAMES = {
    "user_principal_name": _("User ID (user_principal_name)"),
    "display_name": _("Name (display_name)"),
    "given_name": _("First name (given_name)"),
    "surname": _("Last name (surname)"),
    "language": _("Language (language)"),
    "office_phone": _("Office phone (office_phone)"),
    "mobile_phone": _("Mobile phone (mobile_phone)"),
    "alternate_email": _("Alternate email (alternate_email)"),
    "groups": _("Groups (groups)"),
    "password": _("Initial password (password)"),
    "country": _("Country of the phone numbers (country)"),
}
_LONGEST_SHOWN = 40
_WITHOUT_MARK = {"utf-8": "utf-8-sig", "utf-16-le": "utf-16"}


def choice_of(encoding: str) -> str:
    """Its name in `ENCODINGS`, which doesn't tell whether there is a byte order mark."""
    return _WITHOUT_MARK.get(encoding, encoding)


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("CSV or Excel file"),
        help_text=_(
            "CSV or .xlsx with the names of the columns above the rows. Only user IDs are required."
            " Columns and encodings are recognised, and you see them before anything is imported."
        ),
        # The reader of the file says that it is empty.
        allow_empty_file=True,
        max_length=None,
        error_messages={
            "required": _("Choose a file first."),
            "invalid": _("Choose a file first."),
        },
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx,text/csv,text/plain"}),
    )


class EncodingForm(forms.Form):
    encoding = forms.ChoiceField(label=_("Read the file as"), choices=list(ENCODINGS.items()))


class LayoutForm(forms.Form):
    """Which column of a file means what, and how its cells are read.

    Args:
        preview: of the file.
    """

    labels_problems = True

    def __init__(self, data: Mapping[str, Any] | None, preview: Preview) -> None:
        super().__init__(data)
        self._layout = layout = preview.layout
        context = import_context()
        choices = [("", _("Don’t import")), *((name, COLUMN_NAMES[name]) for name in READ)]
        for at, column in enumerate(layout.columns):
            header = preview.headers[at] or gettext("Column %(number)s") % {"number": at + 1}
            cells = (row[at].strip() for row in preview.rows if at < len(row))
            example = next(filter(None, cells), "")
            self.fields[f"column_{at}"] = forms.ChoiceField(
                label=_cut(header),
                choices=choices,
                initial=column,
                required=False,
                help_text=_("First value: %(value)s") % {"value": _cut(example)} if example else "",
            )
        self.fields["header_line"] = forms.IntegerField(
            label=_("Row with the names of the columns"),
            min_value=1,
            max_value=HEADER_WITHIN,
            initial=layout.header_line,
        )
        if len(context.countries | {context.country}) > 1:
            for name, label in (
                ("country", _("Country of phone numbers without a country code")),
                ("office_country", _("Country of office phones, if it’s another")),
                ("mobile_country", _("Country of mobile phones, if it’s another")),
            ):
                self.fields[name] = self._country(
                    context.countries | {context.country}, name, label
                )
        self.fields["domain"] = forms.ChoiceField(
            label=_("User IDs without @ and a domain"),
            choices=[
                ("", _("Are errors")),
                *((domain, f"@{domain}") for domain in sorted(context.domains)),
            ],
            initial=layout.domain,
            required=False,
        )
        self.fields["drop_bad_cells"] = forms.ChoiceField(
            label=_("If a value in a row has an error"),
            choices=[
                ("", _("Skip the whole row")),
                ("yes", _("Import the person without this value")),
            ],
            initial="yes" if layout.drop_bad_cells else "",
            required=False,
            help_text=_("A row without a valid user ID is always skipped."),
            widget=forms.RadioSelect,
        )

    def clean(self) -> dict[str, Any]:
        cleaned = dict(self.cleaned_data)
        chosen = [cleaned.get(f"column_{at}", "") for at in range(len(self._layout.columns))]
        if cleaned.get("header_line") != self._layout.header_line:
            return cleaned
        if COLUMNS[0] not in chosen:
            self.add_error(None, gettext("Choose the column that has the user IDs."))
        for at, column in enumerate(chosen):
            if column and column in chosen[:at]:
                problem = gettext("You chose this for two columns.")
                self.add_error(f"column_{at}", problem)
        return cleaned

    @property
    def layout(self) -> Layout:
        """What was chosen."""
        chosen = self.cleaned_data
        return Layout(
            header_line=chosen["header_line"],
            delimiter=self._layout.delimiter,
            columns=[chosen[f"column_{at}"] for at in range(len(self._layout.columns))],
            country=chosen.get("country", ""),
            office_country=chosen.get("office_country", ""),
            mobile_country=chosen.get("mobile_country", ""),
            domain=chosen["domain"],
            drop_bad_cells=bool(chosen["drop_bad_cells"]),
        )

    def _country(self, countries: frozenset[str], name: str, label: Any) -> forms.ChoiceField:
        names = Locale.parse(to_locale(get_language() or "en")).territories
        choices = sorted(((code, names.get(code, code)) for code in countries), key=lambda c: c[1])
        return forms.ChoiceField(
            label=label,
            choices=[("", "–"), *choices],
            initial=getattr(self._layout, name),
            required=False,
        )


class MissingForm(forms.Form):
    """What becomes of the people who aren't in the file."""

    def __init__(self, data: Mapping[str, Any] | None, job: Import) -> None:
        super().__init__(data)
        self._missing, self._is_braked = job.missing, is_braked_by(job)
        label = gettext("Disable the %(count)s people who aren’t in the file")
        self.fields["disable_missing"] = forms.BooleanField(
            label=label % {"count": job.missing},
            required=False,
            help_text=_(
                "They can’t sign in or reset until they are enabled again. People with a role, and"
                " people of a directory, are never disabled by a file."
            ),
        )
        if self._is_braked:
            self.fields["confirm"] = forms.CharField(
                label=_("So many people need a confirmation. To disable them, type their number"),
                required=False,
                max_length=12,
            )

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if self.cleaned_data.get("disable_missing") and typed.strip() != str(self._missing):
            raise forms.ValidationError(
                gettext("Type %(count)s to disable them.") % {"count": self._missing}
            )
        return typed

    @property
    def may_disable(self) -> int | None:
        return self._missing if self.cleaned_data["disable_missing"] else None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


class ExportForm(forms.Form):
    columns = forms.MultipleChoiceField(
        label=_("Columns to include"),
        choices=[(name, name) for name in EXPORTED],
        error_messages={"required": _("Choose at least one column.")},
        widget=forms.CheckboxSelectMultiple,
    )
    reason = ExportReason()

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data, initial={"columns": list(EXPORTED)})
