"""Forms that do their thing once: reloading the answer must not do it again."""

import secrets

from limits import services as limits
from limits.rules import Limit
from verification.session import Session

_MOST = 20


def offer(session: Session) -> str:
    """A token for one form. Somebody may have several of them open."""
    token = secrets.token_urlsafe(16)
    session.form_tokens = [*session.form_tokens, token][-_MOST:]
    return token


def take(session: Session, token: str) -> bool:
    """Spends the token of a form; False where that has happened before, however lately.

    Raises:
        RuntimeError: inside a transaction, which could undo it.
    """
    offered = session.form_tokens
    # The session knows whose forms they are, but two requests at once both read it as it was
    # before. Which of them came first is decided by the database.
    if token not in offered or not limits.hit(Limit.FORM_SENT, token).allowed:
        return False
    session.form_tokens = [other for other in offered if other != token]
    session.save()
    return True
