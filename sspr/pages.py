"""The home page, the help, and error pages."""

import re
import sys

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string, select_template
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path
from django.utils.translation import get_language, get_language_from_request, override
from django.views.decorators.http import require_safe
from django.views.defaults import page_not_found, server_error

from sspr.middleware import busy, took_too_long
from verification.marks import Stage, open_during, sign_in_leads_here

ARTICLES = ("reset", "change", "register", "errors", "admins")
_COMPLETE = "en"


@sign_in_leads_here
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@open_during(Stage.REGISTER)
@require_safe
def answers(request: HttpRequest, article: str = "") -> HttpResponse:
    """One article of the help in the user's language, or the contents.

    Articles are templates, one for each language; a missing one is shown in English.

    Raises:
        Http404: there is no such article.
    """
    if article and article not in ARTICLES:
        raise Http404
    name = f"{article or 'contents'}.html"
    languages = (get_language() or _COMPLETE, _COMPLETE)
    page = select_template([f"help/{language}/{name}" for language in languages])
    return HttpResponse(page.render({"article": article}, request))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Redirects to the page that was meant, else says that there is none.

    People type addresses from a poster, with a slash at the end or in capitals.
    """
    match = request.resolver_match
    is_known = match is not None and match.url_name
    if request.method in {"GET", "HEAD"} and not is_known and (meant := _meant(request.path_info)):
        query = request.META.get("QUERY_STRING")
        return HttpResponseRedirect(escape_uri_path(meant) + (f"?{query}" if query else ""))
    return page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """An error page; or the busy page, if a statement of a middleware took too long.

    Django passes an exception to `process_exception` only if a view raised it. This page reads
    nothing from the database.
    """
    exception = sys.exc_info()[1]
    if not took_too_long(exception):
        return server_error(request)
    with override(get_language_from_request(request)):
        return busy(request, exception, render_to_string("503.html"))


def _meant(path: str) -> str | None:
    """The address of a page of ours that differs in slashes or capitals only.

    It begins with exactly one slash, so that it stays on this host. A token in it keeps its case.

    >>> _meant("//evil.example/") is None
    True
    """
    plain = "/" + re.sub("/+", "/", path).strip("/")
    for meant in (plain, f"{plain}/", plain.lower(), f"{plain.lower()}/"):
        try:
            match = resolve(meant)
        except Resolver404:
            continue
        is_as_typed = "<str:" not in match.route or meant.strip("/") in path
        if match.url_name and meant != path and is_as_typed:
            return meant
    return None
