"""Jobs of the directory that need to know what people proved, which is known above it only."""

import uuid

from celery import shared_task

from console.queries.imports import verified_otherwise
from directory import queue
from directory.services import import_slices
from isolation.scope import in_tenant

_TIME_LIMIT_S = 300
"""Of a slice. Under the time after which Redis gives a task to somebody else."""


@shared_task(name=queue.IMPORT, time_limit=_TIME_LIMIT_S)
def import_people(tenant_id: int, import_id: str) -> None:
    with in_tenant(tenant_id):
        import_slices.work(uuid.UUID(import_id), verified=verified_otherwise)
