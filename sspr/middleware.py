"""Middleware for all requests."""

import secrets
from collections.abc import Callable
from urllib.parse import urlencode

import structlog
from csp.constants import HEADER as CSP_HEADER
from csp.utils import build_policy
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import patch_vary_headers
from psycopg.errors import LockNotAvailable, QueryCanceled

from directory.connectors import bulkhead
from isolation.reads import shared_reads
from isolation.scope import StatementLimits, at_host_of, limited_to, request_cache
from passwords.hashing import Busy
from tenants.queries import branding_of_host
from verification.marks import is_for_a_script
from verification.middleware import store_language
from verification.session import Session

_log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]
_LIMITS = StatementLimits(statement_s=10, lock_s=5)
_CONSOLE_LIMITS = StatementLimits(statement_s=30, lock_s=10)
_LANGUAGE_PARAMETERS = ("lng", "mkt")


class RequestContext:
    """A request id for the logs, limits of time, a cache, and one transaction for reads."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        numbered = structlog.contextvars.bound_contextvars(request_id=secrets.token_hex(8))
        limits = _CONSOLE_LIMITS if request.path.startswith("/admin/") else _LIMITS
        asking = bulkhead.within(bulkhead.PAGE_S)
        with numbered, request_cache(), limited_to(limits), shared_reads(), asking:
            return self._get_response(request)


class KnownHosts:
    """Accepts the service's own host names and those of its organisations' portals.

    On the host of a portal, users of other organisations are unknown.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = split_domain_port(request.get_host())[0]
        if validate_host(host, settings.OWN_HOSTS):
            return self._get_response(request)
        portal = branding_of_host(host)
        if portal is None:
            raise DisallowedHost("no portal has this host name")
        with at_host_of(portal.tenant_id):
            return self._get_response(request)


class SaneSession:
    """Drops a session cookie that can't be ours, before it is looked up in the database."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if key and not (key.isascii() and key.isalnum()):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return self._get_response(request)


class Sessions(SessionMiddleware):
    """Django's, but a response deletes the cookie only if its own request ended the session.

    The response to an older request can arrive after the one that began a new session. Django would
    delete the new cookie, because the old key is no longer known, and sign the user out. Requests
    of scripts change neither cookie nor session.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.resolver_match and is_for_a_script(request.resolver_match.func):
            response.cookies.clear()
            return response
        if request.session.is_empty() and not getattr(request.session, "was_ended", False):
            patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)


class Headers:
    """Response headers of all pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        # The same for all pages, without a nonce.
        self._content_policy = build_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response.headers.setdefault(CSP_HEADER, self._content_policy)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # Django adds these later; a request for a foreign host is refused before that.
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Robots-Tag", "noindex")
        response.headers.setdefault(
            "Permissions-Policy",
            "camera=(), microphone=(), geolocation=(), otp-credentials=(self)",
        )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Busy) or took_too_long(exception):
            return busy(request, exception, render_to_string("503.html", request=request))
        return None


def busy(request: HttpRequest, exception: BaseException | None, page: str) -> HttpResponse:
    """A response with this page and status 503. Logs a statement that took too long."""
    if took_too_long(exception):
        _log.warning("statement_took_too_long", path=request.path)
    return HttpResponse(page, status=503, headers={"Retry-After": "10"})


def took_too_long(exception: BaseException | None) -> bool:
    """Whether PostgreSQL ended a statement that took too long."""
    return isinstance(exception, OperationalError) and isinstance(
        exception.__cause__, QueryCanceled | LockNotAvailable
    )


class Language(LocaleMiddleware):
    """By `?lng=` or `?mkt=`, which a redirect then removes; by cookie or browser; else English."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        user_language = Session(request.session).language
        if not cookie and user_language:
            translation.activate(user_language)
            request.LANGUAGE_CODE = translation.get_language()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        asked = next((request.GET[p] for p in _LANGUAGE_PARAMETERS if request.GET.get(p)), None)
        if asked is None or request.method != "GET":
            # As Django's, without a language in the path.
            patch_vary_headers(response, ("Cookie", "Accept-Language"))
            response.headers.setdefault("Content-Language", translation.get_language())
            return response
        left = [(k, v) for k, v in request.GET.items() if k not in _LANGUAGE_PARAMETERS]
        query = f"?{urlencode(left)}" if left else ""
        path = "/" + request.path.lstrip("/")
        redirect = HttpResponseRedirect(f"{path}{query}")
        language = asked.lower().split("-")[0]
        if language in dict(settings.LANGUAGES):
            store_language(redirect, language)
        return redirect
