"""What the workers do for the history."""

from celery import shared_task

from audit.services.sealing import sweep


@shared_task(name="audit.seal")
def seal() -> None:
    """Chains what was written since the last time. Two at once wait for each other."""
    sweep()
