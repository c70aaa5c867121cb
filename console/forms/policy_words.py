"""What every setting of a policy is called, and what it does, in one line."""

from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tenants.policy import (
    Bank,
    CallConfirmation,
    Contact,
    Method,
    OfficeEditor,
    Proof,
    Questions,
    Scope,
    SecondFactor,
    Unknown,
)

Words = tuple[Promise, Promise]

SECTIONS: tuple[tuple[str, Promise, tuple[str, ...]], ...] = (
    (
        "properties",
        _("Who may reset"),
        ("self_service", "groups", "excluded_groups", "unknown_users"),
    ),
    (
        "methods",
        _("Methods"),
        (
            "reset_methods",
            "methods_required",
            "questions",
            "questions_to_register",
            "questions_to_reset",
            "question_bank",
            "answer_min_length",
            "answer_max_length",
            "code_digits",
            "code_minutes",
            "email_code_minutes",
            "call_confirmation",
            "ask_full_number",
            "countries",
            "daily_message_cap",
        ),
    ),
    (
        "sign-in",
        _("Sign-in"),
        ("sign_in_second_factor", "sign_in_methods", "remember_browser_days"),
    ),
    (
        "registration",
        _("Registration"),
        (
            "require_registration",
            "registration_skip_days",
            "reconfirm_days",
            "new_proof_hours",
            "prefilled_usable",
            "office_phone_editor",
            "allow_tenant_mailboxes",
            "access_passes",
            "access_pass_minutes",
            "access_pass_most_minutes",
            "access_pass_length",
            "access_pass_once",
        ),
    ),
    (
        "notifications",
        _("Notifications"),
        ("notify_on_reset", "notify_on_method_change", "notify_on_password_change"),
    ),
    (
        "customisation",
        _("Help and texts"),
        ("contact", "contact_address", "contact_url", "return_to_hosts"),
    ),
    ("directory", _("Directory"), ("writeback", "unlock_without_reset")),
    ("admins", _("Administrators"), ("admin_self_reset", "notify_admins", "verify_callers")),
    (
        "passwords",
        _("Passwords and lockout"),
        (
            "password_min_length",
            "password_classes",
            "password_history",
            "password_lifetime_days",
            "password_min_age_hours",
            "temporary_password_hours",
            "banned_words",
            "lockout_threshold",
            "lockout_seconds",
        ),
    ),
)

