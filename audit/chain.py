"""The hash chain of audit events: each digest covers the one before. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEntry:
    """All fields of an event, as the digest covers them."""

    tenant_id: int
    event_id: int
    at: datetime
    activity: str
    outcome: str
    actor_id: int | None
    subject_id: int | None
    support_code: str
    reason: str
    details: Mapping[str, object]

    @property
    def canonical(self) -> str:
        """The same text for the same event on every database."""
        fields = [
            self.tenant_id,
            self.event_id,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            self.activity,
            self.outcome,
            self.actor_id,
            self.subject_id,
            self.support_code,
            self.reason,
            self.details,
        ]
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def digest(before: str, number: int, entry: ChainEntry) -> str:
    """SHA-256, hex, of the previous digest, the number in the chain, and the event.

    Args:
        before: `BEGINNING` for the first.
        number: 1 for the first.
    """
    return hashlib.sha256(f"{before}\n{number}\n{entry.canonical}".encode()).hexdigest()
