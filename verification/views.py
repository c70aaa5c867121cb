"""The call, as the provider sees it; and where a page is, as a passkey sees it."""

import uuid
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from delivery.channels import twiml
from delivery.channels.twilio_signature import is_from_twilio
from isolation.scope import in_tenant
from tenants.queries import called
from verification import queries
from verification.models import Challenge
from verification.rules.passkeys import Site
from verification.services import calls

CallView = Callable[[HttpRequest, Challenge, str], str]


def site_of(request: HttpRequest) -> Site:
    """Where this page is: on one of the host names that we answer on, never on a stranger's."""
    scheme = "https" if settings.SECURE else "http"
    return Site(f"{scheme}://{request.get_host()}")


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
        with in_tenant(challenge.tenant_id):
            message = queries.message_of(challenge)
            language = message.language if message else "en"
            with translation.override(language):
                return HttpResponse(view(request, challenge, language), content_type="text/xml")

    return page


@_on_a_call
def voice(_request: HttpRequest, challenge: Challenge, language: str) -> str:
    if not calls.is_open(challenge.pk):
        return twiml.say(_say_failed(), language=language)
    return twiml.ask(
        _(
            "Hello. This is the %(brand)s password service. You asked for this call. Type the"
            " number you see on your screen, then press the pound key."
        )
        % {"brand": called()},
        _("If you did not ask for this call, press 9, then the pound key."),
        action=_digits_url(challenge),
        language=language,
    )


@_on_a_call
def voice_digits(request: HttpRequest, challenge: Challenge, language: str) -> str:
    typed = calls.type_number(challenge.pk, request.POST.get("Digits", ""))
    if typed is calls.Typed.WRONG:
        return twiml.ask(
            _("That number does not match. Please try again."),
            action=_digits_url(challenge),
            language=language,
        )
    return twiml.say(
        {
            calls.Typed.RIGHT: _("Thank you. Go back to your screen. Goodbye."),
            calls.Typed.NOT_ME: _(
                "Thank you. We stopped this request and told your IT team. Goodbye."
            ),
            calls.Typed.OVER: _say_failed(),
        }[typed],
        language=language,
    )


def _say_failed() -> str:
    return _("The number did not match. Ask for a new call on your screen. Goodbye.")


def _digits_url(challenge: Challenge) -> str:
    return reverse("verification:voice-digits", args=[challenge.pk])
