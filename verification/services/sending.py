"""The last moment of a code: it is made, written down as an HMAC and handed over. Worker only."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery import services as outbox
from delivery.models import Kind
from delivery.services import Content
from delivery.services.gate import calls_paused_until
from directory.models import User
from tenants.policy import Method
from tenants.queries import policy_in_force, short_name, tenant_in_force
from verification.clock import clock
from verification.models import Challenge, Purpose
from verification.queries import destination_of
from verification.rules.texts import first_that_fits
from verification.services import guessing_alerts
from verification.services.caller_words import caller_mail, caller_text
from verification.services.challenges import new_code
from verification.services.letters import Mail, content_of


def send_code(outgoing_id: uuid.UUID) -> None:
    """Makes a code and sends it. A second try makes another code and kills the first."""
    outgoing = outbox.claim(outgoing_id)
    if outgoing is None:
        return
    challenge = Challenge.objects.get(outgoing_id=outgoing_id)
    # Made for a decoy, too: it goes off at the same moment as one that was sent.
    code = new_code(challenge, policy_in_force())
    if code is None or not destination_of(challenge):
        outbox.drop(outgoing)
        return
    with translation.override(outgoing.language):
        if challenge.method == Method.EMAIL:
            content = _mail(challenge, code)
        else:
            is_caller = challenge.purpose == Purpose.CALLER
            content = caller_text(code) if is_caller else _text(code)
    outbox.deliver(outgoing, content)
    guessing_alerts.watch_the_day(Kind(outgoing.kind))


def place_call(outgoing_id: uuid.UUID) -> None:
    """Calls, if anybody still waits for the call."""
    outgoing = outbox.claim(outgoing_id)
    if outgoing is None:
        return
    challenge = Challenge.objects.get(outgoing_id=outgoing_id)
    over = challenge.closed_at or challenge.spent_at or challenge.expires_at <= timezone.now()
    phone = destination_of(challenge)
    # A call may have been denied since this one was asked for.
    if over or not phone or calls_paused_until(phone):
        outbox.drop(outgoing)
        return
    outbox.deliver(outgoing, Content(), voice_path=f"/hooks/twilio/voice/{challenge.pk}")
    guessing_alerts.watch_the_day(Kind(outgoing.kind))


def _text(code: str) -> Content:
    named = {"code": code, "brand": short_name()}
    # Phones fill in the code by themselves if the last line binds it to our host.
    # Source: WICG, "Origin-bound one-time codes delivered via SMS".
    bound = f"@{urlsplit(settings.BASE_URL).hostname or ''} #{code}"
    sentences = [
        _("%(code)s is your %(brand)s code. Don't share it, not even with IT.") % named,
        _("%(code)s is your %(brand)s code") % named,
        # The host says who sends it when the brand and it are too long for one message.
        code,
    ]
    return Content(text=first_that_fits([f"{sentence}\n{bound}" for sentence in sentences]))


def _mail(challenge: Challenge, code: str) -> Content:
    tenant = tenant_in_force()
    user = User.objects.get(pk=challenge.user_id)
    until = timezone.now() + policy_in_force().code_lifetime(Method.EMAIL)
    with timezone.override(tenant.time_zone):
        named = {
            "brand": short_name(),
            "name": user.display_name or user.upn,
            "time": clock(until),
        }
    if challenge.purpose == Purpose.CALLER:
        return caller_mail(code, name=named["name"], time=named["time"])
    letter = Mail(
        subject=_("Your %(brand)s verification code") % named,
        paragraphs=[
            _("Hello %(name)s,") % named,
            _("Enter this code to verify that it’s you:"),
        ],
        code=code,
        after_code=[
            _("It expires at %(time)s and works once.") % named,
            _(
                "If you didn’t request it, don’t share it, and tell your IT team. Your "
                "password has not been changed."
            ),
            _("No one at %(brand)s will ask you for this code, not even the helpdesk.") % named,
        ],
    )
    return content_of(letter)
