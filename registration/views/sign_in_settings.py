"""How somebody wants to sign in: what is asked for first, and the browsers that are remembered."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from directory.models import User
from registration.forms import DefaultMethodForm
from registration.queries import options_at_sign_in
from registration.services import second_factor
from registration.views.frame import freshly_proved, not_a_page, render, signed_in
from tenants.policy import Method
from verification.flow.verify import MethodUnavailable
from verification.services import browsers


@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def default_method(request: HttpRequest, user: User) -> HttpResponse:
    """What sign-in asks for first. Every other way stays open."""
    form = DefaultMethodForm(
        request.POST or None, ways=options_at_sign_in(user), chosen=user.default_sign_in_method
    )
    if form.is_valid():
        method = form.cleaned_data["method"]
        try:
            second_factor.choose_default(user, Method(method) if method else None)
        except MethodUnavailable:
            return redirect("registration:default-method")
        messages.success(request, _("Your default sign-in method was changed."))
        return redirect("registration:security-info")
    return render(request, "registration/default_method.html", {"form": form})


@not_a_page
@require_POST
@signed_in
def forget_browser(request: HttpRequest, user: User, browser_id: uuid.UUID) -> HttpResponse:
    """Less trust needs no proof: whoever is signed in may take a browser off the list."""
    if browsers.forget(user, browser_id):
        messages.success(request, _("The browser is not remembered any more."))
    return redirect("registration:security-info")
