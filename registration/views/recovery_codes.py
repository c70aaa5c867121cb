"""Recovery codes: made by a click, shown once, in force when they are said to be saved."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from directory.models import User
from registration.forms import SavedForm
from registration.services import enrol
from registration.views.done import registered
from registration.views.frame import context_of, render
from registration.views.methods import offered
from tenants.policy import Factor
from verification.marks import not_a_page
from verification.queries import recovery_set_of
from verification.rules.recovery_codes import grouped
from verification.services import recovery_codes


@offered
def show(request: HttpRequest, user: User, _factor: Factor) -> HttpResponse:
    """Opening the page makes nothing; the answer to the click is the only page with the codes."""
    if request.method != "POST":
        context: dict[str, object] = {"held": recovery_set_of(user.pk) is not None}
        return render(request, "registration/recovery_codes.html", context)
    codes = recovery_codes.new_set(user, context_of(request))
    return _with_codes(request, codes, SavedForm(initial={"codes": " ".join(codes)}))


@not_a_page
@offered
def save(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    if request.method != "POST":
        # Back, or a reload.
        return redirect("registration:recovery-codes")
    form, context = SavedForm(request.POST), context_of(request)
    if not recovery_codes.is_waiting(user, context, form.shown):
        return _too_late(request)
    if not form.is_valid():
        return _with_codes(request, form.shown, form)
    if not enrol.save_recovery_codes(user, context):
        return _too_late(request)
    return registered(request, user, factor)


def _with_codes(request: HttpRequest, codes: list[str], form: SavedForm) -> HttpResponse:
    context = {"form": form, "shown": [grouped(code) for code in codes]}
    return render(request, "registration/recovery_codes_new.html", context)


def _too_late(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("These codes were not activated. Create a new set."))
    return redirect("registration:recovery-codes")
