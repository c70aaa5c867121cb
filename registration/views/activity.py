"""The newest activity of an account, in words for its user."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.activities import Activity
from directory.models import User
from registration.queries.activity import newest_events
from tenants.policy import Factor
from verification.services.notices import proof_name

WORDS: dict[Activity, Promise] = {
    Activity.SIGNED_IN: _("You signed in"),
    Activity.ACCESS_PASS_ISSUED: _("An administrator issued a Temporary Access Pass"),
    Activity.ACCESS_PASS_REVOKED: _("An administrator withdrew a Temporary Access Pass"),
    Activity.ACCESS_PASS_USED: _("You signed in with a Temporary Access Pass"),
    Activity.ACCESS_PASS_STOPPED: _("A Temporary Access Pass was stopped after many wrong tries"),
    Activity.SIGN_IN_LOCKED: _("Sign-in was locked for a while after wrong passwords"),
    Activity.RECOVERY_CODE_USED: _("A recovery code was used"),
    Activity.BROWSER_REMEMBERED: _("A browser was remembered"),
    Activity.SIGN_IN_FAILED: _("A sign-in with a wrong password"),
    Activity.RESET_PROGRESS: _("A password reset was started"),
    Activity.RESET_BLOCKED: _("A password reset was stopped after too many wrong codes"),
    Activity.CALL_DENIED: _("A verification call was denied"),
    Activity.PASSWORD_RESET: _("The password was reset"),
    Activity.PASSWORD_CHANGED: _("The password was changed"),
    Activity.ACCOUNT_UNLOCKED: _("The account was unlocked"),
    Activity.ADMIN_CONTACTED: _("You contacted an administrator"),
    Activity.METHOD_REGISTERED: _("Method added: %(method)s"),
    Activity.METHOD_CHANGED: _("Method changed: %(method)s"),
    Activity.METHOD_DELETED: _("Method removed: %(method)s"),
    Activity.BLOCK_CLEARED: _("An administrator cleared a block"),
    Activity.REGISTRATION_REQUIRED: _("An administrator asked you to register again"),
    Activity.SIGNED_OUT_BY_ADMIN: _("An administrator signed you out everywhere"),
    Activity.TEMPORARY_PASSWORD: _("An administrator set a temporary password"),
    Activity.USER_ENABLED: _("An administrator enabled the account"),
    Activity.CONTACT_ENTERED: _("An administrator changed your contact data"),
    Activity.CONTACT_SHOWN: _("An administrator viewed your contact data"),
    Activity.ROLE_CHANGED: _("An administrator changed your role"),
    Activity.SECOND_FACTOR_REMOVED: _("An administrator removed your authenticator apps"),
    Activity.PASSWORD_WITHDRAWN: _("Your password was disabled"),
    Activity.SELF_SERVICE_FROZEN: _("Password reset was stopped: “This wasn’t me”"),
    Activity.SELF_SERVICE_UNFROZEN: _("An administrator turned password reset on again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityLine:
    """One line of the list.

    Args:
        place: a masked network, or empty where it is unknown or an administrator's.
    """

    at: datetime
    what: str
    place: str


def activity_lines(user: User, now: datetime) -> list[ActivityLine]:
    lines = []
    for event in newest_events(user, now):
        if event.activity not in WORDS:
            continue
        words, method = str(WORDS[Activity(event.activity)]), event.details.get("method")
        factor = next((proof_name(one) for one in Factor if one == method), "–")
        # Users don't see where administrators are.
        is_own = event.actor_id in {None, event.subject_id}
        lines.append(
            ActivityLine(
                at=event.at,
                what=words % {"method": factor},
                place=str(event.details.get("place", "")) if is_own else "",
            )
        )
    return lines
