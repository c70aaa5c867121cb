"""The moment in which somebody is signed in, whichever way they came."""

from django.contrib.auth import login
from django.http import HttpRequest
from django.urls import reverse

from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from registration.rules import Entry
from registration.services import interrupts, second_factor
from registration.views.frame import note_proof
from registration.views.onward import onward, remember
from verification import middleware
from verification.middleware import RETURN_TO
from verification.models import AccessPass
from verification.session import Session


def arrive(
    request: HttpRequest,
    user: User,
    wanted: str,
    *,
    entry: Entry = Entry.FULL,
    by_pass: AccessPass | None = None,
) -> str:
    """A new session for this person, under a new key. Says where it goes first.

    Args:
        wanted: the page of ours that they were going to; or nothing.
        by_pass: what opened it, if it wasn't a password. It counts as more than a password does.

    Source: Entra, "Temporary Access Pass" (satisfies multi-factor authentication).
    """
    with in_tenant(user.tenant_id or NO_TENANT):
        session = Session(request.session)
        language = user.language or session.language
        return_to = middleware.link_data(request).get(RETURN_TO) or session.return_to
        # What was proved before isn't what is opened now.
        request.session.flush()
        login(request, user)
        session.new_context()
        session.language, session.return_to = language, return_to
        if by_pass is None:
            middleware.begin_by_password(request, user)
            second_factor.note_signed_in(user)
        else:
            middleware.begin_by_pass(request, by_pass)
            note_proof(request)
        if user.tenant_id is None:
            return wanted or reverse("admin:index")
        remember(request, wanted)
        if entry is Entry.REGISTRATION:
            session.second_factor_due = True
            return reverse("registration:setup")
        interrupts.begin(user)
        return onward(request, user)
