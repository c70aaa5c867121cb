"""Reading what was proved, and the challenges that are open."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from delivery.channels import available
from delivery.models import Outgoing
from directory.models import User
from directory.prefills import Prefill, known_since
from directory.queries import prefilled
from isolation.scope import current_tenant_id, tenant_of_host
from tenants.policy import Method, Policy, Proof
from vault.keyed import digits, fingerprint
from vault.keyring import purpose_key, ring_size
from vault.services import opened, tenant_key
from verification.models import (
    AuthenticationMethod,
    Authenticator,
    Challenge,
    NoticeLink,
    Passkey,
    Purpose,
    RecoveryCode,
)
from verification.rules.challenges import next_send_at
from verification.rules.masking import mask
from verification.rules.passkeys import can_be_made_for
from verification.rules.phones import named_again
from verification.rules.quarantine import Clock, beginning, counting, is_usable
from verification.rules.ways import Held, Way, methods_of

_CHANNEL = {
    Method.EMAIL: "email",
    Method.MOBILE_TEXT: "text",
    Method.MOBILE_CALL: "call",
    Method.ALTERNATE_TEXT: "text",
    Method.ALTERNATE_CALL: "call",
    Method.OFFICE_CALL: "call",
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one user holds. `values` are full numbers and addresses: never for a page."""

    held: tuple[Held, ...] = ()
    values: dict[Proof, str] = field(default_factory=dict, repr=False)
    waiting: dict[Proof, datetime] = field(default_factory=dict)
    """What is too new to count at a reset, and from when it does."""
    apps: frozenset[uuid.UUID] = frozenset()
    passkeys: frozenset[uuid.UUID] = frozenset()

    def ways(self, allowed: frozenset[Method]) -> list[Way]:
        """What may be used now, strongest first: held, allowed, and deliverable here."""
        return [
            Way(method, mask(value) if (value := self.values.get(method.proof, "")) else "")
            for method in methods_of(self.held)
            if method in allowed and can_deliver(method)
        ]

    def textable(self, proof: Proof) -> bool:
        return any(thing.textable for thing in self.held if thing.proof is proof)


@dataclass(frozen=True, slots=True)
class RecoverySet:
    """Ten recovery codes, as far as anybody may know them."""

    saved_at: datetime
    last_used_at: datetime | None
    left: int


def holdings_of(
    user_id: int, policy: Policy, *, proved_only: bool = False, at: datetime | None = None
) -> Holdings:
    """All that a user can prove: what was verified, and prefilled data that the policy trusts.

    The same queries run for a user who doesn't exist.

    Args:
        proved_only: leaves out what nobody verified, whatever the policy says.
        at: leaves out what is too new to count at a reset at this time.
    """
    trusted = frozenset() if proved_only else policy.prefilled_usable
    known = prefilled(user_id)
    rows: dict[Proof, AuthenticationMethod | Prefill] = {
        proof: row for proof, row in known.items() if proof in trusted
    }
    rows |= methods_by_proof(user_id)
    questions = rows.get(Proof.QUESTIONS)
    # Fewer answers than are asked for now prove nothing: three right ones aren't five.
    if (
        isinstance(questions, AuthenticationMethod)
        and not proved_only
        and questions.answered < policy.questions_to_reset  # type: ignore[attr-defined]  # counted
    ):
        del rows[Proof.QUESTIONS]
    entered_at = known_since(known)
    things = {proof: _thing(proof, row, entered_at) for proof, row in rows.items()}
    apps = {app.pk: _app(app) for app in authenticators_of(user_id)}
    passkeys = {key.pk: _passkey(key) for key in passkeys_of(user_id)}
    held = [*things.values(), *passkeys.values(), *apps.values(), *_codes(user_id)]
    waiting: dict[Proof, datetime] = {}
    if at is not None and policy.new_proof_hours:
        clock = _clock(user_id, policy, at)
        counted = counting(held, beginning(policy, deliverable()), clock)
        there = {thing.proof for thing in counted}
        new = [thing for thing in held if thing.proof not in there]
        waiting = {thing.proof: clock.counts_from(thing) for thing in new}
        held = counted
    values: dict[Proof, str] = {
        proof: value_of(row) if isinstance(row, AuthenticationMethod) else row.value
        for proof, row in rows.items()
        if proof is not Proof.QUESTIONS and proof not in waiting
    }
    # One phone is one proof, whatever an administrator calls it.
    again = named_again(values)
    held = [thing for thing in held if thing.proof not in again]
    for proof in again:
        del values[proof]
    return Holdings(
        held=tuple(held),
        values=values,
        waiting=waiting,
        apps=frozenset(pk for pk, app in apps.items() if app in held),
        passkeys=frozenset(pk for pk, key in passkeys.items() if key in held),
    )


