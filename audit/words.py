"""The words for all events."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.activities import Activity, Outcome

LABELS = {
    Activity.SIGNED_IN: _("Signed in"),
    Activity.PASSWORD_ACCEPTED: _("Password accepted, second factor requested"),
    Activity.BROWSER_REMEMBERED: _("Browser remembered"),
    Activity.BROWSER_FORGOTTEN: _("Remembered browser removed"),
    Activity.DEFAULT_METHOD_CHANGED: _("Default sign-in method changed"),
    Activity.SIGN_IN_FAILED: _("Sign-in failed"),
    Activity.SIGNED_OUT: _("Signed out"),
    Activity.RESET_PROGRESS: _("Self-service password reset flow activity progress"),
    Activity.RESET_BLOCKED: _("Blocked from self-service password reset"),
    Activity.PASSWORD_RESET: _("Reset password (self-service)"),
    Activity.ACCOUNT_UNLOCKED: _("Unlock user account (self-service)"),
    Activity.ADMIN_CONTACTED: _("Contacted administrator"),
    Activity.METHOD_REGISTERED: _("User registered security info"),
    Activity.METHOD_CHANGED: _("User changed security info"),
    Activity.METHOD_DELETED: _("User deleted security info"),
    Activity.GUESSING_SUSPECTED: _("Unusually many wrong codes in an hour"),
    Activity.CODES_NEARLY_USED_UP: _("Few verification codes left for the day"),
    Activity.NOTICES_LATE: _("Notices to people are late"),
    Activity.SIGN_IN_LOCKED: _("Sign-in locked after wrong passwords"),
    Activity.RECOVERY_CODE_USED: _("Recovery code used"),
    Activity.REGISTRATION_COMPLETED: _("User registered for self-service password reset"),
    Activity.REGISTRATION_SKIPPED: _("User skipped registering security info"),
    Activity.METHODS_REVIEWED: _("User reviewed security info"),
    Activity.IDENTITY_PROVED: _("User verified identity"),
    Activity.CODE_SENT: _("Verification sent"),
    Activity.CODE_NOT_SENT: _("Verification not sent"),
    Activity.CALL_DENIED: _("User denied a verification call"),
    Activity.POLICY_CHANGED: _("Self-service password reset policy changes"),
    Activity.ADMIN_SIGNED_IN: _("Signed in to the administration"),
    Activity.SECOND_FACTOR_REGISTERED: _("Administrator set up a second factor"),
    Activity.SECOND_FACTOR_FAILED: _("Wrong second factor code"),
    Activity.SECOND_FACTOR_REMOVED: _("Second factor removed"),
    Activity.OPERATOR_ENTERED: _("Operator entered this organisation"),
    Activity.OPERATOR_LEFT: _("Operator left this organisation"),
    Activity.BLOCK_CLEARED: _("Block cleared by an administrator"),
    Activity.REGISTRATION_REQUIRED: _("Registration required again by an administrator"),
    Activity.SIGNED_OUT_BY_ADMIN: _("Signed out everywhere by an administrator"),
    Activity.TEMPORARY_PASSWORD: _("Temporary password issued"),
    Activity.ACCESS_PASS_ISSUED: _("Temporary Access Pass issued"),
    Activity.ACCESS_PASS_REVOKED: _("Temporary Access Pass withdrawn"),
    Activity.ACCESS_PASS_USED: _("Signed in with a Temporary Access Pass"),
    Activity.ACCESS_PASS_STOPPED: _("Temporary Access Pass stopped after wrong tries"),
    Activity.CALLER_VERIFIED: _("Caller verified by the helpdesk"),
    Activity.USER_DISABLED: _("User disabled"),
    Activity.USER_ENABLED: _("User enabled"),
    Activity.CONTACT_ENTERED: _("Contact data changed by an administrator"),
    Activity.CONTACT_SHOWN: _("Contact data shown in full"),
    Activity.PASSWORD_CHANGED: _("Change password (self-service)"),
    Activity.QUESTIONS_CHANGED: _("Question bank changed"),
    Activity.GROUP_CHANGED: _("Group changed"),
    Activity.GROUP_MEMBERS_CHANGED: _("Members of a group changed"),
    Activity.BRANDING_CHANGED: _("Branding changed"),
    Activity.TEXT_CHANGED: _("Text changed"),
    Activity.TEST_SENT: _("Test message sent"),
    Activity.ROLE_CHANGED: _("Role changed"),
    Activity.TENANT_CREATED: _("Organisation created"),
    Activity.TIME_ZONE_CHANGED: _("Time zone changed"),
    Activity.HISTORY_TRUSTED: _("Audit log accepted as it is"),
    Activity.BACKUP_RESTORED: _("Database restored from a backup"),
    Activity.USERS_IMPORTED: _("Users imported"),
    Activity.IMPORT_STARTED: _("Import of users started"),
    Activity.IMPORT_CANCELLED: _("Import of users cancelled"),
    Activity.PEOPLE_EXPORTED: _("Users exported"),
    Activity.PASSWORD_WITHDRAWN: _("Password disabled"),
    Activity.SELF_SERVICE_FROZEN: _("Self-service frozen: “This wasn’t me”"),
    Activity.SELF_SERVICE_UNFROZEN: _("Self-service unfrozen by an administrator"),
}

RESULTS = {
    Outcome.SUCCESS: pgettext_lazy("audit", "Success"),
    Outcome.FAILURE: pgettext_lazy("audit", "Failure"),
}


def label_of(activity: str) -> str:
    """In words; as it is stored where a newer version wrote it, which was rolled back since."""
    return _known(LABELS, activity)


def result_of(outcome: str) -> str:
    return _known(RESULTS, outcome)


def _known(words: Mapping[Activity, Promise] | Mapping[Outcome, Promise], stored: str) -> str:
    return next((str(word) for name, word in words.items() if name == stored), stored)
