import uuid

from celery import shared_task

from directory.connectors.ldap import account_connector_of
from isolation.scope import in_tenant
from provisioning import queue
from provisioning.services import directory_sync, jobs, slices, sync_jobs

_LONGEST_SLICE_S = 300
"""Less than the time after which the broker gives the task to another worker."""

_LONGEST_SYNC_S = 1_800
"""A run's lease keeps a second worker away from it, whatever the broker gives it."""


@shared_task(name=queue.IMPORT, time_limit=_LONGEST_SLICE_S)
def import_people(tenant_id: int, import_id: str) -> None:
    with in_tenant(tenant_id):
        slices.work(uuid.UUID(import_id))


@shared_task(name=queue.SWEEP)
def sweep() -> None:
    jobs.sweep()


@shared_task(name=queue.SYNC, time_limit=_LONGEST_SYNC_S)
def sync_directory(tenant_id: int, run_id: str) -> None:
    with in_tenant(tenant_id):
        directory_sync.work(uuid.UUID(run_id), account_connector_of)


@shared_task(name=queue.SWEEP_SYNCS)
def sweep_syncs() -> None:
    sync_jobs.sweep()
