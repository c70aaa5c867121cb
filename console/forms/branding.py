"""The look of an organisation."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from console.forms.fields import one_line
from delivery.rules.phones import NotAPhone, check_help_line
from registration.forms import phone_words
from tenants.branding import is_colour
from tenants.models import Branding
from tenants.rules import NotADomain, domain_name
from tenants.services.branding import Look, NotAPicture, redraw_logo

_LONGEST_HELP, _LANGUAGES = 500, ("en", "ko")
NOT_A_LOGO = _("Use a PNG, JPEG, WebP or GIF picture of up to 1 MB.")


class BrandingForm(forms.Form):
    colour = forms.CharField(
        label=_("Brand colour"),
        help_text=_(
            "Like #1b4fc4. We make it darker on light pages and lighter on dark pages"
            " until text in it is easy to read."
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
            "Like password.example.com. It must point to this service and have a"
            " certificate. Only people in your organisation can use it."
        ),
        max_length=253,
        required=False,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        files: MultiValueDict[str, UploadedFile] | None,
        *,
        branding: Branding,
        country: str,
    ) -> None:
        names = ("colour", "help_phone", "help_url", "portal_host")
        initial = {name: getattr(branding, name) for name in names}
        for language in _LANGUAGES:
            initial[f"name_{language}"] = branding.names.get(language, "")
            initial[f"help_{language}"] = branding.help_texts.get(language, "")
        super().__init__(data, files, initial=initial)
        self._country = country

    def clean_colour(self) -> str:
        colour: str = self.cleaned_data["colour"].strip().lower()
        if colour and not is_colour(colour):
            raise forms.ValidationError(_("Enter a colour like #1b4fc4."))
        return colour

    def clean_help_phone(self) -> str:
        typed: str = self.cleaned_data["help_phone"]
        # A number that was saved before today's rules stays until it is changed.
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

    def clean_logo(self) -> bytes | None:
        file: UploadedFile | None = self.cleaned_data["logo"]
        if file is None or file.file is None:
            return None
        try:
            return redraw_logo(file.file)
        except NotAPicture:
            raise forms.ValidationError(NOT_A_LOGO) from None

    def look(self) -> Look:
        """What was entered, once the form is valid."""
        entered = self.cleaned_data
        return Look(
            colour=entered["colour"],
            names=self._texts("name"),
            help_texts=self._texts("help"),
            help_phone=entered["help_phone"],
            help_url=entered["help_url"],
            portal_host=entered["portal_host"] or None,
            logo=b"" if entered["without_logo"] else entered["logo"],
        )

    def _texts(self, kind: str) -> dict[str, str]:
        """Language → text, where there is one."""
        texts = {code: self.cleaned_data[f"{kind}_{code}"] for code in _LANGUAGES}
        return {code: " ".join(text.split("\r")).strip() for code, text in texts.items() if text}
