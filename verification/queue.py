"""The names of this room's jobs."""

SEND_CODE = "verification.send_code"
PLACE_CALL = "verification.place_call"
