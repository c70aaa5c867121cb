"""A number for somebody who is on the telephone with the helpdesk."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from directory.models import User
from directory.queries import upn_of
from registration.views.frame import freshly_proved, render
from verification.flow.callers import show_number
from verification.queries.callers import callers_number


@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def caller(request: HttpRequest, user: User) -> HttpResponse:
    """Shows the number when asked to, and who at the helpdesk waits for it.

    A password alone isn't enough where more is registered: whoever stole it would be vouched for.
    """
    check = show_number(user) if request.method == "POST" else None
    context = {
        "number": callers_number(check) if check else "",
        "agent": upn_of(check.agent_id) if check else "",
        "asked": request.method == "POST",
    }
    return render(request, "registration/caller.html", context)
