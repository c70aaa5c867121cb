"""Everything that the audit log, the timelines and the user's own page say of an activity."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor


@dataclass(frozen=True, slots=True)
class Label:
    """How an activity is named.

    Args:
        text: in the audit log and in timelines.
        own: on the page of the user it happened to; None if the user isn't told of it.
    """

    text: Promise
    own: Promise | None = None


LABELS = {
    Activity.SIGNED_IN: Label(_("Signed in"), _("You signed in")),
    Activity.PASSWORD_ACCEPTED: Label(_("Password accepted, second factor requested")),
    Activity.SIGN_IN_FAILED: Label(_("Sign-in failed"), _("A sign-in with a wrong password")),
    Activity.SIGNED_OUT: Label(_("Signed out")),
    Activity.BROWSER_REMEMBERED: Label(_("Browser remembered"), _("A browser was remembered")),
    Activity.BROWSER_FORGOTTEN: Label(_("Remembered browser removed")),
    Activity.DEFAULT_METHOD_CHANGED: Label(_("Default sign-in method changed")),
    Activity.PREFERENCES_CHANGED: Label(_("Own language or time zone changed")),
    Activity.RESET_PROGRESS: Label(
        _("Self-service password reset flow activity progress"), _("A password reset was started")
    ),
    Activity.RESET_BLOCKED: Label(
        _("Blocked from self-service password reset"),
        _("A password reset was stopped after too many wrong codes"),
    ),
    Activity.PASSWORD_RESET: Label(_("Reset password (self-service)"), _("The password was reset")),
    Activity.ACCOUNT_UNLOCKED: Label(
        _("Unlock user account (self-service)"), _("The account was unlocked")
    ),
    Activity.ADMIN_CONTACTED: Label(
        _("Contacted administrator"), _("You contacted an administrator")
    ),
    Activity.METHOD_REGISTERED: Label(
        _("User registered security info"), _("Method added: %(method)s")
    ),
    Activity.METHOD_CHANGED: Label(
        _("User changed security info"), _("Method changed: %(method)s")
    ),
    Activity.METHOD_DELETED: Label(
        _("User deleted security info"), _("Method removed: %(method)s")
    ),
    Activity.SIGN_IN_LOCKED: Label(
        _("Sign-in locked after wrong passwords"),
        _("Sign-in was locked for a while after wrong passwords"),
    ),
    Activity.GUESSING_SUSPECTED: Label(_("Unusually many wrong codes in an hour")),
    Activity.CODES_NEARLY_USED_UP: Label(_("Few verification codes left for the day")),
    Activity.NOTICES_LATE: Label(_("Notices to people are late")),
    Activity.RECOVERY_CODE_USED: Label(_("Recovery code used"), _("A recovery code was used")),
    Activity.REGISTRATION_COMPLETED: Label(_("User registered for self-service password reset")),
    Activity.REGISTRATION_SKIPPED: Label(_("User skipped registering security info")),
    Activity.METHODS_REVIEWED: Label(_("User reviewed security info")),
    Activity.IDENTITY_PROVED: Label(_("User verified identity")),
    Activity.CODE_SENT: Label(_("Verification sent")),
    Activity.CODE_NOT_SENT: Label(_("Verification not sent")),
    Activity.CALL_DENIED: Label(
        _("User denied a verification call"),
        _("A verification call was denied"),
    ),
    Activity.POLICY_CHANGED: Label(_("Self-service password reset policy changes")),
    Activity.ADMIN_SIGNED_IN: Label(_("Signed in to the administration")),
    Activity.SECOND_FACTOR_REGISTERED: Label(_("Administrator set up a second factor")),
    Activity.SECOND_FACTOR_FAILED: Label(_("Wrong second factor code")),
    Activity.SECOND_FACTOR_REMOVED: Label(
        _("Second factor removed"), _("An administrator removed your authenticator apps")
    ),
    Activity.OPERATOR_ENTERED: Label(_("Operator entered this organisation")),
    Activity.OPERATOR_LEFT: Label(_("Operator left this organisation")),
    Activity.BLOCK_CLEARED: Label(
        _("Block cleared by an administrator"), _("An administrator cleared a block")
    ),
    Activity.REGISTRATION_REQUIRED: Label(
        _("Registration required again by an administrator"),
        _("An administrator asked you to register again"),
    ),
    Activity.SIGNED_OUT_BY_ADMIN: Label(
        _("Signed out everywhere by an administrator"),
        _("An administrator signed you out everywhere"),
    ),
    Activity.TEMPORARY_PASSWORD: Label(
        _("Temporary password issued"), _("An administrator set a temporary password")
    ),
    Activity.ACCESS_PASS_ISSUED: Label(
        _("Temporary Access Pass issued"), _("An administrator issued a Temporary Access Pass")
    ),
    Activity.ACCESS_PASS_REVOKED: Label(
        _("Temporary Access Pass withdrawn"), _("An administrator withdrew a Temporary Access Pass")
    ),
    Activity.ACCESS_PASS_USED: Label(
        _("Signed in with a Temporary Access Pass"), _("You signed in with a Temporary Access Pass")
    ),
    Activity.ACCESS_PASS_STOPPED: Label(
        _("Temporary Access Pass stopped after wrong tries"),
        _("A Temporary Access Pass was stopped after many wrong tries"),
    ),
    Activity.CALLER_VERIFIED: Label(_("Caller verified by the helpdesk")),
    Activity.USER_DISABLED: Label(_("User disabled")),
    Activity.USER_ENABLED: Label(_("User enabled"), _("An administrator enabled the account")),
    Activity.CONTACT_ENTERED: Label(
        _("Contact data changed by an administrator"),
        _("An administrator changed your contact data"),
    ),
    Activity.CONTACT_SHOWN: Label(
        _("Contact data shown in full"), _("An administrator viewed your contact data")
    ),
    Activity.PASSWORD_CHANGED: Label(
        _("Change password (self-service)"), _("The password was changed")
    ),
    Activity.PASSWORD_WITHDRAWN: Label(_("Password disabled"), _("Your password was disabled")),
    Activity.OUTCOME_UNKNOWN: Label(
        _("Result of a change in a directory not known"),
        _("It isn’t known whether your password or account was changed"),
    ),
    Activity.QUESTIONS_CHANGED: Label(_("Question bank changed")),
    Activity.GROUP_CHANGED: Label(_("Group changed")),
    Activity.GROUP_MEMBERS_CHANGED: Label(_("Members of a group changed")),
    Activity.DIRECTORY_CHANGED: Label(_("Directory changed")),
    Activity.DIRECTORY_TESTED: Label(_("Connection to a directory tested")),
    Activity.DIRECTORY_DOWN: Label(_("A directory can’t be used")),
    Activity.DIRECTORY_WORKS: Label(_("A directory works again")),
    Activity.BRANDING_CHANGED: Label(_("Branding changed")),
    Activity.TEXT_CHANGED: Label(_("Text changed")),
    Activity.TEST_SENT: Label(_("Test message sent")),
    Activity.ROLE_CHANGED: Label(_("Role changed"), _("An administrator changed your role")),
    Activity.TENANT_CREATED: Label(_("Organisation created")),
    Activity.TIME_ZONE_CHANGED: Label(_("Time zone changed")),
    Activity.HISTORY_TRUSTED: Label(_("Audit log accepted as it is")),
    Activity.HISTORY_DELETED: Label(_("Older records of the audit log deleted")),
    Activity.BACKUP_RESTORED: Label(_("Database restored from a backup")),
    Activity.USERS_IMPORTED: Label(_("Users imported")),
    Activity.TOKEN_ASSIGNED: Label(
        _("Hardware token assigned"), _("Your administrator assigned a hardware token to you")
    ),
    Activity.TOKEN_UNASSIGNED: Label(
        _("Hardware token unassigned"), _("Your administrator took back a hardware token")
    ),
    Activity.IMPORT_STARTED: Label(_("Import of users started")),
    Activity.IMPORT_CANCELLED: Label(_("Import of users cancelled")),
    Activity.SYNC_STARTED: Label(_("Directory sync started")),
    Activity.SYNC_CANCELLED: Label(_("Directory sync cancelled")),
    Activity.SYNC_CONFIRMED: Label(_("Disabling many users by a directory sync confirmed")),
    Activity.DIRECTORY_SYNCED: Label(_("Directory synchronised")),
    Activity.USER_LINKED: Label(_("User linked to a directory")),
    Activity.USER_RENAMED: Label(_("User ID changed"), _("Your user ID was changed")),
    Activity.USER_ADDED: Label(_("User added")),
    Activity.USER_CHANGED: Label(_("Name or language of a user changed")),
    Activity.BULK_STARTED: Label(_("Action for many users started")),
    Activity.BULK_CANCELLED: Label(_("Action for many users cancelled")),
    Activity.BULK_PASSES_TAKEN: Label(_("Temporary Access Passes downloaded")),
    Activity.USER_DELETED: Label(_("User deleted")),
    Activity.USER_RESTORED: Label(_("User restored"), _("An administrator restored your account")),
    Activity.USER_ERASED: Label(_("Deleted user erased")),
    Activity.PEOPLE_EXPORTED: Label(_("Users exported")),
    Activity.AUDIT_EXPORTED: Label(_("Audit log exported")),
    Activity.STREAM_CHANGED: Label(_("Stream of the audit log changed")),
    Activity.STREAM_FAILED: Label(_("Stream of the audit log fails")),
    Activity.STREAM_WORKS: Label(_("Stream of the audit log works again")),
    Activity.SELF_SERVICE_FROZEN: Label(
        _("Self-service frozen: “This wasn’t me”"),
        _("Password reset was stopped: “This wasn’t me”"),
    ),
    Activity.SELF_SERVICE_UNFROZEN: Label(
        _("Self-service unfrozen by an administrator"),
        _("An administrator turned password reset on again"),
    ),
}
OWN_WORDS = {activity: label.own for activity, label in LABELS.items() if label.own is not None}
RESULTS = {
    Outcome.SUCCESS: pgettext_lazy("audit", "Success"),
    Outcome.FAILURE: pgettext_lazy("audit", "Failure"),
}
ACTORS: Mapping[int, Promise] = {
    Actor.ANONYMOUS: _("A user who isn’t signed in"),
    Actor.COMMAND: _("Operator command"),
    Actor.SERVICE: _("This service"),
}
REASONS: Mapping[str, Promise] = {
    EventReason.IDENTIFIED: pgettext_lazy("reason", "User ID entered"),
    EventReason.CHOSE_FORGOT: pgettext_lazy("reason", "Chose to reset the password"),
    EventReason.CHOSE_UNLOCK: pgettext_lazy("reason", "Chose to unlock the account"),
    EventReason.GATE_PASSED: pgettext_lazy("reason", "Verified"),
    EventReason.CODE_WRONG: pgettext_lazy("reason", "Wrong code or answer"),
    EventReason.NUMBER_WRONG: pgettext_lazy("reason", "Wrong phone number"),
    EventReason.CODE_OLDER: pgettext_lazy("reason", "Earlier code"),
    EventReason.CODE_DEAD: pgettext_lazy("reason", "Too many wrong codes"),
    EventReason.CODE_EXPIRED: pgettext_lazy("reason", "Expired code"),
    EventReason.TOO_MANY_WRONG_GUESSES: pgettext_lazy("reason", "Too many failed attempts"),
    EventReason.CODES_TO_A_PHONE: pgettext_lazy("reason", "Too many codes to this phone"),
    EventReason.DENIED_CALLS_TO_A_PHONE: pgettext_lazy("reason", "A call to this phone was denied"),
    EventReason.CODES_TO_A_PHONE_DAILY: pgettext_lazy(
        "reason", "Too many codes to this phone in a day"
    ),
    EventReason.CODES_TO_AN_EMAIL: pgettext_lazy("reason", "Too many codes to this address"),
    EventReason.CODES_TO_AN_EMAIL_DAILY: pgettext_lazy(
        "reason", "Too many codes to this address in a day"
    ),
    EventReason.CODES_FOR_A_USER: pgettext_lazy("reason", "Too many codes for this user"),
    EventReason.CODES_FOR_A_USER_DAILY: pgettext_lazy(
        "reason", "Too many codes for this user in a day"
    ),
    EventReason.MESSAGES_OF_A_TENANT: pgettext_lazy("reason", "Too many texts and calls in a day"),
    EventReason.MAILS_OF_A_TENANT: pgettext_lazy("reason", "Too many emails in a day"),
    EventReason.DIRECTORY_NOT_PERMITTED: pgettext_lazy(
        "reason", "The directory doesn’t let this service do it"
    ),
    EventReason.DIRECTORY_PROTECTED: pgettext_lazy("reason", "Privileged account in the directory"),
    EventReason.NOT_IN_DIRECTORY: pgettext_lazy("reason", "No such account in the directory"),
    EventReason.OUTCOME_UNKNOWN: pgettext_lazy("reason", "The directory didn’t answer a change"),
    EventReason.NOTICE: pgettext_lazy("reason", "“This wasn’t me” in a message"),
    EventReason.SECURITY_INFO: pgettext_lazy("reason", "“This wasn’t me” in the security info"),
    EventReason.WASNT_ME: pgettext_lazy("reason", "“This wasn’t me”"),
    EventReason.ACCESS_PASS: pgettext_lazy("reason", "Wrong Temporary Access Pass"),
    EventReason.ROLE: pgettext_lazy("reason", "Role assigned"),
    EventReason.EVERYWHERE: pgettext_lazy("reason", "Everywhere"),
}
"""The reasons that are refusals of a reset have the words of the portal instead."""
DETAILS: Mapping[str, Promise] = {
    "place": _("Network"),
    "note": _("Reason"),
    "method": _("Method"),
    "methods": _("Methods"),
    "way": _("Method"),
    "group": _("Group"),
    "directory": _("Directory"),
    "stream": _("Destination"),
    "fields": _("Fields"),
    "action": _("Action"),
    "people": _("People"),
    "change": _("Change"),
    "old": pgettext_lazy("audit", "Before"),
    "new": pgettext_lazy("audit", "After"),
    "switched_on": _("Questions turned on"),
    "switched_off": _("Questions turned off"),
    "settings": _("Settings"),
    "text": _("Text"),
    "language": _("Language"),
    "zone": _("Time zone"),
    "restored": _("Default text restored"),
    "removed": _("Removed"),
    "minutes": _("Valid for (minutes)"),
    "once": _("Single use"),
    "columns": _("Columns"),
    "file_format": _("File"),
    "filters": _("Filters"),
    "file": _("Number of the import"),
    "full": _("Everyone was read"),
    "linked": _("Linked"),
    "changed": _("Changed"),
    "disabled": _("Disabled"),
    "enabled": _("Enabled again"),
    "groups": _("Groups"),
    "problems": _("Problems"),
    "failure": _("Code of the error"),
    "count": _("People to disable"),
    "total": _("Linked people"),
    "rows": _("Rows"),
    "read": _("Rows"),
    "created": _("New"),
    "updated": _("Changed"),
    "unchanged": _("Unchanged"),
    "refused": _("With errors"),
    "serial": _("Serial number"),
    "slug": _("Short name in links"),
    "source": _("Done through"),
    "number": _("Position in the chain"),
    "deleted": _("Deleted records"),
    "before": _("All from before"),
    "findings": _("Known problems"),
    "agent_ids": _("Reported action by"),
    "taken_at": _("Time of the backup"),
}
"""What the details of an event are called."""
SHOWN_DETAILS = ("setting", *DETAILS)
"""Details that pages, exports and streams show. Others never leave the database."""
DETAIL_VALUES: Mapping[str, Mapping[str, Promise]] = {
    "change": {
        "added": pgettext_lazy("group", "added"),
        "deleted": pgettext_lazy("group", "deleted"),
        "removed": pgettext_lazy("group", "removed"),
        "renamed": pgettext_lazy("group", "renamed"),
        "changed": pgettext_lazy("directory", "settings changed"),
        "moved": pgettext_lazy("directory", "order changed"),
        "tested": pgettext_lazy("directory", "tested, nothing changed"),
        "password_set": pgettext_lazy("directory", "password of a test account set"),
        "secret": pgettext_lazy("stream", "new secret"),
        "nesting": pgettext_lazy("group", "groups inside it changed"),
    },
    "action": {
        "clear": _("Clear the block"),
        "reregister": _("Require registration again"),
        "sign-out": _("Sign out everywhere"),
        "disable": _("Disable the account"),
        "access-pass": _("Issue a Temporary Access Pass"),
        "add-to-group": _("Add to a group"),
    },
    "source": {
        "command": _("Command line"),
        "admin": _("Administration"),
    },
}
"""Values of details that have words."""


def label_of(activity: str) -> str:
    """In words; as it is stored if a later version wrote it, before that was rolled back."""
    return str(LABELS[Activity(activity)].text) if activity in set(Activity) else activity


def result_of(outcome: str) -> str:
    """The same for an outcome."""
    return str(RESULTS[Outcome(outcome)]) if outcome in set(Outcome) else outcome
