"""Who runs an organisation: roles and second factors of other people."""

from django.db import transaction

from directory.models import User
from tenants.roles import Role
from verification.services import notices, staff_notices
from verification.services.notice_words import Notice
from verification.services.roles import RoleGiven, change_role


@transaction.atomic
def give_role(admin: User, person: User, role: Role, *, note: str) -> RoleGiven | None:
    """Changes somebody's role; they and the other administrators are told.

    Raises:
        verification.services.roles.LastAdministrator: the organisation would have no administrator.
        verification.services.roles.NotARoleHere: an operator's role.
    """
    given = change_role(person, role, actor_id=admin.pk, note=note)
    if given is None:
        return None
    notices.tell(person, Notice.ROLE_CHANGED, actor_id=admin.pk)
    staff_notices.tell_of_role(person)
    return given
