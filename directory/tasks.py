from celery import shared_task

from directory import queue
from directory.services import imports


@shared_task(name=queue.SWEEP)
def sweep() -> None:
    imports.sweep()
