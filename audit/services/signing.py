"""The signature of a chain's end. Without it, anyone with the database could compute a chain."""

from datetime import UTC
from enum import StrEnum

from django.utils.crypto import constant_time_compare

from audit.chain import BEGINNING
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
    BEGINNING_FORGED = "beginning_forged"
    ANCHOR_DIFFERS = "anchor_differs"
    ACCEPTED_DIFFERS = "changed_since_it_was_accepted"


def flaw_of_end(head: Head | None) -> Flaw | None:
    if head is None:
        return Flaw.END_MISSING
    if not is_signed(head):
        return Flaw.END_FORGED
    return None if has_true_beginning(head) else Flaw.BEGINNING_FORGED


def has_true_beginning(head: Head) -> bool:
    """Whether nothing was deleted, or the service itself moved the beginning."""
    if not head.deleted_number and not head.cleared_number:
        return True
    macs = (deleted_mac_of(head, position) for position in range(ring_size()))
    return any(constant_time_compare(head.deleted_mac, mac) for mac in macs)


def sign(head: Head) -> None:
    """Signs the end with the newest key, and what else was signed."""
    head.mac = mac_of(head)
    if is_accepted(head):
        head.accepted_mac = accepted_mac_of(head)
    if head.deleted_number and has_true_beginning(head):
        head.deleted_mac = deleted_mac_of(head)


def mac_of(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain", position=position)
    settled_at = head.settled_at.astimezone(UTC).isoformat(timespec="microseconds")
    return keyed_hash(key, str(head.tenant_id), str(head.number), settled_at, head.digest)


def accepted_mac_of(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain accepted", position=position)
    number = str(head.accepted_number)
    return keyed_hash(key, str(head.tenant_id), number, head.accepted_digest)


def deleted_mac_of(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain beginning", position=position)
    numbers = str(head.deleted_number), str(head.cleared_number)
    return keyed_hash(key, str(head.tenant_id), *numbers, head.deleted_digest)


def beginning_of(head: Head) -> str:
    """The digest that the first link goes on from."""
    return head.deleted_digest if head.deleted_number else BEGINNING


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
