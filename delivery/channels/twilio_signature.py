"""Whether a request comes from Twilio."""

from collections.abc import Mapping

from django.conf import settings
from twilio.request_validator import RequestValidator

from tenants.queries import public_url


def is_from_twilio(path: str, fields: Mapping[str, str], signature: str) -> bool:
    """Whether Twilio's signature of our public address and these fields is right.

    Args:
        path: of the request; the host comes from the settings, never from the request.

    Source: Twilio, "Validating requests are coming from Twilio" (X-Twilio-Signature).
    """
    if not settings.TWILIO_AUTH_TOKEN or fields.get("AccountSid") != settings.TWILIO_ACCOUNT_SID:
        return False
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    return bool(validator.validate(public_url(path), dict(fields), signature))
