"""What happened, for people who may read it. Nothing can be added, changed or removed."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.activities import Activity, Outcome
from audit.models import Event
from isolation.admin import OwnedAdmin

LABELS = {
    Activity.SIGNED_IN: _("Signed in"),
    Activity.PASSWORD_ACCEPTED: _("Password accepted, second factor asked for"),
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
    Activity.SIGN_IN_LOCKED: _("Sign-in locked after wrong passwords"),
    Activity.RECOVERY_CODE_USED: _("Recovery code used"),
    Activity.REGISTRATION_COMPLETED: _("User registered for self-service password reset"),
    Activity.REGISTRATION_SKIPPED: _("User put off registering security info"),
    Activity.METHODS_REVIEWED: _("User reviewed security info"),
    Activity.IDENTITY_PROVED: _("User verified identity"),
    Activity.CODE_SENT: _("Verification sent"),
    Activity.CODE_NOT_SENT: _("Verification not sent"),
    Activity.CALL_DENIED: _("User said on the phone: this isn’t me"),
    Activity.POLICY_CHANGED: _("Self-service password reset policy changes"),
    Activity.ADMIN_SIGNED_IN: _("Signed in to the administration"),
    Activity.SECOND_FACTOR_REGISTERED: _("Administrator set up a second factor"),
    Activity.SECOND_FACTOR_FAILED: _("Wrong code at the second factor"),
    Activity.SECOND_FACTOR_REMOVED: _("Second factor removed"),
    Activity.OPERATOR_ENTERED: _("Operator began to act in this organisation"),
    Activity.OPERATOR_LEFT: _("Operator stopped acting in this organisation"),
    Activity.BLOCK_CLEARED: _("Block cleared by an administrator"),
    Activity.REGISTRATION_REQUIRED: _("Registration required again by an administrator"),
    Activity.SIGNED_OUT_BY_ADMIN: _("Signed out everywhere by an administrator"),
    Activity.TEMPORARY_PASSWORD: _("Temporary password issued"),
    Activity.ACCESS_PASS_ISSUED: _("Temporary Access Pass issued"),
    Activity.ACCESS_PASS_REVOKED: _("Temporary Access Pass withdrawn"),
    Activity.ACCESS_PASS_USED: _("Signed in with a Temporary Access Pass"),
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
    Activity.HISTORY_TRUSTED: _("Audit log trusted again as it was found"),
    Activity.USERS_IMPORTED: _("Users imported"),
    Activity.IMPORT_STARTED: _("Import of users started"),
    Activity.IMPORT_CANCELLED: _("Import of users cancelled"),
    Activity.PEOPLE_EXPORTED: _("Users exported"),
    Activity.SELF_SERVICE_FROZEN: _("Self-service frozen: “This wasn’t me”"),
    Activity.SELF_SERVICE_UNFROZEN: _("Self-service unfrozen by an administrator"),
}


@admin.register(Event)
class EventAdmin(OwnedAdmin):
    list_display = ("instant", "what", "result", "person", "because", "code")
    list_display_links = ("instant",)
    fields = ("instant", "what", "result", "person", "actor", "because", "code", "details")
    search_fields = ("=support_code",)
    search_help_text = _("Support code")
    ordering = ("-at", "-id")
    lookups = ("activity",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """Support codes as people type them: any case, with or without the hyphen, O for 0."""
        typed = search_term.upper().replace("-", "").replace(" ", "")
        code = typed.translate(str.maketrans("OIL", "011"))
        return super().get_search_results(request, queryset, code)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Event | None = None) -> bool:
        return False

    @admin.display(description=_("Activity"))
    def what(self, event: Event) -> str:
        return str(LABELS.get(Activity(event.activity), event.activity))

    @admin.display(description=_("Result"))
    def result(self, event: Event) -> str:
        words = {
            Outcome.SUCCESS: pgettext_lazy("audit", "Success"),
            Outcome.FAILURE: pgettext_lazy("audit", "Failure"),
        }
        return str(words[Outcome(event.outcome)])

    @admin.display(description=_("Time"), ordering="at")
    def instant(self, event: Event) -> datetime:
        return event.at

    @admin.display(description=_("User number"))
    def person(self, event: Event) -> int | None:
        return event.subject_id

    @admin.display(description=_("Done by"))
    def actor(self, event: Event) -> int | None:
        return event.actor_id

    @admin.display(description=_("Reason"))
    def because(self, event: Event) -> str:
        return event.reason

    @admin.display(description=_("Support code"))
    def code(self, event: Event) -> str:
        """As people were shown it."""
        found = event.support_code
        return f"{found[:4]}-{found[4:]}" if found else ""
