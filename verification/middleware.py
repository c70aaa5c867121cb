"""When a signed-in session ends, checked at every request; and when an answer leaves."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit.services import seen_from
from directory.models import User
from directory.queries import time_zone_of
from isolation.reads import end_reads
from isolation.scope import in_tenant
from limits.rules import masked_network, network
from tenants.queries import policy_in_force
from tenants.rules import ReturnUrl, parse_return_url
from verification.marks import is_for_a_script, is_open_by_pass, view_at
from verification.models import AccessPass
from verification.models.temporary_access import in_temporary_access
from verification.queries.callers import good_passes
from verification.rules import beat
from verification.session import OpenedByPass, Session

LIFETIME = timedelta(minutes=15)
RETURN_TO = "return_to"
"""Parameter: the page elsewhere that the user came from. Not trusted yet."""
LINK_LIFETIME_S = 3600
_LINK_SALT, _MOST_IN_A_COOKIE = "link data", 3_800
_ADMIN = "/admin/"


def extend(request: HttpRequest) -> None:
    """Gives a signed-in session its full lifetime again, but none beyond its pass."""
    session, ends_at = Session(request.session), timezone.now() + LIFETIME
    if session.access_pass:
        ends_at = min(ends_at, datetime.fromtimestamp(session.access_pass.ends_at, UTC))
    session.ends_at = ends_at


def begin_by_pass(request: HttpRequest, access_pass: AccessPass) -> None:
    """From now on the session is good for registering, as long as the pass isn't taken back."""
    session = Session(request.session)
    session.access_pass = OpenedByPass(str(access_pass.pk), access_pass.ends_at.timestamp())
    session.is_temporary_access = access_pass.ends_with_role
    extend(request)


def begin_by_password(request: HttpRequest, user: User) -> None:
    Session(request.session).is_temporary_access = user.password_ends_with_role
    extend(request)


def answer_at_a_beat(request: HttpRequest) -> None:
    """From here on the time that the answer takes could tell a known user ID from an unknown one.

    For requests that passed their checks (form token, proof of work, an attempt's cookie). What is
    refused before looks nothing up, is the same for everybody, and leaves at once.
    """
    is_form = request.method == "POST"
    request.META[beat.AT_A_BEAT] = beat.FORM_BEAT_S if is_form else beat.PAGE_BEAT_S


def answer_at_once(request: HttpRequest) -> None:
    """From here on the answer is for a user who proved who they are: its time tells them nothing.

    Only a known user ID gets so far, and only the user knows that it did.
    """
    request.META.pop(beat.AT_A_BEAT, None)


def known_device(request: HttpRequest) -> str:
    """What the browser says it's known by: its user signed in there before. Not yet believed."""
    return request.COOKIES.get(settings.KNOWN_COOKIE_NAME, "")


def link_data(request: HttpRequest) -> dict[str, str]:
    """What a link to a page of ours carried for later: `username`, `reason`, `return_to`.

    It's in a signed cookie, because a session would be a row in the database for every such link
    that a program opens.
    """
    try:
        read: dict[str, str] = signing.loads(
            request.COOKIES.get(settings.LINK_COOKIE_NAME, ""),
            salt=_LINK_SALT,
            max_age=LINK_LIFETIME_S,
        )
    except signing.BadSignature:
        return {}
    return read


def with_link_data(request: HttpRequest, response: HttpResponse, **changed: str) -> HttpResponse:
    """Stores what a link carried, beside what an earlier one did. An empty value removes it."""
    known = {name: value for name, value in (link_data(request) | changed).items() if value}
    packed = signing.dumps(known, salt=_LINK_SALT, compress=True)
    if len(packed) > _MOST_IN_A_COOKIE:
        # It is typed again more easily than the way back is found again.
        known.pop("username", None)
        packed = signing.dumps(known, salt=_LINK_SALT, compress=True)
    if known:
        response.set_cookie(
            settings.LINK_COOKIE_NAME,
            packed,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    elif settings.LINK_COOKIE_NAME in request.COOKIES:
        response.delete_cookie(settings.LINK_COOKIE_NAME, samesite="Lax")
    return response


def return_url(request: HttpRequest) -> ReturnUrl | None:
    """The page elsewhere that the user came from, if the organisation in force allows its host.

    It is judged whenever the button is shown, as the list may have changed since.
    """
    address = link_data(request).get(RETURN_TO) or Session(request.session).return_to
    page = parse_return_url(address)
    return page if page and page.host in policy_in_force().return_to_hosts else None


def store_language(response: HttpResponse, language: str) -> None:
    """Lets the browser use this language of ours from now on."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )


def client_network(request: HttpRequest) -> str:
    """The network that a request came from, as it is counted.

    Proxies are believed only as many as the operator said there are.
    """
    believed = [request.META.get("REMOTE_ADDR", "")]
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if settings.TRUSTED_PROXIES and len(hops) >= settings.TRUSTED_PROXIES:
        believed.insert(0, hops[-settings.TRUSTED_PROXIES].strip())
    for address in believed:
        with suppress(ValueError):
            return network(address)
    return "unknown"


class SessionEnds:
    """Signs out users whose time is over; puts a user's tenant and time zone in force.

    A session that a Temporary Access Pass opened opens the pages of registration, and no other.

    Source: design section 5 (15 minutes, extended by the user; never by a reset attempt).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = Session(request.session)
        if session.access_pass:
            _narrow(request, session.access_pass)
        if session.ends_at:
            if session.ends_at <= timezone.now():
                _sign_out(request)
            elif request.path.startswith(_ADMIN) and getattr(request.user, "is_staff", False):
                extend(request)
        temporary = session.is_temporary_access
        seen = seen_from(masked_network(client_network(request)))
        with seen, in_temporary_access(is_temporary=temporary):
            return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User) or (tenant_id := _tenant_of(request, user)) is None:
            return self._get_response(request)
        with in_tenant(tenant_id), timezone.override(time_zone_of(user)):
            return self._get_response(request)


class SteadyAnswers:
    """Lets an answer leave at a beat, if its view said so by `answer_at_a_beat`.

    Our web server waits by itself, outside its threads; behind any other the thread waits.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = monotonic()
        response = self._get_response(request)
        if beat.AT_A_BEAT in request.META and beat.SERVER_WAITS not in request.META:
            end_reads()  # No connection waits inside a transaction.
            sleep(beat.until_the_beat(request.META[beat.AT_A_BEAT], began, monotonic()))
        return response


def _narrow(request: HttpRequest, opened: OpenedByPass) -> None:
    """Takes the user for signed out, except on pages that are open in a session by pass."""
    user = request.user
    if not isinstance(user, User) or user.tenant_id is None:
        return
    with in_tenant(user.tenant_id):
        allowed = policy_in_force().access_passes
        held = good_passes(user, timezone.now()).filter(pk=opened.pass_id).exists()
    if not allowed or not held:
        _sign_out(request)
    elif not is_open_by_pass(view_at(request.path_info)):
        request.user = AnonymousUser()


def _sign_out(request: HttpRequest) -> None:
    """Ends the session; what a script asks for is only answered as if there were none."""
    if is_for_a_script(view_at(request.path_info)):
        request.user = AnonymousUser()
    else:
        logout(request)


def _tenant_of(request: HttpRequest, user: User) -> int | None:
    """The signed-in user's organisation; for an operator, where they chose to act."""
    if user.tenant_id is None and request.path.startswith(_ADMIN):
        return Session(request.session).acting_tenant_id
    return user.tenant_id
