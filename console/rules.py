"""What the admin says about people, and who may act on whom. Pure."""

from enum import StrEnum

from reset.refusals import Refusal
from tenants.roles import Permission, Role

_CODE_LENGTH = 8
_MISREAD = str.maketrans("OIL", "011")


class PersonState(StrEnum):
    """Whether a person can reset, in one word; the first that applies."""

    DISABLED = "disabled"
    FROZEN = "frozen"
    OUT = "out"
    BLOCKED = "blocked"
    CAPABLE = "capable"
    PARTIAL = "partial"
    NONE = "none"


class Blocker(StrEnum):
    """What prevents a reset. Each has another remedy."""

    DISABLED = "disabled"
    FROZEN = "frozen"
    OFF = "off"
    OUT = "out"
    ADMINISTRATOR = "administrator"
    PAUSED = "paused"
    METHODS = "methods"
    ELSEWHERE = "elsewhere"


class AdminAction(StrEnum):
    """What an administrator can do for, or to, one person."""

    VERIFY_CALLER = "verify-caller"
    CLEAR = "clear"
    UNLOCK = "unlock"
    UNFREEZE = "unfreeze"
    REREGISTER = "reregister"
    SIGN_OUT = "sign-out"
    TEMPORARY_PASSWORD = "temporary-password"
    ACCESS_PASS = "access-pass"
    REVOKE_PASS = "revoke-pass"
    DISABLE = "disable"
    ENABLE = "enable"

    @property
    def permission(self) -> Permission:
        manages = self in {AdminAction.DISABLE, AdminAction.ENABLE}
        return Permission.MANAGE_PEOPLE if manages else Permission.HELP_PEOPLE

    @property
    def is_dangerous(self) -> bool:
        """Whether it could let another person in, or lock this one out."""
        return self.shows_a_secret or self is AdminAction.DISABLE

    @property
    def lets_somebody_in(self) -> bool:
        """Whether it opens a way into the account, so that it matters who is asking for it."""
        return self.shows_a_secret or self is AdminAction.UNFREEZE

    @property
    def shows_a_secret(self) -> bool:
        """Whether its answer shows a secret once: reloading it must not make another."""
        return self in {AdminAction.TEMPORARY_PASSWORD, AdminAction.ACCESS_PASS}

    @property
    def is_for_many(self) -> bool:
        """Whether it can be done to several people at once."""
        return self in {AdminAction.CLEAR, AdminAction.REREGISTER, AdminAction.SIGN_OUT}

    @property
    def may_be_done_to_oneself(self) -> bool:
        return self in {AdminAction.REREGISTER, AdminAction.SIGN_OUT}


class BulkAction(StrEnum):
    """What can be done for everyone who matches a filter."""

    CLEAR = "clear"
    REREGISTER = "reregister"
    SIGN_OUT = "sign-out"
    DISABLE = "disable"
    ACCESS_PASS = "access-pass"
    ADD_TO_GROUP = "add-to-group"

    @property
    def for_a_person(self) -> AdminAction | None:
        """What is done for each person; None for the group, which isn't an action of a person."""
        return None if self is BulkAction.ADD_TO_GROUP else AdminAction(self.value)


def support_code(typed: str) -> str:
    """The support code as typed in any case, with a hyphen or not, O for 0; empty if it is none.

    >>> support_code("k3o7-x9qi"), support_code("minji")
    ('K307X9Q1', '')
    """
    plain = typed.upper().replace("-", "").replace(" ", "").translate(_MISREAD)
    return plain if len(plain) == _CODE_LENGTH and plain.isascii() and plain.isalnum() else ""


def person_state(
    *, enabled: bool, frozen: bool, in_scope: bool, throttled: bool, capable: bool, registered: bool
) -> PersonState:
    """The state of a person.

    Args:
        registered: whether they verified a method; what administrators entered doesn't count.
    """
    if not enabled:
        return PersonState.DISABLED
    if frozen:
        return PersonState.FROZEN
    if not in_scope:
        return PersonState.OUT
    if throttled:
        return PersonState.BLOCKED
    if capable:
        return PersonState.CAPABLE
    return PersonState.PARTIAL if registered else PersonState.NONE


def blocker_of(
    refusal: Refusal, *, enabled: bool, frozen: bool, self_service_on: bool, in_scope: bool
) -> Blocker:
    """Which of the reasons that share a refusal it was."""
    match refusal:
        case Refusal.TOO_MANY:
            return Blocker.PAUSED
        case Refusal.MANAGED_ELSEWHERE:
            return Blocker.ELSEWHERE
        case Refusal.NOT_VERIFIABLE:
            # In the order of the portal's checks.
            held_back = Blocker.FROZEN if frozen else Blocker.METHODS
            return held_back if enabled else Blocker.DISABLED
    if not self_service_on:
        return Blocker.OFF
    return Blocker.ADMINISTRATOR if in_scope else Blocker.OUT


def may_act(action: AdminAction, actor: Role, subject: Role, *, on_oneself: bool) -> bool:
    """Whether a user with one role may do this to a user with another.

    Taking over an administrator's account makes one an administrator, so helpdesk acts only on
    people without a role.

    >>> may_act(AdminAction.TEMPORARY_PASSWORD, Role.HELPDESK, Role.TENANT_ADMIN, on_oneself=False)
    False
    """
    if on_oneself:
        return action.may_be_done_to_oneself
    needed = {action.permission, *([Permission.MANAGE_ADMINS] if subject is not Role.NONE else ())}
    return needed <= actor.permissions
