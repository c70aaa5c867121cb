"""Making a passkey. The browser does it; this page asks, and judges what comes back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from directory.models import User
from registration.services import enrol
from registration.views.done import registered
from registration.views.frame import context_of, render
from registration.views.methods import offered
from tenants.policy import Factor
from tenants.queries import short_name
from verification.methods.base import TooManyDevices
from verification.methods.passkey import NewPasskeyForm, challenge_to_register, passkey_words
from verification.rules.verdicts import Verdict
from verification.services.passkeys import creation_options
from verification.views import site_of


@offered
def add(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    context_id, site = context_of(request), site_of(request)
    form = NewPasskeyForm(request.POST or None)
    if form.is_valid():
        made, name = form.cleaned_data["credential"], form.cleaned_data["name"]
        answered = enrol.save_passkey(user, context_id, made, site, name=name)
        if answered.verdict is Verdict.RIGHT:
            return registered(request, user, factor)
        form.add_error(None, passkey_words(answered))
    try:
        challenge = challenge_to_register(user, context_id)
    except TooManyDevices as refusal:
        words = _("You can register up to %(max)s passkeys. Remove one first.")
        messages.warning(request, words % {"max": refusal.most})
        return redirect("registration:security-info")
    options = creation_options(user, challenge, site, rp_name=short_name())
    return render(request, "registration/passkey_new.html", {"form": form, "options": options})
