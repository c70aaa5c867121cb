"""Passing a gate: a code, a call or answers. What was proved is a row, never a flag."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from reset.models import Evidence, ResetAttempt
from reset.queries import attempts as queries
from reset.queries.attempts import Standing
from reset.rules import Step, on_offer
from reset.services.attempts import require
from tenants.policy import Method
from tenants.queries import policy_in_force, tenant_in_force
from vault.keyed import same
from verification.models import AuthenticationMethod, Challenge, Purpose
from verification.queries import destination_of, newest
from verification.queries.holdings import all_ways
from verification.queries.temporary_access import has_temporary
from verification.rules.passkeys import Site
from verification.rules.phones import number_of
from verification.rules.verdicts import Verdict
from verification.rules.ways import Way
from verification.services import (
    authenticators,
    challenges,
    guesses,
    passkeys,
    questions,
    recovery_codes,
)
from verification.services.challenges import Answered, Asked


class NotOnOffer(Exception):
    """The method was passed already, isn't registered or isn't allowed. Nothing was sent."""


class NumberWanted(Exception):
    """The policy wants the whole number typed first. Nothing was sent."""


def ways_on_offer(standing: Standing) -> list[Way]:
    """What the user may choose for the next gate, strongest first.

    While guessing is paused, what can't be guessed is still there.

    Raises:
        guesses.Paused: nothing else is left.
    """
    facts = standing.facts
    if facts.policy is None:
        return []
    ways, hides = _held(standing), queries.conceals(standing.attempt)
    if hides:
        # What everybody is offered tells nothing about this one.
        ways = [Way(method, "") for method in all_ways(policy_in_force().methods)]
    # Of administrators the policy asks for more: nor may that be read out of the list.
    offered = on_offer(ways, policy_in_force() if hides else facts.policy, facts.passed)
    if standing.pause is None:
        return offered
    unguessable = [way for way in offered if way.method.is_unguessable]
    if offered and not unguessable:
        raise standing.pause
    return unguessable


def open_gate(standing: Standing, method: Method) -> Challenge:
    """Sends a code, places a call, or draws the questions.

    Raises:
        NotOnOffer: this method can't be used now.
        NumberWanted: it can, by `open_by_number`.
        challenges.Refused: too soon or too many; the browser is told until when.
    """
    _offered(standing, method)
    if _asks_for_the_number(standing, method):
        raise NumberWanted
    return _opened(standing, method, _destination(standing, method))


def open_by_number(standing: Standing, method: Method, number: str) -> Challenge | None:
    """Sends a code or places a call to whoever typed the number that is kept.

    Args:
        number: E.164, as typed.

    Returns:
        None when it's another number. Where nobody may find that out, a challenge for which
        nothing is sent.

    Raises:
        NotOnOffer: this method can't be used now.
        challenges.Refused: too soon or too many; the browser is told until when.
        guesses.Paused: too many wrong guesses at this user; nothing was compared.

    Source: Microsoft Entra, "How does the password reset portal work" (the whole number is typed).
    """
    _offered(standing, method)
    kept, hides = _destination(standing, method), queries.conceals(standing.attempt)
    user_id, budget = standing.attempt.user_id or 0, queries.budget_of(standing.attempt)
    guesses.count_a_guess(user_id, budget)
    right = same(number, number_of(kept))
    if right or hides:
        # Where nobody is told, nobody learns from it, either.
        guesses.uncount(user_id, budget)
        return _opened(standing, method, kept if right else "")
    record(
        Activity.RESET_PROGRESS,
        Outcome.FAILURE,
        subject_id=standing.attempt.subject_id,
        actor_id=Actor.STRANGER,
        support_code=standing.attempt.support_code,
        reason="number_wrong",
        method=method,
    )
    return None


def send_again(standing: Standing, last: Challenge) -> Challenge:
    """Another code or call to where this one of the attempt went.

    Raises:
        NotOnOffer: the method can't be used any more.
        NumberWanted: the number was replaced since, and has to be typed anew.
        challenges.Refused: too soon or too many; the browser is told until when.
    """
    method = Method(last.method)
    _offered(standing, method)
    kept = _destination(standing, method)
    if _asks_for_the_number(standing, method) and destination_of(last) != kept:
        if not queries.conceals(standing.attempt):
            raise NumberWanted
        # Replaced since, or never the right one: nobody may find out which.
        return _opened(standing, method, "")
    return _opened(standing, method, kept)


def asks_for_the_number(standing: Standing, method: Method) -> bool:
    """Whether this method is on offer to whoever types the whole number first."""
    on_offer = method in {way.method for way in ways_on_offer(standing)}
    return on_offer and _asks_for_the_number(standing, method)


def _asks_for_the_number(standing: Standing, method: Method) -> bool:
    policy = standing.facts.policy
    return policy is not None and policy.ask_full_number and method.is_to_a_phone


def _offered(standing: Standing, method: Method) -> None:
    if method not in {way.method for way in ways_on_offer(standing)}:
        raise NotOnOffer


def _destination(standing: Standing, method: Method) -> str:
    """Where it is sent; nothing where there is nobody whom that would help."""
    held = method in {way.method for way in _held(standing)}
    return standing.holdings.values.get(method.proof, "") if held else ""


def _opened(standing: Standing, method: Method, destination: str) -> Challenge:
    attempt, user = standing.attempt, standing.user
    user_id = attempt.user_id or 0
    if method is Method.QUESTIONS:
        return questions.open_questions(user_id, Purpose.RESET, attempt.pk, policy_in_force())
    if method in {Method.PASSKEY, Method.AUTHENTICATOR, Method.RECOVERY_CODE}:
        return challenges.open_unsent(user_id, Purpose.RESET, attempt.pk, method)
    return challenges.open_challenge(
        Asked(
            user_id=user_id,
            actor_id=Actor.STRANGER,
            purpose=Purpose.RESET,
            context=attempt.pk,
            method=method,
            destination=destination,
            language=(user.language if user else "") or tenant_in_force().language,
            textable=standing.holdings.textable(method.proof),
            support_code=attempt.support_code,
            hides=queries.conceals(attempt),
            known_browser=attempt.from_known_browser,
        )
    )


def questions_asked(standing: Standing) -> list[str]:
    """The ids of the questions of this attempt; made up where there is nobody to answer them."""
    user_id = standing.attempt.user_id or 0
    drawn, made_up = questions.drawn_or_made_up(user_id, policy_in_force())
    return drawn if Method.QUESTIONS in {way.method for way in _held(standing)} else made_up


def _held(standing: Standing) -> list[Way]:
    """What the user could really prove it with; nothing where that would help nobody."""
    # Asked for in any case: what isn't asked about nobody would tell them from somebody.
    facts, holdings = standing.facts, standing.holdings
    if not facts.leads_on or facts.policy is None:
        return []
    return holdings.ways(facts.policy.methods)


def _whose(standing: Standing) -> int:
    """Whose things are compared: nobody's, where even the right ones would help nobody."""
    return (standing.attempt.user_id or 0) if standing.facts.leads_on else 0


