import uuid

from celery import shared_task

from isolation.scope import in_tenant
from verification import queue
from verification.services import sending


@shared_task(name=queue.SEND_CODE)
def send_code(tenant_id: int, outgoing_id: str) -> None:
    with in_tenant(tenant_id):
        sending.send_code(uuid.UUID(outgoing_id))


@shared_task(name=queue.PLACE_CALL)
def place_call(tenant_id: int, outgoing_id: str) -> None:
    with in_tenant(tenant_id):
        sending.place_call(uuid.UUID(outgoing_id))
