"""What the workers do for the service as a whole."""

import structlog
from celery import shared_task

from audit.services import sealing
from sspr.purge import purge as purge_now
from tenants.queries import tenant_ids

log = structlog.get_logger(__name__)


@shared_task(name="sspr.purge")
def purge() -> None:
    """Deletes what has served its purpose, once a day."""
    log.info("purged", **{name.replace(".", "_"): count for name, count in purge_now().items()})


@shared_task(name="sspr.seal_audit")
def seal_audit() -> None:
    """Chains new audit events. A chain that another worker is at is left to it."""
    sealing.sweep(tenant_ids())


@shared_task(name="sspr.watch_audit")
def watch_audit() -> None:
    """Raises the alarm when events aren't sealed: by another worker than the one that seals."""
    if late := sealing.overdue(tenant_ids()):
        log.error("audit_overdue", chains=late)
