"""Notices leave one by one, or as one message where there were too many. Worker only."""

import uuid

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery import services as outbox
from delivery.models import Kind, Outgoing
from delivery.services import Content
from directory.models import User
from directory.queries import time_zone_of
from tenants.queries import display_name, public_url, short_name, time_zone_in_force
from verification.clock import clock_in_a_text, day_and_clock
from verification.rules.texts import first_that_fits
from verification.services import guessing_alerts
from verification.services.letters import Mail, content_of
from verification.services.notice_links import address_in_a_text, address_of, issue_for_all
from verification.services.notice_words import TO_STAFF, Notice
from verification.services.notices import if_it_was_not_you, reason_to_write

REQUEST_FOR_HELP = "request_for_help"
"""What the outbox calls a mail to the helpdesk that a person at the portal asked for."""


def send(outgoing_id: uuid.UUID) -> None:
    """Sends a notice, or what speaks for all that were held for this destination."""
    outgoing = outbox.claim(outgoing_id)
    if outgoing is None:
        if outbox.is_late(outgoing_id):
            guessing_alerts.notices_are_late()
        return
    if outgoing.gathered == 1:
        outbox.deliver(outgoing, outbox.stored_content(outgoing))
        return
    user = User.objects.filter(pk=outgoing.person_id or 0).first()
    if user is None and outgoing.notice not in {REQUEST_FOR_HELP, TO_STAFF}:
        outbox.drop(outgoing)
        return
    with (
        translation.override(outgoing.language),
        timezone.override(time_zone_of(user) if user else time_zone_in_force()),
    ):
        content = _gathered(user, outgoing) if user else _to_staff(outgoing)
    outbox.deliver(outgoing, content)


def _to_staff(outgoing: Outgoing) -> Content:
    """About requests for help, or alarms, that would have been too many mails."""
    facts = {
        "tenant": display_name(),
        "count": str(outgoing.gathered),
        "since": day_and_clock(outgoing.created_at),
        "url": public_url(reverse("console:audit")),
    }
    if outgoing.notice == TO_STAFF:
        return content_of(
            Mail(
                subject=_("[%(tenant)s] %(count)s more notices about accounts") % facts,
                paragraphs=[
                    _(
                        "Since %(since)s there were more emails for you than we send in a "
                        "day. This email replaces %(count)s of them."
                    )
                    % facts,
                    _("The audit log shows what happened: %(url)s") % facts,
                ],
            )
        )
    return content_of(
        Mail(
            subject=_("[%(tenant)s] %(count)s more requests for help with a password") % facts,
            paragraphs=[
                _("%(count)s more people asked for help since %(since)s.") % facts,
                *(
                    [_("The user IDs that were entered don’t exist.")]
                    if outgoing.share == outbox.Share.HELP_UNKNOWN
                    else []
                ),
                _("The audit log lists them: %(url)s") % facts,
            ],
        )
    )


def _gathered(user: User, outgoing: Outgoing) -> Content:
    token, notice = issue_for_all(user, outgoing.about or []) or ("", Notice(outgoing.notice))
    facts = {"brand": short_name(), "user": user.upn, "count": str(outgoing.gathered)}
    if outgoing.kind == Kind.TEXT:
        facts["since"] = clock_in_a_text(outgoing.created_at)
        words = [text % facts for text in _text_words()]
        link = f"\n{address_in_a_text(token)}" if token else ""
        return Content(text=first_that_fits([f"{one}{link}" for one in words]))
    facts["since"] = day_and_clock(outgoing.created_at)
    subject, body = (text % facts for text in _letter_words())
    return content_of(
        Mail(
            subject=subject,
            paragraphs=[body, *(if_it_was_not_you(notice) if token else ())],
            button=_("This wasn’t me") if token else "",
            url=address_of(token) if token else "",
            footer=reason_to_write(),
        )
    )


def _letter_words() -> tuple[str, str]:
    """Of the mail that stands for several notices, which would have been too many."""
    return (
        _("%(count)s more changes were made to your %(brand)s account"),
        _(
            "%(count)s more changes were made to %(user)s since %(since)s. There were "
            "too many to send a message for each, so this message covers all of them."
        ),
    )


def _text_words() -> list[str]:
    """The same as a text, the longest first."""
    return [
        _(
            "%(brand)s: %(count)s more changes were made to your account since %(since)s."
            " Not you? Call your IT team now."
        ),
        _("%(brand)s: %(count)s more changes since %(since)s. Not you?"),
        _("%(count)s more account changes. Not you?"),
    ]
