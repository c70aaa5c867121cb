"""What follows in our database from a write to directories outside, once its result is known.

Each conclusion is one transaction. Of two at once, one finds the write still pending.
"""

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from directory.connectors.accounts import note_new_password
from directory.models import User
from directory.services.sessions import end_sessions
from reset.models import AttemptOutcome, PassedGate, PendingWrite, ResetAttempt
from reset.rules import Goal
from reset.services.attempts import end_attempts_of
from reset.services.notify import tell
from tenants.policy import Factor, Method
from verification.queries.factors import stored_factors_with
from verification.queries.registered import method_rows_of
from verification.services import guesses, lockouts, notices, passwords
from verification.services.notice_words import Notice
from verification.services.questions import forget_draw

Write = ResetAttempt | PendingWrite
_ACTIVITIES = {
    Notice.PASSWORD_CHANGED: Activity.PASSWORD_CHANGED,
    Notice.TEMPORARY_PASSWORD: Activity.TEMPORARY_PASSWORD,
    Notice.UNLOCKED: Activity.ACCOUNT_UNLOCKED,
}


def is_unlock(write: Write) -> bool:
    """Whether it sets no password."""
    if isinstance(write, ResetAttempt):
        return write.goal == Goal.UNLOCK
    return write.notice == Notice.UNLOCKED


def release(write: Write) -> bool:
    """Ends the write, of which nothing has to be noted. The user can try again.

    Returns:
        False when it had ended already.
    """
    if isinstance(write, PendingWrite):
        return bool(PendingWrite.objects.filter(pk=write.pk).delete()[0])
    writing = ResetAttempt.objects.filter(pk=write.pk, writing_since=write.writing_since)
    write.writing_since = None
    return bool(writing.update(writing_since=None, directories=[], new_hash=""))


@transaction.atomic
def give_up(write: Write) -> None:
    """It stays unknown whether it took effect. If a password was set, no session may outlive it."""
    began = write.writing_since
    if not release(write):
        return
    user = User.objects.filter(pk=write.user_id or 0).first()
    if user is None:
        return
    if not is_unlock(write):
        end_sessions(user)
    support_code = write.support_code if isinstance(write, ResetAttempt) else ""
    record(
        Activity.OUTCOME_UNKNOWN,
        Outcome.FAILURE,
        subject_id=user.pk,
        actor_id=Actor.SERVICE,
        support_code=support_code,
        reason=EventReason.OUTCOME_UNKNOWN,
    )
    notices.tell(
        user,
        Notice.UNLOCK_UNKNOWN if is_unlock(write) else Notice.PASSWORD_UNKNOWN,
        until=began,
        support_code=support_code,
        changes_here=not is_unlock(write),
    )


@transaction.atomic
def finish_attempt(attempt: ResetAttempt) -> User:
    """Ends the attempt that wrote, whatever happened meanwhile: the user has to hear of it.

    Returns:
        The user as they were before.
    """
    user = _locked(attempt)
    gates = list(PassedGate.objects.filter(attempt=attempt, user_id=user.pk))
    methods = sorted({Method(gate.method) for gate in gates}, key=list(Method).index)
    stored = stored_factors_with(method_rows_of(user.pk), user)
    finished = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None)
    if not finished.update(
        finished_at=timezone.now(),
        refused="",
        concealed="",
        outcome=AttemptOutcome.SUCCEEDED,
        writing_since=None,
        directories=attempt.directories,
        new_hash="",
    ):
        return user
    is_reset = not is_unlock(attempt)
    notice = Notice.RESET if is_reset else Notice.UNLOCKED
    notified = tell(attempt, user, notice, methods=methods, stored=stored)
    ResetAttempt.objects.filter(pk=attempt.pk).update(notified=notified)
    guesses.reset(user.pk)
    if is_reset:
        note_new_password(user, attempt.new_hash)
        if any(gate.temporary_access for gate in gates):
            passwords.end_with_role(user)
    else:
        User.objects.filter(pk=user.pk).update(locked_until=None)
    end_attempts_of(user.pk)
    if Factor.QUESTIONS in stored.methods:
        forget_draw(user.pk)
    return user


@transaction.atomic
def finish_write(write: PendingWrite) -> User:
    """The same for a change by a signed-in user or an administrator."""
    notice = Notice(write.notice)
    by_admin = notice is not Notice.PASSWORD_CHANGED
    user = _locked(write)
    if not release(write):
        return user
    if not is_unlock(write):
        note_new_password(user, write.new_hash)
        if by_admin:
            User.objects.filter(pk=user.pk).update(
                must_change_password=True, temporary_since=timezone.now()
            )
        end_attempts_of(user.pk)
        # The row is locked: a role that is given later finds the mark.
        if write.ends_with_role or (by_admin and user.role != write.role):
            passwords.end_with_role(user)
    record(
        _ACTIVITIES[notice],
        subject_id=user.pk,
        actor_id=write.actor_id,
        note=write.note or None,
    )
    notices.tell(user, notice, actor_id=write.actor_id if by_admin else None)
    return user


def _locked(write: Write) -> User:
    """The user's row, locked in the order in which a wrong password at sign-in locks rows."""
    user = User.objects.get(pk=write.user_id or 0)
    if isinstance(write, ResetAttempt):
        lockouts.clear_failures(user)
    elif write.notice != Notice.PASSWORD_CHANGED:
        lockouts.reset(user)
    return User.objects.select_for_update().get(pk=user.pk)
