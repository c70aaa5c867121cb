"""The pages of the gates: the pages of a verification, for an attempt."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reset.queries import attempts as queries
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Step
from reset.services.gates import GateVerification
from reset.views.frame import View, at, onwards
from tenants.policy import Method
from verification.flow import pages
from verification.flow.forms import MethodForm
from verification.flow.pages import VerificationPages
from verification.marks import for_a_script
from verification.methods import VERIFIERS, verifier_of
from verification.models import Challenge
from verification.rules.challenges import MAX_TRIES


@at(Step.VERIFY, Reads.METHODS)
def verify(request: HttpRequest, state: AttemptState) -> HttpResponse:
    about = _pages(state)
    form = MethodForm(request.POST or None, options=about.verification.options())
    return pages.choose(request, about, form)


@at(Step.VERIFY, Reads.METHODS)
def number(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """Where the policy wants the whole number typed before anything is sent to it."""
    return pages.type_number(request, _pages(state))


def answers_to(page: str) -> View:
    """The page where the challenges of some methods are answered; see `VERIFIERS`."""

    @at(Step.VERIFY, Reads.METHODS if VERIFIERS[page].reads_methods else Reads.NOTHING)
    def answer(request: HttpRequest, state: AttemptState) -> HttpResponse:
        return pages.answer(request, _pages(state), f"reset:{page}")

    return answer


@require_POST
@at(Step.VERIFY, Reads.METHODS)
def resend(request: HttpRequest, state: AttemptState) -> HttpResponse:
    return pages.resend(request, _pages(state))


@for_a_script
@require_safe
@at(Step.VERIFY)
def call_progress(request: HttpRequest, state: AttemptState) -> HttpResponse:
    return pages.call_progress(request, _pages(state))


def _pages(state: AttemptState) -> VerificationPages:
    verification = GateVerification(state)
    passed = {method.factor.gate for method in state.facts.passed}

    def is_passed(challenge: Challenge) -> bool:
        gate = Method(challenge.method).factor.gate
        return challenge.spent_at is not None or gate in passed

    def due() -> str:
        """The page where something is waited for; where nothing is, the choice of a method."""
        newest = state.challenges[0]
        is_open = newest.expires_at > timezone.now() and newest.tries < MAX_TRIES
        return _page_of(Method(newest.method)) if is_open and not is_passed(newest) else _CHOOSE

    return VerificationPages(
        verification=verification,
        choose=_CHOOSE,
        page_of=_page_of,
        number="reset:number",
        resend=reverse("reset:resend"),
        poll=reverse("reset:call-state"),
        refused=_CHOOSE,
        user_id=lambda: queries.username_of(state.attempt),
        is_passed=is_passed,
        passed=due,
        finish=lambda _request, challenge: onwards(
            state, Method(challenge.method), verification.cookie
        ),
        has_failed=lambda challenge: challenge.pk in state.row.unsent,
        disclosure=state.subject.disclosure,
        template="reset/verify.html",
        context=_progress(state),
    )


_CHOOSE = "reset:verify"


def _page_of(method: Method) -> str:
    return f"reset:{verifier_of(method).page}"


def _progress(state: AttemptState) -> dict[str, object]:
    """Step n of total, once the total is known."""
    facts = state.facts
    required = facts.policy.methods_required if facts.policy else 1
    passed = len({method.factor.gate for method in facts.passed})
    return {
        "step_n": passed + 2,
        "step_total": state.subject.steps(required),
        "second": passed > 0,
        "contact_url": reverse("reset:contact"),
        **({"title": _("Verify it’s you once more")} if passed else {}),
    }
