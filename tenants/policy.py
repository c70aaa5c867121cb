"""What an organisation decided, as one frozen value. Read everywhere, changed nowhere.

Source: the settings of Microsoft Entra's password reset blades, with our own limits and defaults.
"""

import re
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Self, get_args, get_origin, get_type_hints

Plain = str | int | bool | list[str]
_MOST_HOSTS = 50
_WEB_HOST = re.compile(
    r"(?=.{4,253}(?::|\Z))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63}(?::([1-9][0-9]{0,4}))?"
)
"""A whole host name in ASCII and lower case, no number; perhaps with a port."""


class Proof(StrEnum):
    """What a method proves control of. Two methods with one proof are one gate, not two."""

    MOBILE_PHONE = "mobile_phone"
    ALTERNATE_PHONE = "alternate_phone"
    OFFICE_PHONE = "office_phone"
    EMAIL = "email"
    QUESTIONS = "questions"
    PASSKEY = "passkey"
    AUTHENTICATOR = "authenticator"
    RECOVERY_CODE = "recovery_code"

    @property
    def gate(self) -> Self:
        """As what it is counted: whoever took one of two mobile phones may well have taken both."""
        return type(self)(self.value.replace("alternate_", "mobile_"))


class Method(StrEnum):
    """A way of proving who you are; strongest first, the order in which methods are offered."""

    PASSKEY = "passkey"
    AUTHENTICATOR = "authenticator"
    EMAIL = "email"
    MOBILE_TEXT = "mobile_text"
    MOBILE_CALL = "mobile_call"
    ALTERNATE_TEXT = "alternate_text"
    ALTERNATE_CALL = "alternate_call"
    OFFICE_CALL = "office_call"
    QUESTIONS = "questions"
    RECOVERY_CODE = "recovery_code"

    @property
    def proof(self) -> Proof:
        place, _, how = self.value.rpartition("_")
        return Proof(f"{place}_phone" if how in {"text", "call"} else self.value)

    @property
    def is_unguessable(self) -> bool:
        """Whether nobody gets in by trying: what a passkey signs, or a code of 120 bits."""
        return self in {Method.PASSKEY, Method.RECOVERY_CODE}

    @property
    def allowed_as(self) -> Self:
        """What policies call it: what they say of the mobile phone goes for the alternate one."""
        return type(self)(self.value.replace("alternate_", "mobile_"))

    @property
    def is_call(self) -> bool:
        return self.value.endswith("_call")

    @property
    def is_text(self) -> bool:
        return self.value.endswith("_text")

    @property
    def is_to_a_phone(self) -> bool:
        return self.is_call or self.is_text

    @property
    def is_code(self) -> bool:
        """Whether a code travels to the user, to be typed back."""
        return self is Method.EMAIL or self.is_text


class SecondFactor(StrEnum):
    """Of whom a proof besides the password is asked at sign-in."""

    OFF = "off"
    REGISTERED = "registered"
    REQUIRED = "required"


def method_choices() -> list[tuple[str, str]]:
    """For columns. Asked when it's needed: a new method is no change of the database."""
    return [(method.value, method.value) for method in Method]


def proof_choices() -> list[tuple[str, str]]:
    """The same for what methods prove."""
    return [(proof.value, proof.value) for proof in Proof]


class Scope(StrEnum):
    NONE = "none"
    GROUPS = "groups"
    ALL = "all"


class Questions(StrEnum):
    OFF = "off"
    SECOND = "second"
    GATE = "gate"


class Unknown(StrEnum):
    ERRORS = "errors"
    DECOY = "decoy"


class OfficeEditor(StrEnum):
    ADMINS = "admins"
    USER = "user"


class Contact(StrEnum):
    MAIL = "mail"
    ADDRESS = "address"
    URL = "url"
    OFF = "off"


class CallConfirmation(StrEnum):
    NUMBER_SHOWN = "number_shown"
    POUND = "pound"
    SPOKEN_CODE = "spoken_code"


class Bank(StrEnum):
    PREDEFINED = "predefined"
    CUSTOM = "custom"
    BOTH = "both"


