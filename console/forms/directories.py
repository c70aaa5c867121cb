"""A connection to a directory, in the terms of the people who run directories."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from console.forms.directory_words import (
    ACCOUNT_EXAMPLES,
    ATTRIBUTE_NAMES,
    BASE_EXAMPLES,
    FILTER_EXAMPLES,
    HINTS,
    SERVER_FLAWS,
    SETTING_NAMES,
)
from console.forms.fields import Lines, lines_of, one_line, range_errors
from directory.connectors.syntax import canonical_dn, is_filter
from directory.models import DirectoryConnection
from directory.rules import (
    KIND_DEFAULTS,
    BadServer,
    DirectoryKind,
    ServerFlaw,
    is_own_network,
    server_of,
)
from directory.services.certificates import NotCertificates, PrivateKeyInside, certificates_in
from directory.services.connections import ConnectionSettings, needs_password

LARGEST_REQUEST = 256 * 1024
_MOST_SERVERS, _LONGEST_DN, _LONGEST_FILTER = 10, 500, 2_000
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}|[0-9]+(\.[0-9]+)+")
_NO_ATTRIBUTE = frozenset("-–")
_AD = DirectoryKind.ACTIVE_DIRECTORY

_NOT_AN_ATTRIBUTE = _("“%(name)s” isn’t the name of an attribute.")
PASSWORD_NEEDED = _("Enter the password of the service account.")
SECTIONS: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("servers", _("Servers"), ("name", "enabled", "servers", "ca_file", "ca_certificates")),
    ("account", _("Service account"), ("bind_dn", "bind_password")),
    (
        "entries",
        _("People and groups"),
        ("base_dn", "people_filter", "group_base_dn", "group_filter"),
    ),
    (
        "mapping",
        _("Attributes"),
        (*(f"attribute_{name}" for name in ATTRIBUTE_NAMES), "sign_in_attributes"),
    ),
    ("writing", _("Passwords"), ("writeback", "unlocks", "protected_groups")),
    ("sync", _("Synchronisation"), ("sync_every_hours", "brake_percent")),
)
"""Key, heading and fields of each part of the page."""


def _code(rows: int = 0, **attributes: str) -> forms.Widget:
    """A field for text that isn't language."""
    attrs = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off", **attributes}
    return forms.Textarea({**attrs, "rows": rows}) if rows else forms.TextInput(attrs)