WORDS: dict[str, Words] = {
    "self_service": (
        _("Self-service password reset"),
        _("Who may reset a forgotten password without calling the helpdesk."),
    ),
    "groups": (_("Groups in scope"), _("Used with “Selected groups”. Nested groups count.")),
    "excluded_groups": (
        _("Excluded groups"),
        _("People in these groups can’t reset, even if another group is in scope."),
    ),
    "unknown_users": (
        _("Shown to unknown users"),
        _(
            "What people see who are unknown, not registered or out of scope. With the same page"
            " for everybody, strangers can’t find out who has an account; people who can’t reset"
            " aren’t told why, and nobody sees which address or number a code goes to."
        ),
    ),
    "reset_methods": (
        _("Methods allowed for reset"),
        _(
            "People can register and use these. What is allowed of the mobile phone is allowed of"
            " an alternate phone, too; all of it counts as one proof."
        ),
    ),
    "methods_required": (
        _("Methods required to reset"),
        _("How many different proofs a reset asks for: 1 or 2."),
    ),
    "questions": (
        _("Security questions"),
        _("Weak by nature. As a second proof they only count after another one."),
    ),
    "questions_to_register": (
        _("Questions to register"),
        _("How many questions people answer when they register: 3 to 5."),
    ),
    "questions_to_reset": (
        _("Questions to reset"),
        _("How many of them are asked at a reset: 3 to 5."),
    ),
    "question_bank": (_("Questions on offer"), _("Which questions people may choose from.")),
    "answer_min_length": (_("Shortest answer"), _("In characters, 3 to 40.")),
    "answer_max_length": (_("Longest answer"), _("In characters, 3 to 40.")),
    "code_digits": (_("Digits of a code"), _("6 to 8. Longer codes are harder to guess.")),
    "code_minutes": (
        _("Minutes a text or call is good for"),
        _("3 to 10. After that a new code is needed."),
    ),
    "email_code_minutes": (
        _("Minutes an email code is good for"),
        _("3 to 10. Mail can take longer than a text."),
    ),
    "call_confirmation": (
        _("A call is confirmed by"),
        _(
            "Typing the number ties the call to the screen. With the # key alone, people may"
            " confirm a call that a stranger asked for."
        ),
    ),
    "ask_full_number": (
        _("Ask for the full phone number"),
        _("At a reset, people type the whole number before a text or call."),
    ),
    "countries": (
        _("Countries that may be texted or called"),
        _("ISO codes like KR, one a line. Empty: your own country only."),
    ),
    "daily_message_cap": (
        _("Texts and calls per day"),
        _(
            "At most this many in any 24 hours for the whole organisation, against fraud and cost."
            " A tenth is for notices. A tenth is kept for people who know their password: for"
            " signing in and registering."
        ),
    ),
    "sign_in_second_factor": (
        _("Second factor at sign-in"),
        _("A proof besides the password. Administrators pass one anyway."),
    ),
    "sign_in_methods": (
        _("Methods allowed for sign-in"),
        _("Besides those for reset. What is ticked only here can’t be used for a reset."),
    ),
    "remember_browser_days": (
        _("Days a browser is remembered"),
        _("0 to 90; 0 means never. A remembered browser is asked for the password only."),
    ),
    "require_registration": (
        _("Ask people to register at sign-in"),
        _("Who signs in here without security info is led to the registration."),
    ),
    "registration_skip_days": (_("Days it may be put off"), _("0 to 14.")),
    "reconfirm_days": (_("Days until people reconfirm"), _("0 to 730; 0 means never.")),
    "new_proof_hours": (
        _("Hours until a new method counts"),
        _(
            "0 to 168; 0 means at once. So long a reset needs what was registered before, if there"
            " is any, and who was told can take the new one away."
        ),
    ),
    "prefilled_usable": (
        _("Usable before the user confirmed it"),
        _("What you entered counts right away; for people who registered, after these hours."),
    ),
    "office_phone_editor": (_("Office phone is changed by"), _("Who may change it.")),
    "allow_tenant_mailboxes": (
        _("Allow addresses of your own domains"),
        _("Only if people can open these mailboxes without the forgotten password."),
    ),
    "access_passes": (
        _("Temporary Access Passes may be issued"),
        _("For people with nothing to sign in with. Off: those already issued stop working."),
    ),
    "access_pass_minutes": (
        _("Minutes a pass is good for"),
        _("10 to 43,200. What the page suggests when a pass is issued."),
    ),
    "access_pass_most_minutes": (
        _("Most minutes a pass is good for"),
        _("10 to 43,200. Nobody can issue a pass for longer."),
    ),
    "access_pass_length": (
        _("Length of a pass"),
        _("8 to 48 characters. From 13 on, wrong tries don’t stop a pass: nobody can guess it."),
    ),
    "access_pass_once": (
        _("Passes work once only"),
        _("Off: whoever issues a pass decides."),
    ),
    "notify_on_reset": (
        _("Tell people when their password was reset"),
        _("By mail to all their known addresses."),
    ),
    "notify_on_method_change": (
        _("Tell people when a method was changed"),
        _("By mail to their other addresses."),
    ),
    "notify_on_password_change": (
        _("Tell people when they changed their password"),
        _("By mail to all their known addresses."),
    ),
    "contact": (
        _("People ask for help by"),
        _("What “Contact your administrator” does."),
    ),
    "contact_address": (_("Email address for help"), _("For “A mail to this address”.")),
    "contact_url": (_("Web page for help"), _("For “A web page”. Begins with https://")),
    "return_to_hosts": (
        _("Hosts people may go back to"),
        _(
            "One a line, like portal.example.com. Links with ?return_to= to them end with"
            " a button that leads back. Only https, at most 50."
        ),
    ),
    "writeback": (
        _("Write passwords back to the directory"),
        _("Off: people whose password is kept elsewhere are sent to you."),
    ),
    "unlock_without_reset": (
        _("Unlock without a new password"),
        _("People whose account is locked may keep their password."),
    ),
    "admin_self_reset": (
        _("Administrators may reset their own password"),
        _("Off: they need another administrator."),
    ),
    "verify_callers": (
        _("Helpdesk must verify callers"),
        _(
            "Before it issues a temporary password or a pass. People with nothing registered and"
            " no password can then be helped by a tenant admin only."
        ),
    ),
    "notify_admins": (
        _("Tell administrators when an administrator’s password was reset"),
        _("By mail to all other administrators."),
    ),
    "password_min_length": (
        _("Shortest password"),
        _("In characters, 8 to 256. Length helps more than anything else."),
    ),
    "password_classes": (
        _("Kinds of characters"),
        _("0 to 4 of: lower case, upper case, digits, symbols. 0 is recommended."),
    ),
    "password_history": (_("Passwords that may not come back"), _("0 to 24.")),
    "password_lifetime_days": (_("Days until a password ends"), _("0 to 730; 0 means never.")),
    "password_min_age_hours": (
        _("Hours before a password may be changed again"),
        _("0 to 168. Doesn’t hold for a reset, or for a change that is due."),
    ),
    "temporary_password_hours": (
        _("Hours a temporary password is good for"),
        _("1 to 168. After that nobody can sign in with it."),
    ),
    "banned_words": (
        _("Banned words"),
        _(
            "4 to 16 characters each, one a line, up to 1,000. Spellings that differ in a letter,"
            " in capitals or in digits for letters count, too. Common words are banned anyway."
        ),
    ),
    "lockout_threshold": (_("Failures before a lockout"), _("3 to 50.")),
    "lockout_seconds": (_("Seconds of the first lockout"), _("5 to 18,000.")),
}

