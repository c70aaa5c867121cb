"""Stopping self-service and taking back what the user disowns, by "this wasn't me"."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from account.queries import acts_of, is_password_disowned, is_password_withdrawn
from audit.activities import Activity
from audit.services import Actor, record
from directory.models import User
from directory.queries import prefilled, upn_of
from directory.services import contacts_of_person
from directory.services.sessions import end_sessions
from registration.services import manage
from reset.services.attempts import end_attempts_of
from tenants.policy import Proof
from verification.models import NoticeLink
from verification.services import access_passes, factors, notices, passwords, staff_notices
from verification.services.notice_words import Notice

_REASON = "wasnt_me"


@transaction.atomic
def disavow(link: NoticeLink) -> bool:
    """Stops the user's self-service and takes back the disowned act and what followed from it.

    Methods, passwords and passes that came after the act go too: they may be the same stranger's.

    Returns:
        False when the account was unfrozen meanwhile, which spends the link: nothing happened.
    """
    user = User.objects.select_for_update().get(pk=link.user_id)
    acts = acts_of(link)
    disowned = NoticeLink.objects.filter(pk__in=[link.pk, *(act.pk for act in acts)])
    if not acts or not disowned.update(disowned_at=timezone.now()):
        return False
    # First, so that no notice reaches what a stranger added; and on a frozen account, too.
    for act in acts:
        _take_back(user, act)
    if is_password_disowned(user, link):
        passwords.withdraw(user, reason=_REASON, actor_id=Actor.STRANGER)
    if user.frozen_at is not None and acts[-1].issued_at > user.frozen_at:
        # The act happened on the frozen account: it is frozen anew, and the staff hear of it.
        User.objects.filter(pk=user.pk).update(frozen_at=None)
    agents = dict.fromkeys(act.actor_id for act in acts if act.actor_id)
    freeze(user, reason="notice", agent_ids=list(agents))
    return True


@transaction.atomic
def freeze(
    user: User, *, reason: str, actor_id: int = Actor.STRANGER, agent_ids: Sequence[int] = ()
) -> bool:
    """Ends resets, registration, sessions and every temporary way in, until it is unfrozen.

    Args:
        reason: where it was said, in a word of ours.
        actor_id: the user, where they were signed in as they said it.
        agent_ids: the members of staff whose acts the user disowns.

    Returns:
        False when it was frozen already; nothing more is told then.
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
    if User.objects.filter(pk=user.pk, must_change_password=True).exists():
        passwords.withdraw(user, reason=_REASON, actor_id=actor_id)
    user = User.objects.get(pk=user.pk)
    staff_notices.tell_of_freezing(
        user,
        agent=", ".join(map(upn_of, agent_ids)),
        needs_a_password=is_password_withdrawn(user),
    )
    return True


@transaction.atomic
def unfreeze(user: User) -> None:
    """Turns self-service on again, and spends the links that the user disowned or could have.

    A link to an act of the staff on the frozen account stays good, unless it was disowned.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.frozen_at is None:
        return
    User.objects.filter(pk=user.pk).update(frozen_at=None)
    links = NoticeLink.objects.filter(user_id=user.pk)
    # They open nothing any more, but say who may not enter contact data for a while.
    of_the_staff = Q(disowned_at__isnull=False, actor_id__isnull=False)
    links.filter(of_the_staff).update(expires_at=timezone.now())
    dealt_with = Q(issued_at__lte=user.frozen_at) | Q(disowned_at__isnull=False)
    links.filter(dealt_with).exclude(of_the_staff).delete()


def _take_back(user: User, act: NoticeLink) -> None:
    # A list of recovery codes of which another person used one is in the wrong hands.
    is_about_codes = act.notice == Notice.RECOVERY_CODE_USED
    manage.take_back(user, added=act.added, since=act.issued_at, all_codes=is_about_codes)
    if act.notice == Notice.CONTACT_ENTERED:
        _take_back_contacts(user, act)


def _take_back_contacts(user: User, link: NoticeLink) -> None:
    entered = prefilled(user.pk)
    for proof in map(Proof, link.proofs):
        # What another administrator entered later stays.
        if proof in entered and entered[proof].changed_at <= link.issued_at:
            contacts_of_person.enter(user.pk, proof, "", textable=False, held=False)
            factors.refresh([user.pk])
            record(
                Activity.CONTACT_ENTERED,
                subject_id=user.pk,
                actor_id=Actor.STRANGER,
                method=proof,
                removed=True,
                reason=_REASON,
            )
