"""Whether the session passed the admin's step-up, and which organisation it acts in."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from django.utils import timezone

from directory.models import User
from isolation.scope import NO_TENANT, NoTenantInForce, current_tenant_id
from tenants.models import Tenant
from typed.rules import folded
from verification.session import Session

FRESH_FOR = timedelta(minutes=10)
_MOST_SHOWN = 100


def has_second_factor(session: Session, user: User) -> bool:
    """Whether this person passed the second factor in this session."""
    return _passed_at(session, user) is not None


def is_fresh(session: Session, user: User) -> bool:
    """Whether that was so lately that something dangerous may be done.

    Source: OWASP ASVS 5.0 7.5.3 (further authentication before highly sensitive transactions).
    """
    passed_at = _passed_at(session, user)
    return passed_at is not None and timezone.now() < passed_at + FRESH_FOR


def acts_in_a_tenant() -> bool:
    """Whether an organisation is in force: an operator has to choose one first."""
    try:
        return current_tenant_id() != NO_TENANT
    except NoTenantInForce:
        return False


def organisations(search: str) -> list[Tenant]:
    """The first hundred organisations whose name or slug holds these letters. For operators.

    In any case and width: compared here, because SQLite folds English letters only.
    """
    letters, every = folded(search), Tenant.objects.order_by("name")
    named = (one for one in every if letters in folded(one.name) or letters in one.slug.lower())
    return list(islice(named, _MOST_SHOWN))


def _passed_at(session: Session, user: User) -> datetime | None:
    passed = session.step_up
    if passed is None or passed.user_id != user.pk:
        return None
    return datetime.fromtimestamp(passed.at, UTC)
