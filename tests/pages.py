"""Looking for short values in pages, mails and logs, where random text may contain them, too."""

import re

# Tokens, ids, hashes and signatures are longer than what people call each other; then the fraction
# of a second. A name of a host and an address of a mailbox are no single run of these characters.
_RANDOM = re.compile(r"[A-Za-z0-9_-]{20,}|:\d\d\.\d{6}\b")


def stands_in(value: str, text: str) -> bool:
    """Whether a text has a code or number as a word of its own, hidden fields included.

    Any four digits stand somewhere in the hex of an id, of a token or of a signature once in a
    few hundred pages: `value not in text` therefore fails by chance. A hyphen or an underscore
    doesn't end a word, since the groups of a UUID and the base64 of URLs would be words then.

    >>> stands_in("0686", 'name="number" value="0686"')
    True
    >>> stands_in("0686", 'name="page_ref" value="318a20686f.34a0-0686-e1"')
    False
    """
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text) is not None


def numbers_in(text: str) -> list[str]:
    """Every run of digits in a text but for its random tokens.

    >>> numbers_in("Your code: 12345678, id 0f3b2c1d-7e12-4a5b-9c0d-12345678abcd")
    ['12345678']
    """
    return re.findall(r"\d+", without_random(text))


def without_random(text: str) -> str:
    """A text but for its random tokens: to look for a part of a number, however it is written.

    >>> without_random('<b value="glriOw1jjcE3sYADnN5678RP7m">+82 10-1234-5678</b>')
    '<b value="">+82 10-1234-5678</b>'
    """
    return _RANDOM.sub("", text)
