"""Who runs an organisation: roles and second factors of other people."""

from django.db import transaction

from directory.models import User
from directory.services.roles import change_role
from tenants.roles import Role
from verification.services import notices, staff_notices
from verification.services.notice_words import Notice


@transaction.atomic
def give_role(admin: User, person: User, role: Role, *, note: str) -> bool:
    """Changes somebody's role; they and the other administrators are told.

    Raises:
        directory.services.roles.LastAdministrator: nobody could run the organisation any more.
        directory.services.roles.NotARoleHere: an operator's role.
    """
    if not change_role(person, role, actor_id=admin.pk, note=note):
        return False
    notices.tell(person, Notice.ROLE_CHANGED, actor_id=admin.pk)
    staff_notices.tell_of_role(person)
    return True
