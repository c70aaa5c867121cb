"""How users prove who they are: methods, and what each of them proves control of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tenants.policy.choices import Labelled
from tenants.policy.texts import Phrase, pgettext
from tenants.policy.texts import gettext_noop as _


class Carrier(StrEnum):
    """How a message of the service reaches the user."""

    EMAIL = "email"
    TEXT = "text"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorTraits:
    """What is to be known about a factor.

    Args:
        label: what pages call it.
        bit: number of its bit in `User.factors`, where `directory.factors` defines the others.
            Rows store it, so it never changes. 24 to 26 are free.
        in_a_sentence: the same where it doesn't begin the line.
        can_be_entered: administrators can enter it for others, as contact data.
        is_device: a user may register several, each with a name of its own.
        is_set: several are registered together, and replaced or removed together. Codes on paper
            aren't to be a user's only factor.
        is_assigned: administrators assign it, and it waits for its user as long as that takes.
        belongs_to_one: no two users of an organisation may register the same one.
        is_office: a phone of the organisation's. It is only called, and may have an extension.
        is_knowledge: something that the user knows. With a password it proves no second factor.
        counts_as: value of the factor that it is counted as; its own where empty.
    """

    label: Phrase
    bit: int
    in_a_sentence: Phrase = Phrase("")
    is_phone: bool = False
    can_be_entered: bool = False
    is_device: bool = False
    is_set: bool = False
    is_assigned: bool = False
    belongs_to_one: bool = False
    is_office: bool = False
    is_knowledge: bool = False
    counts_as: str = ""


class Factor(Labelled):
    """What a method proves control of. Methods with the same gate count once."""

    is_phone: bool
    can_be_entered: bool
    is_device: bool
    is_set: bool
    is_office: bool
    is_knowledge: bool
    traits: FactorTraits

    def __new__(cls, value: str, traits: FactorTraits | None = None) -> Self:
        # The default is for type checkers, to whom `Factor("email")` looks like a call of this.
        assert traits is not None
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = traits.label
        member.is_phone = traits.is_phone
        member.can_be_entered = traits.can_be_entered
        member.is_device = traits.is_device
        member.is_set = traits.is_set
        member.is_office = traits.is_office
        member.is_knowledge = traits.is_knowledge
        member.traits = traits
        return member

    MOBILE_PHONE = (
        "mobile_phone",
        FactorTraits(
            label=_("Mobile phone"),
            bit=0,
            in_a_sentence=pgettext("in a sentence", "mobile phone"),
            is_phone=True,
            can_be_entered=True,
        ),
    )
    # A thief of one of two mobile phones may well have taken both.
    ALTERNATE_PHONE = (
        "alternate_phone",
        FactorTraits(
            label=_("Alternate phone"),
            bit=2,
            in_a_sentence=pgettext("in a sentence", "alternate phone"),
            is_phone=True,
            counts_as="mobile_phone",
        ),
    )
    OFFICE_PHONE = (
        "office_phone",
        FactorTraits(
            label=_("Office phone"),
            bit=4,
            in_a_sentence=pgettext("in a sentence", "office phone"),
            is_phone=True,
            is_office=True,
            can_be_entered=True,
        ),
    )
    EMAIL = (
        "email",
        FactorTraits(
            label=_("Alternate email"),
            bit=5,
            in_a_sentence=pgettext("in a sentence", "alternate email"),
            can_be_entered=True,
        ),
    )
    QUESTIONS = (
        "questions",
        FactorTraits(
            label=_("Security questions"),
            bit=9,
            in_a_sentence=pgettext("in a sentence", "security questions"),
            is_knowledge=True,
        ),
    )
    PASSKEY = (
        "passkey",
        FactorTraits(
            label=_("Passkey"),
            bit=6,
            in_a_sentence=pgettext("in a sentence", "passkey"),
            is_device=True,
            belongs_to_one=True,
        ),
    )
    AUTHENTICATOR = (
        "authenticator",
        FactorTraits(
            label=_("Authenticator app"),
            bit=7,
            in_a_sentence=pgettext("in a sentence", "authenticator app"),
            is_device=True,
        ),
    )
    OATH_TOKEN = (
        "oath_token",
        FactorTraits(
            label=_("Hardware token"),
            bit=23,
            in_a_sentence=pgettext("in a sentence", "hardware token"),
            is_device=True,
            is_assigned=True,
            belongs_to_one=True,
        ),
    )
    RECOVERY_CODE = (
        "recovery_code",
        FactorTraits(
            label=_("Recovery codes"),
            bit=8,
            in_a_sentence=pgettext("in a sentence", "recovery codes"),
            is_set=True,
        ),
    )

    @property
    def in_a_sentence(self) -> Phrase:
        return self.traits.in_a_sentence

    @property
    def is_address(self) -> bool:
        """Whether it is a mailbox."""
        return self.is_contact and not self.is_phone

    @property
    def is_mobile(self) -> bool:
        return self.is_phone and not self.is_office

    @property
    def may_be_several(self) -> bool:
        """Whether a user may have more than one row of it."""
        return self.is_device or self.is_set

    @property
    def methods(self) -> "list[Method]":
        """The methods that prove it."""
        return [method for method in Method if method.factor is self]

    @property
    def is_contact(self) -> bool:
        """Whether it is a number or address that messages are sent to."""
        return any(method.carrier for method in self.methods)

    @property
    def gate(self) -> "Factor":
        """The factor that it is counted as when gates are counted."""
        return Factor(self.traits.counts_as or self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodTraits:
    """What is to be known about a method.

    Args:
        label: what pages of the administration call it.
        carrier: what takes a code or call to the user; None where nothing is sent.
        is_unguessable: no number of tries gets anyone in, as with a passkey's signature or a code
            of 120 bits.
        needs_host_name: it works on the host name only that it was registered on.
        allowed_as: value of the method that policies allow it by; its own where empty.
    """

    factor: Factor
    label: Phrase
    carrier: Carrier | None = None
    is_unguessable: bool = False
    needs_host_name: bool = False
    allowed_as: str = ""


class Method(Labelled):
    """A way of proving who you are; strongest first, the order in which methods are offered."""

    factor: Factor
    carrier: Carrier | None
    is_unguessable: bool
    traits: MethodTraits

    def __new__(cls, value: str, traits: MethodTraits | None = None) -> Self:
        # The default is for type checkers, to whom `Method("email")` looks like a call of this.
        assert traits is not None
        member = str.__new__(cls, value)
        member._value_ = value
        member.factor = traits.factor
        member.label = traits.label
        member.carrier = traits.carrier
        member.is_unguessable = traits.is_unguessable
        member.traits = traits
        return member

    PASSKEY = (
        "passkey",
        MethodTraits(
            factor=Factor.PASSKEY, label=_("Passkey"), is_unguessable=True, needs_host_name=True
        ),
    )
    AUTHENTICATOR = (
        "authenticator",
        MethodTraits(factor=Factor.AUTHENTICATOR, label=_("Authenticator app")),
    )
    OATH_TOKEN = (
        "oath_token",
        MethodTraits(factor=Factor.OATH_TOKEN, label=_("Hardware token")),
    )
    EMAIL = (
        "email",
        MethodTraits(factor=Factor.EMAIL, label=_("Alternate email"), carrier=Carrier.EMAIL),
    )
    MOBILE_TEXT = (
        "mobile_text",
        MethodTraits(
            factor=Factor.MOBILE_PHONE, label=_("Text to the mobile phone"), carrier=Carrier.TEXT
        ),
    )
    MOBILE_CALL = (
        "mobile_call",
        MethodTraits(
            factor=Factor.MOBILE_PHONE, label=_("Call to the mobile phone"), carrier=Carrier.CALL
        ),
    )
    # What a policy says about the mobile phone holds for the alternate one.
    ALTERNATE_TEXT = (
        "alternate_text",
        MethodTraits(
            factor=Factor.ALTERNATE_PHONE,
            label=_("Text to the alternate phone"),
            carrier=Carrier.TEXT,
            allowed_as="mobile_text",
        ),
    )
    ALTERNATE_CALL = (
        "alternate_call",
        MethodTraits(
            factor=Factor.ALTERNATE_PHONE,
            label=_("Call to the alternate phone"),
            carrier=Carrier.CALL,
            allowed_as="mobile_call",
        ),
    )
    OFFICE_CALL = (
        "office_call",
        MethodTraits(
            factor=Factor.OFFICE_PHONE, label=_("Call to the office phone"), carrier=Carrier.CALL
        ),
    )
    QUESTIONS = (
        "questions",
        MethodTraits(factor=Factor.QUESTIONS, label=_("Security questions")),
    )
    RECOVERY_CODE = (
        "recovery_code",
        MethodTraits(factor=Factor.RECOVERY_CODE, label=_("Recovery codes"), is_unguessable=True),
    )

    @property
    def allowed_as(self) -> "Method":
        """The method that policies allow it by."""
        return Method(self.traits.allowed_as or self.value)

    @property
    def is_call(self) -> bool:
        return self.carrier is Carrier.CALL

    @property
    def is_text(self) -> bool:
        return self.carrier is Carrier.TEXT

    @property
    def is_to_a_phone(self) -> bool:
        return self.factor.is_phone

    @property
    def is_code(self) -> bool:
        """Whether a code is sent that the user types back."""
        return self.carrier in {Carrier.EMAIL, Carrier.TEXT}


def method_choices() -> list[tuple[str, str]]:
    """For columns. Called when it's needed: a new method is no change of the database."""
    return [(method.value, method.value) for method in Method]


def factor_choices() -> list[tuple[str, str]]:
    """The same for factors."""
    return [(factor.value, factor.value) for factor in Factor]
