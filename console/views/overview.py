"""The first page of the admin: what is left to do, and how things are."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from audit.activities import Activity
from console.queries import overview as queries
from console.rules import State
from console.views.frame import page, shown
from directory.models import User
from tenants.roles import Permission

_STEPS: dict[str, tuple[Promise, str, str]] = {
    "mfa": (
        gettext_lazy("Protect your own account with a second factor"),
        "console:second-factor",
        "",
    ),
    "people": (gettext_lazy("Import your people"), "console:imports", ""),
    "methods": (
        gettext_lazy("Choose methods and how many are required"),
        "console:policy",
        "#methods",
    ),
    "helpdesk": (gettext_lazy("Enter where people get help"), "console:policy", "#customisation"),
    "delivery": (gettext_lazy("Send a test email"), "console:texts", ""),
    "pilot": (gettext_lazy("Turn it on for a pilot group"), "console:policy", "#properties"),
    "test": (gettext_lazy("Try it yourself with a test user"), "console:people", ""),
    "everyone": (gettext_lazy("Turn it on for everyone"), "console:policy", "#properties"),
}
"""What each is called, and where it's done: a page, and the part of it."""

_KINDS = {
    "email": gettext_lazy("Emails"),
    "text": gettext_lazy("Text messages"),
    "call": gettext_lazy("Calls"),
}


@require_safe
@page(None)
def overview(request: HttpRequest, user: User) -> HttpResponse:
    context: dict[str, object] = {
        "title": _("Overview"),
        "as_of": timezone.now(),
        "may_search": user.has_permission(Permission.SEE_PEOPLE),
        "may_read_audit": user.has_permission(Permission.READ_AUDIT),
    }
    if user.has_permission(Permission.SET_POLICY):
        steps = queries.first_steps()
        context |= {
            "steps": [_shown(step) for step in steps],
            "steps_done": sum(step.done for step in steps),
        }
    if user.has_permission(Permission.READ_REPORTS):
        context |= {
            "reach": queries.reach(),
            "resets": queries.resets_of_the_week(),
            "deliveries": [(_KINDS[one.kind], one) for one in queries.deliveries_of_the_week()],
            "able": State.CAPABLE,
            "unregistered": State.NONE,
            "reset": Activity.PASSWORD_RESET,
        }
    return shown(request, "console/overview.html", context)


def _shown(step: queries.FirstStep) -> dict[str, object]:
    words, name, part = _STEPS[step.name]
    return {"words": words, "url": f"{reverse(name)}{part}", "done": step.done}
