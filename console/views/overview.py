"""The first page of the admin: what is left to do, and key figures."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.activities import Activity
from console.queries import overview as queries
from console.rules import PersonState
from console.views.frame import page, shown
from directory.models import User
from tenants.roles import Permission

_STEPS: dict[str, tuple[Promise, str, str]] = {
    "mfa": (
        gettext_lazy("Protect your own account with a second factor"),
        "console:second-factor",
        "",
    ),
    "directory": (
        gettext_lazy("Connect your directory and test it, if it keeps the passwords"),
        "console:directories",
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
"""What each is called, and where it is done: a page, and a section of it."""

_KINDS = {
    "email": gettext_lazy("Emails"),
    "text": gettext_lazy("Text messages"),
    "call": gettext_lazy("Calls"),
}


@page(None)
def overview(request: HttpRequest, admin: User) -> HttpResponse:
    context: dict[str, object] = {
        "title": _("Overview"),
        "as_of": timezone.now(),
        "may_search": admin.has_permission(Permission.SEE_PEOPLE),
        "may_read_audit": admin.has_permission(Permission.READ_AUDIT),
    }
    if admin.has_permission(Permission.SET_POLICY):
        steps = queries.first_steps()
        shown_steps = []
        for step in steps:
            words, name, part = _STEPS[step.name]
            url = f"{reverse(name)}{part}"
            shown_steps.append({"words": words, "url": url, "done": step.done})
        context |= {"steps": shown_steps, "steps_done": sum(step.done for step in steps)}
    if admin.has_permission(Permission.READ_REPORTS):
        context |= {
            "reach": queries.reach(),
            "resets": queries.resets_of_the_week(),
            "deliveries": [(_KINDS[each.kind], each) for each in queries.deliveries_of_the_week()],
            "able": PersonState.CAPABLE,
            "unregistered": PersonState.NONE,
            "reset": Activity.PASSWORD_RESET,
        }
    return shown(request, "console/overview.html", context)
