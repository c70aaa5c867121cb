"""The code of a challenge, and what is stored of it."""

import secrets

from django.utils import timezone

from tenants.policy import Method, Policy
from vault.keyed import keyed_hash
from vault.keyring import purpose_key
from verification.models import Challenge
from verification.rules.challenges import MAX_TRIES


def code_mac(challenge: Challenge, code: str) -> str:
    """What is stored of a code: bound to tenant, attempt or session, purpose, method, challenge."""
    return keyed_hash(
        purpose_key("codes"),
        str(challenge.tenant_id),
        challenge.purpose,
        str(challenge.context),
        challenge.method,
        str(challenge.pk),
        code,
    )


def new_code(challenge: Challenge, policy: Policy) -> str | None:
    """A fresh code for an open challenge, made where it is sent. It replaces the last code.

    Returns:
        None when the challenge is spent, closed, used up or over: nothing must be sent any more.
    """
    code = "".join(secrets.choice("0123456789") for _ in range(policy.code_digits))
    now = timezone.now()
    alive = Challenge.objects.filter(
        pk=challenge.pk, spent_at=None, closed_at=None, expires_at__gt=now, tries__lt=MAX_TRIES
    )
    expires_at = now + policy.code_lifetime(Method(challenge.method))
    if not alive.update(code_mac=code_mac(challenge, code), expires_at=expires_at):
        return None
    return code
