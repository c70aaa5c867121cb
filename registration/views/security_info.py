"""The list of what is registered, and taking something off it."""

import uuid

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from directory.models import User
from registration import queries
from registration.rules import removal_breaks
from registration.services import manage
from registration.views.frame import freshly_proved, render, signed_in
from registration.views.onward import way_out
from registration.views.rows import listed, shown_rows
from tenants.policy import Proof
from verification.services.notices import proof_name


@require_safe
@signed_in
def security_info(request: HttpRequest, user: User) -> HttpResponse:
    overview = queries.overview_of(user)
    context = {
        "held": [listed(kind, overview) for kind in queries.registered(user)],
        "to_add": [row for row in shown_rows(overview.rows) if row.url and row.addable],
        "way_out": way_out(request),
        "short": overview.missing if overview.in_scope else 0,
    }
    return render(request, "registration/security_info.html", context)


@freshly_proved
def remove(request: HttpRequest, user: User, key: str) -> HttpResponse:
    """Says what it costs, and asks; the answer is a POST."""
    kind = next((one for one in queries.registered(user) if one.key == key), None)
    if kind is None:
        raise Http404
    name = proof_name(kind.proof)
    if request.method == "POST":
        if kind.proof is Proof.AUTHENTICATOR:
            manage.remove_app(user, uuid.UUID(key))
        else:
            manage.remove(user, kind.proof)
        messages.success(request, _("%(method)s was removed") % {"method": name})
        return redirect("registration:security-info")
    overview = queries.overview_of(user)
    is_last = sum(one.proof is kind.proof for one in queries.registered(user)) == 1
    breaks = is_last and removal_breaks(overview.required, overview.counted, kind.proof)
    context = {"name": name, "kind": listed(kind, overview), "breaks": breaks}
    return render(request, "registration/remove.html", context)


@require_POST
@signed_in
def sign_out_everywhere(request: HttpRequest, user: User) -> HttpResponse:
    """Every session of this person ends but this one."""
    manage.sign_out_everywhere(user)
    update_session_auth_hash(request, user)
    messages.success(request, _("You were signed out everywhere else."))
    return redirect("registration:security-info")
