"""Beginning an attempt, keeping it to its browser and its step, and ending it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Case, CharField, UUIDField, Value, When
from django.utils import timezone

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from directory.factors import DIRECTORY
from directory.models import User
from directory.queries import can_unlock, takes_other_names
from directory.rules import canonical_upn
from isolation.compiled import Bound, CompiledUpdate, owned
from isolation.scope import NO_TENANT, in_tenant, tenant_of_host
from isolation.writes import insert, writing_together
from reset import models
from reset.models import ResetAttempt
from reset.queries import attempts as queries
from reset.queries.attempts import AttemptRow, AttemptState, Reads
from reset.refusals import Refusal, refusal_for
from reset.rules import Goal, Step, step
from reset.subjects import Beginning, Known, decoy_id, kind_of_subject
from tenants.models import PolicyVersion
from tenants.policy import Policy, Unknown
from tenants.queries import in_tenant_of, policy_in_force
from tenants.services import policy_digest, policy_version
from vault.services import seal_column
from verification.services import lockouts
from verification.services.captcha import count_a_user_id
from verification.services.guesses import AttemptCounter, counters_of, throttle_of

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_COOKIE_BYTES = 32
# The attempt of an unknown user ID never ends like that: so one that conceals goes on, in vain.
ENDED: dict[str, Any] = {
    "refused": Case(
        When(conceals=True, then=Value("")), default=Value(Refusal.SESSION_ENDED.value)
    ),
    "concealed": Value(Refusal.SESSION_ENDED.value),
    "outcome": Value(models.AttemptOutcome.FAILED.value),
}
_END_OF_USER = CompiledUpdate(
    lambda: owned(ResetAttempt).filter(
        user_id=Bound("user_id", BigIntegerField()), finished_at=None, refused=""
    ),
    **ENDED,
)
_ROTATE = CompiledUpdate(
    lambda: owned(ResetAttempt).filter(pk=Bound("attempt", UUIDField())),
    browser=Bound("browser", CharField()),
)


class OutOfTurn(Exception):
    """The attempt is at another step. The view sends the browser there."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step = step


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt, and the secret that only its browser may hold."""

    attempt: ResetAttempt
    cookie: str

    @property
    def comes_next(self) -> Step:
        """Where it goes on. The page there looks for itself whether it's its turn."""
        if self.attempt.refused:
            return Step.ENDED
        return Step.VERIFY if self.attempt.goal else Step.CHOOSE


def begin(
    username: str,
    *,
    network: str,
    wanted: Goal | None = None,
    known: str = "",
    is_counted: bool = False,
) -> Begun:
    """An attempt for a typed user ID, already refused where nothing can be done.

    Known, unknown and unregistered users cost the same statements and get the same row.

    Args:
        username: as typed.
        network: that it came from, for the limit.
        wanted: what the home page was asked for; taken where the account allows it.
        known: the device cookie of a browser in which a user signed in before.
        is_counted: the user ID was counted for the network, and may be looked up.
    """
    upn = canonical_upn(username)
    is_known_device = bool(known) and _is_known_from(upn, known)
    verdict = None if is_counted else count_a_user_id(network, is_known=is_known_device)
    if verdict is not None and not verdict.allowed:
        # No user is looked up, so that the answer can't tell who is known.
        with in_tenant(NO_TENANT):
            kind = kind_of_subject(policy_in_force())
            beginning = kind.beginning(
                None, upn, Refusal.TOO_MANY, is_throttled=False, is_locked=False
            )
            return _written(upn, None, None, beginning, until=verdict.until)
    # On an organisation's own host, who isn't one of its people is unknown to that organisation.
    with in_tenant_of(upn, otherwise=tenant_of_host() or NO_TENANT) as tenant:
        candidate = queries.candidate(upn)
        # At the own host of an organisation, a name may have no domain of the organisation's. It is
        # looked up for each user ID, so that those of other domains take the same statements.
        other_names = tenant_of_host() is not None and takes_other_names()
        is_here = tenant is not None or other_names
        user, method_rows = (candidate.user, candidate.method_rows) if is_here else (None, [])
        policy = queries.policy_for(user)
        counter = AttemptCounter.KNOWN_BROWSER if is_known_device else AttemptCounter.SELF_SERVICE
        throttle = throttle_of(user.pk if user else decoy_id(upn), counter)
        is_throttled = throttle is not None
        why = refusal_for(
            queries.eligibility_facts(user, method_rows, policy, throttled=is_throttled)
        )
        kind, is_locked = kind_of_subject(policy_in_force()), False
        if user is not None and why is None and kind is Known:
            # Decoys run the same statements as unknown user IDs, so there it shows at the end.
            if user.connector == DIRECTORY:
                why, is_locked = queries.look_into_directory(user)
            else:
                is_locked = can_unlock(user)
        return _written(
            upn,
            user,
            policy,
            kind.beginning(user, upn, why, is_throttled=is_throttled, is_locked=is_locked),
            until=throttle.until if throttle else None,
            wanted=wanted,
            is_known_device=is_known_device,
            versions=candidate.versions,
        )


def _is_known_from(upn: str, known: str) -> bool:
    """Whether this user ID signed in from this browser; no user is looked up."""
    with in_tenant_of(upn, otherwise=tenant_of_host() or NO_TENANT):
        return lockouts.device_of(upn, known) != lockouts.UNKNOWN_DEVICE


def require(row: AttemptRow, wanted: Step, reads: Reads = Reads.NOTHING) -> AttemptState:
    """How the attempt stands now.

    Raises:
        OutOfTurn: it is at another step.
    """
    return _at(wanted, queries.state_of(row, reads))


