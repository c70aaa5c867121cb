"""Forms that do their thing once: reloading the answer must not do it again."""

import secrets

from django.contrib.sessions.backends.base import SessionBase

_OFFERED = "forms_offered"
_MOST = 20


def offer(session: SessionBase) -> str:
    """A token for one form. Somebody may have several of them open."""
    token = secrets.token_urlsafe(16)
    session[_OFFERED] = [*session.get(_OFFERED, []), token][-_MOST:]
    return token


def take(session: SessionBase, token: str) -> bool:
    """Spends the token of a form; False where that has happened before."""
    offered = session.get(_OFFERED, [])
    if token not in offered:
        return False
    session[_OFFERED] = [one for one in offered if one != token]
    # At once: the second half of a double click doesn't wait for the end of this request.
    session.save()
    return True
