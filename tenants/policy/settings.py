"""Every setting of a policy, declared once. Pages, files, audit words and docs come from this list.

Source: the settings of Microsoft Entra's password reset blades, with our own limits and defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache

from tenants.policy.checks import Contradictory, contradictions, out_of_range
from tenants.policy.choices import (
    Bank,
    CallConfirmation,
    Contact,
    OfficeEditor,
    Questions,
    Scope,
    SecondFactor,
    Unknown,
)
from tenants.policy.declaration import (
    Section,
    Setting,
    Stricter,
    TextKind,
    declared_by,
    setting,
)
from tenants.policy.methods import Factor, Method
from tenants.policy.texts import gettext_noop as _

# Questions have a setting of their own, and an alternate phone is allowed as the mobile phone is.
_NAMED_METHODS = frozenset(
    method for method in Method if method.allowed_as is method and not method.factor.is_knowledge
)
_CONTACT_DATA = frozenset(factor for factor in Factor if factor.can_be_entered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One tenant's settings, checked when the value is made.

    Raises:
        Contradictory: the settings contradict each other.
    """

    self_service: Scope = setting(
        default=Scope.NONE,
        section=Section.PROPERTIES,
        label=_("Self-service password reset"),
        help_text=_("Who can reset a forgotten password without calling the helpdesk."),
        stricter=Stricter.NOW,
    )
    groups: frozenset[str] = setting(
        default=frozenset(),
        section=Section.PROPERTIES,
        label=_("Groups in scope"),
        help_text=_("Used with “Selected groups”. Nested groups count."),
        stricter=Stricter.NOW,
        kind=TextKind.GROUPS,
    )
    excluded_groups: frozenset[str] = setting(
        default=frozenset(),
        section=Section.PROPERTIES,
        label=_("Excluded groups"),
        help_text=_("People in these groups can’t reset, even if another group is in scope."),
        stricter=Stricter.NOW,
        kind=TextKind.GROUPS,
    )
    unknown_users: Unknown = setting(
        default=Unknown.ERRORS,
        section=Section.PROPERTIES,
        label=_("Shown to unknown users"),
        help_text=_(
            "What people see if their user ID is unknown, not registered or out of "
            "scope. If everyone sees the same page, outsiders can’t find out who has an "
            "account. But people who can’t reset aren’t told why, and no one sees which "
            "address or number a code was sent to."
        ),
        stricter=Stricter.MAX,
    )
    reset_methods: frozenset[Method] = setting(
        default=frozenset(
            {Method.MOBILE_TEXT, Method.MOBILE_CALL, Method.OFFICE_CALL, Method.EMAIL}
        ),
        section=Section.METHODS,
        label=_("Methods allowed for reset"),
        help_text=_(
            "People can register and use these methods. What you allow for the mobile "
            "phone is also allowed for an alternate phone. Both phones together count as "
            "one method."
        ),
        stricter=Stricter.INTERSECTION,
        offered=_NAMED_METHODS,
    )
    methods_required: int = setting(
        default=1,
        section=Section.METHODS,
        label=_("Methods required to reset"),
        help_text=_("How many different methods a reset requires: 1 or 2."),
        stricter=Stricter.MAX,
        between=(1, 2),
    )
    questions: Questions = setting(
        default=Questions.OFF,
        section=Section.METHODS,
        label=_("Security questions"),
        help_text=_("A weak method. As a second method, they count only after another one."),
        stricter=Stricter.MIN,
    )
    questions_to_register: int = setting(
        default=5,
        section=Section.METHODS,
        label=_("Questions to register"),
        help_text=_("How many questions people answer when they register: 3 to 5."),
        stricter=Stricter.MAX,
        between=(3, 5),
    )
    questions_to_reset: int = setting(
        default=3,
        section=Section.METHODS,
        label=_("Questions to reset"),
        help_text=_("How many of these people answer at a reset: 3 to 5."),
        stricter=Stricter.MAX,
        between=(3, 5),
    )
    question_bank: Bank = setting(
        default=Bank.PREDEFINED,
        section=Section.METHODS,
        label=_("Questions to offer"),
        help_text=_("Which questions people can choose from."),
        stricter=Stricter.NOW,
    )
    answer_min_length: int = setting(
        default=3,
        section=Section.METHODS,
        label=_("Shortest answer"),
        help_text=_("In characters, 3 to 40."),
        stricter=Stricter.NOW,
        between=(3, 40),
    )
    answer_max_length: int = setting(
        default=40,
        section=Section.METHODS,
        label=_("Longest answer"),
        help_text=_("In characters, 3 to 40."),
        stricter=Stricter.NOW,
        between=(3, 40),
    )
    code_digits: int = setting(
        default=8,
        section=Section.METHODS,
        label=_("Digits of a code"),
        help_text=_("6 to 8. Longer codes are harder to guess."),
        stricter=Stricter.NOW,
        between=(6, 8),
    )
    code_minutes: int = setting(
        default=5,
        section=Section.METHODS,
        label=_("Minutes a text or call is valid"),
        help_text=_("3 to 10. After that a new code is needed."),
        stricter=Stricter.NOW,
        between=(3, 10),
    )
    email_code_minutes: int = setting(
        default=10,
        section=Section.METHODS,
        label=_("Minutes an email code is valid"),
        help_text=_("3 to 10. Email can take longer than a text."),
        stricter=Stricter.NOW,
        between=(3, 10),
    )
    call_confirmation: CallConfirmation = setting(
        default=CallConfirmation.NUMBER_SHOWN,
        section=Section.METHODS,
        label=_("A call is confirmed by"),
        help_text=_(
            "Entering the number ties the call to the screen. With the # key alone, "
            "people may confirm a call that an attacker requested."
        ),
        stricter=Stricter.NOW,
    )
    ask_full_number: bool = setting(
        default=False,
        section=Section.METHODS,
        label=_("Require the full phone number"),
        help_text=_("At a reset, people enter the full number before we send a text or call."),
        stricter=Stricter.MAX,
    )
    countries: frozenset[str] = setting(
        default=frozenset(),
        section=Section.METHODS,
        label=_("Countries we can text and call"),
        help_text=_("ISO codes like KR, one per line. If empty, your own country only."),
        stricter=Stricter.NOW,
        kind=TextKind.COUNTRIES,
    )
    daily_message_cap: int = setting(
        default=1_000,
        section=Section.METHODS,
        label=_("Texts and calls per day"),
        help_text=_(
            "Limit for the whole organisation in any 24 hours, to prevent fraud and high "
            "cost. One tenth is reserved for notices, and one tenth for people who know "
            "their password and sign in or register."
        ),
        stricter=Stricter.NOW,
        between=(0, 1_000_000),
    )
    sign_in_second_factor: SecondFactor = setting(
        default=SecondFactor.OFF,
        section=Section.SIGN_IN,
        label=_("Second factor at sign-in"),
        help_text=_("A second step after the password. Administrators always need one."),
        stricter=Stricter.NOW,
    )
    sign_in_methods: frozenset[Method] = setting(
        default=frozenset({Method.AUTHENTICATOR}),
        section=Section.SIGN_IN,
        label=_("Methods allowed for sign-in"),
        help_text=_(
            "In addition to the methods for reset. Methods selected only here can’t "
            "be used for a reset."
        ),
        stricter=Stricter.NOW,
        offered=_NAMED_METHODS,
    )
    remember_browser_days: int = setting(
        default=0,
        section=Section.SIGN_IN,
        label=_("Days a browser is remembered"),
        help_text=_(
            "0 to 90; 0 means never. In a remembered browser, people sign in with "
            "only their password."
        ),
        stricter=Stricter.NOW,
        between=(0, 90),
    )
    require_registration: bool = setting(
        default=True,
        section=Section.REGISTRATION,
        label=_("Ask people to register at sign-in"),
        help_text=_("People without security info are taken to registration when they sign in."),
        stricter=Stricter.NOW,
    )
    registration_skip_days: int = setting(
        default=7,
        section=Section.REGISTRATION,
        label=_("Days people can skip registration"),
        help_text=_("0 to 14."),
        stricter=Stricter.NOW,
        between=(0, 14),
    )
    reconfirm_days: int = setting(
        default=180,
        section=Section.REGISTRATION,
        label=_("Days until people reconfirm"),
        help_text=_("0 to 730; 0 means never."),
        stricter=Stricter.NOW,
        between=(0, 730),
    )
    new_proof_hours: int = setting(
        default=24,
        section=Section.REGISTRATION,
        label=_("Hours until a new method counts"),
        help_text=_(
            "0 to 168; 0 means at once. During this time a reset needs an older method, "
            "if there is one, and the person who gets the notice can remove the new "
            "method."
        ),
        stricter=Stricter.MAX,
        between=(0, 168),
    )
    prefilled_usable: frozenset[Factor] = setting(
        default=frozenset({Factor.OFFICE_PHONE}),
        section=Section.REGISTRATION,
        label=_("Usable before the user confirms it"),
        help_text=_(
            "Contact data that you enter can be used right away; for people who have "
            "registered, after these hours."
        ),
        stricter=Stricter.NOW,
        offered=_CONTACT_DATA,
    )
    email_min_age_days: int = setting(
        default=0,
        section=Section.REGISTRATION,
        label=_("Days until a new alternate email counts"),
        help_text=_(
            "0 to 90; 0 means no longer than other new methods. For this many days after "
            "it is added or changed, a reset needs an older method, if there is one."
        ),
        stricter=Stricter.MAX,
        between=(0, 90),
    )
    office_phone_editor: OfficeEditor = setting(
        default=OfficeEditor.ADMINS,
        section=Section.REGISTRATION,
        label=_("Office phone can be changed by"),
        help_text=_("Who can change it."),
        stricter=Stricter.NOW,
    )
    allow_tenant_mailboxes: bool = setting(
        default=False,
        section=Section.REGISTRATION,
        label=_("Allow addresses of your own domains"),
        help_text=_("Only if people can open these mailboxes without the forgotten password."),
        stricter=Stricter.NOW,
    )
    access_passes: bool = setting(
        default=True,
        section=Section.REGISTRATION,
        label=_("Temporary Access Passes may be issued"),
        help_text=_(
            "For people who can’t sign in any other way. If off, passes already issued "
            "stop working."
        ),
        stricter=Stricter.NOW,
    )
    access_pass_minutes: int = setting(
        default=60,
        section=Section.REGISTRATION,
        label=_("Minutes a pass is valid"),
        help_text=_("10 to 43,200. What the page suggests when a pass is issued."),
        stricter=Stricter.NOW,
        between=(10, 43_200),
    )
    access_pass_most_minutes: int = setting(
        default=480,
        section=Section.REGISTRATION,
        label=_("Longest time a pass is valid (minutes)"),
        help_text=_("10 to 43,200. Passes can’t be issued for longer."),
        stricter=Stricter.NOW,
        between=(10, 43_200),
    )
    access_pass_length: int = setting(
        default=8,
        section=Section.REGISTRATION,
        label=_("Length of a pass"),
        help_text=_(
            "8 to 48 characters. With 13 or more, wrong tries don’t stop a pass, because "
            "it can’t be guessed."
        ),
        stricter=Stricter.NOW,
        between=(8, 48),
    )
    access_pass_once: bool = setting(
        default=False,
        section=Section.REGISTRATION,
        label=_("Passes are for single use"),
        help_text=_("If off, the person who issues a pass decides."),
        stricter=Stricter.NOW,
    )
    notify_on_reset: bool = setting(
        default=True,
        section=Section.NOTIFICATIONS,
        label=_("Notify people when their password was reset"),
        help_text=_("By email to all their addresses."),
        stricter=Stricter.NOW,
    )
    notify_on_method_change: bool = setting(
        default=True,
        section=Section.NOTIFICATIONS,
        label=_("Notify people when a method was changed"),
        help_text=_("By email to their other addresses."),
        stricter=Stricter.NOW,
    )
    notify_on_password_change: bool = setting(
        default=True,
        section=Section.NOTIFICATIONS,
        label=_("Notify people when they changed their password"),
        help_text=_("By email to all their addresses."),
        stricter=Stricter.NOW,
    )
    remind_of_expiry: bool = setting(
        default=True,
        section=Section.NOTIFICATIONS,
        label=_("Remind people before their password expires"),
        help_text=_("By email, with a link to change it."),
        stricter=Stricter.NOW,
    )
    expiry_first_reminder_days: int = setting(
        default=14,
        section=Section.NOTIFICATIONS,
        label=_("First reminder (days before)"),
        help_text=_("0: no such reminder."),
        stricter=Stricter.NOW,
        between=(0, 90),
    )
    expiry_second_reminder_days: int = setting(
        default=7,
        section=Section.NOTIFICATIONS,
        label=_("Second reminder (days before)"),
        help_text=_("0: no such reminder."),
        stricter=Stricter.NOW,
        between=(0, 90),
    )
    expiry_last_reminder_days: int = setting(
        default=1,
        section=Section.NOTIFICATIONS,
        label=_("Last reminder (days before)"),
        help_text=_("0: no such reminder."),
        stricter=Stricter.NOW,
        between=(0, 90),
    )
    contact: Contact = setting(
        default=Contact.MAIL,
        section=Section.CUSTOMISATION,
        label=_("People ask for help by"),
        help_text=_("What “Contact your administrator” does."),
        stricter=Stricter.NOW,
    )
    contact_address: str = setting(
        default="",
        section=Section.CUSTOMISATION,
        label=_("Email address for help"),
        help_text=_("Used with “Email to this address”."),
        stricter=Stricter.NOW,
    )
    contact_url: str = setting(
        default="",
        section=Section.CUSTOMISATION,
        label=_("Web page for help"),
        help_text=_("Used with “A web page”. Must begin with https://"),
        stricter=Stricter.NOW,
    )
    return_to_hosts: frozenset[str] = setting(
        default=frozenset(),
        section=Section.CUSTOMISATION,
        label=_("Hosts people can return to"),
        help_text=_(
            "One per line, like portal.example.com. If a link has ?return_to= with one "
            "of these hosts, the last page has a button that leads back. Only https, at "
            "most 50."
        ),
        stricter=Stricter.NOW,
        kind=TextKind.HOSTS,
    )
    unlock_without_reset: bool = setting(
        default=True,
        section=Section.DIRECTORY,
        label=_("Unlock without a new password"),
        help_text=_("People whose account is locked may keep their password."),
        stricter=Stricter.NOW,
    )
    admin_self_reset: bool = setting(
        default=True,
        section=Section.ADMINS,
        label=_("Administrators can reset their own password"),
        help_text=_("If off, they need another administrator."),
        stricter=Stricter.NOW,
    )
    notify_admins: bool = setting(
        default=True,
        section=Section.ADMINS,
        label=_("Notify administrators when an administrator’s password was reset"),
        help_text=_("By email to all other administrators."),
        stricter=Stricter.NOW,
    )
    verify_callers: bool = setting(
        default=False,
        section=Section.ADMINS,
        label=_("Helpdesk must verify callers"),
        help_text=_(
            "Before issuing a temporary password or a pass. People with no registered "
            "method and no password can then be helped only by a tenant admin."
        ),
        stricter=Stricter.NOW,
    )
    audit_days: int = setting(
        default=730,
        section=Section.ADMINS,
        label=_("Days the audit log is kept"),
        help_text=_(
            "90 to 3,650. Older records are deleted at night. A shorter time takes effect after "
            "seven days, so that it can still be put back."
        ),
        stricter=Stricter.NOW,
        between=(90, 3_650),
    )
    password_min_length: int = setting(
        default=12,
        section=Section.PASSWORDS,
        label=_("Shortest password"),
        help_text=_("In characters, 8 to 256. Length helps more than anything else."),
        stricter=Stricter.MAX,
        between=(8, 256),
    )
    password_classes: int = setting(
        default=0,
        section=Section.PASSWORDS,
        label=_("Kinds of characters"),
        help_text=_("0 to 4 of: lower case, upper case, digits, symbols. 0 is recommended."),
        stricter=Stricter.NOW,
        between=(0, 4),
    )
    password_history: int = setting(
        default=5,
        section=Section.PASSWORDS,
        label=_("Previous passwords that can’t be reused"),
        help_text=_("0 to 24."),
        stricter=Stricter.MAX,
        between=(0, 24),
    )
    password_lifetime_days: int = setting(
        default=0,
        section=Section.PASSWORDS,
        label=_("Days until a password expires"),
        help_text=_("0 to 730; 0 means never."),
        stricter=Stricter.NOW,
        between=(0, 730),
    )
    password_min_age_hours: int = setting(
        default=0,
        section=Section.PASSWORDS,
        label=_("Hours before a password can be changed again"),
        help_text=_("0 to 168. Doesn’t apply to a reset or to a required change."),
        stricter=Stricter.NOW,
        between=(0, 168),
    )
    temporary_password_hours: int = setting(
        default=72,
        section=Section.PASSWORDS,
        label=_("Hours a temporary password is valid"),
        help_text=_("1 to 168. After that it can’t be used to sign in."),
        stricter=Stricter.NOW,
        between=(1, 168),
    )
    banned_words: frozenset[str] = setting(
        default=frozenset(),
        section=Section.PASSWORDS,
        label=_("Banned words"),
        help_text=_(
            "4 to 16 characters each, one per line, up to 1,000. Variants that differ in "
            "one letter, in capitals or in digits used as letters are banned too. Common "
            "words are always banned."
        ),
        stricter=Stricter.NOW,
    )
    lockout_threshold: int = setting(
        default=10,
        section=Section.PASSWORDS,
        label=_("Failures before a lockout"),
        help_text=_("3 to 50."),
        stricter=Stricter.NOW,
        between=(3, 50),
    )
    lockout_seconds: int = setting(
        default=60,
        section=Section.PASSWORDS,
        label=_("Seconds of the first lockout"),
        help_text=_("5 to 18,000."),
        stricter=Stricter.NOW,
        between=(5, 18_000),
    )

    def __post_init__(self) -> None:
        wrong_numbers = [
            out_of_range(name, *limits)
            for name, setting in all_settings().items()
            if (limits := setting.between) and not limits[0] <= getattr(self, name) <= limits[1]
        ]
        if found := (*wrong_numbers, *contradictions(self)):
            raise Contradictory(found)

    @property
    def methods(self) -> frozenset[Method]:
        """The methods that can be gates of a reset."""
        allowed = _allowed_by(self.reset_methods)
        return allowed if self.questions is Questions.OFF else allowed | {Method.QUESTIONS}

    @property
    def second_factors(self) -> frozenset[Method]:
        """The methods that are a second factor at sign-in; security questions never are.

        Methods for a reset are among them, so that a user who registered only those can sign in.

        Source: NIST SP 800-63B-4 section 3.1.1 (knowledge besides a password is no factor).
        """
        named = (self.sign_in_methods | self.reset_methods) - {Method.QUESTIONS}
        return _allowed_by(named)

    def code_lifetime(self, method: Method) -> timedelta:
        minutes = self.email_code_minutes if method is Method.EMAIL else self.code_minutes
        return timedelta(minutes=minutes)

    @property
    def hold_periods(self) -> Mapping[Factor, timedelta]:
        """How long a new factor of each kind can't be used for a reset, if anything older can.

        From when a factor counts is said by `verification.rules.hold_period`.
        """
        new_method = timedelta(hours=self.new_proof_hours)
        new_address = max(new_method, timedelta(days=self.email_min_age_days))
        return {**dict.fromkeys(Factor, new_method), Factor.EMAIL: new_address}

    def is_typed_back(self, method: Method) -> bool:
        """Whether the user types a code on the page; a call may speak one, too."""
        spoken = method.is_call and self.call_confirmation is CallConfirmation.SPOKEN_CODE
        return method.is_code or spoken


@cache
def all_settings() -> Mapping[str, Setting]:
    """Every setting by its name, in the order of declaration."""
    return declared_by(Policy)


@lru_cache(maxsize=256)
def _allowed_by(named: frozenset[Method]) -> frozenset[Method]:
    """The methods that a policy allows by these."""
    return frozenset(method for method in Method if method.allowed_as in named)
