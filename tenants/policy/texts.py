"""Marks texts for translation without Django. The rooms above translate them.

`make messages` collects the arguments of these functions because they have the names of Django's.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """An English text, with a context where the same words have two meanings."""

    msgid: str
    context: str = ""


def gettext_noop(msgid: str) -> Phrase:
    return Phrase(msgid)


def pgettext(context: str, msgid: str) -> Phrase:
    return Phrase(msgid, context)
