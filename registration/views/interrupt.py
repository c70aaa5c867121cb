"""What a sign-in asks before it leads on, and the answers "not now" and "looks good"."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from directory.models import User
from registration import queries
from registration.rules import Interrupt
from registration.services import interrupts
from registration.views.frame import not_a_page, render, signed_in
from registration.views.onward import destination
from registration.views.rows import shown_rows


@not_a_page
@require_POST
@signed_in
def put_off(request: HttpRequest, user: User) -> HttpResponse:
    """Not now. After the last day this leads back to what is missing."""
    if not interrupts.put_off(user):
        return redirect("registration:setup")
    return redirect(destination(request))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def reconfirm(request: HttpRequest, user: User) -> HttpResponse:
    if queries.interrupt_of(user, timezone.now()) is not Interrupt.RECONFIRM:
        return redirect(destination(request))
    if request.method == "POST":
        interrupts.reconfirm(user)
        return redirect(destination(request))
    overview = queries.overview_of(user)
    context: dict[str, object] = {
        "rows": [row for row in shown_rows(overview.rows) if row.counts or row.ready],
        "checked_at": queries.checked_at(user),
    }
    return render(request, "registration/reconfirm.html", context)
