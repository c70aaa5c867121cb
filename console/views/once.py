"""Forms that issue a secret once: sending or reloading one again must not issue another."""

import secrets

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.forms.people import IssueForm, NoteForm
from directory.models import User
from limits import services as limits
from limits.rules import Limit
from verification.session import Session

_MAX_OPEN = 20
"""Forms that a user may have open at the same time."""


def token_for(request: HttpRequest) -> str:
    """The token of a form that is about to be shown; empty where one was sent."""
    if request.method == "POST":
        return ""
    session, token = Session(request.session), secrets.token_urlsafe(16)
    session.form_tokens = [*session.form_tokens, token][-_MAX_OPEN:]
    return token


def note_form(request: HttpRequest, *, shows_a_secret: bool) -> NoteForm:
    """A form that asks for a reason, and works once if its answer shows a secret."""
    if shows_a_secret:
        return IssueForm(request.POST or None, initial={"token": token_for(request)})
    return NoteForm(request.POST or None)


def is_repeated(request: HttpRequest, form: NoteForm) -> bool:
    """Whether this form issues a secret and was sent before. The first time uses up its token.

    Raises:
        RuntimeError: inside a transaction, which could undo that.
    """
    if not isinstance(form, IssueForm):
        return False
    session, token = Session(request.session), form.cleaned_data["token"]
    # Two requests at once both read the session as it was before: the database decides which of
    # them was first.
    if token not in session.form_tokens or not limits.hit(Limit.FORM_SENT, token).allowed:
        return True
    session.form_tokens = [other for other in session.form_tokens if other != token]
    session.save()
    return False


def already_issued(request: HttpRequest, person: User) -> HttpResponse:
    """Where a page leads that was loaded again."""
    messages.warning(request, _("Already issued. Issue a new one if it wasn’t copied."))
    return redirect("console:person", person.pk)
