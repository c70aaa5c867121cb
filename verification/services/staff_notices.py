"""Telling administrators and the helpdesk what happened to a user's account."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from audit.activities import Activity
from audit.services import record
from delivery import services as outbox
from delivery.models import Kind
from delivery.rules.mailboxes import mailbox
from directory.models import DirectoryConnection, User
from directory.queries import administrator_mailboxes, helpdesk_mailboxes
from directory.rules import DirectoryFailure
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from tenants.models import Tenant
from tenants.policy import Method
from tenants.queries import display_name, policy_in_force, public_url, tenant_in_force
from tenants.roles import Role
from verification import queue
from verification.clock import clock, day
from verification.rules.access_passes import BEYOND_GUESSING
from verification.services.letters import Mail, content_of, support_line
from verification.services.notice_words import TO_STAFF, Notice, letter_words
from verification.services.notices import LIFETIME, facts_about, method_names, sample

_SAMPLE_LIFETIME = timedelta(hours=1)


class TooManySamples(Exception):
    """The organisation sent as many sample notices as it may for now."""


def notify_of_administrator_reset(
    user: User, *, methods: Sequence[Method], support_code: str
) -> None:
    """Other administrators hear of it when an administrator's password was reset."""
    if not Role(user.role).is_administrator or not policy_in_force().notify_admins:
        return
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(user, timezone.now()) | {"methods": method_names(methods)}
        letter = Mail(
            subject=_("[%(tenant)s] An administrator’s password was reset") % facts,
            paragraphs=[
                _("The password for %(user)s was reset on %(date)s at %(time)s.") % facts,
                _("Verified with: %(methods)s") % facts,
            ],
            footer=support_line(support_code),
        )
        _post_to(administrator_mailboxes(except_for=user.pk), letter, tenant)


def notify_of_unreachable(user: User, notice: Notice, *, support_code: str) -> None:
    """Administrators and helpdesk hear of a reset that the user couldn't be told of."""
    tenant = tenant_in_force()
    staff = {*administrator_mailboxes(except_for=user.pk), *helpdesk_mailboxes()} - {user.upn}
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(user, timezone.now())
        letter = Mail(
            subject=_("[%(tenant)s] %(user)s couldn’t be notified of a reset") % facts,
            paragraphs=[
                letter_words(notice)[1] % facts,
                _(
                    "We have no email address or phone number for this person. Ask them if "
                    "they reset the password."
                ),
            ],
            footer=support_line(support_code),
        )
        _post_to(sorted(staff), letter, tenant)


def notify_of_freezing(person: User, *, agent: str, needs_a_password: bool) -> None:
    """Administrators and helpdesk hear that a user said "this wasn't me".

    Args:
        agent: user ID of the member of staff whose act it was; empty where it was no such act.
        needs_a_password: whether the user can't sign in before another password is set.
    """
    tenant = tenant_in_force()
    staff = {*administrator_mailboxes(except_for=person.pk), *helpdesk_mailboxes()} - {person.upn}
    url = public_url(reverse("console:person-timeline", args=[person.pk]))
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(person, timezone.now()) | {"url": url, "agent": agent}
        letter = Mail(
            subject=_("[%(tenant)s] %(user)s reported “This wasn’t me”") % facts,
            paragraphs=[
                _("%(user)s reported “This wasn’t me”. Self-service is stopped for this account.")
                % facts,
                *_what_to_do(facts, needs_a_password=needs_a_password),
                _("Open this person’s timeline: %(url)s") % facts,
            ],
        )
        _post_to(sorted(staff), letter, tenant)


def notify_of_stopped_pass(person: User) -> None:
    """Staff who can issue another pass are told that wrong tries stopped one."""
    tenant = tenant_in_force()
    staff = {*administrator_mailboxes(except_for=person.pk), *helpdesk_mailboxes()} - {person.upn}
    url = public_url(reverse("console:person", args=[person.pk]))
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(person, timezone.now()) | {"url": url, "length": str(BEYOND_GUESSING)}
        letter = Mail(
            subject=_("[%(tenant)s] The Temporary Access Pass of %(user)s was stopped") % facts,
            paragraphs=[
                _(
                    "A wrong pass was entered too often for %(user)s. The pass stopped working on"
                    " %(date)s at %(time)s."
                )
                % facts,
                _("Issue a new one on this person’s page: %(url)s") % facts,
                _(
                    "Passes of %(length)s characters or more can’t be guessed, so wrong "
                    "tries don’t stop them. The policy sets how long passes are."
                )
                % facts,
            ],
        )
        _post_to(sorted(staff), letter, tenant)


