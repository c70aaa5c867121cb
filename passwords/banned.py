"""How much of a password is words that anybody would try: a score, and where it comes from. Pure.

Passwords and words are compared in one plain form: lower case, width and accents of compatibility
folded, digits and signs that stand for letters read as those, and Hangul as the keys it is typed
with, so that a Korean word is known in both spellings.

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
"""Shorter words are found as they are: too many others are one letter away."""
_BASE = Path(__file__).with_name("base_words.txt")
_READ_AS = str.maketrans(
    {
        **dict.fromkeys("1i|!", "l"),
        "0": "o",
        "3": "e",
        "€": "e",
        "4": "a",
        "@": "a",
        "5": "s",
        "$": "s",
        "7": "t",
    }
)
_FIRST, _LAST = 0xAC00, 0xD7A3
_MEDIALS, _FINALS = 21, 28
_LEADING = list("rRseEfaqQtTdwWczxvg")
_MEDIAL = [
    "k",
    "o",
    "i",
    "O",
    "j",
    "p",
    "u",
    "P",
    "h",
    "hk",
    "ho",
    "hl",
    "y",
    "n",
    "nj",
    "np",
    "nl",
    "b",
    "m",
    "ml",
    "l",
]
_FINAL = [
    "",
    "r",
    "R",
    "rt",
    "s",
    "sw",
    "sg",
    "e",
    "f",
    "fr",
    "fa",
    "fq",
    "ft",
    "fx",
    "fv",
    "fg",
    "a",
    "q",
    "qt",
    "t",
    "T",
    "d",
    "w",
    "c",
    "z",
    "x",
    "v",
    "g",
]
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
    """A stretch of a password that counts as one point.

    Args:
        word: the banned word that it is, or is close to; empty for a character of its own.
        start: of the first character in the password; `stop` is behind the last.
        is_exact: False if one letter differs.
    """

    start: int
    stop: int
    word: str = ""
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """What a password is worth, and of what it consists."""

    points: int
    parts: Sequence[Part] = ()

    @property
    def guesses(self) -> int:
        """In how many parts a letter differs: of two scores alike the plainer one is meant."""
        return sum(not part.is_exact for part in self.parts)

    @property
    def is_enough(self) -> bool:
        return self.points >= NEEDED

    @property
    def words(self) -> list[str]:
        """The banned words in it, longest first."""
        found = {part.word for part in self.parts if part.word}
        return sorted(found, key=lambda word: (-len(word), word))


@dataclass(frozen=True, slots=True)
class _Match:
    """A stretch of a text, in the plain form, that is banned words or one letter away from them.

    Args:
        words: several where they are the same in the plain form, as 4444 and aaaa are.
    """

    start: int
    stop: int
    words: Sequence[str]
    is_exact: bool


class Words:
    """Banned words, ready to be looked for.

    A word of which one letter differs still has its first or its last letters. So the text is
    searched for those, and compared with the whole word only there.

    Args:
        words: as they were written; those that come out too short to mean anything are left out.
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

    def places_in(self, text: str) -> Iterator[_Match]:
        """Every stretch that is a word, or one letter away from a longer word.

        The whole text may be a word and a letter before or behind it. Inside of a text such a
        letter is a letter of its own.

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
        """Stretches that begin or end as a word does, and are about as long."""
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
    """The lowest score that the password has, however it is taken apart.

    Args:
        password: in NFC; parts are counted in its characters.
        words: lists of banned words. Of two lists that have a word for a place the first names it.
    """
    text, places = _with_places(password)
    reach = max((one.longest for one in words), default=0) + 1
    if len(text) > (NEEDED - 1) * reach + NEEDED:
        # So few words don't fill so long a password.
        return Score(len(password))
    by_stop: dict[int, dict[int, _Match]] = {}
    for one in words:
        of_list: dict[tuple[int, int], _Match] = {}
        for place in one.places_in(text):
            of_list.setdefault((place.start, place.stop), place)
        for place in of_list.values():
            by_stop.setdefault(place.stop, {}).setdefault(place.start, place)
    best: list[Score] = [Score(0)]
    for stop in range(1, len(text) + 1):
        found = [_by_itself(best[stop - 1], places, stop)]
        for start, place in sorted(by_stop.get(stop, {}).items()):
            first, behind = places[start], places[stop - 1] + 1
            word = _as_typed(place.words, password[first:behind])
            part = Part(first, behind, word, is_exact=place.is_exact)
            found.append(Score(best[start].points + 1, (*best[start].parts, part)))
        best.append(min(found, key=lambda one: (one.points, one.guesses)))
    return best[-1]


def holds(password: str, names: Iterable[str]) -> str:
    """The first of the names that is in the password, in whatever spelling; empty if none is."""
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
    """The words that are banned everywhere."""
    lines = _BASE.read_text(encoding="utf-8").splitlines()
    return Words(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=16)
def words_of(banned: frozenset[str]) -> Words:
    """Those of an organisation. A list of 1,000 takes 3 MB, so that only the latest stay."""
    return Words(sorted(banned))


def _with_places(text: str) -> tuple[str, list[int]]:
    """The plain form, and for each of its letters the character of the text that it's from."""
    composed = unicodedata.normalize("NFC", text)
    forms = [(at, _of_character(character)) for at, character in enumerate(composed)]
    return "".join(form for _, form in forms), [at for at, form in forms for _ in form]


@lru_cache(maxsize=16_384)
def _of_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(map(_keys, unicodedata.normalize("NFKC", folded))).lower().translate(_READ_AS)


def _keys(character: str) -> str:
    """Hangul as it's typed on a keyboard with two sets; everything else as it is.

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
    """Of words that are the same in the plain form, the one that somebody will recognise."""
    folded = typed.casefold()
    return next((word for word in words if word.casefold() == folded), words[0])


def _by_itself(before: Score, places: Sequence[int], stop: int) -> Score:
    """The score with the next letter as one of its own. Of one character there is one point."""
    at = places[stop - 1]
    last = before.parts[-1] if before.parts else None
    if last is not None and last.stop == at + 1:
        return before
    return Score(before.points + 1, (*before.parts, Part(at, at + 1)))


def _stretches(text: str, lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Where every stretch of one of these lengths begins and ends."""
    for length in lengths:
        for start in range(len(text) - length + 1):
            yield start, start + length


def _is_near(text: str, form: str) -> bool:
    """Whether one letter was changed, added, left out, or two neighbours are swapped."""
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
