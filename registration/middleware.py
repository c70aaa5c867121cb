"""Leads a signed-in user to the stage of sign-in that is due, and stores `?return_to=`."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from directory.models import User
from registration.stages import Visit, enforced_stages
from tenants.rules import parse_return_url
from verification.marks import does_take_return_to, is_open_during
from verification.middleware import RETURN_TO, with_link_data
from verification.session import Session

View = Callable[..., HttpResponse]


class ReturnTo:
    """Moves `?return_to=` from the address into a cookie, where it outlasts sign-in.

    Whether the organisation allows the host is judged where the button is shown.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, *_arguments: object
    ) -> HttpResponse | None:
        if RETURN_TO not in request.GET or not does_take_return_to(view):
            return None
        if request.method not in {"GET", "HEAD"}:
            return None
        addresses = request.GET.getlist(RETURN_TO)
        is_good = len(addresses) == 1 and parse_return_url(addresses[0]) is not None
        Session(request.session).return_to = ""
        rest = request.GET.copy()
        del rest[RETURN_TO]
        cleaned = redirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)
        return with_link_data(request, cleaned, return_to=addresses[0] if is_good else "")


class SignInStages:
    """Leads from every page to the page of the enforced stage, unless it's open during that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, *_arguments: object
    ) -> HttpResponse | None:
        if not isinstance(request.user, User):
            return None
        enforced = enforced_stages(Visit(Session(request.session), request.user))
        if all(is_open_during(view, one.stage) for one in enforced):
            return None
        return redirect(enforced[0].page)
