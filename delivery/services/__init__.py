"""Sending messages: the gate counts them, the outbox sends them."""

from delivery.services.gate import (
    OverLimit,
    Permit,
    Sending,
    Share,
    admit,
    admit_within,
    permit_for_decoy,
)
from delivery.services.outbox import (
    Content,
    claim,
    deliver,
    destination_of,
    drop,
    is_late,
    note_status,
    post,
    post_to_each,
    send,
    stored_content,
    sweep,
)

__all__ = [
    "Content",
    "OverLimit",
    "Permit",
    "Sending",
    "Share",
    "admit",
    "admit_within",
    "claim",
    "deliver",
    "destination_of",
    "drop",
    "is_late",
    "note_status",
    "permit_for_decoy",
    "post",
    "post_to_each",
    "send",
    "stored_content",
    "sweep",
]
