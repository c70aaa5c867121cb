"""A task that says what its process imported since it was forked."""

import os
import sys

import structlog
from celery import shared_task

_at_fork: set[str] = set()
os.register_at_fork(after_in_child=lambda: _at_fork.update(sys.modules))
log = structlog.get_logger(__name__)


@shared_task(name="tests.imported")
def imported() -> None:
    log.info("imported", modules=sorted(sys.modules.keys() - _at_fork))
