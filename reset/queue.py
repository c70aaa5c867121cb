"""The names of this room's jobs."""

SETTLE = "reset.settle"
