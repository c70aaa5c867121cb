"""Names of everything that can happen, and of the reasons. Their words are in `audit.words`.

Source: Microsoft Entra audit activity reference, "Self-service Password Management" and
"Authentication Methods" (the names are theirs where they have one).
"""

from enum import StrEnum


class Activity(StrEnum):
    SIGNED_IN = "signed_in"
    PASSWORD_ACCEPTED = "password_accepted"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    BROWSER_REMEMBERED = "browser_remembered"
    BROWSER_FORGOTTEN = "browser_forgotten"
    DEFAULT_METHOD_CHANGED = "default_method_changed"
    PREFERENCES_CHANGED = "preferences_changed"
    RESET_PROGRESS = "reset_flow_progress"
    RESET_BLOCKED = "reset_blocked"
    PASSWORD_RESET = "password_reset"
    ACCOUNT_UNLOCKED = "account_unlocked"
    ADMIN_CONTACTED = "administrator_contacted"
    METHOD_REGISTERED = "security_info_registered"
    METHOD_CHANGED = "security_info_changed"
    METHOD_DELETED = "security_info_deleted"
    SIGN_IN_LOCKED = "sign_in_locked"
    GUESSING_SUSPECTED = "guessing_suspected"
    CODES_NEARLY_USED_UP = "codes_nearly_used_up"
    NOTICES_LATE = "notices_late"
    RECOVERY_CODE_USED = "recovery_code_used"
    REGISTRATION_COMPLETED = "registration_completed"
    REGISTRATION_SKIPPED = "registration_skipped"
    METHODS_REVIEWED = "security_info_reviewed"
    IDENTITY_PROVED = "identity_proved"
    CODE_SENT = "code_sent"
    CODE_NOT_SENT = "code_not_sent"
    CALL_DENIED = "call_denied"
    POLICY_CHANGED = "policy_changed"
    ADMIN_SIGNED_IN = "admin_signed_in"
    SECOND_FACTOR_REGISTERED = "second_factor_registered"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    OPERATOR_ENTERED = "operator_entered"
    OPERATOR_LEFT = "operator_left"
    BLOCK_CLEARED = "block_cleared"
    REGISTRATION_REQUIRED = "registration_required"
    SIGNED_OUT_BY_ADMIN = "signed_out_by_administrator"
    TEMPORARY_PASSWORD = "temporary_password_issued"
    ACCESS_PASS_ISSUED = "access_pass_issued"
    ACCESS_PASS_REVOKED = "access_pass_revoked"
    ACCESS_PASS_USED = "access_pass_used"
    ACCESS_PASS_STOPPED = "access_pass_stopped"
    CALLER_VERIFIED = "caller_verified"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    CONTACT_ENTERED = "contact_data_changed"
    CONTACT_SHOWN = "contact_data_shown"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_WITHDRAWN = "password_withdrawn"
    OUTCOME_UNKNOWN = "outcome_of_a_change_unknown"
    QUESTIONS_CHANGED = "question_bank_changed"
    GROUP_CHANGED = "group_changed"
    GROUP_MEMBERS_CHANGED = "group_members_changed"
    DIRECTORY_CHANGED = "directory_changed"
    DIRECTORY_TESTED = "directory_tested"
    DIRECTORY_DOWN = "directory_down"
    DIRECTORY_WORKS = "directory_works_again"
    BRANDING_CHANGED = "branding_changed"
    TEXT_CHANGED = "text_changed"
    TEST_SENT = "test_message_sent"
    ROLE_CHANGED = "role_changed"
    TENANT_CREATED = "tenant_created"
    TIME_ZONE_CHANGED = "time_zone_changed"
    HISTORY_TRUSTED = "history_trusted_again"
    HISTORY_DELETED = "history_deleted"
    BACKUP_RESTORED = "backup_restored"
    USERS_IMPORTED = "users_imported"
    TOKEN_ASSIGNED = "hardware_token_assigned"
    TOKEN_UNASSIGNED = "hardware_token_unassigned"
    IMPORT_STARTED = "import_started"
    IMPORT_CANCELLED = "import_cancelled"
    SYNC_STARTED = "directory_sync_started"
    SYNC_CANCELLED = "directory_sync_cancelled"
    SYNC_CONFIRMED = "directory_sync_confirmed"
    DIRECTORY_SYNCED = "directory_synced"
    USER_LINKED = "user_linked_to_directory"
    USER_RENAMED = "user_renamed"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    BULK_STARTED = "bulk_action_started"
    BULK_CANCELLED = "bulk_action_cancelled"
    BULK_PASSES_TAKEN = "bulk_passes_downloaded"
    USER_DELETED = "user_deleted"
    USER_RESTORED = "user_restored"
    USER_ERASED = "user_erased"
    PEOPLE_EXPORTED = "people_exported"
    AUDIT_EXPORTED = "audit_exported"
    SELF_SERVICE_FROZEN = "self_service_frozen"
    SELF_SERVICE_UNFROZEN = "self_service_unfrozen"


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"


