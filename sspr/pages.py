"""The front door, and the answers to people's questions."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import select_template
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

ARTICLES = ("reset", "change", "register", "errors", "admins")
_COMPLETE = "en"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


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
