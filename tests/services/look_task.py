"""A task that says on which session it runs and whose rows it may see."""

from typing import Any

import structlog
from celery import shared_task
from django.db import connection

from isolation.scope import in_tenant

_LOOK = "SELECT pg_backend_pid(), coalesce(current_setting('sspr.tenant', true), '')"
log = structlog.get_logger(__name__)


@shared_task(name="tests.look")
def look(tenant_id: int) -> None:
    """Fails where a tenant has the number 0, to leave as much behind as a task can."""
    before = _seen()
    with in_tenant(tenant_id):
        log.info("looked", before=before, inside=_seen(), tenant=tenant_id)
        if not tenant_id:
            raise RuntimeError


def _seen() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        return cursor.fetchone()
