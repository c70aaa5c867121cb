"""The wizard: what is ready, what is to be confirmed, what is missing."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from directory.models import User
from registration import queries
from registration.rules import Interrupt, Row, Status
from registration.services import enrol
from registration.views.frame import render, signed_in
from registration.views.onward import destination
from registration.views.rows import listed, shown_rows
from tenants.queries import public_url
from verification.middleware import return_url


@signed_in
def setup(request: HttpRequest, user: User) -> HttpResponse:
    """Finishing needs enough; as long as it isn't, the page says how much is missing."""
    overview = queries.overview_of(user)
    later_url = destination(request)
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
    context = {
        "overview": overview,
        "rows": [row for row in shown_rows(_asked(overview)) if not (is_due and row.counts)],
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
    overview = queries.overview_of(user)
    if overview.missing or overview.second_factor_due:
        return redirect("registration:setup")
    if not overview.in_scope:
        # What was registered is for signing in; nothing is to be said about resets.
        return redirect(destination(request))
    context = {
        "overview": overview,
        "rows": [row for row in shown_rows(overview.rows) if row.counts],
        "reset_url": public_url(reverse("reset:identify")),
        "title": _("You’re all set"),
        "next_url": destination(request),
        "return_url": return_url(request),
    }
    return render(request, "registration/done.html", context)


def _asked(overview: queries.Overview) -> list[Row]:
    """A second phone to the first is nothing to get ready with: it's added on the list."""
    return [
        row
        for row in overview.rows
        if row.proof.gate is row.proof or row.status is not Status.MISSING
    ]


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
