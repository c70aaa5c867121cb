"""What the pages of a verification may say of the user."""

from typing import Protocol

from django.utils.translation import gettext as _

from verification.methods.call import call_words
from verification.rules.masking import mask
from verification.rules.verdicts import CallState


class Disclosure(Protocol):
    """What a page says. A page that conceals says the same for every user ID, known or not."""

    @property
    def is_concealed(self) -> bool: ...

    def masked(self, destination: str) -> str:
        """Where a code was sent, as the page shows it."""
        ...

    def last_digits(self, number: str) -> str:
        """The end of a number by which its owner knows which phone is meant."""
        ...

    def call_state(self, state: CallState) -> CallState:
        """What a call is doing, as the page may know."""
        ...

    def call_words(self, state: CallState) -> str:
        """The same in a sentence."""
        ...

    def says_failed(self, *, has_failed: bool) -> bool:
        """Whether the page says that a code couldn't be sent."""
        ...


class Disclosing:
    """Says what is true."""

    is_concealed = False

    def masked(self, destination: str) -> str:
        return mask(destination)

    def last_digits(self, number: str) -> str:
        return number.partition("#")[0][-2:]

    def call_state(self, state: CallState) -> CallState:
        return state

    def call_words(self, state: CallState) -> str:
        return call_words(state)

    def says_failed(self, *, has_failed: bool) -> bool:
        return has_failed


class Concealing:
    """Says what would be said of an unknown user ID."""

    is_concealed = True

    def masked(self, destination: str) -> str:  # noqa: ARG002
        return ""

    def last_digits(self, number: str) -> str:  # noqa: ARG002
        return ""

    def call_state(self, state: CallState) -> CallState:
        return state if state is CallState.CONFIRMED else CallState.QUEUED

    def call_words(self, state: CallState) -> str:
        if state is CallState.CONFIRMED:
            return call_words(state)
        return _("If this account has this phone, it rings now.")

    def says_failed(self, *, has_failed: bool) -> bool:  # noqa: ARG002
        return False


DISCLOSING, CONCEALING = Disclosing(), Concealing()