def pass_code(attempt: ResetAttempt, method: Method, code: str) -> Answered:
    """Spends the method's open challenge and, in the same transaction, writes down the passed gate.

    Raises:
        OutOfTurn: the attempt isn't at the verify step.
        guesses.Paused: too many wrong guesses at this user; nothing was compared.
    """
    guesses.count_a_guess(attempt.user_id or 0, queries.budget_of(attempt))
    with transaction.atomic():
        standing = require(attempt, Step.VERIFY)
        answered = challenges.spend_code(Purpose.RESET, attempt.pk, code, method=method)
        held = answered.challenge is None or _is_held(standing, answered.challenge)
        # What is wrong anyway isn't said to be replaced, where nobody may find out.
        told = answered.verdict is Verdict.RIGHT or not queries.conceals(attempt)
        if not held and told:
            answered = Answered(Verdict.EXPIRED, challenge=answered.challenge)
        _settle(attempt, answered)
    return _counted(attempt, answered)


def pass_questions(standing: Standing, answers: Mapping[str, str]) -> Answered:
    """The same for the drawn questions: all of them right, or none.

    Args:
        answers: question id → answer as typed.
    """
    attempt, method = standing.attempt, Method.QUESTIONS
    user_id, budget = attempt.user_id or 0, queries.budget_of(attempt)
    if not challenges.waits(Purpose.RESET, attempt.pk, method):
        return challenges.spend_judged(Purpose.RESET, attempt.pk, method, right=False)
    guesses.count_a_guess(user_id, budget)
    # Hashing is slow on purpose and stays outside the transaction.
    with guesses.not_counted_if_busy(user_id, budget):
        right = questions.are_right(_whose(standing), answers)
    with transaction.atomic():
        require(attempt, Step.VERIFY)
        answered = challenges.spend_judged(Purpose.RESET, attempt.pk, method, right=right)
        _settle(attempt, answered)
    return _counted(attempt, answered)


