"""Where a signed-in person goes next: what is due first, then where they were going."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from directory.models import User
from registration.queries import interrupt_of
from registration.rules import Interrupt

_HEADED_ON = "headed_on"


def remember(request: HttpRequest, path: str) -> None:
    """Stores the page that the user wants, until they have been there."""
    if path:
        request.session[_HEADED_ON] = path


def note_visit(request: HttpRequest) -> None:
    """Forgets the page that the user wants when this is it: nothing leads there a second time."""
    if urlsplit(request.session.get(_HEADED_ON, "")).path == request.path:
        del request.session[_HEADED_ON]


def onward(request: HttpRequest, user: User) -> str:
    """The page of what is due, or the one after it."""
    page = {
        Interrupt.REGISTER: "registration:setup",
        Interrupt.STUCK: "registration:setup",
        Interrupt.RECONFIRM: "registration:reconfirm",
    }.get(interrupt_of(user, timezone.now()))
    return reverse(page) if page else destination(request)


def destination(request: HttpRequest) -> str:
    """The page that the user wants and has not seen yet; otherwise their security info."""
    wanted: str = request.session.get(_HEADED_ON, "")
    return wanted or reverse("registration:security-info")
