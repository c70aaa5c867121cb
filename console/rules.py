"""What the admin says about people, and who may act on whom. Pure."""

from enum import StrEnum

from reset.refusals import Refusal
from tenants.roles import Permission, Role

_CODE_LENGTH = 8
_MISREAD = str.maketrans("OIL", "011")


class State(StrEnum):
    """Where somebody stands, as far as a reset goes; the first that fits."""

    DISABLED = "disabled"
    FROZEN = "frozen"
    OUT = "out"
    BLOCKED = "blocked"
    CAPABLE = "capable"
    PARTIAL = "partial"
    NONE = "none"


class Blocker(StrEnum):
    """What exactly stands in the way of a reset. Each has another cure."""

    DISABLED = "disabled"
    FROZEN = "frozen"
    OFF = "off"
    OUT = "out"
    ADMINISTRATOR = "administrator"
    PAUSED = "paused"
    METHODS = "methods"
    ELSEWHERE = "elsewhere"


class Action(StrEnum):
    """What an administrator can do for, or to, one person."""

    VERIFY_CALLER = "verify-caller"
    CLEAR = "clear"
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
        return (
            Permission.MANAGE_PEOPLE
            if self in {Action.DISABLE, Action.ENABLE}
            else Permission.HELP_PEOPLE
        )

    @property
    def is_dangerous(self) -> bool:
        """Whether it could let somebody else in, or keep the person out."""
        return self in {Action.TEMPORARY_PASSWORD, Action.ACCESS_PASS, Action.DISABLE}

    @property
    def lets_somebody_in(self) -> bool:
        """Whether it opens a way into the account: worth knowing who is asking."""
        return self in {Action.TEMPORARY_PASSWORD, Action.ACCESS_PASS, Action.UNFREEZE}

    @property
    def shows_a_secret(self) -> bool:
        """Whether its answer shows a secret once, so that reloading must not make another."""
        return self in {Action.TEMPORARY_PASSWORD, Action.ACCESS_PASS}

    @property
    def is_for_many(self) -> bool:
        """Whether it can be done to several people at once."""
        return self in {Action.CLEAR, Action.REREGISTER, Action.SIGN_OUT}

    @property
    def may_be_done_to_oneself(self) -> bool:
        return self in {Action.REREGISTER, Action.SIGN_OUT}


def support_code(typed: str) -> str:
    """The code that somebody typed: in any case, with a hyphen or not, O for 0; empty if none.

    >>> support_code("k3o7-x9qi"), support_code("minji")
    ('K307X9Q1', '')
    """
    plain = typed.upper().replace("-", "").replace(" ", "").translate(_MISREAD)
    return plain if len(plain) == _CODE_LENGTH and plain.isascii() and plain.isalnum() else ""


def state(
    *,
    enabled: bool,
    frozen: bool = False,
    in_scope: bool,
    throttled: bool,
    capable: bool,
    registered: bool,
) -> State:
    """The one word about somebody.

    Args:
        registered: whether the person verified anything; what administrators entered isn't that.

    >>> state(enabled=True, in_scope=True, throttled=False, capable=False, registered=True)
    <State.PARTIAL: 'partial'>
    """
    if not enabled:
        return State.DISABLED
    if frozen:
        return State.FROZEN
    if not in_scope:
        return State.OUT
    if throttled:
        return State.BLOCKED
    if capable:
        return State.CAPABLE
    return State.PARTIAL if registered else State.NONE


def stop(
    refusal: Refusal,
    *,
    enabled: bool,
    frozen: bool = False,
    self_service_on: bool,
    in_scope: bool,
) -> Blocker:
    """Which of the reasons that share a refusal it was.

    >>> stop(Refusal.NOT_ENABLED, enabled=True, self_service_on=True, in_scope=False)
    <Blocker.OUT: 'out'>
    """
    if refusal is Refusal.TOO_MANY:
        return Blocker.PAUSED
    if refusal is Refusal.MANAGED_ELSEWHERE:
        return Blocker.ELSEWHERE
    if refusal is Refusal.NOT_VERIFIABLE:
        # In the order of the portal's checks.
        return _unverifiable(enabled=enabled, frozen=frozen)
    if not self_service_on:
        return Blocker.OFF
    return Blocker.ADMINISTRATOR if in_scope else Blocker.OUT


def _unverifiable(*, enabled: bool, frozen: bool) -> Blocker:
    if not enabled:
        return Blocker.DISABLED
    return Blocker.FROZEN if frozen else Blocker.METHODS


def may_act(action: Action, actor: Role, subject: Role, *, on_oneself: bool) -> bool:
    """Whether somebody with one role may do this to somebody with another.

    Who can take over an administrator's account is an administrator: helpdesk acts on people
    without a role only.

    >>> may_act(Action.TEMPORARY_PASSWORD, Role.HELPDESK, Role.TENANT_ADMIN, on_oneself=False)
    False
    """
    if on_oneself and not action.may_be_done_to_oneself:
        return False
    needed = (
        {action.permission}
        if subject is Role.NONE
        else {action.permission, Permission.MANAGE_ADMINS}
    )
    return on_oneself or needed <= actor.permissions
