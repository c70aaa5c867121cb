"""Freezing an account, and undoing what its user reported with "this wasn't me"."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from account.queries import acts_of, is_password_disowned, is_password_withdrawn
from audit.activities import Activity, EventReason
from audit.services import Actor, record
from directory.factors import BUILTIN
from directory.models import User
from directory.queries import prefilled, upn_of
from directory.services import contacts_of_person
from directory.services.sessions import end_sessions
from reset.services.attempts import end_attempts_of
from tenants.policy import Factor
from verification.models import NoticeLink
from verification.services import access_passes, factors, notices, passwords, staff_notices
from verification.services.notice_words import Notice
from verification.services.removal import remove_since


@transaction.atomic
def report_not_me(link: NoticeLink) -> bool:
    """Freezes the user's account and undoes the reported act and what followed from it.

    Methods, passwords and passes that are newer than the act go too: the same stranger may have
    added them.

    Returns:
        False when the account was unfrozen meanwhile, which ends the link: nothing was changed.
    """
    user = User.objects.select_for_update().get(pk=link.user_id)
    acts = acts_of(link)
    reported = NoticeLink.objects.filter(pk__in=[link.pk, *(act.pk for act in acts)])
    if not acts or not reported.update(disowned_at=timezone.now()):
        return False
    # Before anything is sent, so that no notice reaches what a stranger added. An account that is
    # frozen already gets the same treatment.
    for act in acts:
        # When a stranger used a recovery code, they have the whole list.
        has_codes = act.notice == Notice.RECOVERY_CODE_USED
        remove_added_methods(user, added=act.added, since=act.issued_at, all_codes=has_codes)
        if act.notice == Notice.CONTACT_ENTERED:
            _remove_entered_contacts(user, act)
    if is_password_disowned(user, link):
        passwords.withdraw(user, reason=EventReason.WASNT_ME, actor_id=Actor.ANONYMOUS)
    if user.frozen_at is not None and acts[-1].issued_at > user.frozen_at:
        # The act is newer than the freeze: freezing again tells the staff of it.
        User.objects.filter(pk=user.pk).update(frozen_at=None)
    agents = dict.fromkeys(act.actor_id for act in acts if act.actor_id)
    freeze(user, reason=EventReason.NOTICE, agent_ids=list(agents))
    return True


@transaction.atomic
def freeze(
    user: User,
    *,
    reason: EventReason,
    actor_id: int = Actor.ANONYMOUS,
    agent_ids: Sequence[int] = (),
) -> bool:
    """Stops resets, registration, sessions and temporary ways in, until the account is unfrozen.

    Args:
        reason: where the user said so.
        actor_id: the user, if they were signed in.
        agent_ids: the members of staff whose acts the user reported.

    Returns:
        False when it was frozen already: then no notice is sent.
    """
    running = User.objects.filter(pk=user.pk, frozen_at=None)
    if not running.update(frozen_at=timezone.now()):
        return False
    end_sessions(user)
    end_attempts_of(user.pk)
    access_passes.revoke(user)
    record(
        Activity.SELF_SERVICE_FROZEN,
        subject_id=user.pk,
        actor_id=actor_id,
        reason=reason,
        agent_ids=",".join(map(str, agent_ids)) or None,
    )
    notices.tell(user, Notice.FROZEN)
    # A password in a directory may have to be changed just because it has expired.
    temporary = Q(must_change_password=True, connector=BUILTIN) | Q(temporary_since__isnull=False)
    if User.objects.filter(temporary, pk=user.pk).exists():
        passwords.withdraw(user, reason=EventReason.WASNT_ME, actor_id=actor_id)
    user = User.objects.get(pk=user.pk)
    staff_notices.notify_of_freezing(
        user,
        agent=", ".join(map(upn_of, agent_ids)),
        needs_a_password=is_password_withdrawn(user),
    )
    return True


@transaction.atomic
def unfreeze(user: User) -> None:
    """Turns self-service on again, and ends the links that the user followed or could have.

    The link to an act of the staff on the frozen account stays good, unless the user followed it.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.frozen_at is None:
        return
    User.objects.filter(pk=user.pk).update(frozen_at=None)
    links = NoticeLink.objects.filter(user_id=user.pk)
    # These open nothing any more, but their rows say which administrators may not enter contact
    # data of this user for a while.
    of_the_staff = Q(disowned_at__isnull=False, actor_id__isnull=False)
    links.filter(of_the_staff).update(expires_at=timezone.now())
    dealt_with = Q(issued_at__lte=user.frozen_at) | Q(disowned_at__isnull=False)
    links.filter(dealt_with).exclude(of_the_staff).delete()


@transaction.atomic
def remove_added_methods(
    user: User, *, added: uuid.UUID | None, since: datetime, all_codes: bool = False
) -> None:
    """Removes methods that another person registered in the user's name.

    All of it is removed before the user is notified, so that no notice reaches a removed method.

    Args:
        added: the method that the reported notice was about, if it was about one.
        since: when the reported act happened. Methods registered later are removed, too.
        all_codes: whether recovery codes are removed however old they are.
    """
    for factor in remove_since(user.pk, since, added=added, all_codes=all_codes):
        record(
            Activity.METHOD_DELETED,
            subject_id=user.pk,
            # The holder of a notice's link isn't signed in.
            actor_id=Actor.ANONYMOUS,
            method=factor,
            reason=EventReason.WASNT_ME,
        )
        notices.tell(user, Notice.REMOVED, factor=factor)


def _remove_entered_contacts(user: User, act: NoticeLink) -> None:
    """Removes the contact data of this act, but not what an administrator entered after it."""
    entered = prefilled(user.pk)
    for factor in map(Factor, act.factors):
        if factor in entered and entered[factor].changed_at <= act.issued_at:
            contacts_of_person.enter(user.pk, factor, "", sms_capable=False, held=False)
            factors.refresh([user.pk])
            record(
                Activity.CONTACT_ENTERED,
                subject_id=user.pk,
                actor_id=Actor.ANONYMOUS,
                method=factor,
                removed=True,
                reason=EventReason.WASNT_ME,
            )
