"""The score of a password by the banned words in it, and its parts. Pure.

Passwords and words are compared in one plain form: lower case, without differences of width, with
digits and signs replaced by the letters that they stand for, and Hangul by the keys that type it,
so that a Korean word is recognised in both spellings.

Source: Microsoft Entra, "Password protection": normalise, match banned words with an edit distance
of 1, one point for each banned word found and for each character that is left, five are needed.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

NEEDED = 5
SHORTEST, LONGEST = 4, 16
"""Of a word that an organisation bans, in characters."""
_SHORTEST_FUZZY = 5
"""Shorter words only match exactly: too many others are one letter away."""
_BASE = Path(__file__).with_name("base_words.txt")
_READ_AS = str.maketrans("1i|!03€4@5$7", "lllloeeaasst")
"""Digits and signs → the letters that they stand for."""
_FIRST, _LAST = 0xAC00, 0xD7A3
_MEDIALS, _FINALS = 21, 28
_LEADING = list("rRseEfaqQtTdwWczxvg")
_MEDIAL, _FINAL = (
    keys.split(" ")
    for keys in (
        "k o i O j p u P h hk ho hl y n nj np nl b m ml l",
        # The first is empty: a syllable needs no final.
        " r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g",
    )
)
_LETTERS = dict(
    zip(
        map(chr, (*range(0x1100, 0x1113), *range(0x1161, 0x1176))),
        [*_LEADING, *_MEDIAL],
        strict=True,
    )
)
"""Letters of Hangul by themselves, as NFKC has them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a password that counts as one point.

    Args:
        word: the banned word that it matches; empty for a single character.
        start: index of the first character; `stop` is behind the last.
        is_exact: False if one letter differs.
    """

    start: int
    stop: int
    word: str = ""
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """The points of a password, and its parts."""

    points: int
    parts: Sequence[Part] = ()

    @property
    def inexact(self) -> int:
        """In how many parts a letter differs. Of two equal scores the one with fewer is taken."""
        return sum(not part.is_exact for part in self.parts)

    @property
    def is_enough(self) -> bool:
        return self.points >= NEEDED

    @property
    def words(self) -> list[str]:
        """The banned words in it, longest first."""
        words = {part.word for part in self.parts if part.word}
        return sorted(words, key=lambda word: (-len(word), word))


@dataclass(frozen=True, slots=True)
class _Match:
    """A part of a text, in the plain form, that matches banned words.

    Args:
        words: several where their plain form is the same, as for 4444 and aaaa.
        is_exact: False if one letter differs.
    """

    start: int
    stop: int
    words: Sequence[str]
    is_exact: bool


class Words:
    """Banned words, prepared for searching.

    A word of which one letter differs still has its first or its last letters. So the text is
    searched for those, and compared with the whole word only there.

    Args:
        words: as they were written; those whose plain form is too short are left out.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._exact: dict[str, list[str]] = {}
        self._beginnings: dict[str, list[str]] = {}
        self._endings: dict[str, list[str]] = {}
        for word in words:
            form = plain(word)
            if len(form) < SHORTEST:
                continue
            if form in self._exact:
                self._exact[form].append(word)
                continue
            self._exact[form] = [word]
            if len(form) >= _SHORTEST_FUZZY:
                # Without the letter between them: two neighbours may be swapped.
                half = len(form) // 2
                self._beginnings.setdefault(form[:half], []).append(form)
                self._endings.setdefault(form[half + 1 :], []).append(form)
        self._lengths = {len(form) for form in self._exact}
        self._pieces = {len(piece) for piece in (*self._beginnings, *self._endings)}
        self.longest = max(self._lengths, default=0)

    def matches_in(self, text: str) -> Iterator[_Match]:
        """Every part that is a word, or one letter away from a longer word.

        An added letter at either end matches only if the part is the whole text. Elsewhere it
        counts as a character of its own.

        Args:
            text: in the plain form.
        """
        for start, stop in _stretches(text, self._lengths):
            if (words := self._exact.get(text[start:stop])) is not None:
                yield _Match(start, stop, words, is_exact=True)
        for start, stop, form in self._candidates(text):
            part = text[start:stop]
            if part == form or not _is_near(part, form):
                continue
            if len(part) == len(text) or form not in {part[1:], part[:-1]}:
                yield _Match(start, stop, self._exact[form], is_exact=False)

    def _candidates(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Parts that begin or end like a word, and are about as long."""
        for at, end in _stretches(text, self._pieces):
            piece = text[at:end]
            for form in self._beginnings.get(piece, ()):
                longest = min(at + len(form) + 1, len(text))
                for stop in range(at + len(form) - 1, longest + 1):
                    yield at, stop, form
            for form in self._endings.get(piece, ()):
                for start in range(max(0, end - len(form) - 1), end - len(form) + 2):
                    yield start, end, form


def score(password: str, words: Sequence[Words]) -> Score:
    """The lowest score of all ways to divide the password into parts.

    Args:
        password: in NFC; parts are counted in its characters.
        words: lists of banned words. Where two lists match the same part, the first one counts.
    """
    text, places = _with_places(password)
    reach = max((one.longest for one in words), default=0) + 1
    if len(text) > (NEEDED - 1) * reach + NEEDED:
        # Fewer than `NEEDED` words can't fill a password of this length.
        return Score(len(password))
    by_stop: dict[int, dict[int, _Match]] = {}
    for one in words:
        for match in one.matches_in(text):
            by_stop.setdefault(match.stop, {}).setdefault(match.start, match)
    best: list[Score] = [Score(0)]
    for stop in range(1, len(text) + 1):
        options = [_by_itself(best[stop - 1], places, stop)]
        for start, match in sorted(by_stop.get(stop, {}).items()):
            first, behind = places[start], places[stop - 1] + 1
            word = _as_typed(match.words, password[first:behind])
            part = Part(first, behind, word, is_exact=match.is_exact)
            options.append(Score(best[start].points + 1, (*best[start].parts, part)))
        best.append(min(options, key=lambda one: (one.points, one.inexact)))
    return best[-1]


def holds(password: str, names: Iterable[str]) -> str:
    """The first of the names that the password contains, in any spelling; empty if none."""
    text = plain(password)
    return next((n for n in names if len(form := plain(n)) >= SHORTEST and form in text), "")


def plain(text: str) -> str:
    r"""The form in which passwords and words are compared. Doing it twice changes nothing.

    >>> plain("P@ssw0rd"), plain("안녕"), plain("\uff21\uff22\uff23")
    ('password', 'dkssud', 'abc')
    """
    return _with_places(text)[0]


@cache
def base_words() -> Words:
    """The words that every organisation bans."""
    lines = _BASE.read_text(encoding="utf-8").splitlines()
    return Words(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=16)
def words_of(banned: frozenset[str]) -> Words:
    """The words of an organisation. A list of 1,000 takes 3 MB, so only the latest are cached."""
    return Words(sorted(banned))


def _with_places(text: str) -> tuple[str, list[int]]:
    """The plain form, and for each of its letters the index of its character in the text."""
    composed = unicodedata.normalize("NFC", text)
    forms = [(at, _of_character(character)) for at, character in enumerate(composed)]
    return "".join(form for _, form in forms), [at for at, form in forms for _ in form]


@lru_cache(maxsize=16_384)
def _of_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(map(_keys, unicodedata.normalize("NFKC", folded))).lower().translate(_READ_AS)


def _keys(character: str) -> str:
    """The keys that type a character of Hangul on a two-set keyboard; others stay as they are.

    Source: KS X 5002 (layout), Unicode section 3.12 (composition of syllables).
    """
    if character in _LETTERS:
        return _LETTERS[character]
    if not _FIRST <= ord(character) <= _LAST:
        return character
    leading, rest = divmod(ord(character) - _FIRST, _MEDIALS * _FINALS)
    medial, final = divmod(rest, _FINALS)
    return _LEADING[leading] + _MEDIAL[medial] + _FINAL[final]


def _as_typed(words: Sequence[str], typed: str) -> str:
    """Of words with the same plain form, the one that the user typed."""
    folded = typed.casefold()
    return next((word for word in words if word.casefold() == folded), words[0])


def _by_itself(before: Score, places: Sequence[int], stop: int) -> Score:
    """The score if the next letter is a part of its own. Letters of one character are one point."""
    at = places[stop - 1]
    last = before.parts[-1] if before.parts else None
    if last is not None and last.stop == at + 1:
        return before
    return Score(before.points + 1, (*before.parts, Part(at, at + 1)))


def _stretches(text: str, lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Start and stop of every part of one of these lengths."""
    for length in lengths:
        for start in range(len(text) - length + 1):
            yield start, start + length


def _is_near(text: str, form: str) -> bool:
    """Whether one letter was changed, added or left out, or two neighbours were swapped."""
    if abs(len(text) - len(form)) > 1:
        return False
    shorter, longer = sorted((text, form), key=len)
    first = next((at for at, one in enumerate(shorter) if one != longer[at]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[first:] == longer[first + 1 :]
    if shorter[first + 1 :] == longer[first + 1 :]:
        return True
    swapped = shorter[first : first + 2] == longer[first : first + 2][::-1]
    return swapped and shorter[first + 2 :] == longer[first + 2 :]
