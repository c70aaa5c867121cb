"""The wizard of registration, and the page that asks whether all is still correct."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.models import User
from registration import queries
from registration.rules import Interrupt, Status
from registration.services import enrol, interrupts
from registration.stages import requested_url
from registration.views.frame import open_while_registering, render, signed_in
from registration.views.rows import listed, shown_rows
from tenants.queries import public_url
from verification.marks import not_a_page, open_during, takes_return_to
from verification.middleware import return_url
from verification.session import Session


@takes_return_to
@open_while_registering
@signed_in
def setup(request: HttpRequest, user: User) -> HttpResponse:
    """Shows what is ready and what is missing. It can be finished when nothing is missing."""
    overview = queries.overview_of(user)
    later_url = requested_url(Session(request.session))
    if not overview.rows or not (overview.in_scope or overview.second_factor_due):
        context: dict[str, object] = {
            "overview": overview,
            "later_url": later_url,
            "return_url": return_url(request),
        }
        return render(request, "registration/nothing.html", context)
    problem = ""
    if request.method == "POST":
        if enrol.finish(user):
            return redirect("registration:setup-done")
        problem = _problem(overview)
    now = timezone.now()
    due = queries.interrupt_of(user, now)
    is_due = due is Interrupt.REGISTER
    # A second phone beside the first is no step of the wizard: it's added on the list.
    rows = [
        row
        for row in overview.rows
        if row.factor.gate is row.factor or row.status is not Status.MISSING
    ]
    context = {
        "overview": overview,
        "rows": [row for row in shown_rows(rows) if not (is_due and row.counts)],
        "problem": problem,
        "to_confirm": [listed(kind, overview) for kind in queries.confirmable(user)],
        "is_due": is_due,
        "is_stuck": due is Interrupt.STUCK,
        "is_asked_again": user.must_register_at is not None,
        "days": queries.skip_days_of(user, now),
        "later_url": later_url,
    }
    return render(request, "registration/setup.html", context, problems=("problem",))


@require_safe
@signed_in
def done(request: HttpRequest, user: User) -> HttpResponse:
    overview, next_url = queries.overview_of(user), requested_url(Session(request.session))
    if overview.missing or overview.second_factor_due:
        return redirect("registration:setup")
    if not overview.in_scope:
        # What was registered is for sign-in only; the page speaks of resets.
        return redirect(next_url)
    context = {
        "overview": overview,
        "rows": [row for row in shown_rows(overview.rows) if row.counts],
        "reset_url": public_url(reverse("reset:identify")),
        "title": _("You’re all set"),
        "next_url": next_url,
        "return_url": return_url(request),
    }
    return render(request, "registration/done.html", context)


@not_a_page
@require_POST
@signed_in
def put_off(request: HttpRequest, user: User) -> HttpResponse:
    """Skips registration for now. After the last day this leads back to the wizard."""
    if not interrupts.put_off(user):
        return redirect("registration:setup")
    return redirect(requested_url(Session(request.session)))


@open_during(by_pass=True)
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def reconfirm(request: HttpRequest, user: User) -> HttpResponse:
    """Asks whether what is registered is still correct, if that is due."""
    next_url = requested_url(Session(request.session))
    if queries.interrupt_of(user, timezone.now()) is not Interrupt.RECONFIRM:
        return redirect(next_url)
    if request.method == "POST":
        interrupts.reconfirm(user)
        return redirect(next_url)
    rows = shown_rows(queries.overview_of(user).rows)
    context: dict[str, object] = {
        "rows": [row for row in rows if row.counts or row.ready],
        "checked_at": queries.checked_at(user),
    }
    return render(request, "registration/reconfirm.html", context)


def _problem(overview: queries.Overview) -> str:
    if overview.second_factor_due and not overview.missing:
        return _("You need one of these methods to sign in")
    if not overview.missing:
        return _("Confirm each of your methods before you finish")
    return ngettext(
        "You need %(missing)s more before you can finish",
        "You need %(missing)s more before you can finish",
        overview.missing,
    ) % {"missing": overview.missing}
