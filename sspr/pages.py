"""The front door, and the answers to people's questions."""

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
    """One article of the help in the reader's language, or the questions that it answers.

    Long texts are one template for each language; what isn't written yet is shown in English.

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
    """Leads on to the page that was meant; else says that there is none.

    People type addresses from a poster, with a slash at the end or in capitals.
    """
    match = request.resolver_match
    is_known = match is not None and match.url_name
    if request.method in {"GET", "HEAD"} and not is_known and (meant := _meant(request.path_info)):
        query = request.META.get("QUERY_STRING")
        return HttpResponseRedirect(escape_uri_path(meant) + (f"?{query}" if query else ""))
    return page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """Our own error; or busy, where a statement of a middleware took too long.

    Django shows an error to `process_exception` only if a view raised it. Nothing here asks the
    database, not even for the name of the organisation.
    """
    exception = sys.exc_info()[1]
    if not took_too_long(exception):
        return server_error(request)
    with override(get_language_from_request(request)):
        return busy(request, exception, render_to_string("503.html"))


def _meant(path: str) -> str | None:
    """The address of a page of ours that differs in slashes or capitals only.

    It begins with one slash, so that it leads to this host, whatever was typed. A token in it is as
    it was typed: capitals count there.

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
