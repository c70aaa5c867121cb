"""The call as the provider sees it; and of any page: where it is, and what it was drawn for."""

import uuid
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from audit.services import seen_from
from delivery.channels import twiml
from delivery.channels.twilio_signature import is_from_twilio
from isolation.scope import in_tenant
from tenants.policy import CallConfirmation
from tenants.queries import display_name, policy_in_force
from verification import queries
from verification.models import Challenge
from verification.rules.masking import mask
from verification.rules.passkeys import Site
from verification.services import calls
from verification.services.page_references import PageReference, page_reference

CallView = Callable[[HttpRequest, Challenge, str], str]
PAGE_FIELD = "page_ref"
"""Name of the hidden field, and of the query parameter of a poll, with the page's reference."""


def site_of(request: HttpRequest) -> Site:
    """Where this page is: on one of the host names that we answer on, never on a stranger's."""
    scheme = "https" if settings.SECURE else "http"
    return Site(f"{scheme}://{request.get_host()}")


def draw_for(
    request: HttpRequest,
    subject: uuid.UUID,
    challenge: Challenge | None = None,
    *,
    user_id: Callable[[], str],
) -> None:
    """Lets every form of the page carry what the page is for; see the tag `hidden_fields`.

    Args:
        subject: the reset attempt, or the context of the session.
        challenge: what the page asks to be answered, if anything.
        user_id: gives the user ID that was typed for it. The page gets it masked.
    """

    def reference() -> PageReference:
        typed = user_id()
        return page_reference(subject, challenge, masked_name=mask(typed) if typed else "")

    request.drawn_for = SimpleLazyObject(reference)  # type: ignore[attr-defined]  # read by the tag


def sent_reference(request: HttpRequest) -> PageReference:
    """What the page was drawn for that sent this request."""
    sent = request.POST if request.method == "POST" else request.GET
    return PageReference.read(sent.get(PAGE_FIELD, ""))


def stale_words() -> str:
    """What is said where a form doesn't say which attempt or session it belongs to."""
    return _("The page you used is no longer current. Nothing was changed and nothing was sent.")


def another_code_words() -> str:
    """What is said where a form answers a challenge that something else took the place of."""
    return _(
        "The page you used is no longer current, because something else was "
        "requested since. Nothing was checked and nothing was sent."
    )


def poll_of_another_page() -> HttpResponse:
    """For the script of a page whose call this browser doesn't wait for any more."""
    text = _("This page is no longer current.")
    return JsonResponse({"state": "", "text": text, "done": False})


def _on_a_call(view: CallView) -> Callable[[HttpRequest, uuid.UUID], HttpResponse]:
    """Only for the signed provider, about a call that we placed, in that call's tenant."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def page(request: HttpRequest, challenge_id: uuid.UUID) -> HttpResponse:
        signature = request.headers.get("X-Twilio-Signature", "")
        if not is_from_twilio(request.get_full_path(), request.POST.dict(), signature):
            return HttpResponse(status=403)
        challenge = queries.challenge_for_hook(challenge_id)
        if challenge is None:
            return HttpResponse(status=404)
        # The network is the provider's, not the one of the user who is called.
        with in_tenant(challenge.tenant_id), seen_from(""):
            message = queries.message_of(challenge)
            language = message.language if message else "en"
            with translation.override(language):
                return HttpResponse(view(request, challenge, language), content_type="text/xml")

    return page


@_on_a_call
def voice(_request: HttpRequest, challenge: Challenge, language: str) -> str:
    if not calls.is_open(challenge.pk):
        return twiml.say(_say_over(), language=language)
    brand = {"brand": display_name()}
    greeting, not_me = {
        CallConfirmation.NUMBER_SHOWN: (
            _(
                "Hello. This is the %(brand)s password service. You asked for this call. Type the"
                " number you see on your screen, then press the pound key."
            ),
            _("If you did not ask for this call, press 9, then the pound key."),
        ),
        CallConfirmation.POUND: (
            _(
                "Hello. This is the %(brand)s password service. You asked for this call. To"
                " confirm that it is you, press the pound key."
            ),
            _("If you did not ask for this call, press 9."),
        ),
        CallConfirmation.SPOKEN_CODE: (
            _(
                "Hello. This is the %(brand)s password service. You asked for this call. To hear"
                " your code, press 1."
            ),
            _("If you did not ask for this call, press 9."),
        ),
    }[policy_in_force().call_confirmation]
    return _ask(challenge, language, greeting % brand, not_me)


@_on_a_call
def voice_digits(request: HttpRequest, challenge: Challenge, language: str) -> str:
    pressed = calls.press(challenge.pk, request.POST.get("Digits", ""))
    if pressed is calls.Pressed.WRONG:
        by_number = policy_in_force().call_confirmation is CallConfirmation.NUMBER_SHOWN
        words = (
            _("That number does not match. Please try again.")
            if by_number
            else _("That was another key. Please try again.")
        )
        return _ask(challenge, language, words)
    if pressed is calls.Pressed.LISTENS:
        return _say_code(challenge, language)
    return twiml.say(
        {
            calls.Pressed.RIGHT: _("Thank you. Go back to your screen. Goodbye."),
            calls.Pressed.NOT_ME: _(
                "Thank you. We stopped this request and told your IT team. Goodbye."
            ),
            calls.Pressed.OVER: _say_over(),
        }[pressed],
        language=language,
    )


def _ask(challenge: Challenge, language: str, *sentences: str) -> str:
    """Waits for the number and `#`, or for one key."""
    action = reverse("verification:voice-digits", args=[challenge.pk])
    if policy_in_force().call_confirmation is CallConfirmation.NUMBER_SHOWN:
        return twiml.ask(*sentences, action=action, language=language)
    return twiml.ask(*sentences, action=action, language=language, digits=1, finish_on_key="")


def _say_code(challenge: Challenge, language: str) -> str:
    """The code, twice, digit by digit."""
    code = calls.code_to_say(challenge)
    if code is None:
        return twiml.say(_say_over(), language=language)
    digits = {"code": ", ".join(code)}
    return twiml.say(
        _("Your code is: %(code)s.") % digits,
        _("Once more: %(code)s.") % digits,
        _("Never share this code, not even with the helpdesk. Goodbye."),
        language=language,
    )


def _say_over() -> str:
    if policy_in_force().call_confirmation is CallConfirmation.NUMBER_SHOWN:
        return _("The number did not match. Ask for a new call on your screen. Goodbye.")
    return _("This call is over. Ask for a new call on your screen. Goodbye.")
