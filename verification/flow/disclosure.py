"""What the pages of a verification may say of the user."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from verification.methods.call import call_words
from verification.rules.masking import mask
from verification.rules.verdicts import CallState


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a page says. One that conceals says the same of every user ID, known or not."""

    is_concealed: bool

    def masked(self, destination: str) -> str:
        """Where a code was sent."""
        return "" if self.is_concealed else mask(destination)

    def last_digits(self, number: str) -> str:
        """The end of a number, by which its owner knows which phone is meant."""
        return "" if self.is_concealed else number.partition("#")[0][-2:]

    def call_state(self, state: CallState) -> CallState:
        """What a call is doing."""
        if self.is_concealed and state is not CallState.CONFIRMED:
            return CallState.QUEUED
        return state

    def call_words(self, state: CallState) -> str:
        """The same in a sentence."""
        if self.is_concealed and state is not CallState.CONFIRMED:
            return _("If this account has this phone, it rings now.")
        return call_words(state)

    def says_failed(self, *, has_failed: bool) -> bool:
        """Whether it says that a code couldn't be sent."""
        return has_failed and not self.is_concealed


DISCLOSING, CONCEALING = Disclosure(is_concealed=False), Disclosure(is_concealed=True)
