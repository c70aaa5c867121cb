import uuid

from celery import shared_task

from delivery.queue import URGENT
from isolation.scope import in_tenant, limited_to
from verification import queue
from verification.services import (
    contacts,
    directory_alarms,
    expiry_reminders,
    gathered_notices,
    sending,
)

_A_RUN_S = 20.0
"""How long reminding takes at most. The hard limit of a task is a minute."""


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


@shared_task(name=queue.NOTIFY_OF_IMPORTS)
def notify_of_imports(tenant_id: int, _first: str) -> None:
    with in_tenant(tenant_id):
        contacts.notify_of_imports(tenant_id)


@shared_task(name=queue.SWEEP_NOTICES)
def sweep_notices() -> None:
    contacts.sweep()


@shared_task(name=queue.CHECK_DIRECTORIES)
@limited_to(URGENT)
def check_directories() -> None:
    directory_alarms.begin_checks()


@shared_task(name=queue.SEND_NOTICE)
def send_notice(tenant_id: int, *outgoing_ids: str) -> None:
    with in_tenant(tenant_id):
        for outgoing_id in outgoing_ids:
            gathered_notices.send(uuid.UUID(outgoing_id))


@shared_task(name=queue.REMIND_OF_EXPIRY)
def remind_of_expiry() -> None:
    expiry_reminders.remind_all(_A_RUN_S)
