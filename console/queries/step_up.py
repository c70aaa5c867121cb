"""Whether the session passed the admin's step-up, and which organisation it acts in."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from directory.models import User
from isolation.scope import NOBODY, NoTenantInForce, current_tenant_id
from registration.services.second_factor import PASSED
from tenants.models import Tenant
from typed.rules import folded

HEADED_FOR = "admin_headed_for"
"""Session key: the page that somebody wanted when they were asked for the second factor."""
FRESH_FOR = timedelta(minutes=10)
_MOST_SHOWN = 100


def has_second_factor(session: SessionBase, user: User) -> bool:
    """Whether this person passed the second factor in this session."""
    return _passed_at(session, user) is not None


def is_fresh(session: SessionBase, user: User) -> bool:
    """Whether that was so lately that something dangerous may be done.

    Source: OWASP ASVS 5.0 7.5.3 (further authentication before highly sensitive transactions).
    """
    passed_at = _passed_at(session, user)
    return passed_at is not None and timezone.now() < passed_at + FRESH_FOR


def context_of(session: SessionBase) -> uuid.UUID:
    """What the pairing of an app is bound to: made at sign-in, the same as for challenges."""
    return uuid.UUID(session.setdefault("context", str(uuid.uuid4())))


def acts_in_a_tenant() -> bool:
    """Whether an organisation is in force: an operator has to choose one first."""
    try:
        return current_tenant_id() != NOBODY
    except NoTenantInForce:
        return False


def organisations(search: str) -> list[Tenant]:
    """The first hundred organisations whose name or slug holds these letters. For operators.

    In any case and width: compared here, because SQLite folds English letters only.
    """
    letters, every = folded(search), Tenant.objects.order_by("name")
    named = (one for one in every if letters in folded(one.name) or letters in one.slug.lower())
    return list(islice(named, _MOST_SHOWN))


def _passed_at(session: SessionBase, user: User) -> datetime | None:
    passed = session.get(PASSED) or {}
    if passed.get("user") != user.pk:
        return None
    return datetime.fromtimestamp(passed["at"], UTC)
