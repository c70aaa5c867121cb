"""Registering security info. Nothing counts before it was verified."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from delivery.rules.mailboxes import mailbox_key
from delivery.rules.phones import Phone
from directory.models import User
from directory.prefills import Prefill
from directory.queries import prefilled
from registration.queries import (
    admin_entered_of,
    confirmable,
    holds_another,
    is_complete,
    to_confirm,
)
from registration.services import manage
from tenants.policy import Factor, Method
from tenants.queries import policy_in_force, tenant_in_force
from vault.services import seal_column
from verification.flow import verify
from verification.flow.verify import Verification
from verification.methods import REGISTRATIONS, passkey
from verification.methods.base import VerificationContext
from verification.models import Challenge, Purpose, RegisteredMethod
from verification.queries import (
    blind_index,
    challenges_in,
    destination_of,
    methods_by_factor,
    recovery_set_of,
    value_of,
)
from verification.rules.method_options import MethodOption
from verification.rules.passkeys import Site
from verification.rules.phones import PHONES, number_of
from verification.rules.verdicts import Verdict
from verification.services import (
    factors,
    guesses,
    notices,
    questions,
    recovery_codes,
)
from verification.services.challenges import ChallengeRequest, ChallengeResult
from verification.services.guesses import AttemptCounter
from verification.services.notice_words import Notice


class NothingEntered(Exception):
    """There is no data of this kind to confirm."""


class UsedElsewhere(Exception):
    """The number already serves as another phone of the user. Nothing was sent or registered."""


def is_used_elsewhere(user: User, factor: Factor, number: str) -> bool:
    """Whether this number already serves as another phone of the user.

    An office phone serves from the moment an administrator entered it, the others only from the
    moment they were verified: of two equal unverified numbers, the office phone stays.
    """
    others = set(PHONES) - {factor} if factor in PHONES else set()
    values = [value_of(row) for kind, row in methods_by_factor(user.pk).items() if kind in others]
    entered = prefilled(user.pk).items()
    values += [row.value for kind, row in entered if kind in others and kind.is_office]
    return number_of(number) in map(number_of, values)


class ContactVerification(Verification):
    """The verification of a phone or an address, which is registered by it.

    Args:
        context_id: of the session.
        destination: as typed or entered by an administrator; nothing where it was sent before.
    """

    def __init__(
        self,
        user: User,
        context_id: uuid.UUID,
        destination: str = "",
        *,
        sms_capable: bool = False,
    ) -> None:
        self._user, self._destination, self._sms_capable = user, destination, sms_capable
        challenges = challenges_in(Purpose.REGISTER, context_id).filter(user_id=user.pk)
        self.context = VerificationContext(
            purpose=Purpose.REGISTER,
            id=context_id,
            user_id=user.pk,
            verify_id=user.pk,
            counter=AttemptCounter.REGISTER,
            challenges=list(challenges),
        )

    def options(self) -> Sequence[MethodOption]:
        """What may be registered is decided where it's typed."""
        return [MethodOption(method) for method in Method]

    def request(self, method: Method) -> ChallengeRequest:
        user = self._user
        return ChallengeRequest(
            user_id=user.pk,
            actor_id=user.pk,
            purpose=Purpose.REGISTER,
            context=self.context.id,
            method=method,
            destination=self._destination,
            language=user.preferred_language or tenant_in_force().language,
            sms_capable=self._sms_capable,
        )

    def request_again(self, last: Challenge) -> ChallengeRequest:
        self._destination, self._sms_capable = destination_of(last), last.sms_capable
        return self.request(Method(last.method))

    def settle(self, challenge: Challenge, verdict: Verdict) -> None:
        """Registers what the code or call went to.

        Raises:
            manage.Frozen: self-service was stopped meanwhile.
            UsedElsewhere: the number became another phone of the user meanwhile.
        """
        if verdict is Verdict.RIGHT:
            _register(self._user, challenge)


def start_phone(user: User, context_id: uuid.UUID, phone: Phone, method: Method) -> None:
    """Texts or calls a phone that the user typed.

    Raises:
        challenges.Refused: too soon or too many.
    """
    number = f"{phone.e164}#{phone.extension}" if phone.extension else phone.e164
    contact = ContactVerification(user, context_id, number, sms_capable=phone.sms_capable)
    verify.begin(contact, method)


def start_email(user: User, context_id: uuid.UUID, address: str, method: Method) -> None:
    """Mails a code to an address that the user typed.

    Raises:
        challenges.Refused: too soon or too many.
    """
    verify.begin(ContactVerification(user, context_id, address), method)


def start_entered(user: User, context_id: uuid.UUID, method: Method) -> None:
    """Verifies what an administrator entered. The browser never says where that is.

    Raises:
        NothingEntered: nothing of this kind was entered.
        UsedElsewhere: the number is the user's other phone.
        challenges.Refused: too soon or too many.
    """
    row = admin_entered_of(user).get(method.factor)
    if row is None:
        raise NothingEntered
    if is_used_elsewhere(user, method.factor, row.value):
        raise UsedElsewhere
    contact = ContactVerification(user, context_id, row.value, sms_capable=row.sms_capable)
    verify.begin(contact, method)


