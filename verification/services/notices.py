"""Notices to users about their accounts, to every other known address."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery import services as outbox
from delivery.channels import available
from delivery.models import Kind
from delivery.rules.mailboxes import NotAMailbox, mailbox, mailbox_key
from delivery.services import Content
from directory.models import User
from directory.prefills import Prefill
from directory.queries import prefilled, time_zone_of
from tenants.policy import Factor, Method
from tenants.queries import (
    display_name,
    own_text,
    policy_in_force,
    public_url,
    short_name,
    tenant_in_force,
)
from tenants.rules import substitute
from verification import queue
from verification.clock import clock, clock_in_a_text, day, day_and_clock
from verification.queries.factors import StoredFactors, stored_factors_of
from verification.queries.registered import MethodRow
from verification.rules.masking import mask
from verification.rules.texts import first_that_fits
from verification.services.letters import Mail, content_of, support_line
from verification.services.notice_links import address_in_a_text, address_of, issue
from verification.services.notice_words import Notice, letter_words, short_text_words, text_words

VerifiedFactors = Mapping[Factor, MethodRow]
Entered = Callable[[], Mapping[Factor, Prefill]]
LIFETIME = timedelta(days=2)
_CHANGE_PASSWORD = "account:change-password"


def tell(  # noqa: PLR0913  # a notice has this many sides, all named
    user: User,
    notice: Notice,
    *,
    factor: Factor | None = None,
    methods: Sequence[Method] = (),
    support_code: str = "",
    except_value: str = "",
    also_value: str = "",
    until: datetime | None = None,
    also_phone: str = "",
    added: uuid.UUID | None = None,
    actor_id: int | None = None,
    phones_too: bool = False,
    factors: Sequence[Factor] = (),
    stored: StoredFactors | None = None,
    changes_here: bool = False,
) -> list[str]:
    """Puts a notice to every other known address in the outbox, if the policy wants it.

    Args:
        factor: of the method that was added, changed or removed.
        methods: what the user proved it with.
        except_value: an address or number that was just verified; it gets no notice.
        also_value: an address that is no longer registered, but gets the notice too.
        until: the time that the mail names, where it isn't that of what happened.
        also_phone: the same for a mobile phone that takes texts, if the policy allows texts.
        actor_id: the member of staff who did it, if it wasn't the user.
        phones_too: texts every mobile phone that is known, whatever mailboxes there are.
        added: the method that was added, which its recipients may remove again.
        factors: in place of `factor`, where several changed at once.
        stored: the user's methods and entered contact data, where they were just read.
        changes_here: the mail has a link to the page where the user changes the password.

    Returns:
        Where it went, masked.
    """
    if not _is_wanted(notice):
        return []
    tenant = tenant_in_force()
    language = user.preferred_language or tenant.language
    verified = (stored or stored_factors_of(user.pk, None)).methods
    entered = partial(_entered_of, user, stored)
    mailboxes = _mailboxes(verified, also_value)
    phones = _phones(verified, entered, also_phone, phones_too=phones_too, alone=not mailboxes)
    with suppress(NotAMailbox):
        mailboxes.append(mailbox(user.upn))
    mailboxes, phones = _others(mailboxes, except_value), _others(phones, except_value)
    if not mailboxes and not phones:
        mailboxes, phones = (_others(values, except_value) for values in _reachable(entered()))
    if notice.is_never_texted:
        phones = []
    if not mailboxes and not phones:
        return []
    changed = [*factors, *([factor] if factor else [])]
    token, link_id = (
        issue(user, notice, factors=changed, added=added, actor_id=actor_id)
        if notice.needs_a_link
        else ("", None)
    )
    link = address_of(token) if token else ""
    if changes_here:
        link = public_url(reverse(_CHANGE_PASSWORD))
    with translation.override(language), timezone.override(time_zone_of(user)):
        now = timezone.now()
        facts = facts_about(user, now) | {"method": ", ".join(map(factor_name, changed))}
        if until is not None:
            facts["time"] = day_and_clock(until)
        letter = _letter(notice, facts, methods=methods, support_code=support_code, link=link)
        post = _poster(user, notice, link_id, language)
        post(Kind.EMAIL, mailboxes, content=content_of(letter))
        if phones:
            post(Kind.TEXT, phones, content=Content(text=_text(notice, now, factor, token)))
    return [mask(value) for value in [*mailboxes, *phones]]


def sample(user: User, notice: Notice) -> Content:
    """The mail as people get it, in the language in force, about nothing that happened."""
    facts = facts_about(user, timezone.now()) | {"method": factor_name(Factor.EMAIL)}
    link = address_of("example") if notice.needs_a_link else ""
    if notice is Notice.UNLOCK_UNKNOWN:
        facts["time"] = day_and_clock(timezone.now())
    elif notice in {Notice.PASSWORD_EXPIRES, Notice.PASSWORD_UNKNOWN}:
        ahead = timedelta(days=7) if notice is Notice.PASSWORD_EXPIRES else timedelta()
        facts["time"] = day_and_clock(timezone.now() + ahead)
        link = public_url(reverse(_CHANGE_PASSWORD))
    return content_of(_letter(notice, facts, methods=(), support_code="", link=link))


def factor_name(factor: Factor) -> str:
    """What a kind of security info is called, in the language in force."""
    return _(factor.label.msgid)


def _poster(user: User, notice: Notice, link_id: int | None, language: str) -> "partial[None]":
    """Puts this notice in the outbox, for each of the destinations that it is called with."""
    return partial(
        outbox.post_to_each,
        share=outbox.Share.NOTICE,
        language=language,
        lifetime=LIFETIME,
        person_id=user.pk,
        notice=notice,
        about=link_id,
        vital=notice.is_vital,
        job=queue.SEND_NOTICE,
    )


def _is_wanted(notice: Notice) -> bool:
    policy = policy_in_force()
    if notice in {Notice.RESET, Notice.UNLOCKED}:
        return policy.notify_on_reset
    if notice is Notice.PASSWORD_CHANGED:
        return policy.notify_on_password_change
    if notice in {Notice.ADDED, Notice.CHANGED, Notice.REMOVED, Notice.CONTACT_ENTERED}:
        return policy.notify_on_method_change
    if notice is Notice.PASSWORD_EXPIRES:
        return policy_in_force().remind_of_expiry
    # Users always hear what an administrator did, and that a recovery code was used.
    return True


def _mailboxes(verified: VerifiedFactors, also_value: str) -> list[str]:
    """Private ones. The work mailbox comes after: it may be behind the forgotten password."""
    addresses = [row.value for kind, row in verified.items() if kind.is_address]
    return [*addresses, also_value] if "@" in also_value else addresses


def _phones(
    verified: VerifiedFactors, entered: Entered, also_phone: str, *, phones_too: bool, alone: bool
) -> list[str]:
    """Whom to text: known phones where no private mailbox is, or where a mailbox isn't enough.

    Args:
        alone: there is no private mailbox.
    """
    if not available("text"):
        return []
    texts_allowed = any(method.is_text for method in policy_in_force().methods)
    if not texts_allowed:
        return _known_phones(verified) if alone else []
    known = _known_phones(verified, entered if phones_too else None) if phones_too or alone else []
    return [*known, also_phone] if also_phone else known


def _known_phones(verified: VerifiedFactors, entered: Entered | None = None) -> list[str]:
    """Mobile phones that take texts: verified or, if asked for, entered by an administrator."""
    known = [*verified.items(), *(entered().items() if entered else ())]
    return [row.value for kind, row in known if kind.is_mobile and row.sms_capable]


def _entered_of(user: User, stored: StoredFactors | None) -> Mapping[Factor, Prefill]:
    return prefilled(user.pk) if stored is None else stored.entered


def _reachable(entered: Mapping[Factor, Prefill]) -> tuple[list[str], list[str]]:
    """What an administrator entered, where neither the user ID nor anything verified is reachable.

    Returns:
        Mailboxes, and mobile phones that take texts.
    """
    mobiles = [row.value for kind, row in entered.items() if kind.is_mobile and row.sms_capable]
    mailboxes = [row.value for kind, row in entered.items() if kind.is_address]
    return mailboxes, mobiles if available("text") else []


def _others(values: Sequence[str], except_value: str) -> list[str]:
    """Each mailbox and phone once, as it is spelled first."""
    first = {mailbox_key(value): value for value in reversed(values)}
    return [value for key, value in reversed(first.items()) if key != mailbox_key(except_value)]


def facts_about(user: User, now: datetime) -> dict[str, str]:
    return {
        "brand": short_name(),
        "tenant": display_name(),
        "user": user.upn,
        "date": day(now),
        "time": clock(now),
    }


def _letter(
    notice: Notice,
    facts: dict[str, str],
    *,
    methods: Sequence[Method],
    support_code: str,
    link: str,
) -> Mail:
    if (own := own_text(notice)) is not None:
        subject, body = substitute(own.subject, facts), substitute(own.body, facts)
    else:
        subject, body = (words % facts for words in letter_words(notice))
    paragraphs = [body]
    if methods:
        paragraphs.append(_("Verified with: %(methods)s") % {"methods": method_names(methods)})
    if notice.needs_a_link and link:
        paragraphs += if_it_was_not_you(notice)
    button = _("This wasn’t me") if notice.needs_a_link else _("Change password")
    return Mail(
        subject=subject,
        paragraphs=paragraphs,
        button=button if link else "",
        url=link,
        footer=[*reason_to_write(), *support_line(support_code)],
    )


def reason_to_write() -> list[str]:
    """The footer's lines in every notice."""
    return [
        _("This message is about the security of your account. You can’t unsubscribe from it."),
        _("We never ask for your password by email."),
    ]


