import uuid

from celery import shared_task

from isolation.scope import in_tenant
from provisioning import queue
from provisioning.services import jobs, slices

_LONGEST_SLICE_S = 300
"""Less than the time after which the broker gives the task to another worker."""


@shared_task(name=queue.IMPORT, time_limit=_LONGEST_SLICE_S)
def import_people(tenant_id: int, import_id: str) -> None:
    with in_tenant(tenant_id):
        slices.work(uuid.UUID(import_id))


@shared_task(name=queue.SWEEP)
def sweep() -> None:
    jobs.sweep()
