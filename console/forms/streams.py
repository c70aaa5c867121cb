"""Where the audit log is sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import Stream, StreamKind
from console.forms.directories import trusted_certificates
from console.forms.fields import one_line
from delivery.channels.siem import StreamFailure, host_and_port, is_allowed

KIND_NAMES: Mapping[str, Promise] = {
    StreamKind.SYSLOG: _("Syslog server (TLS)"),
    StreamKind.WEBHOOK: _("Webhook (HTTPS)"),
}
FAILURES: Mapping[str, Promise] = {
    StreamFailure.PRIVATE_ADDRESS: _(
        "The name leads to a private address, which the operator of the service has to allow."
    ),
    StreamFailure.UNREACHABLE: _("It can’t be reached."),
    StreamFailure.TIMED_OUT: _("It doesn’t answer in time."),
    StreamFailure.CERTIFICATE: _("Its certificate isn’t trusted, or it doesn’t speak TLS."),
    StreamFailure.NOT_ACKNOWLEDGED: _(
        "It closed the connection without confirming that it read everything."
    ),
    StreamFailure.REDIRECTED: _("It redirects to another address. Enter that address here."),
    StreamFailure.REFUSED: _("It refused the records: its answer wasn’t a success (2xx)."),
}
_PRIVATE = _("This is a private address, which the operator of the service has to allow.")


class StreamForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60, validators=[one_line])
    address = forms.CharField(label=_("Address"), max_length=500)
    enabled = forms.BooleanField(label=_("Send records"), required=False, initial=True)
    from_beginning = forms.BooleanField(
        label=_("Begin with the first record that is kept"),
        help_text=_("If not selected, it begins with the next record."),
        required=False,
    )
    ca_file = forms.FileField(
        label=_("Add certificates from a file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput({"accept": ".pem,.crt,.cer,.der"}),
    )
    ca_certificates = forms.CharField(
        label=_("Trusted certificates"),
        help_text=_(
            "PEM, of the authority that issued its certificate. If there are any, only these are "
            "trusted. Not needed for public authorities."
        ),
        required=False,
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        files: MultiValueDict[str, UploadedFile] | None,
        *,
        stream: Stream,
    ) -> None:
        names = ("name", "address", "enabled", "ca_certificates")
        super().__init__(data, files, initial={name: getattr(stream, name) for name in names})
        self._kind = stream.kind
        self.fields["address"].help_text = (
            _("Like https://siem.example.com/audit.")
            if self._kind == StreamKind.WEBHOOK
            else _("Host and port, like siem.example.com:6514.")
        )
        if stream.pk is not None:
            del self.fields["from_beginning"]

    def clean_address(self) -> str:
        typed: str = self.cleaned_data["address"]
        refused = forms.ValidationError(self.fields["address"].help_text)
        if not typed.isascii() or not typed.isprintable() or " " in typed:
            raise refused
        try:
            if self._kind == StreamKind.WEBHOOK:
                parts = urlsplit(typed)
                host, _port = parts.hostname or "", parts.port
                if parts.scheme != "https" or "@" in parts.netloc or parts.fragment or not host:
                    raise refused
            else:
                host, _port = host_and_port(typed)
        except ValueError:
            raise refused from None
        try:
            allowed = is_allowed(host, host)
        except ValueError:
            # A name: what it leads to is checked each time before anything is sent.
            allowed = True
        if not allowed:
            raise forms.ValidationError(_PRIVATE)
        return typed

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

    def apply_to(self, stream: Stream) -> Stream:
        typed = self.cleaned_data
        stream.name, stream.address = typed["name"], typed["address"]
        stream.enabled = typed["enabled"]
        together = (typed["ca_certificates"] + typed["ca_file"]).encode()
        stream.ca_certificates = trusted_certificates(together)
        return stream
