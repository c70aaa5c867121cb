"""The end of an attempt: a new password or an unlocked account, and everybody told."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.connectors import connector_of
from directory.connectors.base import PolicyRejected, Unreachable
from directory.models import User
from limits import services as limits
from limits.rules import Limit
from passwords.banned import Score
from passwords.breached import breached_passwords
from passwords.hashing import Busy
from passwords.rules import MAX_LENGTH, Finding, Problem, evaluate, explain
from reset.models import Outcome, ResetAttempt
from reset.queries.attempts import AttemptState, Reads, proved_in_temporary_access
from reset.rules import Step
from reset.services import former
from reset.services.attempts import OutOfTurn, end_attempts_of, require_still
from tenants.policy import Method, Proof
from tenants.queries import policy_in_force, tenant_in_force
from verification.services import guesses, lockouts, notices, passwords, staff_notices
from verification.services.notice_words import Notice
from verification.services.questions import forget_draw

_PARTED = re.compile(r"[._+-]+|\d+")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What speaks against a password, and what it is worth."""

    findings: list[Finding]
    worth: Score


class TooManyResets(Exception):
    """This user's password was reset too often lately."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("too many resets")
        self.until = until


def findings(state: AttemptState, password: str) -> list[Finding]:
    """All that speaks against a new password for the attempt's user.

    Raises:
        former.TooManyPasswords: too many were compared with the former ones.
    """
    user = _user_in(state)
    found = findings_about(user, password)
    if not found and former.was_used(user, password):
        return [Finding(Problem.USED)]
    return found


def findings_about(user: User, password: str) -> list[Finding]:
    """All that speaks against a new password for this user, but for what they had before.

    Whoever hasn't proved yet who they are mustn't be told that.
    """
    return judged(password, user).findings


def judged(password: str, user: User | None) -> Judgement:
    """The password by the policy in force, the words nobody may use, and what was stolen.

    Args:
        user: whose names it mustn't hold; None for nobody in particular.
    """
    policy, names = policy_in_force(), names_around(user)
    found = evaluate(
        password,
        min_length=policy.password_min_length,
        classes=policy.password_classes,
        names=names,
        banned=policy.banned_words,
    )
    if _is_breached(password):
        found.append(Finding(Problem.BREACHED))
    worth = explain(password[:MAX_LENGTH], names=names, banned=policy.banned_words)
    return Judgement(found, worth)


def names_around(user: User | None) -> list[str]:
    """Names of the organisation and of the user, whole and in parts."""
    tenant = tenant_in_force()
    names = [tenant.slug, tenant.short_name, tenant.name, *tenant.name.split()]
    if user is not None:
        local = user.upn.partition("@")[0]
        names += [local, *_PARTED.split(local), user.given_name, user.surname]
        names += user.display_name.split()
    return [name for name in dict.fromkeys(names) if name]


def _is_breached(password: str) -> bool:
    """Where the list can't be read the other rules hold; whoever runs the service is told."""
    if not settings.BREACHED_PASSWORDS:
        return False
    try:
        return password in breached_passwords(settings.BREACHED_PASSWORDS)
    except (OSError, ValueError):
        log.exception("breached_passwords_unreadable")
        return False


def set_password(state: AttemptState, password: str) -> None:
    """Sets the password, ends every session, closes the attempt and tells the user.

    Raises:
        OutOfTurn: a gate is missing, by the stricter of the policy at the start and now.
        TooManyResets: nothing was changed.
        directory.connectors.base.PolicyRejected: the gates stay good.
        directory.connectors.base.Unreachable: nothing was changed.
        passwords.hashing.Busy: nothing was changed.
    """
    user = _user_in(state)
    verdict = limits.hit(Limit.RESETS_OF_A_USER, str(user.pk))
    if not verdict.allowed:
        raise TooManyResets(verdict.until)
    try:
        _finish(
            state,
            Step.NEW_PASSWORD,
            Notice.RESET,
            lambda now: _set(now, user, password),
        )
    except (PolicyRejected, Unreachable, OutOfTurn, Busy):
        # What wasn't completed isn't one of the day's resets.
        limits.give_back(Limit.RESETS_OF_A_USER, str(user.pk))
        raise
    guesses.forgive(user.pk)
    lockouts.forgive(user)


def _set(state: AttemptState, user: User, password: str) -> None:
    connector_of(user).set_password(user, password)
    if proved_in_temporary_access(state):
        passwords.end_with_role(user)


def unlock(state: AttemptState) -> None:
    """Lifts the lock and keeps the password.

    Raises:
        OutOfTurn: a gate is missing.
        directory.connectors.base.Unreachable: nothing was changed.
    """
    user = _user_in(state)
    connector = connector_of(user)
    _finish(state, Step.UNLOCK, Notice.UNLOCKED, lambda _now: connector.unlock(user))
    guesses.forgive(user.pk)
    lockouts.forgive(user)


@transaction.atomic
def _finish(
    state: AttemptState, at: Step, notice: Notice, change: Callable[[AttemptState], None]
) -> None:
    # Two attempts of one user wait for each other here, and not with half of the rows in hand.
    attempt, state = state.attempt, require_still(state, at, Reads.METHODS, lock=True)
    user = _user_in(state)
    live = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None, refused="")
    if not live.update(finished_at=timezone.now(), outcome=Outcome.SUCCEEDED):
        raise OutOfTurn(Step.DONE)
    change(state)
    end_attempts_of(user.pk)
    if Proof.QUESTIONS in state.methods.kept.methods:
        forget_draw(user.pk)
    _tell(state, user, notice)


def _tell(state: AttemptState, user: User, notice: Notice) -> None:
    attempt, reset = state.attempt, notice is Notice.RESET
    methods = sorted(state.facts.passed, key=list(Method).index)
    told = notices.tell(
        user,
        notice,
        methods=methods,
        support_code=attempt.support_code,
        # Whoever reads the mailbox reads what is mailed there: a phone hears of it, too.
        phones_too=reset and {method.proof for method in methods} == {Proof.EMAIL},
    )
    if not told and policy_in_force().notify_on_reset:
        staff_notices.tell_of_unreachable(user, notice, support_code=attempt.support_code)
    ResetAttempt.objects.filter(pk=attempt.pk).update(told=told)
    if reset:
        staff_notices.tell_administrators(user, methods=methods, support_code=attempt.support_code)
    record(
        Activity.PASSWORD_RESET if reset else Activity.ACCOUNT_UNLOCKED,
        subject_id=user.pk,
        actor_id=user.pk,
        support_code=attempt.support_code,
        methods=",".join(methods),
    )


def _user_in(state: AttemptState) -> User:
    if state.subject.user is None:
        raise OutOfTurn(Step.ENDED)
    return state.subject.user
