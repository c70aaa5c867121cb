"""Forms that do their thing once: reloading the answer must not do it again."""

import secrets

from django.contrib.sessions.backends.base import SessionBase

from limits import services as limits
from limits.rules import Limit

_OFFERED = "forms_offered"
_MOST = 20


def offer(session: SessionBase) -> str:
    """A token for one form. Somebody may have several of them open."""
    token = secrets.token_urlsafe(16)
    session[_OFFERED] = [*session.get(_OFFERED, []), token][-_MOST:]
    return token


def take(session: SessionBase, token: str) -> bool:
    """Spends the token of a form; False where that has happened before, however lately.

    Raises:
        RuntimeError: inside a transaction, which could undo it.
    """
    offered = session.get(_OFFERED, [])
    # The session knows whose forms they are, but two requests at once both read it as it was
    # before. Which of them came first is decided by the database.
    if token not in offered or not limits.hit(Limit.FORM_SENT, token).allowed:
        return False
    session[_OFFERED] = [one for one in offered if one != token]
    session.save()
    return True
