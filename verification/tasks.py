import uuid

from celery import shared_task

from delivery.queue import URGENT
from directory import queue as directory_queue
from directory.services import import_slices
from isolation.scope import in_tenant, limited_to
from verification import queue
from verification.services import contacts, gathered_notices, sending

_LONGEST_IMPORT_S = 300
"""Of a slice. Under the time after which Redis gives a task to somebody else."""


@shared_task(name=queue.SEND_CODE)
@limited_to(URGENT)
def send_code(tenant_id: int, outgoing_id: str) -> None:
    with in_tenant(tenant_id):
        sending.send_code(uuid.UUID(outgoing_id))


@shared_task(name=queue.PLACE_CALL)
@limited_to(URGENT)
def place_call(tenant_id: int, outgoing_id: str) -> None:
    with in_tenant(tenant_id):
        sending.place_call(uuid.UUID(outgoing_id))


@shared_task(name=directory_queue.IMPORT, time_limit=_LONGEST_IMPORT_S)
def import_people(tenant_id: int, import_id: str) -> None:
    """A job of the directory that needs to know what people verified."""
    with in_tenant(tenant_id):
        import_slices.work(uuid.UUID(import_id), contacts.importer_of)


@shared_task(name=queue.NOTIFY_OF_IMPORTS)
def notify_of_imports(tenant_id: int, _first: str) -> None:
    with in_tenant(tenant_id):
        contacts.notify_of_imports(tenant_id)


@shared_task(name=queue.SWEEP_NOTICES)
def sweep_notices() -> None:
    contacts.sweep()


@shared_task(name=queue.SEND_NOTICE)
def send_notice(tenant_id: int, outgoing_id: str) -> None:
    with in_tenant(tenant_id):
        gathered_notices.send(uuid.UUID(outgoing_id))