class DirectoryForm(forms.Form):
    """All settings of a connection to a directory of one kind.

    Args:
        connection: what is changed; None for a new one.
    """

    name = forms.CharField(
        label=SETTING_NAMES["name"],
        help_text=_("People who have accounts in several directories see this name."),
        max_length=60,
        validators=[one_line],
        error_messages={"required": _("Enter a name")},
    )
    enabled = forms.BooleanField(
        label=SETTING_NAMES["enabled"],
        help_text=_("If this is off, no one can sign in through this directory."),
        required=False,
    )
    servers = forms.CharField(
        label=SETTING_NAMES["servers"],
        help_text=_(
            "One per line, tried in this order: ldaps://dc1.example.com, or ldap://dc1.example.com"
            " for StartTLS. Passwords are never sent without TLS."
        ),
        max_length=4_000,
        error_messages={"required": _("Enter a server")},
        widget=_code(3),
    )
    ca_file = forms.FileField(
        label=_("Add certificates from a file"),
        help_text=_(
            "The root certificate of the authority that issued your servers’ certificates, as PEM"
            " or DER (.pem, .crt, .cer). Not needed for public authorities."
        ),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".pem,.crt,.cer,.der"}),
    )
    ca_certificates = forms.CharField(
        label=SETTING_NAMES["ca_certificates"],
        help_text=_("PEM. If there are any, only these are trusted for this directory."),
        required=False,
        max_length=40_000,
        widget=_code(4),
    )
    bind_dn = forms.CharField(
        label=SETTING_NAMES["bind_dn"],
        max_length=_LONGEST_DN,
        widget=_code(),
        error_messages={"required": _("Enter the service account")},
    )
    bind_password = forms.CharField(
        label=SETTING_NAMES["bind_password"],
        required=False,
        error_messages={"required": PASSWORD_NEEDED},
        strip=False,
        max_length=500,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    base_dn = forms.CharField(
        label=SETTING_NAMES["base_dn"],
        max_length=_LONGEST_DN,
        widget=_code(),
        error_messages={"required": _("Enter a base DN")},
    )
    people_filter = forms.CharField(
        label=SETTING_NAMES["people_filter"],
        required=False,
        max_length=_LONGEST_FILTER,
        widget=_code(2),
    )
    group_base_dn = forms.CharField(
        label=SETTING_NAMES["group_base_dn"],
        help_text=_("If empty, the base DN of people."),
        required=False,
        max_length=_LONGEST_DN,
        widget=_code(),
    )
    group_filter = forms.CharField(
        label=SETTING_NAMES["group_filter"],
        required=False,
        max_length=_LONGEST_FILTER,
        widget=_code(2),
    )
    sign_in_attributes = Lines(
        label=SETTING_NAMES["sign_in_attributes"],
        help_text="",
    )
    writeback = forms.BooleanField(
        label=SETTING_NAMES["writeback"],
        help_text=_(
            "People can reset and change their directory password here. Off: they are told to"
            " contact IT."
        ),
        required=False,
    )
    unlocks = forms.BooleanField(
        label=SETTING_NAMES["unlocks"],
        help_text=_("For people who still know their password."),
        required=False,
    )
    protected_groups = forms.CharField(
        label=SETTING_NAMES["protected_groups"],
        help_text=_(
            "Distinguished names, one per line. Members, including members of nested groups, are"
            " never changed. Always protected: administrators of an Active Directory, admins of"
            " FreeIPA, and the service account. For OpenLDAP and 389 Directory Server, enter every"
            " group with rights over others."
        ),
        required=False,
        max_length=20_000,
        widget=_code(3),
    )
    sync_every_hours = forms.IntegerField(
        label=SETTING_NAMES["sync_every_hours"],
        help_text=_("0: only when you start it."),
        min_value=0,
        max_value=168,
        initial=0,
    )
    brake_percent = forms.IntegerField(
        label=SETTING_NAMES["brake_percent"],
        help_text=_(
            "If a synchronisation would disable a larger share of the people, it waits until you"
            " confirm it."
        ),
        min_value=1,
        max_value=100,
        initial=10,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        files: MultiValueDict[str, UploadedFile] | None,
        *,
        kind: DirectoryKind,
        connection: DirectoryConnection | None,
    ) -> None:
        super().__init__(data, files, initial=_initial(connection))
        self._kind, self._connection = kind, connection
        defaults = KIND_DEFAULTS[kind]
        for name in ("sync_every_hours", "brake_percent"):
            field = self.fields[name]
            assert isinstance(field, forms.IntegerField)
            field.error_messages |= range_errors(field.min_value or 0, field.max_value or 0)
        for name, example in (
            ("base_dn", BASE_EXAMPLES[kind]),
            ("bind_dn", ACCOUNT_EXAMPLES[kind]),
            ("people_filter", FILTER_EXAMPLES[kind]),
            ("group_filter", defaults.group_filter),
            ("sign_in_attributes", ", ".join(defaults.sign_in_attributes)),
        ):
            self.fields[name].help_text = HINTS[name] % {
                "example": example,
                "default": defaults.people_filter,
            }
        self.fields["people_filter"].widget.attrs["placeholder"] = defaults.people_filter
        if connection is None or not connection.bind_password:
            self.fields["bind_password"].required = True
        else:
            self.fields["bind_password"].help_text = _(
                "A password is set. Leave this empty to keep it. Enter it again if you change a"
                " server or the trusted certificates."
            )
        for name, default in defaults.attributes.items():
            self.fields[f"attribute_{name}"] = forms.CharField(
                label=ATTRIBUTE_NAMES[name],
                required=False,
                max_length=64,
                widget=_code(placeholder=default),
            )

    def clean_servers(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["servers"].splitlines()]
        if len(lines) > _MOST_SERVERS:
            raise forms.ValidationError(
                _("Enter up to %(max)s servers."), params={"max": _MOST_SERVERS}
            )
        errors = []
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                host, flaw = server_of(line).host, None
            except BadServer as bad:
                host, flaw = "", bad.flaw
            if is_own_network(host) and not settings.LOCAL_DIRECTORIES:
                flaw = ServerFlaw.OWN_NETWORK
            if flaw is not None:
                errors.append(forms.ValidationError(SERVER_FLAWS[flaw], params={"line": number}))
        if errors:
            raise forms.ValidationError(errors)
        return "\n".join(lines_of("\n".join(lines)))

    def clean_ca_file(self) -> str:
        file: UploadedFile | None = self.cleaned_data["ca_file"]
        return trusted_certificates(file.read()) if file is not None else ""

    def clean_ca_certificates(self) -> str:
        try:
            return trusted_certificates(self.cleaned_data["ca_certificates"].strip().encode())
        except forms.ValidationError:
            # What was typed isn't sent back: it may be a private key.
            self.data = {**self.data, "ca_certificates": ""}
            raise

    def clean_bind_dn(self) -> str:
        typed: str = self.cleaned_data["bind_dn"]
        if self._kind is _AD and "=" not in typed and re.search(r"[^@\\][@\\][^@\\]", typed):
            return typed
        return _dn(typed)

    def clean_base_dn(self) -> str:
        return _dn(self.cleaned_data["base_dn"])

    def clean_group_base_dn(self) -> str:
        typed = self.cleaned_data["group_base_dn"]
        return _dn(typed) if typed else ""

    def clean_people_filter(self) -> str:
        return _filter(self.cleaned_data["people_filter"])

    def clean_group_filter(self) -> str:
        return _filter(self.cleaned_data["group_filter"])

    def clean_sign_in_attributes(self) -> list[str]:
        names: list[str] = self.cleaned_data["sign_in_attributes"]
        for name in names:
            if _ATTRIBUTE.fullmatch(name) is None:
                raise forms.ValidationError(_NOT_AN_ATTRIBUTE, params={"name": name})
        return names

    def clean_protected_groups(self) -> str:
        groups = []
        for number, line in enumerate(lines_of(self.cleaned_data["protected_groups"]), 1):
            if (dn := canonical_dn(line)) is None:
                words = _("Line %(line)s: enter a distinguished name like %(example)s.")
                example = f"CN=Admins,{BASE_EXAMPLES[self._kind]}"
                raise forms.ValidationError(words, params={"line": number, "example": example})
            groups.append(dn)
        return "\n".join(groups)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ATTRIBUTE_NAMES:
            field = f"attribute_{name}"
            typed = cleaned.get(field, "")
            if typed in _NO_ATTRIBUTE and name == "upn":
                self.add_error(field, _("People need a user ID."))
            elif typed and typed not in _NO_ATTRIBUTE and not _ATTRIBUTE.fullmatch(typed):
                self.add_error(field, _NOT_AN_ATTRIBUTE % {"name": typed})
        if {"ca_file", "ca_certificates"} <= cleaned.keys():
            together = (cleaned["ca_certificates"] + cleaned["ca_file"]).encode()
            cleaned["ca_certificates"] = certificates_in(together) if together else ""
        if not cleaned.get("bind_password") and not self.errors and self._needs_password():
            self.add_error("bind_password", PASSWORD_NEEDED)
        return cleaned

    @property
    def settings(self) -> ConnectionSettings:
        """What was entered, once the form is valid."""
        typed = self.cleaned_data
        names = ConnectionSettings.__dataclass_fields__.keys() - {"attributes"}
        defaults = KIND_DEFAULTS[self._kind].attributes
        chosen = {name: typed[f"attribute_{name}"] for name in ATTRIBUTE_NAMES}
        return ConnectionSettings(
            **{name: typed[name] for name in names},
            attributes={
                name: "" if value in _NO_ATTRIBUTE else value
                for name, value in chosen.items()
                if value and value != defaults[name]
            },
        )

    def _needs_password(self) -> bool:
        typed = self.cleaned_data
        return self._connection is not None and needs_password(
            self._connection,
            servers=typed["servers"],
            ca_certificates=typed["ca_certificates"],
        )


def trusted_certificates(data: bytes) -> str:
    """The certificates of a file or a field, as they are stored. Raises `ValidationError`."""
    try:
        return certificates_in(data) if data else ""
    except PrivateKeyInside:
        words = _(
            "There is a private key in it. It wasn’t stored. Enter certificates only, and"
            " replace that key: it should never leave its server."
        )
        raise forms.ValidationError(words) from None
    except NotCertificates:
        raise forms.ValidationError(_("There is no readable certificate in it.")) from None


def _initial(connection: DirectoryConnection | None) -> dict[str, object]:
    if connection is None:
        return {"enabled": True}
    columns = SETTING_NAMES.keys() - {"bind_password", "attributes", "sign_in_attributes"}
    mapped = {f"attribute_{name}": value or "–" for name, value in connection.attributes.items()}
    return {
        **{name: getattr(connection, name) for name in columns},
        **mapped,
        "sign_in_attributes": ", ".join(connection.sign_in_attributes),
    }


def _dn(typed: str) -> str:
    dn = canonical_dn(typed)
    if dn is None or len(dn) > _LONGEST_DN:
        raise forms.ValidationError(
            _("Enter a distinguished name like %(example)s."),
            params={"example": "OU=People,DC=example,DC=com"},
        )
    return dn


def _filter(typed: str) -> str:
    text = " ".join(typed.split("\n")).replace("\r", "").strip()
    if text and not is_filter(text):
        raise forms.ValidationError(
            _("This isn’t a filter. Check its parentheses: every condition is in a pair of them.")
        )
    return text
