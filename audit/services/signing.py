"""The signature of a chain's end. Without it, anyone with the database could compute a chain."""

from datetime import UTC
from enum import StrEnum

from django.utils.crypto import constant_time_compare

from audit.models import Head
from vault.keyed import keyed_hash
from vault.keyring import purpose_key, ring_size


class Flaw(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    SLIPPED_IN = "slipped_in"
    NOT_SEALED = "not_sealed"
    CHAIN_BROKEN = "chain_broken"
    END_MISSING = "end_missing"
    END_FORGED = "end_forged"
    ANCHOR_DIFFERS = "anchor_differs"
    ACCEPTED_DIFFERS = "changed_since_it_was_accepted"


def flaw_of_end(head: Head | None) -> Flaw | None:
    if head is None:
        return Flaw.END_MISSING
    return None if is_signed(head) else Flaw.END_FORGED


def sign(head: Head) -> None:
    """Signs the end, and the accepted part if it was signed, with the newest key."""
    head.mac = mac_of(head)
    if is_accepted(head):
        head.accepted_mac = accepted_mac_of(head)


def mac_of(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain", position=position)
    settled_at = head.settled_at.astimezone(UTC).isoformat(timespec="microseconds")
    return keyed_hash(key, str(head.tenant_id), str(head.number), settled_at, head.digest)


def accepted_mac_of(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain accepted", position=position)
    number = str(head.accepted_number)
    return keyed_hash(key, str(head.tenant_id), number, head.accepted_digest)


def is_signed(head: Head) -> bool:
    """Whether the newest key of the ring or an older one signed it."""
    return any(
        constant_time_compare(head.mac, mac_of(head, position)) for position in range(ring_size())
    )


def is_accepted(head: Head) -> bool:
    return any(
        constant_time_compare(head.accepted_mac, accepted_mac_of(head, position))
        for position in range(ring_size())
    )
