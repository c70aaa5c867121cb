"""Adds, changes and deletes the destinations of an organisation's audit log."""

import os
from base64 import b64encode

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.activities import Activity
from audit.models import Head, Stream, StreamKind
from audit.services import record
from console.services.streaming import SECRET_PREFIX
from tenants.queries import lock_tenant
from vault.services import open_column, seal_column

MOST_STREAMS = 5
_SECRET_BYTES = 32


class StreamNameTaken(Exception):
    """Another destination of the organisation has this name."""


class TooManyStreams(Exception):
    """The organisation has `MOST_STREAMS` destinations already."""


def save(stream: Stream, *, from_beginning: bool, actor_id: int) -> None:
    """Saves a new or changed destination. A new one begins with the next record, unless told.

    Raises:
        StreamNameTaken: nothing was saved.
        TooManyStreams: likewise.
    """
    is_new = stream.pk is None
    head = Head.objects.first() or Head()
    if is_new:
        stream.cursor = 0 if from_beginning else head.number
    stream.due_at = timezone.now()
    # Failures of before say nothing about what is set now.
    stream.tries, stream.failing_since, stream.last_failure, stream.notified_at = 0, None, "", None
    changed = ["name", "address", "ca_certificates", "enabled", "due_at"]
    changed += ["tries", "failing_since", "last_failure", "notified_at"]
    try:
        with transaction.atomic():
            if is_new:
                lock_tenant()
                if Stream.objects.count() >= MOST_STREAMS:
                    raise TooManyStreams
            stream.save(update_fields=None if is_new else changed)
            change = "added" if is_new else "changed"
            record(Activity.STREAM_CHANGED, actor_id=actor_id, stream=stream.name, change=change)
    except IntegrityError:
        raise StreamNameTaken from None


@transaction.atomic
def new_secret(stream: Stream, *, actor_id: int) -> str:
    """Makes the secret that a webhook's messages are signed with, and returns it.

    They are signed with the former one, too, for a day.
    """
    row = Stream.objects.select_for_update().get(pk=stream.pk, kind=StreamKind.WEBHOOK)
    secret = SECRET_PREFIX + b64encode(os.urandom(_SECRET_BYTES)).decode()
    if row.secret:
        row.former_secret = seal_column(row, "former_secret", open_column(row, "secret"))
    row.secret, row.rotated_at = seal_column(row, "secret", secret), timezone.now()
    row.save(update_fields=["secret", "former_secret", "rotated_at"])
    record(Activity.STREAM_CHANGED, actor_id=actor_id, stream=row.name, change="secret")
    return secret


@transaction.atomic
def delete(stream: Stream, *, actor_id: int) -> None:
    if Stream.objects.filter(pk=stream.pk).delete()[0]:
        record(Activity.STREAM_CHANGED, actor_id=actor_id, stream=stream.name, change="deleted")
