"""Registering security info. Nothing counts before it was verified."""

import uuid
from collections.abc import Mapping
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from delivery.rules.phones import Phone
from directory.models import User
from directory.queries import prefilled, prefilled_value
from registration.queries import confirmable, is_complete, to_confirm
from tenants.policy import Method, Proof
from tenants.queries import called_briefly, domain_names, policy_in_force, tenant_in_force
from vault.services import sealed
from verification.models import AuthenticationMethod, Challenge, Purpose
from verification.queries import (
    authenticators_of,
    blind_index,
    destination_of,
    methods_by_proof,
    value_of,
)
from verification.rules.verdicts import Verdict
from verification.services import authenticators, challenges, guesses, notices, questions
from verification.services.authenticators import Pairing
from verification.services.challenges import Answered, Asked
from verification.services.notice_words import Notice


class AddressProblem(StrEnum):
    """Why a mailbox can't be a way back into the account."""

    OWN = "own"
    TENANT_DOMAIN = "tenant_domain"


class NothingEntered(Exception):
    """There is no data of this kind to confirm."""


class TooManyApps(Exception):
    """The user has as many authenticator apps as anybody may."""


class UsedElsewhere(Exception):
    """The number already serves as the user's other phone. Nothing was sent."""


def address_problem(user: User, address: str) -> AddressProblem | None:
    """Whether the mailbox is one that the forgotten password would lock, too."""
    if address == user.upn:
        return AddressProblem.OWN
    if policy_in_force().allow_tenant_mailboxes:
        return None
    domain = address.rpartition("@")[2]
    return AddressProblem.TENANT_DOMAIN if domain in domain_names() else None


def is_used_elsewhere(user: User, proof: Proof, number: str) -> bool:
    """Whether this number already serves as the user's other phone.

    An office phone serves from the moment an administrator entered it, a mobile phone only from
    the moment it was verified: of two equal numbers nobody has verified, the office phone stays.
    """
    other = {
        Proof.MOBILE_PHONE: Proof.OFFICE_PHONE,
        Proof.OFFICE_PHONE: Proof.MOBILE_PHONE,
    }.get(proof)
    held = methods_by_proof(user.pk)
    values = [value_of(held[other])] if other in held else []
    entered = prefilled(user.pk).get(Proof.OFFICE_PHONE)
    if other is Proof.OFFICE_PHONE and entered is not None:
        values.append(prefilled_value(entered))
    return number.partition("#")[0] in {value.partition("#")[0] for value in values}


def start_phone(user: User, context: uuid.UUID, phone: Phone, method: Method) -> None:
    """Texts or calls a mobile phone that the user typed.

    Raises:
        challenges.Refused: too soon or too many.
    """
    _ask(user, context, method, phone.e164, textable=phone.textable)


def start_email(user: User, context: uuid.UUID, address: str) -> None:
    """Mails a code to an address that the user typed.

    Raises:
        challenges.Refused: too soon or too many.
    """
    _ask(user, context, Method.EMAIL, address)


def start_entered(user: User, context: uuid.UUID, method: Method) -> None:
    """Verifies what an administrator entered. The browser never says where that is.

    Raises:
        NothingEntered: nobody entered anything of this kind.
        UsedElsewhere: the number is the user's other phone.
        challenges.Refused: too soon or too many.
    """
    row = prefilled(user.pk).get(method.proof)
    if row is None:
        raise NothingEntered
    value = prefilled_value(row)
    if is_used_elsewhere(user, method.proof, value):
        raise UsedElsewhere
    _ask(user, context, method, value, textable=row.textable)


def send_again(user: User, challenge: Challenge) -> None:
    """A new code or call to what is being registered.

    Raises:
        challenges.Refused: too soon or too many.
    """
    method, destination = Method(challenge.method), destination_of(challenge)
    _ask(user, challenge.context, method, destination, textable=challenge.textable)