LATER = {"writeback"}
"""Kept, but read by nothing yet: the page must not promise what isn't so."""

_CHOICES: dict[type[Enum], dict[Enum, Promise]] = {
    Scope: {
        Scope.NONE: _("Nobody"),
        Scope.GROUPS: _("Selected groups"),
        Scope.ALL: _("Everyone"),
    },
    SecondFactor: {
        SecondFactor.OFF: _("Not asked for at sign-in"),
        SecondFactor.REGISTERED: _("Asked of those who registered a method for it"),
        SecondFactor.REQUIRED: _("Asked of everyone; who has no method registers one first"),
    },
    Unknown: {
        Unknown.ERRORS: _("Clear errors"),
        Unknown.DECOY: _("The same verification page as everybody"),
    },
    Method: {
        Method.PASSKEY: _("Passkey"),
        Method.AUTHENTICATOR: _("Authenticator app"),
        Method.EMAIL: _("Alternate email"),
        Method.MOBILE_TEXT: _("Text to the mobile phone"),
        Method.MOBILE_CALL: _("Call to the mobile phone"),
        Method.OFFICE_CALL: _("Call to the office phone"),
        Method.QUESTIONS: _("Security questions"),
        Method.RECOVERY_CODE: _("Recovery codes"),
    },
    Questions: {
        Questions.OFF: pgettext_lazy("questions", "Off"),
        Questions.SECOND: _("Only after another proof"),
        Questions.GATE: _("As a proof like any other"),
    },
    Bank: {
        Bank.PREDEFINED: _("The questions that come with the service"),
        Bank.CUSTOM: _("Your own questions"),
        Bank.BOTH: _("Both"),
    },
    CallConfirmation: {
        CallConfirmation.NUMBER_SHOWN: _("Typing the number that the page shows"),
        CallConfirmation.POUND: _("Pressing the # key"),
        CallConfirmation.SPOKEN_CODE: _("Hearing a code and typing it on the page"),
    },
    OfficeEditor: {
        OfficeEditor.ADMINS: _("Administrators only"),
        OfficeEditor.USER: _("Administrators and the person"),
    },
    Contact: {
        Contact.MAIL: _("A mail to the helpdesk"),
        Contact.ADDRESS: _("A mail to this address"),
        Contact.URL: _("A web page"),
        Contact.OFF: _("Nothing: no way is offered"),
    },
    Proof: {
        Proof.OFFICE_PHONE: _("Office phone"),
        Proof.MOBILE_PHONE: _("Mobile phone"),
        Proof.ALTERNATE_PHONE: _("Alternate phone"),
        Proof.EMAIL: _("Alternate email"),
        Proof.QUESTIONS: _("Security questions"),
        Proof.PASSKEY: _("Passkey"),
        Proof.AUTHENTICATOR: _("Authenticator app"),
        Proof.RECOVERY_CODE: _("Recovery codes"),
    },
}
"""Apart by kind: `Questions.OFF` and `Contact.OFF` are equal, being both the text `off`."""

CONTRADICTIONS: dict[str, Promise] = {
    "groups": _("Choose at least one group, or choose nobody or everyone."),
    "reset_methods": _(
        "Choose methods that prove at least as many different things as a reset asks for."
    ),
    "questions_to_register": _("Ask for at least as many questions at registration as at reset."),
    "answer_max_length": _("The longest answer can’t be shorter than the shortest."),
    "access_pass_minutes": _("A pass can’t be good for longer than the most minutes."),
    "countries": _("Write ISO codes of two letters, like KR."),
    "contact_url": _("Enter a web address that begins with https://"),
    "contact_address": _("Enter an email address, like helpdesk@example.com."),
    "return_to_hosts": _(
        "Write up to 50 host names, like portal.example.com or portal.example.com:8443."
    ),
    "banned_words": _("Up to 1,000 words of 4 to 16 characters."),
}
OBJECTIONS: dict[str, Promise] = {
    **CONTRADICTIONS,
    "reset_methods": _("Offer another method as well: whoever loses the app can’t reset."),
}


def choice(one: Enum) -> Promise:
    """What this choice is called."""
    return _CHOICES[type(one)][one]
