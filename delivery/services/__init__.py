"""Messages on their way out: the gate that counts them, and the outbox that sends them."""

from delivery.services.gate import (
    OverLimit,
    Permit,
    Sending,
    Share,
    admit,
    admit_within,
    sent_to_no_one,
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
    "post",
    "post_to_each",
    "send",
    "sent_to_no_one",
    "stored_content",
    "sweep",
]
