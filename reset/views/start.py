"""Who is it, and what is wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from directory.rules import user_id_in
from reset.forms import GoalForm, IdentifyForm
from reset.queries import attempts as queries
from reset.queries.attempts import AttemptRow, AttemptState
from reset.rules import Goal, Step
from reset.services import attempts
from reset.views.frame import at, of_attempt, with_cookie
from verification.marks import Stage, open_during, takes_return_to
from verification.middleware import (
    answer_at_a_beat,
    client_network,
    known_device,
    link_data,
    with_link_data,
)
from verification.pages import render
from verification.rules.captcha import Action, Finding
from verification.services import captcha
from verification.services.captcha import Captcha
from verification.words import captcha_words

_USERNAME = "username"
_REASON = "reason"


@takes_return_to
@open_during(Stage.REGISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def identify(request: HttpRequest) -> HttpResponse:
    if request.method != "POST" and (request.GET.get(_USERNAME) or request.GET.get(_REASON)):
        return _remembered(request)
    form = IdentifyForm(
        request.POST if request.method == "POST" else None,
        initial={"username": link_data(request).get(_USERNAME, "")},
    )
    network = client_network(request)
    # A browser that is known may not be refused for its network: `begin` finds out and counts.
    beside = [] if known_device(request) else captcha.counted_as_user_id(network)
    asked = Captcha(Action.IDENTIFY, network, request.POST, beside=beside)
    if form.is_valid() and _worked(request, form, asked):
        begun = attempts.begin(
            form.cleaned_data["username"],
            network=network,
            wanted=_wanted(request),
            known=known_device(request),
            is_counted=bool(beside) and asked.is_beside_counted,
        )
        return with_cookie(redirect(f"reset:{begun.comes_next}"), begun.cookie)
    if asked.finding is None:
        asked.suspicion = captcha.suspicion_of(network, known=known_device(request))
    return render(request, "reset/identify.html", {"form": form, "captcha": asked})


@at(Step.CHOOSE)
def choose(request: HttpRequest, state: AttemptState) -> HttpResponse:
    form = GoalForm(request.POST or None)
    if form.is_valid():
        attempts.choose_goal(state, Goal(form.cleaned_data["reason"]))
        return redirect("reset:verify")
    return render(request, "reset/choose.html", {"form": form})


@require_POST
@of_attempt
def again(request: HttpRequest, row: AttemptRow) -> HttpResponse:
    """Starts over with the same user ID filled in, and never in an address."""
    username = queries.username_of(row.attempt)
    return with_link_data(request, redirect("reset:identify"), username=username)


def _worked(request: HttpRequest, form: IdentifyForm, asked: Captcha) -> bool:
    if asked.is_paid_for:
        answer_at_a_beat(request)
        suspicion = captcha.suspicion_at_identify(
            form.cleaned_data["username"], asked.network, known_device(request)
        )
    else:
        suspicion = captcha.suspicion_of(asked.network)
    found = asked.judge(suspicion)
    if found is not Finding.PASSED:
        form.add_error(None, captcha_words(asked.action, found, asked.ripe_at))
    return found is Finding.PASSED


def _remembered(request: HttpRequest) -> HttpResponse:
    """Moves what the address said into a cookie: names don't stay in addresses."""
    return with_link_data(
        request,
        redirect("reset:identify"),
        username=user_id_in(request.GET.get(_USERNAME, "")),
        reason=request.GET.get(_REASON, "")[:10],
    )


def _wanted(request: HttpRequest) -> Goal | None:
    reason = link_data(request).get(_REASON)
    return Goal(reason) if reason in set(Goal) else None
