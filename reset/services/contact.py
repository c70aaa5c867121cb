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
from isolation.scope import NO_TENANT, current_tenant_id
from limits import services as limits
from limits.rules import Limit
from reset.models import AttemptOutcome, ResetAttempt
from reset.queries import attempts as queries
from reset.refusals import Refusal
from tenants.policy import Contact
from tenants.queries import display_name, policy_in_force, tenant_in_force
from verification import queue
from verification.clock import day_and_clock
from verification.rules.links import without_links
from verification.services.gathered_notices import REQUEST_FOR_HELP
from verification.services.letters import Mail, content_of, support_line

_LIFETIME = timedelta(days=2)


class ContactRequest(StrEnum):
    """What became of the request. The same for known and unknown users of an organisation.

    Already: a request for this user ID was mailed within the last hour.
    """

    SENT = "sent"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class ContactOption:
    """How administrators can be reached; `url` for a page of the organisation's own."""

    contact: Contact
    url: str = ""


def way_to_contact() -> ContactOption:
    """How the organisation of this attempt wants to be asked.

    By no mail where there is no mailbox to send it to, as for an unknown domain.
    """
    policy = policy_in_force()
    by_mail = policy.contact in {Contact.MAIL, Contact.ADDRESS}
    if by_mail and not _mailboxes():
        return ContactOption(Contact.OFF)
    return ContactOption(policy.contact, policy.contact_url)


def ask(attempt: ResetAttempt, message: str) -> ContactRequest:
    """Mails the helpdesk, at most once an hour for one user ID, known or not.

    Only where `way_to_contact` says that there is a mailbox. Where many ask, the helpdesk gets one
    mail about all that are too many: none is dropped.
    """
    upn, to = queries.username_of(attempt), _mailboxes()
    if not limits.hit(Limit.CONTACTS_OF_A_USER, upn).allowed:
        return ContactRequest.ALREADY
    with transaction.atomic():
        _post(attempt, upn, to, message)
        ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None).update(
            outcome=AttemptOutcome.CONTACTED_ADMIN
        )
        record(
            Activity.ADMIN_CONTACTED,
            subject_id=attempt.subject_id,
            actor_id=Actor.ANONYMOUS,
            support_code=attempt.support_code,
            reason=_why(attempt),
        )
    return ContactRequest.SENT


def _mailboxes() -> list[str]:
    """Whom the organisation wants to be asked; empty for an unknown domain."""
    if current_tenant_id() == NO_TENANT:
        return []
    policy = policy_in_force()
    if policy.contact is Contact.ADDRESS:
        return [policy.contact_address]
    return helpdesk_mailboxes()


def _post(attempt: ResetAttempt, upn: str, to: list[str], message: str) -> None:
    tenant, known = tenant_in_force(), attempt.subject_id is not None
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        content = content_of(_letter(attempt, upn if known else "", message))
    outbox.post_to_each(
        Kind.EMAIL,
        to,
        share=outbox.Share.HELP if known else outbox.Share.HELP_UNKNOWN,
        language=tenant.language,
        lifetime=_LIFETIME,
        content=content,
        notice=REQUEST_FOR_HELP,
        job=queue.SEND_NOTICE,
    )


def _letter(attempt: ResetAttempt, upn: str, message: str) -> Mail:
    """The mail about a request.

    Args:
        upn: empty for an unknown user ID. What was typed stays out of the mail: it may be a link.
    """
    facts = {
        "tenant": display_name(),
        "user": upn or _("Unknown user"),
        "time": day_and_clock(timezone.now()),
        "reason": _reason(attempt),
        "rcode": _why(attempt) or "-",
    }
    words = without_links(message).strip()
    return Mail(
        subject=_("[%(tenant)s] %(user)s needs help with a password") % facts,
        paragraphs=[
            _("%(user)s couldn’t reset the password and needs help.") % facts,
            *([] if upn else [_("The user ID that was entered doesn’t exist.")]),
            _("When: %(time)s\nWhat happened: %(reason)s (%(rcode)s)") % facts,
            _(
                "This request doesn’t prove who sent it. Before you reset the password, "
                "check the person’s identity: call back a number you already have."
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
    return words.get(why, "-") if why else "-"


def _why(attempt: ResetAttempt) -> Refusal | None:
    """What the person was told, or wasn't: administrators may know."""
    code = attempt.refused or attempt.concealed
    return Refusal(code) if code else None