def is_older(row: AuthenticationMethod | Prefill | Authenticator | Passkey, policy: Policy) -> bool:
    """Whether a reset could begin with this, and it wasn't registered just now."""
    if isinstance(row, Passkey):
        thing = _passkey(row)
    elif isinstance(row, Authenticator):
        thing = _app(row)
    else:
        entered_at = row.changed_at if isinstance(row, Prefill) else None
        thing = _thing(row.proof, row, entered_at)
    clock = Clock(hours=policy.new_proof_hours, now=timezone.now())
    return clock.is_settled(thing) and is_usable([thing], beginning(policy, deliverable()))


def all_ways(allowed: frozenset[Method]) -> list[Method]:
    """Everything that anybody could be offered here, strongest first."""
    everything = [Held(proof=proof, textable=True) for proof in Proof]
    return [m for m in methods_of(everything) if m in allowed and can_deliver(m)]


def deliverable() -> frozenset[Method]:
    return frozenset(method for method in Method if can_deliver(method))


def can_deliver(method: Method) -> bool:
    """Whether this installation can send what the method needs, or has a name for passkeys."""
    if method is Method.PASSKEY:
        return can_be_made_for(urlsplit(settings.BASE_URL).hostname or "")
    kind = _CHANNEL.get(method)
    return kind is None or available(kind)


def held_since(user_id: int, policy: Policy) -> dict[Proof, datetime]:
    """Since when a user holds each kind of thing as it is now."""
    entered = prefilled(user_id).items()
    since = {p: row.changed_at for p, row in entered if p in policy.prefilled_usable}
    since |= {p: row.verified_at for p, row in methods_by_proof(user_id).items()}
    if apps := list(authenticators_of(user_id)):
        # An app that was taken away takes along what it proved, whatever others there are.
        gone = Authenticator.objects.filter(user_id=user_id, removed_at__isnull=False)
        changes = [app.confirmed_at for app in apps] + [app.removed_at for app in gone]
        since[Proof.AUTHENTICATOR] = max(at for at in changes if at is not None)
    if keys := list(passkeys_of(user_id)):
        since[Proof.PASSKEY] = passkeys_changed_at(user_id, keys)
    # The last code of a set proves what it proved, though none is left.
    if codes := recovery_set_of(user_id):
        since[Proof.RECOVERY_CODE] = codes.saved_at
    return since


def methods_by_proof(user_id: int) -> dict[Proof, AuthenticationMethod]:
    """What a user has proved, one of each kind."""
    rows = AuthenticationMethod.objects.filter(user_id=user_id)
    return {Proof(row.proof): row for row in rows.annotate(answered=Count("answers"))}


def authenticators_of(user_id: int) -> QuerySet[Authenticator]:
    """The apps that a user paired and still has, oldest first."""
    paired = Authenticator.objects.filter(
        user_id=user_id, confirmed_at__isnull=False, removed_at=None
    )
    return paired.order_by("created_at")


def passkeys_of(user_id: int) -> QuerySet[Passkey]:
    """The passkeys that a user made and still has, oldest first."""
    return Passkey.objects.filter(user_id=user_id, removed_at=None).order_by("confirmed_at")


def passkeys_changed_at(user_id: int, keys: Sequence[Passkey]) -> datetime:
    """When one was last added or taken away: what a removed one proved goes with it."""
    gone = Passkey.objects.filter(user_id=user_id, removed_at__isnull=False)
    removed = gone.order_by("-removed_at").values_list("removed_at", flat=True).first()
    return max([key.confirmed_at for key in keys] + ([removed] if removed else []))


def recovery_codes_of(user_id: int) -> QuerySet[RecoveryCode]:
    """The user's set that is in force, spent codes too."""
    return RecoveryCode.objects.filter(user_id=user_id, confirmed_at__isnull=False)


def unspent_codes() -> QuerySet[RecoveryCode]:
    """What is left of everybody's sets."""
    return RecoveryCode.objects.filter(confirmed_at__isnull=False, spent_at=None)


