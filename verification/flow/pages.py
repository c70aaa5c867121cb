"""The pages of a verification: choosing, the number typed first, answering, sending again, a call.

A page answers the challenge that its form says, not what was begun last: a browser has one cookie
or session for all its tabs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tenants.policy import Method
from tenants.queries import policy_in_force
from verification import pages
from verification.flow import verify
from verification.flow.disclosure import DISCLOSING, Disclosure
from verification.flow.forms import NUMBER_WRONG, MethodForm, NumberForm
from verification.flow.verify import MethodUnavailable, NumberWanted, Verification
from verification.methods import verifier_of
from verification.models import Challenge
from verification.queries import destination_of, resend_at
from verification.rules.verdicts import Verdict
from verification.services.calls import call_state
from verification.services.challenges import Refused
from verification.services.page_references import in_its_place, page_reference
from verification.views import (
    PAGE_FIELD,
    another_code_words,
    draw_for,
    poll_of_another_page,
    sent_reference,
    site_of,
)
from verification.words import over_words, refused_words, sent_words

Render = Callable[[HttpRequest, str, dict[str, object]], HttpResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationPages:
    """Where the pages of one verification are, and what they say beside what all say.

    Args:
        choose: name of the page where a method is chosen.
        page_of: name of the page where a method's challenge is answered.
        number: name of the page where a number is typed first, if there is one.
        resend, poll: addresses.
        refused: name of the page after a code was refused for another reason than too soon; that
            of the method where it's empty.
        user_id: gives the user ID that was typed.
        is_passed: whether there is nothing left to answer in this challenge.
        accepts: whether the method may be used for this now.
        passed: gives the name of the page that an older tab leads on to then.
        finish: what follows a right answer.
        extend: adds what else is asked on the pages with a form.
        has_failed: whether the challenge's code couldn't be sent.
        context: what else the templates need.
        about: the same, for one challenge.
    """

    verification: Verification
    choose: str
    page_of: Callable[[Method], str]
    number: str = ""
    resend: str
    poll: str
    refused: str = ""
    user_id: Callable[[], str]
    is_passed: Callable[[Challenge], bool] = lambda challenge: challenge.spent_at is not None
    accepts: Callable[[Method], bool] = lambda _method: True
    passed: Callable[[], str]
    finish: Callable[[HttpRequest, Challenge], HttpResponse]
    extend: Callable[[Form], None] = lambda _form: None
    has_failed: Callable[[Challenge], bool]
    disclosure: Disclosure = DISCLOSING
    render: Render = pages.render
    template: str = ""
    context: Mapping[str, object] = field(default_factory=dict)
    about: Callable[[Challenge], dict[str, object]] = lambda _challenge: {}

    def shown(self, page: str, method: str = "") -> Challenge | None:
        """The challenge that the page shows when it is opened: the newest that can be answered.

        Args:
            method: the only one wanted, if any.
        """
        return next(
            (
                each
                for each in self.verification.context.challenges
                if self.page_of(Method(each.method)) == page
                and method in {"", each.method}
                and not self.is_passed(each)
            ),
            None,
        )

    def address_of(self, method: Method) -> str:
        """The page of the method's open challenge, which needn't be the newest that it shows."""
        page = self.page_of(method)
        newest = self.shown(page)
        if newest is None or newest.method == method:
            return reverse(page)
        return f"{reverse(page)}?{urlencode({'method': method.value})}"


def choose(request: HttpRequest, about: VerificationPages, form: MethodForm) -> HttpResponse:
    """Begins the chosen method, and leads to the page where the user answers."""
    if form.is_valid():
        method = Method(form.cleaned_data["method"])
        try:
            verify.begin(about.verification, method)
            return redirect(about.page_of(method))
        except MethodUnavailable:
            return redirect(about.choose)
        except NumberWanted:
            return redirect(_number_page(about, method))
        except Refused as refusal:
            if is_sent_already(request, about, refusal, method):
                return redirect(about.address_of(method))
            form.add_error("method", refused_words(refusal, method))
    context = {"form": form, "title": _("Verify it’s you"), **about.context}
    return about.render(request, about.template, context)


def type_number(request: HttpRequest, about: VerificationPages) -> HttpResponse:
    """Takes the whole number of the phone that was chosen, and sends to it if it's right."""
    verification, named = about.verification, request.GET.get("method", "")
    method = Method(named) if named in set(Method) else None
    first = verification.number_first
    available = {option.method for option in verification.options()}
    if method is None or method not in available or not (first and first.asks_for_number(method)):
        return redirect(about.choose)
    ends_in = about.disclosure.last_digits(verification.request(method).destination)
    form = NumberForm(request.POST or None, ends_in=ends_in)
    if form.is_valid():
        number = form.cleaned_data["phone"]
        try:
            if verify.begin_by_number(verification, first, method, number) is not None:
                return redirect(about.page_of(method))
            form.add_error("phone", NUMBER_WRONG)
        except MethodUnavailable:
            return redirect(about.choose)
        except Refused as refusal:
            if is_sent_already(request, about, refusal, method):
                return redirect(about.address_of(method))
            form.add_error("phone", refused_words(refusal, method))
    context = {
        "form": form,
        "method": method,
        "other_url": reverse(about.choose),
        **about.context,
    }
    return about.render(request, "verification/number.html", context)


