"""Reading a code as a person would, from a mail or a text."""

import re

# As a word of its own: the random token of a link has six digits in a row now and then.
CODE = re.compile(r"(?<![\w-])\d{6,8}(?![\w-])", re.ASCII)


def code_in(text: str) -> str:
    """The one code of 6 to 8 digits in the text; it may stand there several times.

    >>> code_in("Your code is 12345678. @localhost #12345678")
    '12345678'
    """
    found: set[str] = set(CODE.findall(text))
    assert len(found) == 1, f"{len(found)} different codes in {text!r}"
    return found.pop()