def recovery_set_of(user_id: int) -> RecoverySet | None:
    """The set that is in force; None where there is none."""
    codes = list(recovery_codes_of(user_id))
    saved = [code.confirmed_at for code in codes if code.confirmed_at]
    used = [code.spent_at for code in codes if code.spent_at]
    if not saved:
        return None
    return RecoverySet(max(saved), max(used, default=None), len(codes) - len(used))


def holds_only_codes(user_id: int) -> bool:
    """Whether somebody has recovery codes and verified nothing else."""
    beside = methods_by_proof(user_id) or holds_device(user_id)
    return not beside and recovery_codes_of(user_id).exists()


def holds_device(user_id: int) -> bool:
    """Whether the user has an authenticator app or a passkey."""
    return authenticators_of(user_id).exists() or passkeys_of(user_id).exists()


def codes_left(user_id: int) -> int:
    """How many recovery codes the user has left."""
    return unspent_codes().filter(user_id=user_id).count()


def value_of(row: AuthenticationMethod) -> str:
    """The number (E.164, `#` and extension behind it) or address that was proved."""
    return opened(row.value, tenant_id=row.tenant_id, place=row.place_of("value", row.pk))


def destination_of(challenge: Challenge) -> str:
    return opened(
        challenge.destination,
        tenant_id=challenge.tenant_id,
        place=challenge.place_of("destination", challenge.pk),
    )


def blind_index(value: str) -> str:
    """Equal for equal values of one tenant, and nothing else can be read out of it."""
    return fingerprint(tenant_key(current_tenant_id(), "blind index"), value)


def newest(purpose: Purpose, context: uuid.UUID, method: Method | None = None) -> Challenge | None:
    """The challenge that this attempt or session waits for, open or not."""
    found = Challenge.objects.filter(purpose=purpose, context=context)
    if method is not None:
        found = found.filter(method=method)
    return found.order_by("-created_at").first()


def sends_of(challenge: Challenge) -> int:
    """How often a code or call was sent for the same attempt by the same method."""
    return Challenge.objects.filter(
        purpose=challenge.purpose, context=challenge.context, method=challenge.method
    ).count()


def resend_at(challenge: Challenge) -> datetime | None:
    """From when another code or call may be asked for."""
    return next_send_at(sends_of(challenge), challenge.created_at)


def was_denied(context: uuid.UUID) -> bool:
    """Whether somebody answered a call of this attempt and said that it wasn't them."""
    return Challenge.objects.filter(context=context, denied_at__isnull=False).exists()


def challenge_for_hook(challenge_id: uuid.UUID) -> Challenge | None:
    """The challenge of a call that is going on, before a tenant is known.

    It is the provider who asks: its id is 122 random bits, and the request is signed.
    """
    return Challenge.unscoped.filter(pk=challenge_id).first()


def _thing(proof: str, row: AuthenticationMethod | Prefill, entered_at: datetime | None) -> Held:
    """What was entered is as old as the oldest of it, which is all that lists can ask for."""
    verified = isinstance(row, AuthenticationMethod)
    since = row.since if isinstance(row, AuthenticationMethod) else entered_at
    return Held(proof=Proof(proof), textable=row.textable, since=since, verified=verified)


def _app(app: Authenticator) -> Held:
    return Held(proof=Proof.AUTHENTICATOR, since=app.confirmed_at)


def _passkey(key: Passkey) -> Held:
    return Held(proof=Proof.PASSKEY, since=key.confirmed_at)


def _codes(user_id: int) -> list[Held]:
    """The set of recovery codes, if there is any of it left."""
    saved = unspent_codes().filter(user_id=user_id).order_by("confirmed_at")
    first = saved.values_list("confirmed_at", flat=True).first()
    return [Held(proof=Proof.RECOVERY_CODE, since=first)] if first else []


def _clock(user_id: int, policy: Policy, now: datetime) -> Clock:
    lost = User.objects.filter(pk=user_id).values_list("older_proof_lost_at", flat=True).first()
    return Clock(hours=policy.new_proof_hours, now=now, lost_at=lost)


def token_mac(token: str, position: int = 0) -> str:
    return fingerprint(purpose_key("notice link", position=position), token)


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


def message_of(challenge: Challenge) -> Outgoing | None:
    return (
        Outgoing.objects.filter(pk=challenge.outgoing_id).first() if challenge.outgoing_id else None
    )


def drawn_questions(user_id: int) -> list[str]:
    """Ids of the questions that this user is asked until they are answered."""
    row = methods_by_proof(user_id).get(Proof.QUESTIONS)
    return list(row.drawn) if row else []
