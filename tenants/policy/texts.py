"""Texts for people, marked here and translated by the rooms above: this package knows no Django.

`make messages` collects the arguments of these two functions because they're named as Django's are.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """An English text and, where the same words mean two things, which of them is meant."""

    msgid: str
    context: str = ""


def gettext_noop(msgid: str) -> Phrase:
    return Phrase(msgid)


def pgettext(context: str, msgid: str) -> Phrase:
    return Phrase(msgid, context)
