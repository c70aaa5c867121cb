"""What strangers write, so that no mail program makes a way to a page of it."""

import re

# With those of other scripts, which browsers read as the same.
_DOT = "[.\uff0e\u3002\uff61]"
# A top-level domain has no digit, unless it is one of another script in its ASCII form.
_HOST = rf"[\w-]+(?:{_DOT}[\w-]+)*{_DOT}(?:xn--[\w-]+|[^\W\d_]{{2,}})(?![\w-])"
_ADDRESS_OF_MACHINE = r"\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
_LINK = re.compile(
    rf"""
    [a-z][a-z0-9+.-]{{0,20}}://\S*                           # any scheme
    | \b(?:file|outlook|onenote|search-ms|ms-[a-z-]+):\S+  # what Outlook opens without slashes
    | (?<![a-z])www{_DOT}\S+
    | (?<![\w:])(?://|\\\\)\S+                             # "//host/x", "\\host\x"
    | (?<![\w-])(?:{_HOST}|{_ADDRESS_OF_MACHINE})(?::\d+)?(?:/\S*|[?\#\\]\S+)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAILBOX_OR_HOST = re.compile(
    rf"(?P<mailbox>(?<![\w.+%-])[\w.+%-]+@{_HOST})|(?<![\w-]){_HOST}", re.IGNORECASE
)
_FILES = frozenset(
    [
        "bmp",
        "csv",
        "doc",
        "docx",
        "eml",
        "exe",
        "gif",
        "htm",
        "html",
        "hwp",
        "hwpx",
        "ini",
        "jpeg",
        "jpg",
        "json",
        "log",
        "msg",
        "pdf",
        "png",
        "ppt",
        "pptx",
        "txt",
        "xls",
        "xlsx",
        "xml",
    ]
)


def without_links(text: str) -> str:
    """The text with nothing in it that opens a page when it's clicked.

    Links are cut. What only looks like the name of a host, as a sentence begun without a blank
    does, gets one behind its dots, because no list of top-level domains is complete. Files and
    mailboxes stay as they are: a mailbox opens a draft and no page.

    >>> without_links("See http://evil.example/x or evil.example/login.Now evil.example")
    'See … or … evil. example'
    >>> without_links("It says 10.5 in report.doc. kim.minji@mail.example knows.Please call")
    'It says 10.5 in report.doc. kim.minji@mail.example knows. Please call'
    """
    return _MAILBOX_OR_HOST.sub(_harmless, _LINK.sub("…", text))


def _harmless(found: re.Match[str]) -> str:
    word = found[0]
    is_file = re.split(_DOT, word)[-1].casefold() in _FILES
    if found["mailbox"] or is_file:
        return word
    return re.sub(_DOT, r"\g<0> ", word)
