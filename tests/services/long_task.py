"""A task that takes long, for workers that are told to `--include` it."""

import time

from celery import shared_task


@shared_task(name="tests.long")
def long(seconds: float) -> None:
    time.sleep(seconds)
