"""What was registered while staff who may not give roles had let the user in."""

from django.db.models import Q

from tenants.policy import Factor
from verification.queries import methods_in_force

TEMPORARY = Q(temporary_access=True)


def temporary_methods(user_id: int) -> list[Factor]:
    """The kinds of which the user has something that a role ends; see `change_role`."""
    kinds = set(
        methods_in_force().filter(TEMPORARY, user_id=user_id).values_list("kind", flat=True)
    )
    return [factor for factor in Factor if factor in kinds]
