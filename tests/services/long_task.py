"""A task that takes as long as it is told to, and one that takes longer than it may."""

import time

from celery import shared_task


@shared_task(name="tests.long")
def long(seconds: float) -> None:
    time.sleep(seconds)


@shared_task(name="tests.too_long", time_limit=1)
def too_long() -> None:
    time.sleep(60)
