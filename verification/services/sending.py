"""The last moment of a code: it is made, written down as an HMAC and handed over. Worker only."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery import services as outbox
from delivery.models import Outgoing
from delivery.services import Content
from directory.models import User
from tenants.policy import Method
from tenants.queries import policy_in_force, tenant_in_force
from verification.models import Challenge
from verification.rules.texts import first_that_fits
from verification.services.challenges import new_code


def send_code(outgoing_id: uuid.UUID) -> None:
    """Makes a code and sends it. A second try makes another code and kills the first."""
    outgoing = outbox.claim(outgoing_id)
    if outgoing is None:
        return
    challenge = Challenge.objects.get(outgoing_id=outgoing_id)
    code = new_code(challenge, policy_in_force())
    if code is None:
        outbox.drop(outgoing)
        return
    with translation.override(outgoing.language):
        content = _mail(challenge, code) if challenge.method == Method.EMAIL else _text(code)
    outbox.deliver(outgoing, content)


def place_call(outgoing_id: uuid.UUID) -> None:
    """Calls, if anybody still waits for the call."""
    outgoing = outbox.claim(outgoing_id)
    if outgoing is None:
        return
    challenge = Challenge.objects.get(outgoing_id=outgoing_id)
    if challenge.closed_at or challenge.spent_at or challenge.expires_at <= timezone.now():
        outbox.drop(outgoing)
        return
    outbox.deliver(outgoing, Content(), voice_path=f"/hooks/twilio/voice/{challenge.pk}")


def _text(code: str) -> Content:
    named = {"code": code, "brand": tenant_in_force().brand, "host": _host()}
    return Content(
        text=first_that_fits(
            [
                _("%(code)s is your %(brand)s code. Don't share it, not even with IT.") % named
                + "\n@%(host)s #%(code)s" % named,
                _("%(code)s is your %(brand)s code") % named + "\n@%(host)s #%(code)s" % named,
            ]
        )
    )


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or ""


def _mail(challenge: Challenge, code: str) -> Content:
    tenant = tenant_in_force()
    user = User.objects.get(pk=challenge.user_id)
    lifetime = policy_in_force().code_lifetime(Method.EMAIL)
    context = {
        "brand": tenant.brand,
        "tenant": tenant.name,
        "name": user.display_name or user.upn,
        "user": user.upn,
        "code": code,
        "minutes": int(lifetime.total_seconds() // 60),
        "until": timezone.now() + lifetime,
        "language": translation.get_language(),
    }
    with timezone.override(tenant.time_zone):
        return Content(
            subject=render_to_string("email/code.subject.txt", context).strip(),
            text=render_to_string("email/code.txt", context),
            html=render_to_string("email/code.html", context),
            sender_name=tenant.name,
        )
