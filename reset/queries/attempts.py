"""What is known about an attempt, read once for a request."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Flag, auto
from uuid import UUID

from django.utils import timezone

from delivery.models import Outgoing
from directory.connectors import connector_of
from directory.connectors.accounts import accounts_to_unlock, accounts_to_write
from directory.connectors.base import DirectoryError, Unreachable
from directory.models import User
from directory.queries import can_set_password, in_scope, user_by_name
from isolation.scope import all_tenants, current_tenant_id, in_tenant
from reset.models import PassedGate, ResetAttempt
from reset.queries.statements import READ_ATTEMPT, READ_BEGINNING, READ_USER
from reset.refusals import EligibilityFacts, Refusal
from reset.rules import Facts, Goal, are_enough
from reset.subjects import Subject, subject_of
from tenants.models import Branding, PolicyVersion, Tenant
from tenants.policy import (
    Factor,
    Method,
    Policy,
    Scope,
    for_administrators,
    strictest,
)
from tenants.queries import cache_as_read, policy_in_force, policy_of, tenant_in_force
from tenants.roles import Role
from tenants.services import policy_digests
from vault.keyed import keyed_hash
from vault.keyring import purpose_key
from vault.services import open_column
from verification.models import Challenge, Purpose
from verification.queries.factors import (
    RegisteredMethods,
    StoredFactors,
    held_since,
    registered_methods_among,
    stored_factors_with,
)
from verification.queries.registered import MethodRow, method_rows_in, method_rows_of
from verification.rules.method_options import MethodOption
from verification.services.guesses import AttemptCounter, Throttled, throttle_by


class Reads(Flag):
    """What a page needs beside the attempt, its organisation, its user and its challenges."""

    NOTHING = 0
    METHODS = auto()
    """What the user may use. It's worked out in any case where a gate was passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """An attempt with the rows that every page about it needs.

    Args:
        read_at: when it was begun to be read.
        user: as long as the attempt may change their password; see `_able`.
        policy_at_start: the one that was in force when the attempt began.
        challenges: all of this attempt, newest first.
        gates: the gates that were passed in it by its user.
        unsent: ids of the challenges whose message failed for good.
        method_rows: what the user registered; nothing for an unknown user ID.
        throttle: why no guess is compared now; None where guesses are.
    """

    attempt: ResetAttempt
    read_at: datetime
    tenant: Tenant | None
    branding: Branding | None
    user: User | None
    policy_at_start: Policy
    challenges: tuple[Challenge, ...]
    gates: tuple[PassedGate, ...]
    unsent: frozenset[UUID]
    method_rows: Sequence[MethodRow]
    throttle: Throttled | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """The user of an attempt that begins.

    Args:
        user: None for an unknown user ID.
        method_rows: what the user registered.
        versions: the rows of the policies in force, by digest.
    """

    user: User | None
    method_rows: Sequence[MethodRow]
    versions: Mapping[str, PolicyVersion]


@dataclass(frozen=True, slots=True)
class AttemptMethods:
    """What the user of an attempt registered, and what of it can be used now."""

    stored: StoredFactors
    usable: RegisteredMethods
    options: list[MethodOption]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptState:
    """An attempt and all that a page and the next step depend on: read, and not asked again.

    Args:
        registered: None where the page doesn't need it; `Reads.METHODS` asks for it.
    """

    row: AttemptRow
    subject: Subject
    facts: Facts
    registered: AttemptMethods | None

    @property
    def attempt(self) -> ResetAttempt:
        return self.row.attempt

    @property
    def challenges(self) -> tuple[Challenge, ...]:
        return self.row.challenges

    @property
    def throttle(self) -> Throttled | None:
        return self.row.throttle

    @property
    def methods(self) -> AttemptMethods:
        """Raises `RuntimeError` on a page that didn't ask for what is registered."""
        if self.registered is None:
            raise RuntimeError("this page didn't ask for Reads.METHODS")
        return self.registered


def browser_mac(cookie: str) -> str:
    return keyed_hash(purpose_key("browser"), cookie)


