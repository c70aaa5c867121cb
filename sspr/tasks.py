"""What the workers do for the service as a whole."""

import structlog
from celery import shared_task

from sspr.purge import purge as purge_now

log = structlog.get_logger(__name__)


@shared_task(name="sspr.purge")
def purge() -> None:
    """Deletes what has served its purpose, once a day."""
    log.info("purged", **{name.replace(".", "_"): count for name, count in purge_now().items()})
