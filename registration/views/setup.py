"""The wizard: what is ready, what is to be confirmed, what is missing."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from directory.models import User
from registration import queries
from registration.services import enrol
from registration.views.frame import render, signed_in
from registration.views.rows import shown_rows


@signed_in
def setup(request: HttpRequest, user: User) -> HttpResponse:
    """Finishing needs enough; as long as it isn't, the page says how much is missing."""
    overview = queries.overview_of(user)
    if not overview.rows or not (overview.in_scope or overview.second_factor_due):
        return render(request, "registration/nothing.html", {"overview": overview})
    problem = ""
    if request.method == "POST":
        if enrol.finish(user):
            return redirect("registration:setup-done")
        problem = _why_not_finished(overview)
    context = {
        "overview": overview,
        "rows": shown_rows(overview.rows),
        "problem": problem,
    }
    return render(request, "registration/setup.html", context)


@require_safe
@signed_in
def done(request: HttpRequest, user: User) -> HttpResponse:
    overview = queries.overview_of(user)
    if overview.missing or overview.second_factor_due:
        return redirect("registration:setup")
    if not overview.in_scope:
        # What was registered is for signing in; nothing is to be said about resets.
        return redirect("registration:security-info")
    context = {
        "overview": overview,
        "rows": [row for row in shown_rows(overview.rows) if row.counts],
        "reset_url": f"{settings.BASE_URL}{reverse('reset:identify')}",
        "title": _("You’re all set"),
    }
    return render(request, "registration/done.html", context)


def _why_not_finished(overview: queries.Overview) -> str:
    if not overview.missing:
        return _("You need one of these methods to sign in")
    return ngettext(
        "You need %(missing)s more before you can finish",
        "You need %(missing)s more before you can finish",
        overview.missing,
    ) % {"missing": overview.missing}
