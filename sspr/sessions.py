"""Django's sessions with hashed keys: a copy of the table opens no session."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

_LETTERS = 40
"""Length of the column: 160 bits of a hash of 165 random bits."""


class SessionStore(db.SessionStore):
    """Stores and looks up the hash of a key. Only the browser has the key.

    `was_ended`: this request ended the session.

    Source: OWASP ASVS 5.0 11.4.2 (values of more than 112 bits need no slow hash).
    """

    was_ended = False

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        if self.session_key:
            live = self.model.objects.filter(expire_date__gt=timezone.now())
            if row := live.filter(session_key=_stored(self.session_key)).first():
                return row
        self._session_key = None
        return None

    def flush(self) -> None:
        super().flush()
        self.was_ended = True

    def exists(self, session_key: str) -> bool:
        return super().exists(_stored(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        made = super().create_model_instance(data)
        made.session_key = _stored(made.session_key)
        return made

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(_stored(key))


def _stored(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_LETTERS]
