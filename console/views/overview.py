"""The first page of the admin: what is left to do, and how things are."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from console.queries import overview as queries
from console.views.frame import page, shown
from directory.models import User
from tenants.roles import Duty

_STEPS = {
    "mfa": gettext_lazy("Protect your own account with a second factor"),
    "domain": gettext_lazy("Add your domains"),
    "people": gettext_lazy("Bring in your people"),
    "methods": gettext_lazy("Choose methods and how many are needed"),
    "helpdesk": gettext_lazy("Say where people get help"),
    "delivery": gettext_lazy("Send a test email and a test text"),
    "pilot": gettext_lazy("Turn it on for a pilot group"),
    "test": gettext_lazy("Try it yourself with a test user"),
    "everyone": gettext_lazy("Turn it on for everyone"),
}
_KINDS = {
    "email": gettext_lazy("Emails"),
    "text": gettext_lazy("Text messages"),
    "call": gettext_lazy("Calls"),
}


@require_safe
@page(None)
def overview(request: HttpRequest, user: User) -> HttpResponse:
    context: dict[str, object] = {"title": _("Overview"), "as_of": timezone.now()}
    if user.is_trusted_with(Duty.SET_POLICY):
        steps = queries.first_steps()
        context |= {
            "steps": [(step, _STEPS[step.name]) for step in steps],
            "steps_done": sum(step.done for step in steps),
        }
    if user.is_trusted_with(Duty.READ_REPORTS):
        context |= {
            "reach": queries.reach(),
            "resets": queries.resets_of_the_week(),
            "deliveries": [(_KINDS[one.kind], one) for one in queries.deliveries_of_the_week()],
        }
    return shown(request, "console/overview.html", context)
