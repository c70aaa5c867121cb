"""Saving a policy that somebody compared with the one in force."""

from django.db import transaction

from console.queries.policy import version
from tenants.policy import Policy
from tenants.queries import lock_tenant
from tenants.services import change_policy


@transaction.atomic
def save_policy(policy: Policy, *, seen: str, actor_id: int) -> list[str] | None:
    """Puts the policy in force, unless somebody else changed it since it was looked at.

    Args:
        seen: the version that was looked at.

    Returns:
        What changed; None when somebody else was faster, and nothing was saved.
    """
    lock_tenant()
    if version() != seen:
        return None
    return change_policy(policy, actor_id=actor_id)