def attempt_of(cookie: str) -> AttemptRow | None:
    """The attempt of a browser. The one read before a tenant is known: the cookie is the proof."""
    if not cookie:
        return None
    read_at = timezone.now()
    with all_tenants():
        rows = READ_ATTEMPT.all([Purpose.RESET.value, browser_mac(cookie)])
    if not rows:
        return None
    attempt, tenant, branding, user, lately, in_a_row, *_ = rows[0]
    *_, at_start, now, has_logo, has_own_texts, method_rows = rows[0]
    if tenant is not None:
        tenant.decided, tenant.has_own_texts = now, bool(has_own_texts)
    if branding is not None:
        branding.has_logo = has_logo
    sent = [row[6:9] for row in rows if row[6]]
    return AttemptRow(
        attempt=attempt,
        read_at=read_at,
        tenant=tenant,
        branding=branding,
        user=_able(user, attempt),
        policy_at_start=policy_of(at_start),
        challenges=tuple(challenge for challenge, _gate, _state in sent),
        gates=tuple(gate for _challenge, gate, _state in sent if gate),
        unsent=frozenset(
            challenge.pk for challenge, _gate, state in sent if state == Outgoing.State.FAILED
        ),
        method_rows=method_rows_in(method_rows),
        throttle=throttle_by(lately, in_a_row),
    )


def candidate(upn: str) -> Candidate:
    """The user of an attempt that begins, with what else its beginning needs.

    Args:
        upn: in canonical form; it may be another name of a user in a directory. The same is read
            where the tenant in force has no such user.
    """
    digests = sorted(policy_digests())
    rows = READ_BEGINNING.all([upn, upn, current_tenant_id(), digests[0], digests[-1]])
    if not rows:
        user = user_by_name(upn)
        return Candidate(user, method_rows_of(user.pk if user else 0), {})
    _version, user, registered = rows[0]
    versions = {version.digest: version for version, *_ in rows}
    return Candidate(user, method_rows_in(registered), versions)


@contextmanager
def in_tenant_of_attempt(row: AttemptRow) -> Iterator[None]:
    """Puts the attempt's organisation in force, as it was read with the attempt."""
    with in_tenant(row.attempt.tenant_id):
        cache_as_read(row.tenant, row.branding)
        yield


def username_of(attempt: ResetAttempt) -> str:
    """What was typed as the user ID."""
    if not attempt.username:
        return ""
    return open_column(attempt, "username")


def policy_for(user: User | None) -> Policy | None:
    """The policy in force, as it is for this user; None if no administrator could meet it."""
    policy = policy_in_force()
    if user is not None and Role(user.role).is_administrator:
        return for_administrators(policy)
    return policy


def counter_of(attempt: ResetAttempt) -> AttemptCounter:
    """What the guesses of this attempt are counted against."""
    return (
        AttemptCounter.KNOWN_BROWSER if attempt.from_known_browser else AttemptCounter.SELF_SERVICE
    )


def state_of(row: AttemptRow, reads: Reads = Reads.NOTHING) -> AttemptState:
    """The attempt as it stands now. The same is read for an unknown user ID."""
    attempt = row.attempt
    policy = _policy_of(row)
    is_denied = any(challenge.denied_at is not None for challenge in row.challenges)
    may_go_on = _may_go_on(row.user) and policy is not None and not attempt.concealed
    subject = subject_of(attempt, row.user if may_go_on else None, policy, is_denied=is_denied)
    registered = None
    # Before the first gate most pages show nothing of it, and opening what is sealed costs time.
    if row.gates or Reads.METHODS in reads:
        registered = _registered(row, subject)
    return AttemptState(
        row=row,
        subject=subject,
        facts=_facts(attempt, subject, _passed(subject, row.gates, registered)),
        registered=registered,
    )


def state_again(
    state: AttemptState, reads: Reads = Reads.NOTHING, *, lock: bool = False
) -> AttemptState:
    """The attempt as it stands in the transaction that changes something.

    The challenges are those of the page, as the change itself redeems only one that is open.

    Args:
        lock: the user and what they registered are read again, and others who lock the same user
            wait until this transaction ends. Without it, what a gate proves counts from when the
            page read the user, so that it doesn't prove what replaced it meanwhile.
    """
    row, attempt = state.row, state.attempt
    if lock:
        read_at, user_id = timezone.now(), attempt.user_id or 0
        rows = READ_USER.all([attempt.tenant_id, user_id], lock="account")
        user = _able(rows[0][0] if rows else None, attempt)
        # In a statement of its own: one that waits for a lock reads other tables as of before.
        row = replace(row, user=user, read_at=read_at, method_rows=method_rows_of(user_id))
    return state_of(row, reads)