def pass_app(attempt: ResetAttempt, code: str) -> Answered:
    """The same for the code that an authenticator app shows."""
    guesses.count_a_guess(attempt.user_id or 0, queries.budget_of(attempt))
    method = Method.AUTHENTICATOR
    with transaction.atomic():
        standing = require(attempt, Step.VERIFY)
        apps = standing.holdings.apps
        right = authenticators.is_right(_whose(standing), code, among=apps)
        answered = challenges.spend_judged(Purpose.RESET, attempt.pk, method, right=right)
        _settle(attempt, answered)
    return _counted(attempt, answered)


@transaction.atomic
def pass_passkey(attempt: ResetAttempt, credential: str, site: Site) -> Answered:
    """The same for what a passkey signed. Nobody guesses that, so that wrong ones pause nothing."""
    standing, method = require(attempt, Step.VERIFY), Method.PASSKEY
    challenge = newest(Purpose.RESET, attempt.pk, method)
    right = challenge is not None and passkeys.is_right(
        _whose(standing), challenge, credential, site, among=standing.holdings.passkeys
    )
    answered = challenges.spend_judged(Purpose.RESET, attempt.pk, method, right=right)
    _settle(attempt, answered)
    return answered


@transaction.atomic
def pass_recovery_code(attempt: ResetAttempt, code: str) -> Answered:
    """The same for a recovery code, which is spent by it. Wrong ones pause nothing, either."""
    whose = _whose(require(attempt, Step.VERIFY))
    answered = recovery_codes.answer(whose, Purpose.RESET, attempt.pk, code)
    _settle(attempt, answered)
    return answered


@transaction.atomic
def pass_call(attempt: ResetAttempt, method: Method) -> bool:
    """Whether the number shown was typed on the phone; if so the gate is passed now."""
    standing = require(attempt, Step.VERIFY)
    challenge = challenges.spend_call(Purpose.RESET, attempt.pk, method=method)
    if challenge is None or not _is_held(standing, challenge):
        return False
    _settle(attempt, Answered(Verdict.RIGHT, challenge=challenge))
    return True


def _is_held(standing: Standing, challenge: Challenge) -> bool:
    """Whether what was asked still is the user's: it may have been replaced since."""
    method = Method(challenge.method)
    if method not in {way.method for way in _held(standing)}:
        return False
    return standing.holdings.are_at(method.proof, destination_of(challenge))


def _settle(attempt: ResetAttempt, answered: Answered) -> None:
    """Writes down what came of it; nothing where no challenge was open any more.

    Else whoever posts to a dead one fills somebody's history without end.
    """
    if answered.challenge is None:
        return
    right = answered.verdict is Verdict.RIGHT
    if right:
        _write_down(attempt, answered.challenge)
    record(
        Activity.RESET_PROGRESS,
        Outcome.SUCCESS if right else Outcome.FAILURE,
        subject_id=attempt.subject_id,
        actor_id=(attempt.subject_id or Actor.STRANGER) if right else Actor.STRANGER,
        support_code=attempt.support_code,
        reason="gate_passed" if right else f"code_{answered.verdict}",
        method=answered.challenge.method,
    )


def _write_down(attempt: ResetAttempt, challenge: Challenge) -> None:
    method, now = Method(challenge.method), timezone.now()
    passed = Evidence(
        attempt=attempt,
        proof=method.proof,
        user_id=challenge.user_id,
        method=method,
        challenge_id=challenge.pk,
        passed_at=now,
        temporary_access=has_temporary(challenge.user_id, method.proof),
    )
    # What was taken away and registered anew meanwhile is proved anew.
    Evidence.objects.bulk_create(
        [passed],
        update_conflicts=True,
        unique_fields=["tenant_id", "attempt", "proof"],
        update_fields=["user_id", "method", "challenge_id", "passed_at", "temporary_access"],
    )
    AuthenticationMethod.objects.filter(user_id=challenge.user_id, proof=method.proof).update(
        last_used_at=now
    )


def _counted(attempt: ResetAttempt, answered: Answered) -> Answered:
    if answered.is_no_guess:
        guesses.uncount(attempt.user_id or 0, queries.budget_of(attempt))
    return answered
