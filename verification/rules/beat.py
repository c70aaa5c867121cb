"""Answers that could tell a known user ID from an unknown one leave at a beat only.

The work for both is the same, but never to the microsecond. A page that is only read does little
work and waits for a shorter beat than a form: the beat only has to be longer than the work.

Source: OWASP ASVS 5.0 6.3.8 (valid users can't be deduced from response times).
"""

FORM_BEAT_S, PAGE_BEAT_S = 0.2, 0.05
SERVER_WAITS = "sspr.server_waits"
"""WSGI environ: the server waits for the beat by itself, outside the threads that do the work."""
AT_A_BEAT = "sspr.at_a_beat"
"""WSGI environ: the answer to this request leaves at a beat of so many seconds."""


def until_the_beat(beat_s: float, began: float, now: float) -> float:
    """Seconds from now to the next beat, counted from when the request began.

    >>> round(until_the_beat(0.2, 5.0, 5.05), 3), round(until_the_beat(0.2, 5.0, 5.25), 3)
    (0.15, 0.15)
    """
    return beat_s - (now - began) % beat_s