def save_questions(user: User, answers: Mapping[str, str]) -> None:
    """Replaces the user's questions and answers.

    Args:
        answers: question id → answer as typed, already judged.

    Raises:
        manage.Frozen: self-service was stopped meanwhile.
    """
    # Hashing is slow on purpose and stays outside the transaction.
    hashes = questions.hashed(user.pk, answers)
    with transaction.atomic():
        manage.require_running(user)
        before = methods_by_factor(user.pk).get(Factor.QUESTIONS)
        saved = questions.save_hashes(user, hashes)
        if before is not None:
            manage.note_loss(user, before)
            factors.refresh([user.pk])
        _written_down(user, Factor.QUESTIONS, saved.pk, is_change=before is not None)


def activate_device(
    user: User, context: uuid.UUID, factor: Factor, entered: Mapping[str, Any]
) -> bool:
    """Registers the device that shows the code that was entered.

    Args:
        entered: what the form of the device took; see `DeviceCode.activate`.

    Raises:
        guesses.Throttled: too many wrong guesses; nothing was compared.
    """
    by_code = REGISTRATIONS[factor].by_code
    assert by_code is not None
    guesses.count_a_guess(user.pk, AttemptCounter.REGISTER)
    with transaction.atomic():
        device_id = by_code.activate(user, context, entered)
        if device_id is not None:
            _written_down(user, factor, device_id, is_change=False)
    if device_id is not None:
        guesses.uncount(user.pk, AttemptCounter.REGISTER)
    return device_id is not None


@transaction.atomic
def save_passkey(
    user: User, context: uuid.UUID, credential: str, site: Site, *, name: str
) -> ChallengeResult:
    """Registers the passkey that was made for this session, if it is one.

    Raises:
        manage.Frozen: self-service was stopped meanwhile.
    """
    result, key = passkey.register(user, context, credential, site, name=name)
    if key is not None:
        _written_down(user, Factor.PASSKEY, key.pk, is_change=False)
    return result


@transaction.atomic
def save_recovery_codes(user: User, context: uuid.UUID) -> bool:
    """Puts the codes that this session was shown into force; those from before are dead.

    Returns:
        False when they aren't waiting any more, or would be the user's only proof.
    """
    known = recovery_set_of(user.pk) is not None
    if not holds_another(user) or not recovery_codes.put_into_force(user, context):
        return False
    _written_down(user, Factor.RECOVERY_CODE, context, is_change=known)
    return True


@transaction.atomic
def finish(user: User) -> bool:
    """Closes the wizard when the policy is met, and all that had to be confirmed is.

    What can't be confirmed here stays to be confirmed at another sign-in. Says whether it's done.
    """
    if not is_complete(user) or confirmable(user):
        return False
    row = User.objects.filter(pk=user.pk)
    if row.filter(registered_at=None).update(registered_at=timezone.now()):
        record(Activity.REGISTRATION_COMPLETED, subject_id=user.pk, actor_id=user.pk)
    row.update(asked_to_register_at=None)
    if not to_confirm(user):
        # Not what an administrator asks for in this very moment.
        row.filter(must_register_at=user.must_register_at).update(must_register_at=None)
    return True


def _register(user: User, challenge: Challenge) -> None:
    factor, value = Method(challenge.method).factor, destination_of(challenge)
    # Two sessions of one user may confirm something of one kind at the same moment.
    User.objects.select_for_update().get(pk=user.pk)
    if is_used_elsewhere(user, factor, value):
        raise UsedElsewhere
    before = methods_by_factor(user.pk).get(factor)
    old_value = value_of(before) if before else ""
    old_phone = manage.phone_to_text(before) if before else ""
    is_same = mailbox_key(old_value) == mailbox_key(value)
    now = timezone.now()
    method = RegisteredMethod(
        user=user,
        kind=factor,
        lookup=blind_index(value),
        sms_capable=challenge.sms_capable,
        created_at=now,
        verified_at=now,
        known_since=_known_since(user, factor, value, now),
    )
    if before is not None:
        if is_same:
            # Still the same method: a notice about it goes on naming it.
            method.pk = before.pk
        before.delete()
    method.data = seal_column(method, "data", value)
    method.save(force_insert=True)
    factors.refresh([user.pk])
    changed = before is not None and not is_same
    _written_down(
        user,
        factor,
        method.pk,
        is_change=changed,
        except_value=value,
        also_value=old_value if changed else "",
        also_phone=old_phone if changed else "",
    )


def _known_since(user: User, factor: Factor, value: str, now: datetime) -> datetime:
    """The same number or address stays as old as it was; another one takes the older away."""
    before: RegisteredMethod | Prefill | None = methods_by_factor(user.pk).get(factor)
    if before is None and factor in policy_in_force().prefilled_usable:
        before = prefilled(user.pk).get(factor)
    if before is None:
        return now
    if isinstance(before, Prefill):
        since, old_value = before.changed_at, before.value
    else:
        since, old_value = before.since or now, value_of(before)
    if mailbox_key(old_value) == mailbox_key(value):
        return since
    manage.note_loss(user, before)
    return now


def _written_down(  # noqa: PLR0913  # what happened, and all who are notified of it
    user: User,
    factor: Factor,
    added: uuid.UUID,
    *,
    is_change: bool,
    except_value: str = "",
    also_value: str = "",
    also_phone: str = "",
) -> None:
    manage.require_running(user)
    activity = Activity.METHOD_CHANGED if is_change else Activity.METHOD_REGISTERED
    record(activity, subject_id=user.pk, actor_id=user.pk, method=factor)
    notice = Notice.CHANGED if is_change else Notice.ADDED
    notices.tell(
        user,
        notice,
        factor=factor,
        added=added,
        except_value=except_value,
        also_value=also_value,
        also_phone=also_phone,
    )
