"""The language and the time zone that a user chooses."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import get_language, get_language_info, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from directory.models import User
from registration.services.manage import choose_preferences
from registration.views.frame import render, signed_in
from tenants.models import Tenant
from tenants.queries import tenant_in_force
from tenants.rules import name_of_time_zone, named_time_zones
from verification.middleware import store_language
from verification.session import Session

_USUAL = "usual"
"""The choice of what the organisation uses."""


class PreferencesForm(forms.Form):
    """The user's own language and time zone, or those of the organisation."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language of pages and messages"),
        error_messages={
            "invalid_choice": gettext_lazy("Select a language"),
            "required": gettext_lazy("Select a language"),
        },
        widget=forms.RadioSelect,
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        error_messages={
            "invalid_choice": gettext_lazy("Select a time zone"),
            "required": gettext_lazy("Select a time zone"),
        },
    )

    def __init__(self, data: Mapping[str, Any] | None, *, user: User, tenant: Tenant) -> None:
        super().__init__(
            data,
            initial={
                "language": user.own_language or _USUAL,
                "time_zone": user.own_time_zone or _USUAL,
            },
        )
        here = get_language() or "en"
        names = {code: get_language_info(code)["name_local"] for code, _name in settings.LANGUAGES}
        usual = names.get(user.language or tenant.language, tenant.language)
        language, time_zone = self.fields["language"], self.fields["time_zone"]
        assert isinstance(language, forms.ChoiceField)
        assert isinstance(time_zone, forms.ChoiceField)
        language.choices = [
            (_USUAL, _("Organisation: %(value)s") % {"value": usual}),
            *names.items(),
        ]
        zone = name_of_time_zone(tenant.time_zone, here)
        time_zone.choices = [
            (_USUAL, _("Organisation: %(value)s") % {"value": zone}),
            *named_time_zones(here),
        ]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def preferences(request: HttpRequest, user: User) -> HttpResponse:
    """Needs no fresh proof: it decides how things are said and shown, not who may do them."""
    form = PreferencesForm(request.POST or None, user=user, tenant=tenant_in_force())
    if not form.is_valid():
        return render(request, "registration/preferences.html", {"form": form})
    chosen = {name: "" if value == _USUAL else value for name, value in form.cleaned_data.items()}
    choose_preferences(user, **chosen)
    language = user.preferred_language or tenant_in_force().language
    Session(request.session).language = language
    with translation.override(language):
        messages.success(request, _("Your language and time zone were saved."))
    response = redirect("registration:security-info")
    store_language(response, language)
    return response
