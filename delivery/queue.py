"""The names of the jobs. Services publish by name, so that no service imports a task."""

import uuid

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from isolation.scope import StatementLimits

SEND = "delivery.send"
SWEEP = "delivery.sweep"
URGENT = StatementLimits(statement_s=20, lock_s=10)
"""For jobs of the queue `codes`, which run in threads: those have no time limit."""

log = structlog.get_logger(__name__)


def publish(job: str, tenant_id: int, *ids: uuid.UUID, queue: str) -> None:
    """Wakes a worker. If the broker is down, the sweeper publishes again."""
    try:
        current_app.send_task(job, args=[tenant_id, *map(str, ids)], queue=queue, retry=False)
    except (OperationalError, OSError):
        log.warning("broker_unreachable", job=job, tenant=tenant_id)
