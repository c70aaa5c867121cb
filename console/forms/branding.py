"""How an organisation looks, as a form."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from delivery.rules.phones import NotAPhone, check_help_line
from registration.forms import phone_words
from tenants.branding import is_colour
from tenants.rules import NotADomain, domain_name

_LONGEST_HELP = 500


def one_line(text: str) -> None:
    """A name is a part of subjects and senders, which end where a line does."""
    if not text.isprintable():
        raise forms.ValidationError(_("Use only letters, digits and common symbols."))


class BrandingForm(forms.Form):
    colour = forms.CharField(
        label=_("Brand colour"),
        help_text=_(
            "Like #1b4fc4. We make it darker on light pages and lighter on dark pages "
            "until text in it is easy to read."
        ),
        max_length=7,
        required=False,
    )
    logo = forms.FileField(
        label=_("Logo"),
        help_text=_("PNG, JPEG, WebP or GIF, up to 1 MB. We convert it to a small PNG."),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )
    without_logo = forms.BooleanField(label=_("Remove the logo"), required=False)
    name_en = forms.CharField(
        label=_("Name in English"), max_length=100, required=False, validators=[one_line]
    )
    name_ko = forms.CharField(
        label=_("Name in Korean"), max_length=100, required=False, validators=[one_line]
    )
    help_en = forms.CharField(
        label=_("Help text in English"),
        help_text=_("Plain text, shown at the bottom of the portal’s pages."),
        max_length=_LONGEST_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    help_ko = forms.CharField(
        label=_("Help text in Korean"),
        max_length=_LONGEST_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    help_phone = forms.CharField(label=_("Phone number for help"), max_length=40, required=False)
    help_url = forms.CharField(
        label=_("Web page for help"),
        help_text=_("Must begin with https://"),
        max_length=300,
        required=False,
    )
    portal_host = forms.CharField(
        label=_("Host name of your portal"),
        help_text=_(
            "Like password.example.com. It must point to this service and have a "
            "certificate. Only people in your organisation can use it."
        ),
        max_length=253,
        required=False,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        files: MultiValueDict[str, UploadedFile] | None,
        *,
        initial: Mapping[str, str],
        country: str,
    ) -> None:
        super().__init__(data, files, initial=dict(initial))
        self._country = country

    def clean_colour(self) -> str:
        colour: str = self.cleaned_data["colour"].strip().lower()
        if colour and not is_colour(colour):
            raise forms.ValidationError(_("Enter a colour like #1b4fc4."))
        return colour

    def clean_help_phone(self) -> str:
        typed: str = self.cleaned_data["help_phone"]
        # What was saved before there was a rule stays until somebody changes it.
        if not typed or "help_phone" not in self.changed_data:
            return typed
        try:
            check_help_line(typed, region=self._country)
        except NotAPhone as refused:
            raise forms.ValidationError(phone_words(refused, self._country)) from None
        return typed

    def clean_help_url(self) -> str:
        url: str = self.cleaned_data["help_url"].strip()
        try:
            parts = urlsplit(url)
            is_page = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        except ValueError:
            is_page = False
        if url and (not is_page or not url.isprintable() or " " in url):
            raise forms.ValidationError(_("Enter a web address that begins with https://"))
        return url

    def clean_portal_host(self) -> str:
        typed: str = self.cleaned_data["portal_host"].strip()
        if not typed:
            return ""
        try:
            host = domain_name(typed)
        except NotADomain:
            raise forms.ValidationError(_("Enter a host name like password.example.com.")) from None
        if host in settings.OWN_HOSTS:
            raise forms.ValidationError(_("This is the service’s own host name."))
        return host

    def clean_logo(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["logo"]
        return file

    def texts(self, kind: str) -> dict[str, str]:
        """Language → text, where there is one."""
        found: dict[str, Any] = {code: self.cleaned_data[f"{kind}_{code}"] for code in ("en", "ko")}
        return {code: " ".join(text.split("\r")).strip() for code, text in found.items() if text}
