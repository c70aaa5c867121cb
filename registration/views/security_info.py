"""The list of what is registered, and taking something off it."""

import uuid

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from directory.models import User
from registration import queries
from registration.queries.activity import newest_events
from registration.rules import RECENT, removal_breaks
from registration.services import manage
from registration.views import happenings
from registration.views.frame import even_while_frozen, freshly_proved, not_a_page, render
from registration.views.rows import listed, shown_rows
from tenants.policy import Factor, SecondFactor
from tenants.queries import policy_in_force
from verification.methods.options import option_words
from verification.methods.recovery_code import few_left_words
from verification.middleware import return_url
from verification.services import browsers
from verification.services.notices import proof_name


@require_safe
@even_while_frozen
def security_info(request: HttpRequest, user: User) -> HttpResponse:
    overview, held = queries.overview_of(user), queries.registered(user)
    left = next((kind.left for kind in held if kind.left is not None), None)
    context: dict[str, object] = {
        "held": [listed(kind, overview) for kind in held],
        "few_codes": "" if left is None else few_left_words(left),
        "to_add": [row for row in shown_rows(overview.rows) if row.url and row.addable],
        "events": happenings.told(newest_events(user, timezone.now())),
        "days": RECENT.days,
        "frozen_at": user.frozen_at,
        "return_url": return_url(request),
        "short": overview.missing,
        "default": _default(user),
        "browsers": browsers.remembered(user),
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
        if kind.proof is Factor.AUTHENTICATOR:
            manage.remove_app(user, uuid.UUID(key))
        elif kind.proof is Factor.PASSKEY:
            manage.remove_passkey(user, uuid.UUID(key))
        elif kind.proof is Factor.RECOVERY_CODE:
            manage.remove_recovery_codes(user)
        else:
            manage.remove(user, kind.proof)
        messages.success(request, _("%(method)s was removed") % {"method": name})
        return redirect("registration:security-info")
    overview = queries.overview_of(user)
    is_last = sum(one.proof is kind.proof for one in queries.registered(user)) == 1
    breaks = is_last and removal_breaks(overview.required, overview.counted, kind.proof)
    context = {"name": name, "kind": listed(kind, overview), "breaks": breaks}
    return render(request, "registration/remove.html", context)


@not_a_page
@require_POST
@even_while_frozen
def sign_out_everywhere(request: HttpRequest, user: User) -> HttpResponse:
    """Every session of this person ends but this one."""
    manage.sign_out_everywhere(user)
    update_session_auth_hash(request, user)
    messages.success(request, _("You were signed out everywhere else."))
    return redirect("registration:security-info")


def _default(user: User) -> SafeString | None:
    """What sign-in asks for first, if it asks for anything."""
    if policy_in_force().sign_in_second_factor is SecondFactor.OFF:
        return None
    ways = queries.options_at_sign_in(user)
    return option_words(ways[0]) if ways else None