RANGES = {
    "methods_required": (1, 2),
    "questions_to_register": (3, 5),
    "questions_to_reset": (3, 5),
    "answer_min_length": (3, 40),
    "answer_max_length": (3, 40),
    "remember_browser_days": (0, 90),
    "registration_skip_days": (0, 14),
    "reconfirm_days": (0, 730),
    "access_pass_minutes": (10, 43_200),
    "access_pass_most_minutes": (10, 43_200),
    "access_pass_length": (8, 48),
    "new_proof_hours": (0, 168),
    "code_digits": (6, 8),
    "code_minutes": (3, 10),
    "email_code_minutes": (3, 10),
    "daily_message_cap": (0, 1_000_000),
    "password_min_length": (8, 256),
    "password_classes": (0, 4),
    "password_history": (0, 24),
    "password_lifetime_days": (0, 730),
    "password_min_age_hours": (0, 168),
    "temporary_password_hours": (1, 168),
    "lockout_threshold": (3, 50),
    "lockout_seconds": (5, 18_000),
}
"""The lowest and the highest value of every number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One tenant's decisions, checked once, when the value is made.

    Raises:
        ValueError: the decisions contradict each other; the message names the field.
    """

    self_service: Scope = Scope.NONE
    groups: frozenset[str] = frozenset()
    excluded_groups: frozenset[str] = frozenset()
    reset_methods: frozenset[Method] = frozenset(
        {Method.MOBILE_TEXT, Method.MOBILE_CALL, Method.OFFICE_CALL, Method.EMAIL}
    )
    sign_in_methods: frozenset[Method] = frozenset({Method.AUTHENTICATOR})
    sign_in_second_factor: SecondFactor = SecondFactor.OFF
    remember_browser_days: int = 0
    methods_required: int = 1
    questions: Questions = Questions.OFF
    questions_to_register: int = 5
    questions_to_reset: int = 3
    question_bank: Bank = Bank.PREDEFINED
    answer_min_length: int = 3
    answer_max_length: int = 40
    require_registration: bool = True
    registration_skip_days: int = 7
    reconfirm_days: int = 180
    access_passes: bool = True
    access_pass_minutes: int = 60
    access_pass_most_minutes: int = 480
    access_pass_length: int = 8
    access_pass_once: bool = False
    new_proof_hours: int = 24
    office_phone_editor: OfficeEditor = OfficeEditor.ADMINS
    prefilled_usable: frozenset[Proof] = frozenset({Proof.OFFICE_PHONE})
    notify_on_reset: bool = True
    notify_on_method_change: bool = True
    notify_on_password_change: bool = True
    notify_admins: bool = True
    contact: Contact = Contact.MAIL
    contact_address: str = ""
    contact_url: str = ""
    return_to_hosts: frozenset[str] = frozenset()
    writeback: bool = True
    unlock_without_reset: bool = True
    code_digits: int = 8
    code_minutes: int = 5
    email_code_minutes: int = 10
    call_confirmation: CallConfirmation = CallConfirmation.NUMBER_SHOWN
    ask_full_number: bool = False
    allow_tenant_mailboxes: bool = False
    countries: frozenset[str] = frozenset()
    daily_message_cap: int = 1_000
    unknown_users: Unknown = Unknown.ERRORS
    password_min_length: int = 12
    password_classes: int = 0
    password_history: int = 5
    password_lifetime_days: int = 0
    password_min_age_hours: int = 0
    temporary_password_hours: int = 72
    banned_words: frozenset[str] = frozenset()
    lockout_threshold: int = 10
    lockout_seconds: int = 60
    admin_self_reset: bool = True
    verify_callers: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: {low} to {high}")
        self._check_methods()
        self._check_texts()
        if self.access_pass_minutes > self.access_pass_most_minutes:
            raise ValueError("access_pass_minutes: at most access_pass_most_minutes")

    def _check_methods(self) -> None:
        if self.self_service is Scope.GROUPS and not self.groups:
            raise ValueError("groups: name at least one, or choose none or all")
        if Method.QUESTIONS in self.reset_methods:
            raise ValueError("reset_methods: security questions are set by questions=second|gate")
        if any(m.allowed_as is not m for m in self.reset_methods | self.sign_in_methods):
            raise ValueError("reset_methods: mobile_text and mobile_call stand for both phones")
        if len({method.proof.gate for method in self.methods}) < self.methods_required:
            raise ValueError("reset_methods: fewer kinds of proof than methods_required")
        if not self.reset_methods and self.questions is not Questions.GATE:
            raise ValueError("reset_methods: at least one")
        if self.questions_to_register < self.questions_to_reset:
            raise ValueError("questions_to_register: at least questions_to_reset")
        if self.answer_max_length < self.answer_min_length:
            raise ValueError("answer_max_length: at least answer_min_length")

    def _check_texts(self) -> None:
        if any(len(code) != 2 or not code.isupper() for code in self.countries):
            raise ValueError("countries: ISO codes of two capital letters, like KR")
        if self.contact is Contact.URL and not self.contact_url.startswith("https://"):
            raise ValueError("contact_url: an https:// address")
        if self.contact is Contact.ADDRESS and "@" not in self.contact_address:
            raise ValueError("contact_address: an email address")
        if len(self.return_to_hosts) > _MOST_HOSTS or not all(map(_is_host, self.return_to_hosts)):
            raise ValueError("return_to_hosts: up to 50 like portal.example.com or a.example:8443")
        if len(self.banned_words) > 1_000 or any(not 4 <= len(w) <= 16 for w in self.banned_words):
            raise ValueError("banned_words: up to 1000 words of 4 to 16 characters")

    @property
    def methods(self) -> frozenset[Method]:
        """Every method that counts as a gate at reset."""
        allowed = frozenset(m for m in Method if m.allowed_as in self.reset_methods)
        return allowed if self.questions is Questions.OFF else allowed | {Method.QUESTIONS}

    @property
    def second_factors(self) -> frozenset[Method]:
        """What proves at sign-in that more than the password is here; answers never do.

        Who registered only for a reset passes with that: nobody is locked out of signing in.

        Source: NIST SP 800-63B-4 section 3.1.1 (knowledge besides a password is no factor).
        """
        named = (self.sign_in_methods | self.reset_methods) - {Method.QUESTIONS}
        return frozenset(method for method in Method if method.allowed_as in named)

    def code_lifetime(self, method: Method) -> timedelta:
        minutes = self.email_code_minutes if method is Method.EMAIL else self.code_minutes
        return timedelta(minutes=minutes)

    def is_typed_back(self, method: Method) -> bool:
        """Whether a code reaches the user, to be typed on the page: a call may speak one, too."""
        spoken = method.is_call and self.call_confirmation is CallConfirmation.SPOKEN_CODE
        return method.is_code or spoken


