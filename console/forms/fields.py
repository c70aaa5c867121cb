"""Fields and validators that several forms share."""

from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.rules import NotADomain, group_key, web_host


def range_errors(low: int, high: int) -> dict[str, str]:
    """Error messages of an `IntegerField`: all of them name the range."""
    words = gettext("Enter a whole number from %(low)s to %(high)s.")
    named = {"low": number_format(low), "high": number_format(high)}
    return dict.fromkeys(("required", "invalid", "min_value", "max_value"), words % named)


def one_line(text: str) -> None:
    """Names stand in subjects and senders, which a line break would end."""
    if not text.isprintable():
        raise forms.ValidationError(_("Use only letters, digits and common symbols."))


def lines_of(text: str) -> list[str]:
    """The lines that aren't empty, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def search_box(label: Any, *, longest: int = 254) -> forms.CharField:
    """A field for a search."""
    box = forms.TextInput(attrs={"autocomplete": "off", "type": "search"})
    return forms.CharField(label=label, max_length=longest, required=False, widget=box)


class ExportReason(forms.CharField):
    """Why someone takes data out of the service, as it is recorded."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Why do you need this export? (recorded)"),
            max_length=200,
            error_messages={"required": _("Enter a reason. It is recorded.")},
        )

    def to_python(self, value: Any) -> Any:
        typed = super().to_python(value) or ""
        return "".join(letter for letter in typed if letter.isprintable())


class Lines(forms.CharField):
    """Several values, one a line or with commas between them."""

    widget = forms.Textarea

    def __init__(self, *, capitals: bool = False, **options: Any) -> None:
        super().__init__(required=False, max_length=20_000, **options)
        self.widget.attrs |= {"rows": 4, "autocapitalize": "none", "spellcheck": "false"}
        self._capitals = capitals

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if self._capitals:
            text = text.upper()
        parts = (part.strip() for line in text.splitlines() for part in line.split(","))
        return sorted({part for part in parts if part})


class HostLines(Lines):
    """Host names as they are compared. The policy refuses what isn't a host name."""

    def to_python(self, value: Any) -> Any:
        hosts = set()
        for line in super().to_python(value):
            try:
                hosts.add(web_host(line))
            except NotADomain:
                hosts.add(line)
        return sorted(hosts)


class GroupLines(Lines):
    """Names of groups, one a line: a name may hold a comma."""

    def __init__(self, *, known: list[str], **options: Any) -> None:
        super().__init__(**options)
        self._known = {group_key(name): name for name in reversed(known)} | {n: n for n in known}

    def to_python(self, value: Any) -> Any:
        text = forms.CharField.to_python(self, value) or ""
        typed = sorted(lines_of(text))
        names = set()
        for line in typed:
            name = self._known.get(line) or self._known.get(group_key(line))
            if name is None:
                raise forms.ValidationError(
                    _("The group “%(name)s” doesn’t exist."), params={"name": line}
                )
            names.add(name)
        return sorted(names)
