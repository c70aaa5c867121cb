"""What is shown once is issued once, however often the browser sends the form."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.forms.people import IssueForm
from console.services import once
from directory.models import User
from verification.session import Session


def token_for(request: HttpRequest) -> str:
    """What stands in the form that is about to be shown; nothing where one was sent."""
    return "" if request.method == "POST" else once.offer(Session(request.session))


def is_repeated(request: HttpRequest, form: IssueForm) -> bool:
    """Whether this very form did its thing already. Asking is spending."""
    return not once.take(Session(request.session), form.cleaned_data["token"])


def already_issued(request: HttpRequest, person: User) -> HttpResponse:
    """Where a page leads that was loaded again."""
    messages.warning(request, _("Already issued. Issue a new one if it wasn’t copied."))
    return redirect("console:person", person.pk)
