"""Whether a member of staff may let a user in, and what their help is worth later."""

from directory.models import User
from tenants.roles import Permission
from verification.queries.callers import is_act_disowned, must_verify_caller


class NotTrusted(Exception):
    """This administrator may not let the user in now. Nothing was done."""


class CallerUnverified(NotTrusted):
    """The policy wants the helpdesk to verify the caller first."""


class ActDisowned(NotTrusted):
    """The user said that something this administrator did wasn't them."""


class RoleChanged(NotTrusted):
    """The user has another role since the page was opened: it may need another permission."""


def require_trust(admin: User, user: User) -> User:
    """Checks, in a transaction, that this administrator may open a way into the account.

    Returns:
        The user, locked: a change of the role waits until the transaction ends.

    Raises:
        CallerUnverified: the caller has to be verified first.
        ActDisowned: another administrator has to help.
        RoleChanged: see there.
    """
    if must_verify_caller(admin, user):
        raise CallerUnverified
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.role != user.role:
        raise RoleChanged
    if is_act_disowned(admin.pk, user.pk):
        raise ActDisowned
    return locked


def ends_with_role(admin: User) -> bool:
    """Whether a role of the user will end what this administrator lets them in with.

    Administrators who could give the role gain nothing by keeping a way in.
    """
    return not admin.has_permission(Permission.MANAGE_ADMINS)
