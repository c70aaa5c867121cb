import uuid

from celery import shared_task

from delivery import queue, services
from isolation.scope import in_tenant, limited_to


@shared_task(name=queue.SEND)
def send(tenant_id: int, *outgoing_ids: str) -> None:
    with in_tenant(tenant_id):
        for outgoing_id in outgoing_ids:
            services.send(uuid.UUID(outgoing_id))


@shared_task(name=queue.SWEEP)
@limited_to(queue.URGENT)
def sweep() -> None:
    services.sweep()