def notify_of_denied_call(user: User) -> None:
    """Administrators and helpdesk hear that a call was answered with "this isn't me"."""
    tenant = tenant_in_force()
    staff = {*administrator_mailboxes(except_for=user.pk), *helpdesk_mailboxes()} - {user.upn}
    url = public_url(reverse("console:person-timeline", args=[user.pk]))
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(user, timezone.now()) | {"url": url}
        letter = Mail(
            subject=_("[%(tenant)s] A call for %(user)s was denied") % facts,
            paragraphs=[
                _(
                    "On %(date)s at %(time)s, a verification call for %(user)s was answered "
                    "by someone who didn’t request it. We stopped the request."
                )
                % facts,
                _("Open this person’s timeline: %(url)s") % facts,
            ],
        )
        _post_to(sorted(staff), letter, tenant)


def notify_of_role(person: User) -> None:
    """Every other administrator is told that a user got, changed or lost a role."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(person, timezone.now())
        letter = Mail(
            subject=_("[%(tenant)s] A role was changed") % facts,
            paragraphs=[_("The role of %(user)s was changed on %(date)s at %(time)s.") % facts],
        )
        _post_to(administrator_mailboxes(except_for=person.pk), letter, tenant)


def notify_of_second_factor(person: User) -> None:
    """Every other administrator is told that a user's second factor was removed."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = facts_about(person, timezone.now())
        letter = Mail(
            subject=_("[%(tenant)s] An administrator’s second factor was removed") % facts,
            paragraphs=[letter_words(Notice.SECOND_FACTOR_REMOVED)[1] % facts],
        )
        _post_to(administrator_mailboxes(except_for=person.pk), letter, tenant)


