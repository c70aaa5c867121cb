"""Why a password is refused. One pure function decides."""

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
"""Different characters that a password needs. Repeated characters and blanks have fewer."""
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
    """Found in the file of `passwords.breached`."""
    USED = "used"
    """A former password of the user; the directory knows, see `Connector.was_used`."""


@dataclass(frozen=True, slots=True)
class PasswordFinding:
    """A reason to refuse a password; `amount` is the number in its sentence."""

    problem: Problem
    amount: int = 0
    word: str = ""


class Strength(IntEnum):
    """Shown while the user types."""

    REFUSED = 0
    WEAK = 1
    ACCEPTABLE = 2
    STRONG = 3


def composed(password: str) -> str:
    r"""A password in NFC; see `prepared` for the form in which it is judged, hashed and compared.

    Text that is too long for any password isn't composed: the time grows with the square of the
    length, to half a second for the 64 kB that a form may have.

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
    """All reasons to refuse a password; none if it is good.

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
    findings = []
    if (characters := length(password)) < min_length:
        findings.append(PasswordFinding(Problem.SHORT, characters))
    if len(password) > MAX_LENGTH:
        findings.append(PasswordFinding(Problem.LONG, MAX_LENGTH))
    if (missing := classes - _classes_in(_visible(password))) > 0:
        findings.append(PasswordFinding(Problem.CLASSES, missing))
    if len(password) > MAX_LENGTH:
        return findings
    different = len(set(folded(password)) - {" "})
    if len(password) >= min_length and different < FEWEST_DIFFERENT:
        findings.append(PasswordFinding(Problem.REPETITIVE, FEWEST_DIFFERENT))
    if holds(_visible(password), names):
        findings.append(PasswordFinding(Problem.PERSONAL))
    elif not (worth := explain(password, names=names, banned=banned)).is_enough and worth.words:
        findings.append(PasswordFinding(Problem.BANNED, word=worth.words[0]))
    return findings


def prepared(password: str) -> str:
    r"""The characters of a password as they are hashed: every blank U+0020, then NFC.

    A blank from a document or a telephone is another character that looks the same.

    Source: RFC 8265 section 4.2.2 (OpaqueString).

    >>> prepared("correct\xa0horse")
    'correct horse'
    """
    return composed(_OTHER_BLANKS.sub(" ", password))


def length(password: str) -> int:
    r"""In visible characters; a run of blanks counts as one, and none at the ends.

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
    """The parts of the password, and its score.

    >>> explain("C0ntos0 Passw0rd", banned=frozenset({"contoso"})).points
    3
    """
    return score(_visible(password), [words_of(banned), Words(names), base_words()])


def strength(password: str, findings: Sequence[PasswordFinding], worth: Score) -> Strength:
    """How strong a password seems; `REFUSED` if there are findings."""
    if findings:
        return Strength.REFUSED
    if worth.points < _WEAK or len(set(password)) < _WEAK:
        return Strength.WEAK
    return Strength.STRONG if worth.points >= _STRONG else Strength.ACCEPTABLE


def has_ended(set_at: datetime | None, lifetime: timedelta, now: datetime) -> bool:
    """Whether a password is older than it may get.

    Args:
        set_at: None where it isn't known.
        lifetime: zero where passwords don't expire.

    >>> at = datetime(2026, 1, 1)
    >>> has_ended(at, timedelta(days=30), at + timedelta(days=30))
    True
    """
    return bool(lifetime) and set_at is not None and now - set_at >= lifetime


def _visible(password: str) -> str:
    """Without controls, private characters and other invisible ones.

    Text that is too long for any password stays as it is, to save time.
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


def _classes_in(password: str) -> int:
    lower = any(c.islower() for c in password)
    upper = any(c.isupper() for c in password)
    digit = any(c.isdigit() for c in password)
    other = any(not c.isalnum() for c in password)
    return sum((lower, upper, digit, other))