def if_it_was_not_you(notice: Notice) -> list[str]:
    """What to do about a notice that carries a link."""
    home = public_url(reverse("registration:security-info"))
    if notice.is_of_an_administrator:
        expected = [
            _(
                "If you asked for this, you don’t have to do anything. If you didn’t, tell "
                "your IT team."
            )
        ]
    else:
        expected = [
            _("If you requested the call, you don’t have to do anything.")
            if notice is Notice.CALL_DENIED
            else _("If this was you, you don’t have to do anything."),
            _("If this wasn’t you, someone else may be trying to get in. Tell your IT team."),
        ]
    return [
        *expected,
        _(
            "Select the button, or open %(home)s yourself and choose “This wasn’t me”. We then"
            " stop password reset for your account, sign you out everywhere and tell your IT team."
        )
        % {"home": home},
    ]


def _text(notice: Notice, now: datetime, factor: Factor | None, token: str) -> str:
    """In one message, if the link leaves room for any words at all."""
    facts = {
        "brand": short_name(),
        "time": clock_in_a_text(now),
        "method": factor_name(factor) if factor else "",
    }
    words = text_words(notice) % facts
    if not token:
        return words
    link = address_in_a_text(token)
    shorter = [short % facts for short in short_text_words(notice)]
    return first_that_fits([f"{one}\n{link}" for one in (words, *shorter, words)])


def method_names(methods: Sequence[Method]) -> str:
    return ", ".join(factor_name(method.factor) for method in methods)
