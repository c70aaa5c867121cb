"""What administrators can do for one person: in words, and what they may do now."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from console.queries.person import pass_of
from console.rules import AdminAction
from console.services.people import may
from directory.connectors import connector_of
from directory.factors import DIRECTORY
from directory.models import User
from directory.queries import can_set_password
from tenants.queries import policy_in_force
from tenants.roles import Permission, Role
from verification.queries.callers import is_act_disowned

ACTIONS: dict[AdminAction, tuple[Promise, Promise]] = {
    AdminAction.VERIFY_CALLER: (
        _("Verify a caller"),
        _(
            "Verify who is calling before you help them. The verification is valid"
            " for you and this person for 15 minutes, and it is recorded."
        ),
    ),
    AdminAction.CLEAR: (
        _("Clear the block"),
        _("Failed attempts and denied calls are cleared, and the person can reset again at once."),
    ),
    AdminAction.UNLOCK: (
        _("Unlock in the directory"),
        _(
            "Too many wrong passwords no longer lock the account in your organisation’s"
            " directory. The password stays the same."
        ),
    ),
    AdminAction.UNFREEZE: (
        _("Unfreeze"),
        _(
            "The person can reset and register again at once. Check their identity"
            " first: call back a number you already have, and look for security info"
            " that isn’t theirs."
        ),
    ),
    AdminAction.REREGISTER: (
        _("Require registration again"),
        _(
            "At the next sign-in the person checks their security info. Until then,"
            " registered methods still work."
        ),
    ),
    AdminAction.SIGN_OUT: (
        _("Sign out everywhere"),
        _("All sessions of this person end at once. The password stays the same."),
    ),
    AdminAction.TEMPORARY_PASSWORD: (
        _("Issue a temporary password"),
        _(
            "The password is replaced by a temporary one that is shown to you once."
            " All sessions end, and the person chooses a new password at the first"
            " sign-in. Check their identity first: call back a number you already"
            " have."
        ),
    ),
    AdminAction.ACCESS_PASS: (
        _("Issue a Temporary Access Pass"),
        _(
            "The pass is shown to you once. The person can use it only to sign in and"
            " register security info. An earlier pass stops working. Check their"
            " identity first: call back a number you already have."
        ),
    ),
    AdminAction.REVOKE_PASS: (
        _("Withdraw the Temporary Access Pass"),
        _("The pass stops working, and a session started with it ends at once."),
    ),
    AdminAction.DISABLE: (
        _("Disable the account"),
        _("The person can’t sign in or reset until the account is enabled again."),
    ),
    AdminAction.ENABLE: (
        _("Enable the account"),
        _("The person can sign in and reset again."),
    ),
}
"""What each is called, and what it does."""
ACTIONS_FOR_MANY = [
    (action.value, words[0]) for action, words in ACTIONS.items() if action.is_for_many
]


def may_manage_person(admin: User, person: User) -> bool:
    """Contact data and user IDs lead into accounts: for staff it takes the right to appoint."""
    needed = Permission.MANAGE_PEOPLE if person.role == Role.NONE else Permission.MANAGE_ADMINS
    return admin.has_permission(needed)


def is_possible(action: AdminAction, person: User) -> bool:
    """Whether the account is in a state in which the action changes anything."""
    enabled, frozen = person.enabled, person.frozen_at is not None
    conditions = {
        AdminAction.ENABLE: lambda: not enabled,
        AdminAction.DISABLE: lambda: enabled,
        AdminAction.VERIFY_CALLER: lambda: enabled,
        AdminAction.UNLOCK: lambda: (
            person.connector == DIRECTORY and connector_of(person).capabilities(person).unlocks
        ),
        AdminAction.UNFREEZE: lambda: frozen,
        AdminAction.ACCESS_PASS: lambda: enabled and not frozen and policy_in_force().access_passes,
        AdminAction.REVOKE_PASS: lambda: pass_of(person) is not None,
        AdminAction.TEMPORARY_PASSWORD: lambda: can_set_password(person),
    }
    return action not in conditions or conditions[action]()


def available_actions(admin: User, person: User) -> list[tuple[str, Promise]]:
    """What the page of this person offers to this administrator."""
    if not admin.has_permission(Permission.HELP_PEOPLE):
        return []
    is_disowned = is_act_disowned(admin.pk, person.pk)
    return [
        (action.value, title)
        for action, (title, _explained) in ACTIONS.items()
        if not (is_disowned and action.lets_somebody_in)
        and may(admin, action, person)
        and is_possible(action, person)
    ]