class EventReason(StrEnum):
    """Why something was done, or ended as it did."""

    IDENTIFIED = "identified"
    CHOSE_FORGOT = "chose_forgot"
    CHOSE_UNLOCK = "chose_unlock"
    GATE_PASSED = "gate_passed"
    CODE_WRONG = "code_wrong"
    NUMBER_WRONG = "number_wrong"
    CODE_OLDER = "code_older"
    CODE_DEAD = "code_dead"
    CODE_EXPIRED = "code_expired"
    TOO_MANY_WRONG_GUESSES = "too_many_wrong_guesses"
    # Limits of codes, by their names.
    CODES_TO_A_PHONE = "codes_to_a_phone"
    CODES_TO_A_PHONE_DAILY = "codes_to_a_phone_daily"
    DENIED_CALLS_TO_A_PHONE = "denied_calls_to_a_phone"
    CODES_TO_AN_EMAIL = "codes_to_an_email"
    CODES_TO_AN_EMAIL_DAILY = "codes_to_an_email_daily"
    CODES_FOR_A_USER = "codes_for_a_user"
    CODES_FOR_A_USER_DAILY = "codes_for_a_user_daily"
    MESSAGES_OF_A_TENANT = "messages_of_a_tenant"
    MAILS_OF_A_TENANT = "mails_of_a_tenant"
    # Refusals of a reset, by their names.
    MANAGED_ELSEWHERE = "managed_elsewhere"
    NOT_ENABLED = "not_enabled"
    NOT_VERIFIABLE = "not_verifiable"
    TOO_MANY = "too_many"
    DIRECTORY_UNREACHABLE = "directory_unreachable"
    PASSWORD_REJECTED = "password_rejected"
    SESSION_ENDED = "session_ended"
    # What a directory outside of this service answered, see `directory.connectors.base`.
    DIRECTORY_NOT_PERMITTED = "directory_not_permitted"
    DIRECTORY_PROTECTED = "directory_protected"
    NOT_IN_DIRECTORY = "not_in_directory"
    OUTCOME_UNKNOWN = "outcome_unknown"
    # Where the user said "this wasn't me", and what followed.
    NOTICE = "notice"
    SECURITY_INFO = "security_info"
    WASNT_ME = "wasnt_me"
    ACCESS_PASS = "access_pass"
    ROLE = "role"
    EVERYWHERE = "everywhere"


WITHOUT_PROOF = frozenset(
    {
        Activity.SIGN_IN_FAILED,
        Activity.SIGN_IN_LOCKED,
        Activity.RESET_BLOCKED,
        Activity.ADMIN_CONTACTED,
        Activity.CALL_DENIED,
        Activity.ACCESS_PASS_STOPPED,
    }
)
"""Events that anyone can cause in another person's name, so that their actor is never known."""
