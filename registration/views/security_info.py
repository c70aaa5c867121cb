"""The user's list of what is registered, and the settings of sign-in beside it."""

import uuid

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.models import User
from directory.queries import time_zone_of, upn_of
from registration import queries
from registration.forms import DefaultMethodForm
from registration.queries.activity import recent_activity
from registration.rules import RECENT, removal_breaks
from registration.services import manage, second_factor
from registration.views.frame import even_while_frozen, freshly_proved, render, signed_in
from registration.views.rows import listed, shown_rows
from tenants.policy import Method, SecondFactor
from tenants.queries import policy_in_force, tenant_in_force
from tenants.rules import name_of_time_zone
from verification.flow.callers import show_number
from verification.flow.verify import MethodUnavailable
from verification.marks import Stage, not_a_page, open_during, takes_return_to
from verification.methods.options import option_words
from verification.methods.recovery_code import few_left_words
from verification.middleware import return_url
from verification.queries.callers import callers_number
from verification.queries.security_info import security_info_of
from verification.services import browsers
from verification.services.notices import factor_name


@takes_return_to
@open_during(by_pass=True)
@require_safe
@even_while_frozen
def security_info(request: HttpRequest, user: User) -> HttpResponse:
    overview, held = queries.overview_of(user), security_info_of(user.pk)
    left = next((kind.left for kind in held if kind.left is not None), None)
    asks = policy_in_force().sign_in_second_factor is not SecondFactor.OFF
    options = queries.options_at_sign_in(user) if asks else []
    context: dict[str, object] = {
        "held": [listed(kind, overview) for kind in held],
        "few_codes": "" if left is None else few_left_words(left),
        "to_add": [row for row in shown_rows(overview.rows) if row.url and row.addable],
        "events": recent_activity(user, timezone.now()),
        "days": RECENT.days,
        "frozen_at": user.frozen_at,
        "return_url": return_url(request),
        "short": overview.missing,
        "default": option_words(options[0]) if options else None,
        "browsers": browsers.remembered(user),
        **_preferences(user),
    }
    return render(request, "registration/security_info.html", context)


def _preferences(user: User) -> dict[str, object]:
    tenant, here = tenant_in_force(), get_language() or "en"
    code = user.preferred_language or tenant.language
    zones = (time_zone_of(user), tenant.time_zone)
    zone, usual = (name_of_time_zone(each, here) for each in zones)
    return {
        "language": get_language_info(code)["name_local"],
        "time_zone": zone,
        "tenant_zone": "" if zone == usual else usual,
    }


@freshly_proved
def remove(request: HttpRequest, user: User, key: str) -> HttpResponse:
    """Says what the user loses by it, and asks."""
    kind = next((one for one in security_info_of(user.pk) if one.key == key), None)
    if kind is None:
        raise Http404
    name = factor_name(kind.factor)
    if request.method == "POST":
        manage.remove(user, kind.factor, kind.pk if kind.factor.is_device else None)
        messages.success(request, _("Method removed: %(method)s") % {"method": name})
        return redirect("registration:security-info")
    overview = queries.overview_of(user)
    is_last = sum(one.factor is kind.factor for one in security_info_of(user.pk)) == 1
    breaks = is_last and removal_breaks(overview.required, overview.counted, kind.factor)
    context = {"name": name, "kind": listed(kind, overview), "breaks": breaks}
    return render(request, "registration/remove.html", context)


@open_during(Stage.REGISTER)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def caller(request: HttpRequest, user: User) -> HttpResponse:
    """Shows a number to read to the helpdesk on the telephone, and who waits for it.

    A password alone isn't enough where more is registered. An access pass never is: staff who
    issued it could use the number to pass for the user.
    """
    check = show_number(user) if request.method == "POST" else None
    context = {
        "number": callers_number(check) if check else "",
        "agent": upn_of(check.agent_id) if check else "",
        "asked": request.method == "POST",
    }
    return render(request, "registration/caller.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def default_method(request: HttpRequest, user: User) -> HttpResponse:
    """What sign-in asks for first. Every other method stays available."""
    form = DefaultMethodForm(
        request.POST or None,
        options=queries.options_at_sign_in(user),
        chosen=user.default_sign_in_method,
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
    """Stops remembering a browser. That needs no proof, as it only takes trust away."""
    if browsers.remove(user, browser_id):
        messages.success(request, _("The browser is no longer remembered."))
    return redirect("registration:security-info")


@not_a_page
@open_during(by_pass=True)
@require_POST
@even_while_frozen
def sign_out_everywhere(request: HttpRequest, user: User) -> HttpResponse:
    """Ends every session of this user but this one."""
    manage.sign_out_everywhere(user)
    update_session_auth_hash(request, user)
    messages.success(request, _("You were signed out everywhere else."))
    return redirect("registration:security-info")
