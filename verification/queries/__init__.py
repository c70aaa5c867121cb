"""Reading registered methods and challenges."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from delivery.models import Outgoing
from delivery.rules.mailboxes import mailbox_key
from isolation.scope import current_tenant_id, tenant_of_host
from tenants.policy import CallConfirmation, Factor, Method
from tenants.queries import policy_in_force
from vault.keyed import digits, keyed_hash
from vault.keyring import purpose_key, ring_size
from vault.services import open_column, tenant_key
from verification.models import (
    Answer,
    Challenge,
    NoticeLink,
    Purpose,
    RegisteredMethod,
)
from verification.rules.challenges import next_send_at

DRAWN = "drawn"
"""Where a method of questions keeps the ids of those that are asked until they are answered."""
SEVERAL = [kind.value for kind in Factor if kind.may_be_several]
"""Kinds of which each row says for itself when it was used."""


@dataclass(frozen=True, slots=True)
class RecoverySet:
    """What may be shown of a set of recovery codes."""

    saved_at: datetime
    last_used_at: datetime | None
    left: int


def methods_by_factor(user_id: int) -> dict[Factor, RegisteredMethod]:
    """A user's methods of the kinds of which a user has one at most."""
    rows = RegisteredMethod.objects.filter(user_id=user_id)
    return {Factor(row.kind): row for row in rows.exclude(kind__in=SEVERAL)}


def methods_of_kind(user_id: int, kind: Factor) -> QuerySet[RegisteredMethod]:
    """The methods of a kind that the user verified and still has, oldest first."""
    return usable_methods().filter(user_id=user_id, kind=kind).order_by("created_at")


def usable_methods() -> QuerySet[RegisteredMethod]:
    """The methods of all users that were verified and neither removed nor redeemed."""
    return RegisteredMethod.objects.filter(verified_at__isnull=False, removed_at=None)


def methods_in_force() -> QuerySet[RegisteredMethod]:
    """The same, and redeemed recovery codes, which still belong to their sets."""
    sets = [kind for kind in Factor if kind.is_set]
    in_force = Q(removed_at=None) | Q(kind__in=sets)
    return RegisteredMethod.objects.filter(in_force, verified_at__isnull=False)


def recovery_codes_of(user_id: int) -> QuerySet[RegisteredMethod]:
    """The user's set that is in force, redeemed codes too."""
    return methods_in_force().filter(user_id=user_id, kind=Factor.RECOVERY_CODE)


def recovery_set_of(user_id: int) -> RecoverySet | None:
    """The set that is in force; None where there is none."""
    codes = list(recovery_codes_of(user_id))
    saved = [code.verified_at for code in codes if code.verified_at]
    used = [code.removed_at for code in codes if code.removed_at]
    if not saved:
        return None
    return RecoverySet(max(saved), max(used, default=None), len(codes) - len(used))


def holds_only_codes(user_id: int) -> bool:
    """Whether the user has recovery codes and verified nothing else."""
    methods = RegisteredMethod.objects.filter(user_id=user_id, verified_at__isnull=False)
    beside = methods.filter(removed_at=None).exclude(kind=Factor.RECOVERY_CODE)
    return not beside.exists() and recovery_codes_of(user_id).exists()


def codes_left(user_id: int) -> int:
    """How many recovery codes the user has left."""
    return methods_of_kind(user_id, Factor.RECOVERY_CODE).count()


def value_of(row: RegisteredMethod) -> str:
    """The number (E.164, `#` and extension behind it) or address that was registered."""
    return open_column(row, "data")


def destination_of(challenge: Challenge) -> str:
    return open_column(challenge, "destination")


def blind_index(value: str) -> str:
    """Equal for one number or mailbox of one tenant, and nothing else can be read out of it."""
    return keyed_hash(tenant_key(current_tenant_id(), "blind index"), mailbox_key(value))


def newest(purpose: Purpose, context: uuid.UUID, method: Method | None = None) -> Challenge | None:
    """The challenge that this attempt or session waits for, open or not."""
    found = challenges_in(purpose, context)
    return (found if method is None else found.filter(method=method)).first()


def resend_at(challenge: Challenge, sends: int) -> datetime | None:
    """From when the user may request another code or call."""
    return next_send_at(sends, challenge.created_at)


def was_denied(context: uuid.UUID) -> bool:
    """Whether a call of this attempt was answered with "this isn't me"."""
    return Challenge.objects.filter(context=context, denied_at__isnull=False).exists()


def challenges_in(purpose: Purpose, context: uuid.UUID) -> QuerySet[Challenge]:
    """The challenges of an attempt or session, newest first."""
    return Challenge.objects.filter(purpose=purpose, context=context).order_by("-created_at")


def challenge_for_hook(challenge_id: uuid.UUID) -> Challenge | None:
    """The challenge of a call that is going on, before a tenant is known.

    The provider sends its id of 122 random bits in a signed request.
    """
    return Challenge.unscoped.filter(pk=challenge_id).first()


def token_mac(token: str, position: int = 0) -> str:
    return keyed_hash(purpose_key("notice link", position=position), token)


def notice_link(token: str, now: datetime) -> NoticeLink | None:
    """The notice that carries this token, before a tenant is known: the token is the proof.

    On an organisation's own host the notices of others are unknown.
    """
    macs = [token_mac(token, position) for position in range(ring_size())]
    live = NoticeLink.unscoped.filter(mac__in=macs, expires_at__gt=now)
    found = live.filter(user__enabled=True).first()
    here = tenant_of_host()
    return found if found is None or here in {None, found.tenant_id} else None


def number_shown(challenge: Challenge) -> str:
    """The four digits to be typed on the phone. They never start with 9: `9#` means "not me"."""
    number = digits(purpose_key("number shown"), str(challenge.pk), below=9_000)
    return f"{number:04d}"


def number_to_type(challenge: Challenge) -> str:
    """The number shown; nothing where the policy wants a call confirmed by a key alone."""
    how = policy_in_force().call_confirmation
    return number_shown(challenge) if how is CallConfirmation.NUMBER_SHOWN else ""


def message_of(challenge: Challenge) -> Outgoing | None:
    return (
        Outgoing.objects.filter(pk=challenge.outgoing_id).first() if challenge.outgoing_id else None
    )


def drawn_questions(user_id: int) -> list[str]:
    """Ids of the questions that this user is asked until they are answered."""
    row = methods_by_factor(user_id).get(Factor.QUESTIONS)
    return row.details.get(DRAWN, []) if row else []


def answer_counts() -> dict[str, int]:
    """How many users answered each security question that was answered, by its id."""
    return dict(Answer.objects.values_list("question_id").annotate(n=Count("pk")).order_by())
