"""How users prove who they are: methods, and what each of them proves control of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tenants.policy.choices import Labelled
from tenants.policy.texts import Phrase
from tenants.policy.texts import gettext_noop as _


class Carrier(StrEnum):
    """How a message of the service reaches the user."""

    EMAIL = "email"
    TEXT = "text"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofTraits:
    """What is to be known about a proof.

    Args:
        label: what pages of the administration call it.
        can_be_entered: administrators can enter it for others, as contact data.
        counts_as: value of the proof that it is counted as; its own where empty.
    """

    label: Phrase
    is_phone: bool = False
    can_be_entered: bool = False
    counts_as: str = ""


class Proof(Labelled):
    """What a method proves control of. Two methods with one gate are counted once, not twice."""

    is_phone: bool
    can_be_entered: bool
    traits: ProofTraits

    def __new__(cls, value: str, traits: ProofTraits = ProofTraits(label=Phrase(""))) -> Self:
        # The default is for type checkers, to whom `Proof("email")` looks like a call of this.
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = traits.label
        member.is_phone = traits.is_phone
        member.can_be_entered = traits.can_be_entered
        member.traits = traits
        return member

    MOBILE_PHONE = (
        "mobile_phone",
        ProofTraits(label=_("Mobile phone"), is_phone=True, can_be_entered=True),
    )
    # A thief of one of two mobile phones may well have taken both.
    ALTERNATE_PHONE = (
        "alternate_phone",
        ProofTraits(label=_("Alternate phone"), is_phone=True, counts_as="mobile_phone"),
    )
    OFFICE_PHONE = (
        "office_phone",
        ProofTraits(label=_("Office phone"), is_phone=True, can_be_entered=True),
    )
    EMAIL = "email", ProofTraits(label=_("Alternate email"), can_be_entered=True)
    QUESTIONS = "questions", ProofTraits(label=_("Security questions"))
    PASSKEY = "passkey", ProofTraits(label=_("Passkey"))
    AUTHENTICATOR = "authenticator", ProofTraits(label=_("Authenticator app"))
    RECOVERY_CODE = "recovery_code", ProofTraits(label=_("Recovery codes"))

    @property
    def gate(self) -> "Proof":
        """The proof that it is counted as when gates are counted."""
        return Proof(self.traits.counts_as or self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodTraits:
    """What is to be known about a method.

    Args:
        label: what pages of the administration call it.
        carrier: what takes a code or call to the user; None where nothing is sent.
        is_unguessable: no number of tries gets anyone in, as with a passkey's signature or a code
            of 120 bits.
        allowed_as: value of the method that policies allow it by; its own where empty.
    """

    proof: Proof
    label: Phrase
    carrier: Carrier | None = None
    is_unguessable: bool = False
    allowed_as: str = ""


class Method(Labelled):
    """A way of proving who you are; strongest first, the order in which methods are offered."""

    proof: Proof
    carrier: Carrier | None
    is_unguessable: bool
    traits: MethodTraits

    def __new__(cls, value: str, traits: MethodTraits | None = None) -> Self:
        # The default is for type checkers, to whom `Method("email")` looks like a call of this.
        assert traits is not None
        member = str.__new__(cls, value)
        member._value_ = value
        member.proof = traits.proof
        member.label = traits.label
        member.carrier = traits.carrier
        member.is_unguessable = traits.is_unguessable
        member.traits = traits
        return member

    PASSKEY = (
        "passkey",
        MethodTraits(proof=Proof.PASSKEY, label=_("Passkey"), is_unguessable=True),
    )
    AUTHENTICATOR = (
        "authenticator",
        MethodTraits(proof=Proof.AUTHENTICATOR, label=_("Authenticator app")),
    )
    EMAIL = (
        "email",
        MethodTraits(proof=Proof.EMAIL, label=_("Alternate email"), carrier=Carrier.EMAIL),
    )
    MOBILE_TEXT = (
        "mobile_text",
        MethodTraits(
            proof=Proof.MOBILE_PHONE, label=_("Text to the mobile phone"), carrier=Carrier.TEXT
        ),
    )
    MOBILE_CALL = (
        "mobile_call",
        MethodTraits(
            proof=Proof.MOBILE_PHONE, label=_("Call to the mobile phone"), carrier=Carrier.CALL
        ),
    )
    # What a policy says about the mobile phone holds for the alternate one.
    ALTERNATE_TEXT = (
        "alternate_text",
        MethodTraits(
            proof=Proof.ALTERNATE_PHONE,
            label=_("Text to the alternate phone"),
            carrier=Carrier.TEXT,
            allowed_as="mobile_text",
        ),
    )
    ALTERNATE_CALL = (
        "alternate_call",
        MethodTraits(
            proof=Proof.ALTERNATE_PHONE,
            label=_("Call to the alternate phone"),
            carrier=Carrier.CALL,
            allowed_as="mobile_call",
        ),
    )
    OFFICE_CALL = (
        "office_call",
        MethodTraits(
            proof=Proof.OFFICE_PHONE, label=_("Call to the office phone"), carrier=Carrier.CALL
        ),
    )
    QUESTIONS = (
        "questions",
        MethodTraits(proof=Proof.QUESTIONS, label=_("Security questions")),
    )
    RECOVERY_CODE = (
        "recovery_code",
        MethodTraits(proof=Proof.RECOVERY_CODE, label=_("Recovery codes"), is_unguessable=True),
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
        return self.proof.is_phone

    @property
    def is_code(self) -> bool:
        """Whether a code is sent that the user types back."""
        return self.carrier in {Carrier.EMAIL, Carrier.TEXT}


def method_choices() -> list[tuple[str, str]]:
    """For columns. Called when it's needed: a new method is no change of the database."""
    return [(method.value, method.value) for method in Method]


def proof_choices() -> list[tuple[str, str]]:
    """The same for what methods prove."""
    return [(proof.value, proof.value) for proof in Proof]
