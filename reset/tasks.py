from celery import shared_task

from reset import queue
from reset.services import outside


@shared_task(name=queue.SETTLE)
def settle() -> None:
    outside.sweep()
