"""Where a signed-in person goes next: what is due first, then where they were going."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from directory.models import User
from registration.queries import interrupt_of
from registration.rules import RETURN_TO, Interrupt
from tenants.queries import policy_in_force
from tenants.rules import WayBack, way_back

_HEADED_ON = "headed_on"


def remember(request: HttpRequest, path: str) -> None:
    """Keeps where the person was going, over all that is asked of them before."""
    request.session[_HEADED_ON] = path


def onward(request: HttpRequest, user: User) -> str:
    """The page of what is due, or the one after it."""
    page = {
        Interrupt.REGISTER: "registration:setup",
        Interrupt.STUCK: "registration:setup",
        Interrupt.RECONFIRM: "registration:reconfirm",
    }.get(interrupt_of(user, timezone.now()))
    return reverse(page) if page else destination(request)


def destination(request: HttpRequest) -> str:
    """Where the person was going; without a wish, to the list of what is registered."""
    wanted: str = request.session.get(_HEADED_ON, "")
    return wanted or reverse("registration:security-info")


def past_the_wizard(request: HttpRequest) -> str:
    """The same, for who comes from the wizard: it doesn't lead back to itself."""
    wanted = destination(request)
    in_wizard = wanted.startswith(reverse("registration:setup"))
    return reverse("registration:security-info") if in_wizard else wanted


def way_out(request: HttpRequest) -> WayBack | None:
    """The page elsewhere that the person came from, if the organisation in force allows its host.

    Asked whenever the button is shown: the list may have changed since.
    """
    back = way_back(request.session.get(RETURN_TO, ""))
    return back if back and back.host in policy_in_force().return_to_hosts else None
