"""Where a signed-in person goes next: what is due first, then where they were going."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from directory.models import User
from registration.queries import interrupt_of
from registration.rules import Interrupt
from verification.session import Session


def remember(request: HttpRequest, path: str) -> None:
    """Stores the page that the user wants, until they have been there."""
    if path:
        Session(request.session).next_url = path


def note_visit(request: HttpRequest) -> None:
    """Forgets the page that the user wants when this is it: nothing leads there a second time."""
    session = Session(request.session)
    if urlsplit(session.next_url).path == request.path:
        session.next_url = ""


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
    return Session(request.session).next_url or reverse("registration:security-info")
