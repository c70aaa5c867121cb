"""What the history is chained with: each event's digest holds that of the one before. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEntry:
    """An event as it is chained: all that it says."""

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
        """One spelling for one event, on every database."""
        said = [
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
        return json.dumps(said, sort_keys=True, separators=(",", ":"))


def digest(before: str, number: int, entry: ChainEntry) -> str:
    """SHA-256, hex, of the digest before, the place in the chain, and the event.

    Args:
        before: `BEGINNING` for the first.
        number: 1 for the first.
    """
    return hashlib.sha256(f"{before}\n{number}\n{entry.canonical}".encode()).hexdigest()
