"""What speaks against a password. One pure function; nothing else decides."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from passwords.banned import Score, Words, base_words, holds, score, words_of
from typed.rules import folded, without_invisible

MAX_LENGTH = 256
_MOST_COMPOSED = 4 * MAX_LENGTH
"""Up to four characters become one in NFC."""
FEWEST_DIFFERENT = 5
"""Characters. One that is repeated, a short pattern, and blanks alone have fewer."""
_OTHER_BLANKS = re.compile(r"[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BLANK_PATTERN = "\u2800"
"""Braille without a dot."""
_UNSEEN = {"Cc", "Cf", "Co", "Cs"}
"""Controls, formats, private use, surrogates. Emoji that Python doesn't know yet are `Cn`."""
_WEAK, _STRONG = 8, 14
"""Points."""


class Problem(StrEnum):
    SHORT = "short"
    LONG = "long"
    CLASSES = "classes"
    REPETITIVE = "repetitive"
    PERSONAL = "personal"
    BANNED = "banned"
    BREACHED = "breached"
    """It takes a file to know, see `passwords.breached`."""
    USED = "used"
    """Had before; it takes the directory to know, see `Connector.was_used`."""


@dataclass(frozen=True, slots=True)
class PasswordFinding:
    """One thing that speaks against a password; `amount` as the problem has it."""

    problem: Problem
    amount: int = 0
    word: str = ""


class Strength(IntEnum):
    """For the line that changes while somebody types."""

    REFUSED = 0
    WEAK = 1
    ACCEPTABLE = 2
    STRONG = 3


def composed(password: str) -> str:
    r"""A password in NFC; see `prepared` for the form in which it is judged, hashed and compared.

    What is too long for any password stays as it is, and too long: composing takes time that grows
    with the square of the length, half a second for the 64 kB that a form may have.

    >>> composed("e\u0301") == "\u00e9"
    True
    """
    if len(password) > _MOST_COMPOSED:
        return password
    return unicodedata.normalize("NFC", password)


def evaluate(
    password: str,
    *,
    min_length: int,
    classes: int = 0,
    names: Sequence[str] = (),
    banned: frozenset[str] = frozenset(),
) -> list[PasswordFinding]:
    """All that speaks against a password; an empty list means that it's good.

    Args:
        password: `prepared`; never stripped, never truncated.
        min_length: in characters (not bytes, not UTF-16 units) that can be seen.
        classes: how many of lower case, upper case, digits and symbols it needs.
        names: of the user and the organisation; those under 4 letters are ignored.
        banned: the organisation's own words.

    Source: NIST SP 800-63B-4 section 3.1.1.2 (length first, context-specific words refused).

    >>> evaluate("correct horse", min_length=12)
    []
    >>> [f.problem for f in evaluate("xyxyxyxyxyxy", min_length=12)]
    [<Problem.REPETITIVE: 'repetitive'>]
    >>> [f.problem for f in evaluate("minji", min_length=12, names=["Minji"])]
    [<Problem.SHORT: 'short'>, <Problem.PERSONAL: 'personal'>]
    """
    found = []
    if (characters := length(password)) < min_length:
        found.append(PasswordFinding(Problem.SHORT, characters))
    if len(password) > MAX_LENGTH:
        found.append(PasswordFinding(Problem.LONG, MAX_LENGTH))
    if (missing := classes - _classes_in(_visible(password))) > 0:
        found.append(PasswordFinding(Problem.CLASSES, missing))
    if len(password) > MAX_LENGTH:
        return found
    if len(password) >= min_length and _different_in(password) < FEWEST_DIFFERENT:
        found.append(PasswordFinding(Problem.REPETITIVE, FEWEST_DIFFERENT))
    if holds(_visible(password), names):
        found.append(PasswordFinding(Problem.PERSONAL))
    elif not (worth := explain(password, names=names, banned=banned)).is_enough and worth.words:
        found.append(PasswordFinding(Problem.BANNED, word=worth.words[0]))
    return found


def prepared(password: str) -> str:
    r"""The characters of a password as they are hashed: every blank U+0020, then NFC.

    A blank from a document or a telephone is another character that looks the same.

    Source: RFC 8265 section 4.2.2 (OpaqueString).

    >>> prepared("correct\xa0horse")
    'correct horse'
    """
    return composed(_OTHER_BLANKS.sub(" ", password))


def length(password: str) -> int:
    r"""In characters that can be seen; a run of blanks is one, and those at the ends are none.

    >>> length("correct  horse\xad\x01")
    13
    """
    return len(" ".join(_visible(password).split()))


def spellings(password: str) -> list[str]:
    """What to compare with a hash: `prepared`; also NFC alone, as older hashes were made."""
    return list(dict.fromkeys([prepared(password), composed(password)]))


def explain(
    password: str, *, names: Sequence[str] = (), banned: frozenset[str] = frozenset()
) -> Score:
    """Of what the password consists, and how much that is worth.

    >>> explain("C0ntos0 Passw0rd", banned=frozenset({"contoso"})).points
    3
    """
    return score(_visible(password), [words_of(banned), Words(names), base_words()])


def strength(password: str, findings: Sequence[PasswordFinding], worth: Score) -> Strength:
    """How strong a password seems; none that is refused is."""
    if findings:
        return Strength.REFUSED
    if worth.points < _WEAK or len(set(password)) < _WEAK:
        return Strength.WEAK
    return Strength.STRONG if worth.points >= _STRONG else Strength.ACCEPTABLE


def has_ended(set_at: datetime | None, lifetime: timedelta, now: datetime) -> bool:
    """Whether a password is older than it may get.

    Args:
        set_at: None where nobody knows.
        lifetime: zero for one that never ends.

    >>> at = datetime(2026, 1, 1)
    >>> has_ended(at, timedelta(days=30), at + timedelta(days=30))
    True
    """
    return bool(lifetime) and set_at is not None and now - set_at >= lifetime


def _visible(password: str) -> str:
    """Without controls, private characters and signs that can't be seen.

    What is too long for any password stays as it is: looking at each character takes time.
    """
    if len(password) > _MOST_COMPOSED or (password.isascii() and password.isprintable()):
        return password
    return "".join(
        one
        for one in password
        if unicodedata.category(one) not in _UNSEEN
        and one != _BLANK_PATTERN
        and without_invisible(one)
    )


def _different_in(password: str) -> int:
    """How many different characters can be seen in it, whatever their case and width."""
    return len(set(folded(password)) - {" "})


def _classes_in(password: str) -> int:
    lower = any(c.islower() for c in password)
    upper = any(c.isupper() for c in password)
    digit = any(c.isdigit() for c in password)
    other = any(not c.isalnum() for c in password)
    return sum((lower, upper, digit, other))
