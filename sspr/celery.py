"""The Celery app."""

import os
from functools import cached_property
from typing import Any

from celery import Celery
from celery.fixups.django import DjangoFixup, DjangoWorkerFixup
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")

TRANSPORT_ALIASES["files"] = "sspr.files:Transport"


class WorkerFixup(DjangoWorkerFixup):  # type: ignore[misc]  # Celery has no types
    """Celery's support for Django, with database sessions that last from task to task.

    Celery closes them before and after each task. Here they are closed as Django does after a
    request: when they are older than `CONN_MAX_AGE` or broken by an error.
    """

    def close_database(self, **_signal: Any) -> None:
        close_old_connections()


class Fixup(DjangoFixup):  # type: ignore[misc]
    @cached_property
    def worker_fixup(self) -> DjangoWorkerFixup:
        return WorkerFixup(self.app)


def django_support(celery: Celery) -> DjangoFixup:
    return Fixup(celery).install()


app = Celery("sspr", fixups=[django_support])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