def confirm_code(user: User, context: uuid.UUID, code: str) -> Answered:
    """Registers what the code was sent to, if the code is right.

    Raises:
        guesses.Paused: too many wrong guesses; nothing was compared.
    """
    guesses.count_a_guess(user.pk)
    with transaction.atomic():
        answered = challenges.spend_code(Purpose.REGISTER, context, code)
        if answered.verdict is Verdict.RIGHT and answered.challenge is not None:
            _register(user, answered.challenge)
    if answered.verdict in {Verdict.RIGHT, Verdict.EXPIRED}:
        guesses.uncount(user.pk)
    return answered


@transaction.atomic
def confirm_call(user: User, context: uuid.UUID) -> bool:
    """Registers the phone on which the number shown was typed; False as long as it wasn't."""
    challenge = challenges.spend_call(Purpose.REGISTER, context)
    if challenge is None:
        return False
    _register(user, challenge)
    return True


def save_questions(user: User, answers: Mapping[str, str]) -> None:
    """Replaces the user's questions and answers.

    Args:
        answers: question id → answer as typed, already judged.
    """
    known = Proof.QUESTIONS in methods_by_proof(user.pk)
    questions.save_answers(user, answers)
    with transaction.atomic():
        _written_down(user, Proof.QUESTIONS, is_change=known)


def pairing(user: User, context: uuid.UUID) -> Pairing:
    """What an app must be told to be the user's.

    Raises:
        TooManyApps: the user has as many as anybody may.
    """
    if authenticators_of(user.pk).count() >= authenticators.MOST:
        raise TooManyApps
    return authenticators.pairing_of(user, context, issuer=called_briefly())


def confirm_app(user: User, context: uuid.UUID, code: str, *, name: str) -> bool:
    """Registers the app that was told the key, if it shows the right code.

    Raises:
        guesses.Paused: too many wrong guesses; nothing was compared.
    """
    guesses.count_a_guess(user.pk)
    with transaction.atomic():
        paired = authenticators.finish_pairing(user, context, code, name=name)
        if paired:
            _written_down(user, Proof.AUTHENTICATOR, is_change=False)
    if paired:
        guesses.uncount(user.pk)
    return paired


@transaction.atomic
def finish(user: User) -> bool:
    """Closes the wizard when the policy is met, and all that had to be confirmed is.

    What can't be confirmed here stays to be confirmed at another sign-in. Says whether it's done.
    """
    if not is_complete(user) or confirmable(user):
        return False
    row = User.objects.filter(pk=user.pk)
    if row.filter(registered_at=None).update(registered_at=timezone.now()):
        record(Activity.REGISTRATION_COMPLETED, subject_id=user.pk)
    row.update(asked_to_register_at=None)
    if not to_confirm(user):
        # Not what an administrator asks for in this very moment.
        row.filter(must_register_at=user.must_register_at).update(must_register_at=None)
    return True


def _ask(
    user: User, context: uuid.UUID, method: Method, destination: str, *, textable: bool = False
) -> None:
    challenges.open_challenge(
        Asked(
            user_id=user.pk,
            purpose=Purpose.REGISTER,
            context=context,
            method=method,
            destination=destination,
            language=user.language or tenant_in_force().language,
            textable=textable,
        )
    )


def _register(user: User, challenge: Challenge) -> None:
    proof, value = Method(challenge.method).proof, destination_of(challenge)
    before = methods_by_proof(user.pk).get(proof)
    old_value = value_of(before) if before else ""
    if before is not None:
        before.delete()
    method = AuthenticationMethod(
        user=user,
        proof=proof,
        index=blind_index(value),
        textable=challenge.textable,
        verified_at=timezone.now(),
    )
    place = f"verification.method.value:{method.pk}"
    method.value = sealed(value, tenant_id=method.tenant_id, place=place)
    method.save(force_insert=True)
    changed = before is not None and old_value != value
    _written_down(user, proof, is_change=changed, except_value=value, also_value=old_value)


def _written_down(
    user: User, proof: Proof, *, is_change: bool, except_value: str = "", also_value: str = ""
) -> None:
    activity = Activity.METHOD_CHANGED if is_change else Activity.METHOD_REGISTERED
    record(activity, subject_id=user.pk, method=proof)
    notices.tell(
        user,
        Notice.CHANGED if is_change else Notice.ADDED,
        proof=proof,
        except_value=except_value,
        also_value=also_value if is_change else "",
    )
