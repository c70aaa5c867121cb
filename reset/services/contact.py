"""Asking the organisation's administrators for help, from an attempt that came to nothing."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from audit.activities import Activity
from audit.services import Actor, record
from delivery import services as outbox
from delivery.models import Kind
from directory.queries import helpdesk_mailboxes
from isolation.scope import NOBODY, current_tenant_id
from limits import services as limits
from limits.rules import Limit
from reset.models import Outcome, ResetAttempt
from reset.queries import attempts as queries
from reset.refusals import Refusal
from tenants.policy import Contact
from tenants.queries import called, policy_in_force, tenant_in_force
from verification.clock import day_and_clock
from verification.rules.links import without_links
from verification.services.letters import Letter, content_of, support_line

_LIFETIME = timedelta(days=2)


class Asked(StrEnum):
    """What became of the request. The same for known and unknown users."""

    SENT = "sent"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Way:
    """How administrators can be reached; `url` for a page of the organisation's own."""

    contact: Contact
    url: str = ""


def way_to_contact() -> Way:
    """How the organisation of this attempt wants to be asked. No organisation looks like most."""
    policy = policy_in_force()
    return Way(policy.contact, policy.contact_url)


def ask(attempt: ResetAttempt, message: str) -> Asked:
    """Mails the helpdesk, at most once an hour for one user ID, known or not."""
    upn = queries.username_of(attempt)
    if not limits.hit(Limit.CONTACTS_OF_A_USER, upn).allowed:
        return Asked.ALREADY
    # Unknown domains are counted each on its own, as organisations are.
    whose = str(current_tenant_id() or upn.rpartition("@")[2])
    if not limits.hit(Limit.CONTACTS_OF_A_TENANT, whose).allowed:
        return Asked.ALREADY
    with transaction.atomic():
        if current_tenant_id() != NOBODY:
            _post(attempt, upn, message)
        ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None).update(
            outcome=Outcome.CONTACTED_ADMIN
        )
        record(
            Activity.ADMIN_CONTACTED,
            subject_id=attempt.subject_id,
            actor_id=Actor.STRANGER,
            support_code=attempt.support_code,
            reason=_why(attempt),
        )
    return Asked.SENT


def _post(attempt: ResetAttempt, upn: str, message: str) -> None:
    policy, tenant = policy_in_force(), tenant_in_force()
    to = [policy.contact_address] if policy.contact is Contact.ADDRESS else helpdesk_mailboxes()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        content = content_of(_letter(attempt, upn, message))
    outbox.post_to_each(
        Kind.EMAIL, to, language=tenant.language, lifetime=_LIFETIME, content=content
    )


def _letter(attempt: ResetAttempt, upn: str, message: str) -> Letter:
    facts = {
        "tenant": called(),
        "user": upn,
        "time": day_and_clock(timezone.now()),
        "reason": _reason(attempt),
        "rcode": _why(attempt) or "-",
    }
    words = without_links(message).strip()
    return Letter(
        subject=_("[%(tenant)s] %(user)s asks for help with a password") % facts,
        paragraphs=[
            _("%(user)s could not reset the password and asks for help.") % facts,
            _("When: %(time)s\nWhat happened: %(reason)s (%(rcode)s)") % facts,
            _(
                "This request proves nothing. Before you reset the password, check who is"
                " asking: call back a number you already have."
            ),
            *([_("Their message:")] if words else []),
        ],
        quote=words,
        footer=support_line(attempt.support_code),
    )


def _reason(attempt: ResetAttempt) -> str:
    words = {
        Refusal.NOT_ENABLED: _("Your account isn’t enabled for password reset"),
        Refusal.NOT_VERIFIABLE: _("We couldn’t verify your account"),
        Refusal.TOO_MANY: _("Too many attempts"),
    }
    why = _why(attempt)
    return words.get(Refusal(why), "-") if why else "-"


def _why(attempt: ResetAttempt) -> str:
    """What the person was told, or wasn't: administrators may know."""
    return attempt.refused or attempt.concealed