def notify_of_guessing() -> None:
    """Every administrator is told that an attacker may be guessing many users' codes."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = {"tenant": display_name()}
        letter = Mail(
            subject=_("[%(tenant)s] Unusually many wrong codes") % facts,
            paragraphs=[
                _(
                    "In the last hour, far more verification codes and answers than usual "
                    "were wrong. Someone may be trying to guess them for many accounts."
                ),
                _(
                    "You don’t have to do anything right away: attempts are limited for each "
                    "account, and every request now takes longer. The audit log shows which "
                    "accounts are affected."
                ),
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def notify_of_nearly_used_day() -> None:
    """Every administrator hears that there may soon be no codes for the rest of the day."""
    tenant = tenant_in_force()
    with translation.override(tenant.language):
        letter = Mail(
            subject=_("[%(tenant)s] Few verification codes are left for today")
            % {"tenant": display_name()},
            paragraphs=[
                _(
                    "Four fifths of the codes that your organisation can send in 24 hours "
                    "have been sent. When the rest is used up, people can’t get any more "
                    "codes that way."
                ),
                _(
                    "The audit log shows who requested them. The policy sets how many "
                    "messages can be sent in a day."
                ),
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def notify_of_late_notices() -> None:
    """Every administrator hears that notices wait, or were never sent."""
    tenant = tenant_in_force()
    with translation.override(tenant.language):
        letter = Mail(
            subject=_("[%(tenant)s] Some notices to your people are late")
            % {"tenant": display_name()},
            paragraphs=[
                _(
                    "There were more messages about changes to accounts than your "
                    "organisation can send in 24 hours. Some of them are waiting or were not "
                    "sent in time."
                ),
                _(
                    "The audit log shows what happened to each account. The policy sets how "
                    "many messages can be sent in a day."
                ),
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def notify_of_directory_down(connection: DirectoryConnection, since: datetime) -> None:
    """Every administrator hears that a directory doesn't work, before people notice."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _about_directory(connection, since)
        words = [
            _(
                "Since %(date)s at %(time)s, the directory “%(directory)s” can’t be used. People "
                "can’t sign in with its passwords or reset them until it works again."
            )
            % facts
        ]
        if connection.last_failure == DirectoryFailure.SERVICE_ACCOUNT_REFUSED:
            words.append(
                _(
                    "It refuses the service account. So that the account isn’t locked, it is tried"
                    " only every half hour. To try at once, enter its password again or select"
                    " Test connection."
                )
            )
        letter = Mail(
            subject=_("[%(tenant)s] The directory “%(directory)s” can’t be used") % facts,
            paragraphs=[*words, _("This page shows the reason: %(url)s") % facts],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def notify_of_directory_up(connection: DirectoryConnection) -> None:
    """Every administrator hears that a directory works that they heard of."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _about_directory(connection, timezone.now())
        letter = Mail(
            subject=_("[%(tenant)s] The directory “%(directory)s” works again") % facts,
            paragraphs=[
                _("Since %(date)s at %(time)s, the directory “%(directory)s” works again.") % facts
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def notify_of_stream_down(name: str) -> None:
    """Every administrator hears that the audit log doesn't reach a destination."""
    tenant = tenant_in_force()
    with translation.override(tenant.language):
        facts = {
            "tenant": display_name(),
            "stream": name,
            "url": public_url(reverse("console:streams")),
        }
        letter = Mail(
            subject=_("[%(tenant)s] The audit log doesn’t reach “%(stream)s”") % facts,
            paragraphs=[
                _(
                    "For an hour, no records of the audit log could be delivered to “%(stream)s”."
                    " None is lost: they are sent as soon as it works again."
                )
                % facts,
                _("This page shows the reason: %(url)s") % facts,
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def notify_of_service_expiry(connection: DirectoryConnection, expires_at: datetime) -> None:
    """Every administrator hears that the password of a service account expires soon."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _about_directory(connection, expires_at)
        letter = Mail(
            subject=_("[%(tenant)s] The password of a service account expires soon") % facts,
            paragraphs=[
                _(
                    "The password of the service account for the directory “%(directory)s” expires"
                    " on %(date)s at %(time)s. From then on, people can’t sign in with that "
                    "directory’s passwords or reset them."
                )
                % facts,
                _("Set a new password in the directory, and enter it here: %(url)s") % facts,
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def _about_directory(connection: DirectoryConnection, at: datetime) -> dict[str, str]:
    return {
        "tenant": display_name(),
        "directory": connection.name,
        "date": day(at),
        "time": clock(at),
        "url": public_url(reverse("console:directories")),
    }


def send_sample(admin: User, notice: Notice, language: str) -> None:
    """Mails the notice as users get it to the administrator's own mailbox, and nowhere else.

    Raises:
        TooManySamples: nothing was sent.
        delivery.rules.mailboxes.NotAMailbox: the user principal name is no mailbox.
    """
    address, tenant = mailbox(admin.upn), str(current_tenant_id())
    if not limits.hit(Limit.TEST_MESSAGES_OF_A_TENANT, tenant).allowed:
        raise TooManySamples
    with transaction.atomic(), translation.override(language):
        outbox.post_to_each(
            Kind.EMAIL,
            [address],
            share=outbox.Share.STAFF,
            language=language,
            lifetime=_SAMPLE_LIFETIME,
            content=sample(admin, notice),
        )
        record(Activity.TEST_SENT, actor_id=admin.pk, text=notice.value, language=language)


def _what_to_do(facts: dict[str, str], *, needs_a_password: bool) -> list[str]:
    words = []
    if facts["agent"]:
        words.append(
            _(
                "It is about something that %(agent)s did. Another member of your team has to"
                " unfreeze the account."
            )
            % facts
        )
    if needs_a_password:
        words.append(
            _(
                "The password of this account no longer works. Check the person’s identity "
                "before you issue a new one."
            )
        )
    return words


def _post_to(mailboxes: Sequence[str], letter: Mail, tenant: Tenant) -> None:
    outbox.post_to_each(
        Kind.EMAIL,
        mailboxes,
        share=outbox.Share.STAFF,
        language=tenant.language,
        lifetime=LIFETIME,
        content=content_of(letter),
        # Over the mailbox's limit, they become one mail: no alarm is dropped.
        notice=TO_STAFF,
        job=queue.SEND_NOTICE,
    )
