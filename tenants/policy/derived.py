"""Policies derived from others: for resets during which the policy changed; for administrators."""

from dataclasses import replace
from typing import Any

from tenants.policy.checks import Contradictory
from tenants.policy.choices import Questions
from tenants.policy.settings import Policy, all_settings

FOR_ADMINISTRATORS: dict[str, Any] = {"methods_required": 2, "questions": Questions.OFF}
"""Settings that hold for administrators, whatever the policy says.

Source: Microsoft Entra, "Administrator reset policy differences" (two-gate policy).
"""


def strictest(before: Policy, now: Policy) -> Policy | None:
    """The policy for a reset that began under one policy and goes on under another.

    The declaration of each setting says which of two values is the stricter one.

    Returns:
        None if no user could meet it, for example if one allows only email, the other only phones.

    Source: Keycloak CVE-2026-18963 (what happens when a flow trusts the rules it started with).
    """
    values = {
        name: setting.stricter.of(getattr(before, name), getattr(now, name))
        for name, setting in all_settings().items()
    }
    try:
        return replace(now, **values)
    except Contradictory:
        return None


def for_administrators(policy: Policy) -> Policy | None:
    """The policy for users who can act for others: two gates, never questions.

    Returns:
        None if the tenant's methods don't allow two gates.
    """
    try:
        return replace(policy, **FOR_ADMINISTRATORS)
    except Contradictory:
        return None