def strictest(first: Policy, second: Policy) -> Policy | None:
    """What both policies allow, asking for the more that either asks for.

    Returns:
        None when nobody could meet it: one allowed only e-mail, say, and the other only phones.

    Source: Keycloak CVE-2026-18963 (what happens when a flow trusts the rules it started with).
    """
    order = [Questions.OFF, Questions.SECOND, Questions.GATE]
    try:
        return replace(
            second,
            reset_methods=first.reset_methods & second.reset_methods,
            questions=min(first.questions, second.questions, key=order.index),
            methods_required=max(first.methods_required, second.methods_required),
            questions_to_reset=max(first.questions_to_reset, second.questions_to_reset),
            ask_full_number=first.ask_full_number or second.ask_full_number,
            new_proof_hours=max(first.new_proof_hours, second.new_proof_hours),
            questions_to_register=max(first.questions_to_register, second.questions_to_register),
            password_min_length=max(first.password_min_length, second.password_min_length),
            password_history=max(first.password_history, second.password_history),
            unknown_users=max(first.unknown_users, second.unknown_users, key=list(Unknown).index),
        )
    except ValueError:
        return None


def for_administrators(policy: Policy) -> Policy | None:
    """The policy as it is for people who could act for others: two gates, never questions.

    Returns:
        None when the tenant's methods can't make two gates.

    Source: Microsoft Entra, "Administrator reset policy differences" (two-gate policy).
    """
    try:
        return replace(policy, methods_required=2, questions=Questions.OFF)
    except ValueError:
        return None


def to_plain(policy: Policy) -> dict[str, Plain]:
    """Every decision as a JSON value; sets sorted, so that equal policies look equal."""
    return {field.name: _plain(getattr(policy, field.name)) for field in fields(Policy)}


def from_plain(values: dict[str, Plain]) -> Policy:
    """The policy of a row. A setting the row doesn't know yet has its default.

    Raises:
        ValueError: a value is of the wrong kind, or the decisions contradict each other.
    """
    known = {name: value for name, value in values.items() if name in types()}
    return Policy(**{name: _typed(name, value) for name, value in known.items()})


@cache
def types() -> dict[str, Any]:
    """The type of every setting, by its name."""
    return get_type_hints(Policy)


def _is_host(text: str) -> bool:
    """Whether it could be a host, and a port other than what https has anyway."""
    found = _WEB_HOST.fullmatch(text)
    return found is not None and found[1] != "443" and int(found[1] or 0) <= 65_535


def _plain(value: object) -> Plain:
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, Enum):
        return str(value.value)
    assert isinstance(value, (str, int))
    return value


def _typed(name: str, value: Plain) -> Any:
    kind = types()[name]
    try:
        if get_origin(kind) is frozenset:
            (item,) = get_args(kind)
            assert isinstance(value, list)
            return frozenset(item(part) for part in value)
        assert isinstance(kind, type)
        return kind(value)
    except (ValueError, AssertionError, TypeError):
        raise ValueError(f"{name}: {_expected(name)}") from None


def _expected(name: str) -> str:
    kind = types()[name]
    item = get_args(kind)[0] if get_origin(kind) is frozenset else kind
    if isinstance(item, type) and issubclass(item, Enum):
        return " | ".join(str(member.value) for member in item)
    return "a comma-separated list" if get_origin(kind) is frozenset else f"{kind}"