def eligibility_facts(
    user: User | None, method_rows: Sequence[MethodRow], policy: Policy | None, *, throttled: bool
) -> EligibilityFacts:
    """What the checks need. The same questions are asked about a user who doesn't exist.

    Args:
        method_rows: what the user registered.
    """
    decided = policy or Policy()
    user_id = user.pk if user else 0
    registered = registered_methods_among(
        stored_factors_with(method_rows, user), decided, at=timezone.now()
    )
    options = registered.options(decided.methods)
    unguessable = [option for option in options if option.method.is_unguessable]
    is_admin = user is not None and Role(user.role).is_administrator
    return EligibilityFacts(
        known=user is not None,
        enabled=user is not None and user.enabled,
        frozen=user is not None and user.frozen_at is not None,
        self_service_on=decided.self_service is not Scope.NONE,
        in_scope=in_scope(user_id, decided),
        may_as_administrator=not is_admin or decided.admin_self_reset,
        # A stranger who guesses doesn't keep away who holds what can't be guessed.
        throttled=throttled and not are_enough(unguessable, decided),
        enough_methods=policy is not None and are_enough(options, policy),
        writable=user is not None and can_set_password(user),
    )


def look_into_directory(user: User) -> tuple[Refusal | None, bool]:
    """Why the user's directory makes a reset impossible, and whether we may unlock the account.

    Not inside a transaction. For organisations that say which user IDs they know.
    """
    try:
        state = connector_of(user).state(user)
    except Unreachable:
        return Refusal.DIRECTORY_UNREACHABLE, False
    except DirectoryError:
        return Refusal.MANAGED_ELSEWHERE, False
    if not state.enabled:
        return Refusal.NOT_VERIFIABLE, False
    if state.protected or state.locked_by_admin or not accounts_to_write(user):
        return Refusal.MANAGED_ELSEWHERE, False
    return None, state.locked and bool(accounts_to_unlock(user))


def proved_in_temporary_access(state: AttemptState) -> bool:
    """Whether a gate was passed with what was registered in temporary access, if only once.

    It may have been removed since: what is there instead proved nothing.
    """
    return any(gate.temporary_access for gate in state.row.gates)


def _able(user: User | None, attempt: ResetAttempt) -> User | None:
    """The attempt's user, unless they were disabled or frozen or their password was changed."""
    if user is None or not user.enabled or user.frozen_at is not None:
        return None
    return user if user.session_epoch == attempt.session_epoch else None


def _policy_of(row: AttemptRow) -> Policy | None:
    """The stricter of the policy at the start and now; None when no user can meet both."""
    now, start = policy_for(row.user), row.policy_at_start
    if now is None or start == now:
        return now
    return strictest(start, now)


def _may_go_on(user: User | None) -> bool:
    """Whether self-service is still on for the user: it may have been switched off meanwhile.

    The same questions are asked about a user who doesn't exist.
    """
    policy = policy_for(user)
    allowed = in_scope(user.pk if user else 0, policy or policy_in_force())
    if user is None or policy is None or not tenant_in_force().enabled:
        return False
    return allowed and (policy.admin_self_reset or not Role(user.role).is_administrator)


def _registered(row: AttemptRow, subject: Subject) -> AttemptMethods:
    stored = stored_factors_with(row.method_rows, row.user)
    usable = registered_methods_among(
        stored, subject.policy or policy_in_force(), at=timezone.now()
    )
    options = usable.options(subject.policy.methods) if subject.policy else []
    return AttemptMethods(stored, usable, options if subject.user else [])


def _passed(
    subject: Subject, gates: tuple[PassedGate, ...], registered: AttemptMethods | None
) -> frozenset[Method]:
    """The methods that were proved in this attempt by its user, who still holds them unchanged."""
    if registered is None or subject.user is None:
        return frozenset()
    since = held_since(registered.stored, policy_in_force())
    # Of a set of recovery codes the last one counts, though none is left to be given.
    counting = {factor.factor for factor in registered.usable.held}
    counting |= {kind for kind in Factor if kind.is_set}
    return frozenset(
        method
        for method, at in ((Method(gate.method), gate.passed_at) for gate in gates)
        if method.factor in counting & since.keys() and since[method.factor] <= at
    )


def _facts(attempt: ResetAttempt, subject: Subject, passed: frozenset[Method]) -> Facts:
    """All that the next step depends on."""
    identified = attempt.user_id is not None
    return Facts(
        policy=subject.policy,
        started_at=attempt.started_at,
        identified=identified,
        goal=Goal(attempt.goal) if attempt.goal else None,
        passed=passed,
        finished=attempt.finished_at is not None,
        refused=bool(attempt.refused) or (identified and subject.is_refused),
        denied=subject.is_denied,
        writing=attempt.writing_since is not None,
    )
