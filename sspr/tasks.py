"""Tasks for the whole service."""

import uuid

import structlog
from celery import shared_task

from audit.services import sealing
from console.services import bulk, streaming
from delivery.queue import URGENT
from isolation.scope import in_tenant, limited_to
from sspr import audit_retention
from sspr.purge import purge as purge_now
from tenants.queries import tenant_ids
from verification.services import factors

_A_RUN_S = 20.0
"""How long a long task runs. The hard limit is a minute."""
log = structlog.get_logger(__name__)


@shared_task(name="sspr.purge")
def purge() -> None:
    """Deletes expired rows, once a day."""
    log.info("purged", **{name.replace(".", "_"): count for name, count in purge_now().items()})


@shared_task(name="sspr.check_factors")
def check_factors(start: int = 0, after: int = 0) -> None:
    """Compares the factor summaries with the rows, once a day, in several jobs.

    Args:
        start: id of the first tenant.
        after: id of the user in that tenant after whom to begin.
    """
    done = factors.check(tenant_ids(), start=start, after=after, seconds=_A_RUN_S)
    log.info("factors_checked", mended=done.mended, is_last=done.tenant_id is None)
    if done.tenant_id is not None:
        check_factors.delay(done.tenant_id, done.after)


@shared_task(name=bulk.ACT)
def act_for_many(tenant_id: int, run_id: str) -> None:
    with in_tenant(tenant_id):
        bulk.work(uuid.UUID(run_id))


@shared_task(name="sspr.sweep_bulk_runs")
def sweep_bulk_runs() -> None:
    """Wakes workers for actions for many people whose worker died."""
    bulk.sweep()


@shared_task(name="sspr.seal_audit")
def seal_audit() -> None:
    """Chains new audit events. Skips chains that another worker has locked."""
    sealing.sweep(tenant_ids())


@shared_task(name="sspr.delete_audit")
def delete_audit(start: int = 0) -> None:
    """Deletes audit events that are too old, once a day, in several jobs.

    Args:
        start: id of the first tenant.
    """
    following = audit_retention.delete_old(start, seconds=_A_RUN_S)
    if following is not None:
        delete_audit.delay(following)


@shared_task(name="sspr.stream_audit")
@limited_to(URGENT)
def stream_audit() -> None:
    """Sends new audit events to their destinations, in a thread of its own."""
    streaming.begin()


@shared_task(name="sspr.watch_audit")
@limited_to(URGENT)
def watch_audit() -> None:
    """Logs an error if events aren't sealed. Runs in another worker than the sealer."""
    if late := sealing.overdue(tenant_ids()):
        log.error("audit_overdue", chains=late)
