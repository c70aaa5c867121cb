"""How long each organisation keeps its audit log, and what that means every night."""

from datetime import timedelta
from time import monotonic

import structlog
from django.db import DatabaseError
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from audit.services.retention import delete_portion
from isolation.scope import NO_TENANT, current_tenant_id, in_tenant
from tenants.queries import policy_in_force, tenant_ids

_SERVICE_DAYS = 3_650
"""For events of no organisation: the longest that any may set."""
_GRACE = timedelta(days=7)
"""After which a shorter time takes effect: who took over an administrator erases no traces."""
_AHEAD = timedelta(hours=1)
"""How far this clock may be ahead of the database's, which refuses to delete young events."""
_SETTING = "audit_days"
log = structlog.get_logger(__name__)


def delete_old(start: int, *, seconds: float) -> int | None:
    """Deletes old events of every tenant, for so many seconds at most.

    Args:
        start: id of the first tenant; 0 is the service itself.

    Returns:
        Id of the tenant to continue with; None if all are done.
    """
    until = monotonic() + seconds
    for tenant_id in sorted({NO_TENANT, *tenant_ids()}):
        if tenant_id < start:
            continue
        with in_tenant(tenant_id):
            before = timezone.now() - timedelta(days=days_kept()) - _AHEAD
            try:
                while delete_portion(before):
                    if monotonic() >= until:
                        return tenant_id
            except DatabaseError as problem:
                # The other tenants' events go all the same.
                log.error("audit_not_deleted", tenant=tenant_id, flaw=type(problem).__name__)  # noqa: TRY400  # its text may quote a row
        if monotonic() >= until:
            return tenant_id + 1
    return None


def days_kept() -> int:
    """How many days the tenant in force keeps events now, in the first days the longer time."""
    if current_tenant_id() == NO_TENANT:
        return _SERVICE_DAYS
    changes = Event.objects.filter(
        activity=Activity.POLICY_CHANGED,
        at__gte=timezone.now() - _GRACE,
        details__setting=_SETTING,
    )
    before = [int(details["old"]) for details in changes.values_list("details", flat=True)]
    return max([policy_in_force().audit_days, *before])
