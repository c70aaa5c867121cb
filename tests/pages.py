"""What stands in a page, a mail or a log, for values so short that chance writes them too."""

import re


def stands_in(value: str, text: str) -> bool:
    """Whether a code or number stands in a text as a word of its own, hidden fields included.

    Any four digits stand somewhere in the hex of an id, of a token or of a signature once in a
    few hundred pages: `value not in text` therefore fails by chance. A hyphen or an underscore
    doesn't end a word, since the groups of a UUID and the base64 of URLs would be words then.
    """
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text) is not None
