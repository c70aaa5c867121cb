"""The end of an attempt: a new password or an unlocked account, and everybody told."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    Exists,
    F,
    JSONField,
    Q,
    QuerySet,
    UUIDField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.utils import timezone

from directory.connectors import connector_of
from directory.connectors.base import DirectoryError, OutcomeUnknown
from directory.factors import DIRECTORY
from directory.models import User
from directory.services.passwords import TooManyPasswords, comparison, findings_against
from isolation.compiled import Bound, CompiledUpdate, owned
from isolation.writes import writing_together
from limits import services as limits
from limits.rules import Limit
from limits.services import Count
from passwords.hashing import Busy
from passwords.rules import PasswordFinding, Problem
from reset.models import AttemptOutcome, ResetAttempt
from reset.queries.attempts import AttemptState, Reads, proved_in_temporary_access
from reset.rules import Step
from reset.services import outside
from reset.services.attempts import ENDED, OutOfTurn, require_still
from reset.services.notify import tell
from tenants.policy import Factor, Method
from verification.models import Challenge
from verification.services import guesses, lockouts, passwords
from verification.services.notice_words import Notice
from verification.services.questions import forget_draw

_THIS = Bound("attempt", UUIDField())


def _for_this(value: Combinable, others: Combinable) -> Case:
    return Case(When(pk=_THIS, then=value), default=others)


def _running() -> QuerySet[ResetAttempt]:
    """The user's attempts that go on; not this one once a call denied it."""
    denied = owned(Challenge).filter(context=_THIS, denied_at__isnull=False)
    running = owned(ResetAttempt).filter(
        user_id=Bound("user_id", BigIntegerField()), finished_at=None, refused=""
    )
    return running.exclude(Q(pk=_THIS) & Q(Exists(denied)))


# The attempt succeeds, and no other of the user comes to an end any more.
_FINISH = CompiledUpdate(
    _running,
    returning=("finished_at",),
    finished_at=_for_this(Bound("now", DateTimeField()), F("finished_at")),
    notified=_for_this(Bound("notified", JSONField()), F("notified")),
    refused=_for_this(F("refused"), ENDED["refused"]),
    concealed=_for_this(F("concealed"), ENDED["concealed"]),
    outcome=_for_this(Value(AttemptOutcome.SUCCEEDED.value), ENDED["outcome"]),
)


class TooManyResets(Exception):
    """This user's password was reset too often lately."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("too many resets")
        self.until = until


def set_password(state: AttemptState, password: str) -> list[PasswordFinding]:
    """Sets the password, ends every session, closes the attempt and tells the user.

    Returns:
        All that speaks against the password; nothing was changed then.

    Raises:
        OutOfTurn: a gate is missing, by the stricter of the policy at the start and now.
        TooManyPasswords: too many were compared with the former ones; nothing was changed.
        TooManyResets: nothing was changed.
        directory.connectors.base.DirectoryError: see the kinds of it; the gates stay good.
        passwords.hashing.Busy: nothing was changed.
    """
    user = _user_in(state)
    if against := findings_against(password, user):
        return against
    _count(user)
    try:
        if connector_of(user).was_used(user, password):
            _uncount(user)
            return [PasswordFinding(Problem.USED)]
        if user.connector == DIRECTORY:
            outside.set_password(state, user, password)
        else:
            _finish(
                state,
                Step.NEW_PASSWORD,
                Notice.RESET,
                lambda now: _set(now, user, password),
            )
    except OutcomeUnknown:
        raise
    except (DirectoryError, OutOfTurn, Busy):
        _uncount(user)
        raise
    return []


def _count(user: User) -> None:
    """Counts a comparison with the former passwords, and one of the day's resets."""
    compared = comparison(user)
    verdict = limits.hit_all(compared, Count(Limit.RESETS_OF_A_USER, str(user.pk)))
    if verdict.limit is compared.limit:
        raise TooManyPasswords(verdict.until)
    if not verdict.allowed:
        raise TooManyResets(verdict.until)


def _uncount(user: User) -> None:
    """What wasn't completed isn't one of the day's resets."""
    limits.give_back(Limit.RESETS_OF_A_USER, str(user.pk))


def _set(state: AttemptState, user: User, password: str) -> None:
    connector_of(user).set_password(user, password)
    if proved_in_temporary_access(state):
        passwords.end_with_role(user)


def unlock(state: AttemptState) -> None:
    """Lifts the lock and keeps the password.

    Raises:
        OutOfTurn: a gate is missing.
        directory.connectors.base.DirectoryError: see the kinds of it.
    """
    user = _user_in(state)
    if user.connector == DIRECTORY:
        outside.unlock(state, user)
        return
    connector = connector_of(user)
    _finish(state, Step.UNLOCK, Notice.UNLOCKED, lambda _now: connector.unlock(user))


@writing_together()
def _finish(
    state: AttemptState, at: Step, notice: Notice, change: Callable[[AttemptState], None]
) -> None:
    # A wrong password at sign-in locks these before the user, too.
    lockouts.clear_failures(_user_in(state))
    # Two attempts of one user wait for each other here, and not with half of the rows in hand.
    attempt, state = state.attempt, require_still(state, at, Reads.METHODS, lock=True)
    user = _user_in(state)
    # Nothing is sent before the transaction ends.
    methods = sorted(state.facts.passed, key=list(Method).index)
    notified = tell(attempt, user, notice, methods=methods, stored=state.methods.stored)
    finished = _FINISH.returned(
        attempt=attempt.pk, user_id=user.pk, now=timezone.now(), notified=notified
    )
    if not any(finished_at for (finished_at,) in finished):
        raise OutOfTurn(Step.DONE)
    # In the statement that changes the user, who is locked: only the counters are waited for.
    guesses.reset(user.pk)
    change(state)
    if Factor.QUESTIONS in state.methods.stored.methods:
        forget_draw(user.pk)


def _user_in(state: AttemptState) -> User:
    if state.subject.user is None:
        raise OutOfTurn(Step.ENDED)
    return state.subject.user
