"""Which challenge a page of the portal answers: its form says so, not what was begun last."""

from collections.abc import Callable
from functools import partial, wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from reset.queries import attempts as queries
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Step
from reset.views.frame import View, at
from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.models import Challenge
from verification.rules.challenges import MAX_TRIES
from verification.services.page_references import in_its_place
from verification.views import another_code_words, draw_for, sent_reference

ChallengeView = Callable[[HttpRequest, AttemptState, Challenge], HttpResponse]
_PAGES = {
    Method.QUESTIONS: "reset:questions",
    Method.PASSKEY: "reset:passkey",
    Method.AUTHENTICATOR: "reset:app",
    Method.RECOVERY_CODE: "reset:recovery-code",
}


def answering(page: str = "", reads: Reads = Reads.NOTHING) -> Callable[[ChallengeView], View]:
    """A page of the verify step that answers one challenge of the attempt.

    A form answers the challenge that it was drawn for, or the newer code to the same place. One
    whose gate is passed leads on, whatever was entered: there is nothing left to judge.

    Args:
        page: name of the address; nothing where a form of any of these pages is sent to.
        reads: what the page needs; see `at`.
    """

    def decorate(view: ChallengeView) -> View:
        @at(Step.VERIFY, reads)
        @wraps(view)
        def shown(request: HttpRequest, state: AttemptState) -> HttpResponse:
            if request.method == "POST":
                challenge = sent_reference(request).challenge_among(state.challenges)
                if challenge is not None and _is_passed(challenge, state):
                    return redirect(_due(state))
                if challenge is not None:
                    challenge = in_its_place(challenge, state.challenges)
                if challenge is None:
                    messages.warning(request, another_code_words())
            else:
                challenge = shown_on(page, state, request.GET.get("method", ""))
            if challenge is None or page not in {"", page_of(Method(challenge.method))}:
                return redirect("reset:verify")
            typed = partial(queries.username_of, state.attempt)
            draw_for(request, state.attempt.pk, challenge, user_id=typed)
            return view(request, state, challenge)

        return shown

    return decorate


def page_of(method: Method) -> str:
    """Where what a method asks for is answered."""
    if policy_in_force().is_typed_back(method):
        return "reset:code"
    return "reset:call" if method.is_call else _PAGES[method]


def shown_on(page: str, state: AttemptState, method: str = "") -> Challenge | None:
    """The challenge that the page shows when it is opened: the newest one whose gate is missing.

    Args:
        method: the only one wanted, if any.
    """
    return next(
        (
            one
            for one in state.challenges
            if page_of(Method(one.method)) == page
            and method in {"", one.method}
            and not _is_passed(one, state)
        ),
        None,
    )


def _is_passed(challenge: Challenge, state: AttemptState) -> bool:
    gate = Method(challenge.method).proof.gate
    passed = {method.proof.gate for method in state.facts.passed}
    return challenge.spent_at is not None or gate in passed


def _due(state: AttemptState) -> str:
    """The page where something is waited for; where nothing is, the choice of a method."""
    newest, now = state.challenges[0], timezone.now()
    is_open = newest.expires_at > now and newest.tries < MAX_TRIES
    if is_open and not _is_passed(newest, state):
        return page_of(Method(newest.method))
    return "reset:verify"
