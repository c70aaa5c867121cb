"""Shared by Twilio's two channels. Only workers import this: the client is large."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from delivery.channels.base import OutcomeUnknown, TryLater, Undeliverable

_TIMEOUT_S = 5
# Invalid, unroutable, blocked, not a mobile, region off, landline, unsubscribed, malformed.
_FOR_GOOD = {21211, 21214, 21217, 21408, 21610, 21612, 21614, 21215, 21216, 13224, 13225, 60200}

# Too many requests, and not available: nothing was begun. After other errors of the server the
# message may have been accepted.
_NOT_BEGUN = {429, 503}
_SERVER_FAILED = 500


def client() -> Client:
    """Twilio's client, with a timeout."""
    made = Client(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        http_client=TwilioHttpClient(timeout=_TIMEOUT_S, max_retries=0),
    )
    if settings.TWILIO_API_BASE_URL:
        made.api.base_url = settings.TWILIO_API_BASE_URL
    return made


@contextmanager
def errors_translated() -> Iterator[None]:
    """Turns every error of the provider into one of ours, without what was sent."""
    try:
        yield
    except TwilioRestException as error:
        if error.code in _FOR_GOOD:
            raise Undeliverable(f"twilio {error.code}") from None
        if error.status >= _SERVER_FAILED and error.status not in _NOT_BEGUN:
            raise OutcomeUnknown(f"twilio {error.status}") from None
        raise TryLater(f"twilio {error.status}") from None
    except requests.RequestException as error:
        # Twilio has no idempotency keys: only what certainly never arrived is sent again.
        unsent = TryLater if _never_arrived(error) else OutcomeUnknown
        raise unsent(type(error).__name__) from None
    except TwilioException as error:
        raise TryLater(type(error).__name__) from None


def _never_arrived(error: requests.RequestException) -> bool:
    """Whether no connection was made, so that the request can't have been read."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return True
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, NewConnectionError | ConnectTimeoutError)
