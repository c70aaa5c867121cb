"""Browsers that are not asked for the second factor again for as long as the policy says.

They stand for that one question at sign-in: never for the password, and never for the proof that a
change of security info needs.
"""

import secrets
import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from isolation.scope import current_tenant_id
from tenants.queries import policy_in_force
from vault.keyed import keyed_hash
from vault.services import tenant_key
from verification.models import RememberedBrowser

_SECRET_BYTES, _MOST = 32, 20


@transaction.atomic
def remember(user: User) -> str:
    """A new secret for the browser in which this user just passed the second factor.

    Never the value that the browser sent: an attacker could have planted it.

    Returns:
        64 hex digits for the browser's cookie. They are not stored.
    """
    now, secret = timezone.now(), secrets.token_hex(_SECRET_BYTES)
    newest = remembered(user).values_list("pk", flat=True)[: _MOST - 1]
    RememberedBrowser.objects.filter(user=user).exclude(pk__in=list(newest)).delete()
    RememberedBrowser.objects.create(
        user=user,
        token_mac=_mac(user, secret),
        session_epoch=user.session_epoch,
        created_at=now,
        last_used_at=now,
        expires_at=now + timedelta(days=policy_in_force().remember_browser_days),
    )
    record(Activity.BROWSER_REMEMBERED, subject_id=user.pk, actor_id=user.pk)
    return secret


def is_remembered(user: User, secret: str) -> bool:
    """Whether this secret was given to a browser of this user, and nothing ended that since."""
    known = remembered(user).filter(token_mac=_mac(user, secret))
    return bool(known.update(last_used_at=timezone.now()))


def remembered(user: User) -> QuerySet[RememberedBrowser]:
    """The browsers that count now, newest first: by the time they were given and today's policy."""
    now = timezone.now()
    since = now - timedelta(days=policy_in_force().remember_browser_days)
    return RememberedBrowser.objects.filter(
        user=user, session_epoch=user.session_epoch, expires_at__gt=now, created_at__gt=since
    ).order_by("-created_at")


@transaction.atomic
def remove(user: User, browser_id: uuid.UUID) -> bool:
    """Takes one browser off the list. False when it isn't there."""
    gone, _by_kind = RememberedBrowser.objects.filter(user=user, pk=browser_id).delete()
    if gone:
        record(Activity.BROWSER_FORGOTTEN, subject_id=user.pk, actor_id=user.pk)
    return bool(gone)


def remove_all(user_id: int) -> None:
    """Ends remembered browsers: they may have been remembered by a method that was removed."""
    RememberedBrowser.objects.filter(user_id=user_id).delete()


def _mac(user: User, secret: str) -> str:
    key = tenant_key(current_tenant_id(), "remembered browser")
    return keyed_hash(key, str(user.pk), secret)
