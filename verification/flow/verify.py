"""Verifying a user: beginning by a method, sending again, and checking the answer.

A reset, a sign-in, a change of security info, a registration and a check of a caller all do it
here. What differs between them is their `Verification`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from django.utils.crypto import constant_time_compare

from isolation.writes import writing_together
from tenants.policy import Method
from verification.methods import module_of, verifier_of
from verification.methods.base import ChallengeAnswer, VerificationContext
from verification.models import Challenge
from verification.rules.method_options import MethodOption
from verification.rules.phones import number_of
from verification.rules.verdicts import Verdict
from verification.services import guesses
from verification.services.challenges import ChallengeRequest, ChallengeResult, waits


class MethodUnavailable(Exception):
    """The method isn't registered, isn't allowed or was used already. Nothing was sent."""


class NumberWanted(Exception):
    """The policy wants the whole number typed first. Nothing was sent."""


class NumberFirst(Protocol):
    """When the whole number of a phone has to be typed before anything is sent to it."""

    def asks_for_number(self, method: Method) -> bool: ...

    def takes_number(self, method: Method, *, is_right: bool) -> bool:
        """Whether it goes on after this number was typed; if not, that was written down."""
        ...


class Verification(Protocol):
    """The verification of one user for one purpose, during one request.

    The defaults are for purposes by which nothing is read anew when an answer is checked.
    """

    context: VerificationContext
    number_first: NumberFirst | None = None

    def options(self) -> Sequence[MethodOption]:
        """The methods that can be used now, in the order in which they are offered.

        Raises:
            Throttled: guessing is paused, and all that is left can be guessed.
        """
        ...

    def request(self, method: Method) -> ChallengeRequest:
        """What is asked for by this method, and where it is sent."""
        ...

    def request_again(self, last: Challenge) -> ChallengeRequest:
        """What is asked for when it is sent again.

        Raises:
            NumberWanted: the number was replaced since, and has to be typed anew.
        """
        return self.request(Method(last.method))

    def reread(self) -> VerificationContext:
        """Reads anew what may have changed; called in the transaction that redeems a challenge."""
        return self.context

    def is_held(self, challenge: Challenge) -> bool:  # noqa: ARG002
        """Whether what a code or call went to still is the user's."""
        return True

    def verdict_once_replaced(self, verdict: Verdict) -> Verdict:  # noqa: ARG002
        """The verdict on an answer to a code or call that went to what isn't the user's now."""
        return Verdict.EXPIRED

    def settle(self, challenge: Challenge, verdict: Verdict) -> None:
        """Writes down the verdict and what follows, in the transaction that redeems."""
        ...


def begin(verification: Verification, method: Method) -> Challenge:
    """Sends a code, places a call, draws the questions, or waits for a device.

    Raises:
        MethodUnavailable: this method can't be used now.
        NumberWanted: it can, by `begin_by_number`.
        challenges.Refused: too soon or too many.
    """
    _require_available(verification, method)
    number_first = verification.number_first
    if number_first is not None and number_first.asks_for_number(method):
        raise NumberWanted
    request = verification.request(method)
    return module_of(method).begin(request, verification.context.challenges)


def begin_by_number(
    verification: Verification, number_first: NumberFirst, method: Method, number: str
) -> Challenge | None:
    """Sends a code or places a call once the number that is registered was typed.

    Args:
        number: E.164, as typed.

    Returns:
        None when it's another number and the page may say so. Where it may not, a challenge for
        which nothing is sent.

    Raises:
        MethodUnavailable: this method can't be used now.
        challenges.Refused: too soon or too many.
        guesses.Throttled: too many wrong guesses at this user; nothing was compared.

    Source: Microsoft Entra, "How does the password reset portal work" (the whole number is typed).
    """
    _require_available(verification, method)
    request, context = verification.request(method), verification.context
    assert context.counter is not None
    guesses.count_a_guess(context.user_id, context.counter)
    is_right = constant_time_compare(number, number_of(request.destination))
    if not number_first.takes_number(method, is_right=is_right):
        return None
    guesses.uncount(context.user_id, context.counter)
    if not is_right:
        request = replace(request, destination="")
    return module_of(method).begin(request, context.challenges)


def send_again(verification: Verification, last: Challenge) -> Challenge:
    """Another code or call to where this one went.

    Raises:
        MethodUnavailable: the method can't be used any more.
        NumberWanted: the number was replaced since, and has to be typed anew.
        challenges.Refused: too soon or too many.
    """
    method = Method(last.method)
    _require_available(verification, method)
    request = verification.request_again(last)
    return module_of(method).begin(request, verification.context.challenges)


def answer(verification: Verification, method: Method, given: ChallengeAnswer) -> ChallengeResult:
    """Redeems the method's open challenge and writes down, in one transaction, what follows.

    Raises:
        guesses.Throttled: too many wrong guesses at this user; nothing was compared.
    """
    context, verifier = verification.context, verifier_of(method)
    counter = context.counter if verifier.is_counted else None
    if verifier.judge is not None and not waits(method, context.challenges):
        # Nothing that is given could be right, so it isn't hashed.
        return verifier.check(context, method, given)
    if counter is not None:
        guesses.count_a_guess(context.user_id, counter)
    if verifier.judge is not None and counter is not None:
        # Hashing is slow on purpose and stays outside the transaction.
        with guesses.not_counted_if_busy(context.user_id, counter):
            given = replace(given, is_right=verifier.judge(context.verify_id, given))
    with writing_together():
        result = verifier.check(verification.reread(), method, given)
        sent = result.challenge if method.carrier is not None else None
        if sent is not None and not verification.is_held(sent):
            verdict = verification.verdict_once_replaced(result.verdict)
            if verdict is not result.verdict:
                # A call that was confirmed is no answer that is written down as wrong.
                result = ChallengeResult(verdict, challenge=None if counter is None else sent)
        if result.challenge is not None:
            # Posts to a dead challenge must not fill the history without end.
            verification.settle(result.challenge, result.verdict)
        # Last: others wait for these counters.
        if counter is not None and result.is_no_guess:
            guesses.uncount(context.user_id, counter)
    return result


def _require_available(verification: Verification, method: Method) -> None:
    if method not in {option.method for option in verification.options()}:
        raise MethodUnavailable
