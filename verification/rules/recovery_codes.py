"""How a recovery code looks, and how a typed one is read. Pure.

Source: Crockford's base 32 (no I, L, O, U; the first three are read as what they look like).
"""

from typed.rules import compact

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 24
"""Of 5 bits each: 120 bits."""
SET_SIZE = 10
FEW = 3
"""With so many left, or fewer, the page asks the user to make a new set."""
_GROUP = 4
_ALIKE = str.maketrans("ILO", "110")


def typed_code(text: str) -> str:
    """The code as it was meant; empty if it can't be a recovery code.

    >>> typed_code(" oil0-2345 6789-abcd efgh-jkmn ")
    '011023456789ABCDEFGHJKMN'
    """
    plain = compact(text).upper().translate(_ALIKE)
    return plain if len(plain) == LENGTH and set(plain) <= set(ALPHABET) else ""


def grouped(code: str) -> str:
    """A code as people can read it to themselves.

    >>> grouped("0123456789ABCDEFGHJKMNPQ")
    '0123-4567-89AB-CDEF-GHJK-MNPQ'
    """
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
