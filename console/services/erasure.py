"""Deleting people, restoring them, and erasing what is left of them.

The rows of a deleted user go at once. For 30 days `DeletedUser` has the user ID, the names and the
groups, so that an administrator can restore the account. The audit log has the user's id only.

That the user reported an act of an administrator outlives both: the account comes back frozen, and
this administrator neither deletes, restores nor erases it.
"""

from collections.abc import Collection

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from delivery.models import DemoMessage, Outgoing
from directory.models import (
    DeletedUser,
    DirectoryAccount,
    Membership,
    SignInName,
    User,
    UserIDChange,
)
from directory.queries import prefilled
from isolation.scope import current_tenant_id
from provisioning.models import SignInClaim, SyncProblem
from provisioning.services.one_person import UserIDTaken
from provisioning.services.sign_in_names import settle_names
from provisioning.services.store import drop_from_reports
from reset.models import ResetAttempt
from tenants.models import Group
from tenants.queries import lock_tenant
from verification.models import Challenge, NoticeLink
from verification.queries import methods_by_factor, value_of
from verification.queries.callers import disowners_of
from verification.services import guesses, lockouts, notices
from verification.services.notice_words import Notice
from verification.services.roles import require_another_administrator
from verification.services.trust import ActDisowned
from verification.session import delete_sessions_of

_LINK = ("mac", "notice", "actor_id", "issued_at", "expires_at", "disowned_at")


@transaction.atomic
def delete(admin: User, user_id: int, *, note: str) -> None:
    """Deletes a user of the tenant in force. All that is known of the person goes at once.

    Raises:
        LastAdministrator: no enabled tenant admin would be left; nothing was changed.
        ActDisowned: another administrator has to do it; nothing was changed.
        User.DoesNotExist: another administrator was faster.
    """
    # If two administrators delete each other at the same time, one stays.
    lock_tenant()
    user = User.objects.select_for_update().get(pk=user_id)
    require_another_administrator(user)
    now = timezone.now()
    if disowners_of(admin.pk, [user_id], now):
        raise ActDisowned
    reported = NoticeLink.objects.filter(
        user=user, actor_id__isnull=False, disowned_at__isnull=False
    )
    names = {*UserIDChange.objects.filter(user=user).values_list("old", flat=True)}
    names |= {*SignInName.objects.filter(user=user).values_list("name", flat=True)}
    names |= {*SignInClaim.objects.filter(account__user=user).values_list("name", flat=True)}
    groups = Group.objects.filter(membership__user=user, directory_id=None).order_by("pk")
    DeletedUser.objects.create(
        user_id=user_id,
        upn=user.upn,
        display_name=user.display_name,
        given_name=user.given_name,
        surname=user.surname,
        language=user.language,
        enabled=user.enabled,
        session_epoch=user.session_epoch,
        groups=list(groups.values_list("pk", flat=True)),
        other_names=sorted(names),
        frozen_at=user.frozen_at,
        disowned=list(reported.order_by("pk").values(*_LINK)),
        deleted_at=now,
    )
    _erase(user, names, actor_id=admin.pk)
    record(Activity.USER_DELETED, subject_id=user_id, actor_id=admin.pk, note=note)


@transaction.atomic
def restore(admin: User, user_id: int, *, note: str) -> None:
    """Gives a deleted user the account back, with the groups; without methods, password or role.

    Raises:
        UserIDTaken: another user got the user ID meanwhile, from a directory; nothing was changed.
        ActDisowned: another administrator has to do it; nothing was changed.
        DeletedUser.DoesNotExist: the user was restored or erased meanwhile.
    """
    gone = _undisputed(admin, user_id)
    user = User(
        pk=user_id,
        tenant_id=current_tenant_id(),
        upn=gone.upn,
        display_name=gone.display_name,
        given_name=gone.given_name,
        surname=gone.surname,
        language=gone.language,
        enabled=gone.enabled,
        # Sessions and known browsers of the former account stay ended.
        session_epoch=gone.session_epoch + 1,
        frozen_at=gone.frozen_at,
        password=make_password(None),
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise UserIDTaken from None
    groups = Group.objects.filter(pk__in=gone.groups, directory_id=None).order_by("pk")
    Membership.objects.bulk_create(Membership(user=user, group=group) for group in groups)
    NoticeLink.objects.bulk_create(NoticeLink(user=user, **link) for link in gone.disowned)
    gone.delete()
    record(Activity.USER_RESTORED, subject_id=user_id, actor_id=admin.pk, note=note)
    notices.tell(user, Notice.RESTORED, actor_id=admin.pk)


@transaction.atomic
def erase(admin: User, user_id: int, *, note: str) -> None:
    """Deletes the rest of a deleted user now, so that another user can get the user ID.

    Raises:
        ActDisowned: another administrator has to do it; nothing was changed.
        DeletedUser.DoesNotExist: the user was restored or erased meanwhile.
    """
    gone = _undisputed(admin, user_id)
    # An import that met the user after the deletion reported it.
    drop_from_reports({gone.upn, gone.display_name, *gone.other_names})
    gone.delete()
    record(Activity.USER_ERASED, subject_id=user_id, actor_id=admin.pk, note=note)


def _undisputed(admin: User, user_id: int) -> DeletedUser:
    """The deleted user, locked, unless they reported an act of this administrator."""
    gone = DeletedUser.objects.select_for_update().get(user_id=user_id)
    if admin.pk in {link["actor_id"] for link in gone.disowned}:
        raise ActDisowned
    return gone


def _erase(user: User, names: Collection[str], *, actor_id: int) -> None:
    """Deletes every row about this user but events of the audit log.

    `tests/console/test_erasure.py` lists all models and what becomes of their rows here.
    """
    entered = [row.value for row in prefilled(user.pk).values()]
    registered = [value_of(row) for row in methods_by_factor(user.pk).values() if row.data]
    contacts = {*entered, *registered}
    challenges = Challenge.objects.filter(user_id=user.pk)
    messages = list(challenges.exclude(outgoing_id=None).values_list("outgoing_id", flat=True))
    Outgoing.objects.filter(Q(person_id=user.pk) | Q(pk__in=messages)).delete()
    # After the waiting messages went, so that the notice isn't included in one of them, and before
    # the methods go, which say where to send it.
    notices.tell(user, Notice.DELETED, actor_id=actor_id)
    DemoMessage.objects.filter(destination__in=contacts).delete()
    challenges.delete()
    ResetAttempt.objects.filter(user_id=user.pk).delete()
    entries = list(user.accounts.order_by("pk").values_list("external_id", "dn"))
    SyncProblem.objects.filter(external_id__in=[entry for entry, _dn in entries]).delete()
    led = Q(manager=user) | Q(manager_dn__in=[dn for _entry, dn in entries])
    DirectoryAccount.objects.filter(led).update(manager=None, manager_dn="")
    drop_from_reports({user.upn, user.display_name, *names, *contacts})
    lockouts.clear_failures(user)
    guesses.reset(user.pk)
    delete_sessions_of(user.pk)
    # With it go the rows of all models that refer to it.
    User.objects.filter(pk=user.pk).delete()
    settle_names({user.upn, *names})
