"""Codes of hardware OATH tokens, with a clock or with a button. Pure.

A token with a clock (TOTP) counts time steps, one with a button (HOTP) its presses. Each shows the
code of its counter, and each counter is good for at most one code.

Source: RFC 4226 (HOTP), RFC 6238 (TOTP).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from django_otp.oath import hotp

DIGITS = 6
LEAST_SEED_BYTES = 16
"""RFC 4226 section 4, R6."""
LOOK_AHEAD = 10
"""Presses of the button that may have been wasted. RFC 4226 section 7.4 wants this small."""
LOOK_AHEAD_OF_STRANGERS = 2
"""The same where no password was entered: an authenticator app has three codes, too."""
TOLERANCE = 1
"""Time steps that a code may be early or late. RFC 6238 section 5.2."""
MOST_DRIFT = 20
"""Time steps by which a token's clock may be wrong. RFC 6238 section 6."""
FAR_LOOK_AHEAD = 1_000
"""The same for a token that is synchronised, which takes two codes in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """What is known of a token.

    Args:
        seed: the secret key.
        interval: seconds that each code is shown; 0 for a token with a button.
        counter: the last counter whose code was redeemed; -1 before the first.
        drift: time steps by which the token's clock was ahead when it was last used.
    """

    seed: bytes = field(repr=False)
    interval: int
    counter: int = -1
    drift: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is known of the token after a right code: `TokenState.counter` and `drift`."""

    counter: int
    drift: int


def accepted(
    token: TokenState,
    code: str,
    now: float,
    *,
    look_ahead: int = LOOK_AHEAD,
    is_far: bool = False,
) -> Accepted | None:
    """What becomes of the token if this is one of its codes; None if it isn't.

    Args:
        code: as typed; spaces are left out.
        now: seconds since 1970.
        look_ahead: presses of the button that may have been wasted.
        is_far: looks as far as a token may be when it's synchronised.

    >>> token = TokenState(seed=b"12345678901234567890", interval=0)
    >>> accepted(token, "287 082", 0)
    Accepted(counter=1, drift=0)
    >>> accepted(TokenState(seed=token.seed, interval=0, counter=1), "287082", 0)

    Source: the codes are those of RFC 4226, appendix D.
    """
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit() and len(typed) == DIGITS):
        return None
    if not token.interval:
        ahead = FAR_LOOK_AHEAD if is_far else look_ahead
        counter = _counter_of(
            token.seed, typed, range(token.counter + 1, token.counter + ahead + 2)
        )
        return None if counter is None else Accepted(counter, 0)
    step = int(now // token.interval)
    middle, around = (step, MOST_DRIFT) if is_far else (step + token.drift, TOLERANCE)
    steps = range(max(middle - around, token.counter + 1), middle + around + 1)
    counter = _counter_of(token.seed, typed, steps)
    if counter is None or abs(counter - step) > MOST_DRIFT:
        return None
    return Accepted(counter, counter - step)


def _counter_of(seed: bytes, code: str, counters: Iterable[int]) -> int | None:
    """The first of these counters that the code belongs to. All are compared, whichever it is."""
    matching = [
        counter
        for counter in counters
        if compare_digest(f"{hotp(seed, counter, DIGITS):0{DIGITS}d}", code)
    ]
    return matching[0] if matching else None