def require_still(
    state: AttemptState, wanted: Step, reads: Reads = Reads.NOTHING, *, lock: bool = False
) -> AttemptState:
    """The same in the transaction that changes something; see `state_again`.

    Args:
        lock: others who lock the same user wait until this transaction ends.

    Raises:
        OutOfTurn: it is at another step by now.
    """
    return _at(wanted, queries.state_again(state, reads, lock=lock))


def _at(wanted: Step, state: AttemptState) -> AttemptState:
    actual = step(state.facts, timezone.now())
    if actual is not wanted:
        raise OutOfTurn(actual)
    return state


@transaction.atomic
def choose_goal(state: AttemptState, goal: Goal) -> None:
    """What the user wants: a new password, or the account unlocked."""
    attempt = state.attempt
    if not ResetAttempt.objects.filter(pk=attempt.pk, goal="").update(goal=goal):
        return
    _progress(attempt, EventReason(f"chose_{goal}"))


@transaction.atomic
def unlock_instead(state: AttemptState) -> None:
    """Goes on to unlock the account, where its directory takes no new password now."""
    policy, attempt = state.subject.policy, state.attempt
    if policy is None or not policy.unlock_without_reset:
        return
    running = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None, writing_since=None)
    if running.filter(goal=Goal.FORGOT).update(goal=Goal.UNLOCK):
        _progress(attempt, EventReason.CHOSE_UNLOCK)


@transaction.atomic
def refuse(attempt: ResetAttempt, reason: EventReason) -> None:
    """Ends the attempt because the user's directory lets us change nothing."""
    live = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None, refused="")
    failed = models.AttemptOutcome.FAILED
    if live.update(refused=Refusal.MANAGED_ELSEWHERE, outcome=failed):
        _progress(attempt, reason, refused=True)


@transaction.atomic
def block(attempt: ResetAttempt, until: datetime | None) -> None:
    """Ends the attempt because there were too many wrong guesses at this user."""
    live = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None, refused="")
    blocked = models.AttemptOutcome.BLOCKED
    if live.update(refused=Refusal.TOO_MANY, blocked_until=until, outcome=blocked):
        record(
            Activity.RESET_BLOCKED,
            subject_id=attempt.subject_id,
            actor_id=Actor.ANONYMOUS,
            support_code=attempt.support_code,
            reason=EventReason.TOO_MANY_WRONG_GUESSES,
        )


def end_attempts_of(user_id: int) -> None:
    """No reset of this user that is under way comes to an end any more."""
    _END_OF_USER.run(user_id=user_id)


def end_running() -> int:
    """No reset of the tenant in force that is under way comes to an end. Says how many."""
    return ResetAttempt.objects.filter(finished_at=None, refused="").update(**ENDED)


def rotate(attempt: ResetAttempt) -> str:
    """A new secret for the browser, at every gate; the old one opens nothing any more."""
    cookie = secrets.token_urlsafe(_COOKIE_BYTES)
    _ROTATE.run(attempt=attempt.pk, browser=queries.browser_mac(cookie))
    return cookie


@writing_together()
def _written(  # noqa: PLR0913  # each is a fact of the row
    upn: str,
    user: User | None,
    policy: Policy | None,
    beginning: Beginning,
    *,
    until: datetime | None = None,
    wanted: Goal | None = None,
    is_known_device: bool = False,
    versions: Mapping[str, PolicyVersion] = MappingProxyType({}),
) -> Begun:
    cookie = secrets.token_urlsafe(_COOKIE_BYTES)
    decided = policy or policy_in_force()
    refusal = beginning.refused
    attempt = ResetAttempt(
        browser=queries.browser_mac(cookie),
        support_code="".join(secrets.choice(_CROCKFORD) for _ in range(8)),
        user_id=beginning.user_id,
        session_epoch=user.session_epoch if user else 0,
        policy_version=versions.get(policy_digest(decided)) or policy_version(decided),
        conceals=decided.unknown_users is Unknown.DECOY,
        goal=_goal(beginning, decided, wanted),
        started_at=timezone.now(),
        refused=refusal or "",
        concealed=beginning.concealed or "",
        blocked_until=until,
        by_network=refusal is Refusal.TOO_MANY and beginning.user_id is None,
        from_known_browser=is_known_device,
        outcome=_outcome(refusal),
    )
    attempt.guesses_lately, attempt.guesses_in_a_row = counters_of(
        beginning.user_id or 0, queries.counter_of(attempt)
    )
    attempt.username = seal_column(attempt, "username", upn)
    insert(attempt)
    why = refusal or beginning.concealed
    _progress(attempt, EventReason[why.name] if why else EventReason.IDENTIFIED, refused=bool(why))
    return Begun(attempt, cookie)


def _goal(beginning: Beginning, policy: Policy, wanted: Goal | None) -> str:
    """Empty where the user is asked what they want."""
    if not policy.unlock_without_reset or not beginning.is_asked:
        return Goal.FORGOT
    return wanted or ""


def _outcome(refusal: Refusal | None) -> models.AttemptOutcome:
    if refusal is None:
        return models.AttemptOutcome.RUNNING
    return (
        models.AttemptOutcome.BLOCKED
        if refusal is Refusal.TOO_MANY
        else models.AttemptOutcome.FAILED
    )


def _progress(attempt: ResetAttempt, reason: EventReason, *, refused: bool = False) -> None:
    record(
        Activity.RESET_PROGRESS,
        Outcome.FAILURE if refused else Outcome.SUCCESS,
        subject_id=attempt.subject_id,
        actor_id=Actor.ANONYMOUS,
        support_code=attempt.support_code,
        reason=reason,
    )