def answer(request: HttpRequest, about: VerificationPages, page: str) -> HttpResponse:
    """Takes the answer to a challenge: to that of the form, or to the newest.

    Args:
        page: name of this page.
    """
    challenge = _challenge_of(request, about, page)
    if not isinstance(challenge, Challenge):
        return challenge
    verification, method, site = about.verification, Method(challenge.method), site_of(request)
    if not about.accepts(method):
        return redirect(about.choose)
    draw_for(request, verification.context.id, challenge, user_id=about.user_id)
    verifier = verifier_of(method)
    form = verifier.form(request.POST or None, verification.context)
    if form.fields:
        about.extend(form)
    if form.is_valid():
        result = verify.answer(verification, method, verifier.answer(form, site))
        if result.verdict is Verdict.RIGHT:
            response = about.finish(request, challenge)
            if verifier.passed_words is not None:
                messages.info(request, verifier.passed_words(challenge.user_id))
            return response
        if verifier.says_when_over and (result.verdict is Verdict.DEAD or over_words(challenge)):
            return redirect(about.address_of(method))
        form.add_error(verifier.error_field, verifier.error_words(result))
    context = {
        "form": form,
        "heading": verifier.heading,
        "other_url": reverse(about.choose),
        **(verifier.shown(verification.context, challenge, site) if verifier.shown else {}),
        **(_sent(about, challenge) if method.carrier else {}),
        **(_call(about, challenge) if verifier.watches_call else {}),
        **about.about(challenge),
        **about.context,
    }
    return about.render(request, verifier.template, context)


def resend(request: HttpRequest, about: VerificationPages) -> HttpResponse:
    """A new code or call by the page's method; if it is too soon, the page says from when."""
    challenge = _challenge_of(request, about)
    if not isinstance(challenge, Challenge):
        return challenge
    method = Method(challenge.method)
    try:
        verify.send_again(about.verification, challenge)
    except MethodUnavailable:
        return redirect(about.choose)
    except NumberWanted:
        return redirect(_number_page(about, method))
    except Refused as refusal:
        messages.warning(request, refused_words(refusal, method))
        if about.refused and not refusal.too_soon:
            return redirect(about.refused)
        return redirect(about.address_of(method))
    return redirect(about.page_of(method))


def call_progress(request: HttpRequest, about: VerificationPages) -> HttpResponse:
    """For the script of the call page: what the phone is doing. It proves nothing."""
    challenge = sent_reference(request).challenge_among(about.verification.context.challenges)
    if challenge is None:
        return poll_of_another_page()
    state = about.disclosure.call_state(call_state(challenge))
    text = about.disclosure.call_words(state)
    return JsonResponse({"state": state.value, "text": text, "done": state.is_final})


def is_sent_already(
    request: HttpRequest, about: VerificationPages, refusal: Refused, method: Method
) -> bool:
    """Whether the code of this very method is waited for; then the next page says since when."""
    sent = about.shown(about.page_of(method), method)
    if not refusal.too_soon or sent is None:
        return False
    messages.info(request, sent_words(sent))
    return True


def _challenge_of(
    request: HttpRequest, about: VerificationPages, page: str = ""
) -> Challenge | HttpResponse:
    """What this page answers, or where it leads because there is nothing to answer.

    An older code is answered by the newer one to the same place. A form whose challenge is passed
    leads on, whatever was entered.
    """
    if request.method != "POST":
        challenge = about.shown(page, request.GET.get("method", ""))
        return redirect(about.choose) if challenge is None else challenge
    challenges = about.verification.context.challenges
    challenge = sent_reference(request).challenge_among(challenges)
    if challenge is not None and about.is_passed(challenge):
        return redirect(about.passed())
    if challenge is not None:
        challenge = in_its_place(challenge, challenges)
    if challenge is None:
        messages.warning(request, another_code_words())
    if challenge is None or page not in {"", about.page_of(Method(challenge.method))}:
        return redirect(about.choose)
    return challenge


def _number_page(about: VerificationPages, method: Method) -> str:
    return f"{reverse(about.number)}?{urlencode({'method': method.value})}"


def _sent(about: VerificationPages, challenge: Challenge) -> dict[str, object]:
    """What the pages for codes and calls show of a challenge."""
    method, policy, disclosure = Method(challenge.method), policy_in_force(), about.disclosure
    sends = sum(each.method == method for each in about.verification.context.challenges)
    return {
        "method": method,
        "over": over_words(challenge),
        "masked": disclosure.masked(destination_of(challenge)),
        "hides": disclosure.is_concealed,
        "minutes": int(policy.code_lifetime(method).total_seconds() // 60),
        "length": policy.code_digits,
        "resend_url": about.resend,
        "check_url": reverse(about.page_of(method)),
        "resend_at": resend_at(challenge, sends),
        "resent": sends > 1,
        "send_failed": disclosure.says_failed(has_failed=about.has_failed(challenge)),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "caller": settings.TWILIO_FROM,
    }


def _call(about: VerificationPages, challenge: Challenge) -> dict[str, object]:
    """What the page of a call shows of it. Its script waits until the call is over."""
    state = about.disclosure.call_state(call_state(challenge))
    poll = {PAGE_FIELD: str(page_reference(about.verification.context.id, challenge))}
    return {
        "poll_url": "" if state.is_final else f"{about.poll}?{urlencode(poll)}",
        "state_text": about.disclosure.call_words(state),
    }
