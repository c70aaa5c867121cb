"""Telling people what happened to their account, wherever else they can be reached."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from delivery import services as outbox
from delivery.channels import available
from delivery.models import Kind
from delivery.rules.mailboxes import NotAMailbox, mailbox
from delivery.services import Content
from directory.models import User
from directory.queries import (
    administrator_mailboxes,
    helpdesk_mailboxes,
    prefilled,
)
from tenants.models import Tenant
from tenants.policy import Method, Proof
from tenants.queries import (
    called,
    called_briefly,
    own_text,
    policy_in_force,
    public_url,
    tenant_in_force,
)
from tenants.roles import Role
from tenants.rules import filled
from verification.clock import clock, clock_in_a_text, day, day_and_clock
from verification.models import AuthenticationMethod
from verification.queries import methods_by_proof, value_of
from verification.rules.access_passes import BEYOND_GUESSING
from verification.rules.masking import mask
from verification.rules.texts import first_that_fits
from verification.services.letters import Letter, content_of, support_line
from verification.services.notice_links import address_in_a_text, address_of, issue
from verification.services.notice_words import Notice, letter_words, short_text_words, text_words

Held = Mapping[Proof, AuthenticationMethod]
_LIFETIME = timedelta(days=2)


def tell(  # noqa: PLR0913  # a notice has this many sides, all named
    user: User,
    notice: Notice,
    *,
    proof: Proof | None = None,
    methods: Sequence[Method] = (),
    support_code: str = "",
    except_value: str = "",
    also_value: str = "",
    until: datetime | None = None,
    also_phone: str = "",
    added: uuid.UUID | None = None,
    phones_too: bool = False,
    proofs: Sequence[Proof] = (),
) -> list[str]:
    """Puts a notice to every other known address in the outbox, if the policy wants it told.

    Args:
        proof: what was added, changed or removed.
        methods: what the user proved it with.
        except_value: the address or number that was just proved; it isn't told about itself.
        also_value: an address that is no longer registered, but must hear of it.
        until: the time that the mail names, where it isn't that of what happened.
        also_phone: the same for a mobile phone that takes texts, if the policy allows texts.
        phones_too: texts every mobile phone that is known, whatever mailboxes there are.
        added: the method that was added, which whoever is told may take away again.
        proofs: what was changed at once, in place of `proof`.

    Returns:
        Where it went, masked.
    """
    if not _is_wanted(notice):
        return []
    tenant = tenant_in_force()
    language = user.language or tenant.language
    held = methods_by_proof(user.pk)
    mailboxes = _mailboxes(held, also_value)
    phones = _phones(user, held, also_phone, phones_too=phones_too, alone=not mailboxes)
    with suppress(NotAMailbox):
        mailboxes.append(mailbox(user.upn))
    mailboxes, phones = _others(mailboxes, except_value), _others(phones, except_value)
    if not mailboxes and not phones:
        return []
    token = issue(user, notice, added=added) if notice.needs_a_link else ""
    link = address_of(token) if token else ""
    with translation.override(language), timezone.override(tenant.time_zone):
        now = timezone.now()
        changed = [*proofs, *([proof] if proof else [])]
        facts = _facts(user, now) | {"method": ", ".join(map(proof_name, changed))}
        if until is not None:
            facts["time"] = day_and_clock(until)
        letter = _letter(notice, facts, methods=methods, support_code=support_code, link=link)
        outbox.post_to_each(
            Kind.EMAIL,
            mailboxes,
            language=language,
            lifetime=_LIFETIME,
            content=content_of(letter),
        )
        if phones:
            text = Content(text=_text(notice, now, proof, token))
            outbox.post_to_each(
                Kind.TEXT, phones, language=language, lifetime=_LIFETIME, content=text
            )
    return [mask(value) for value in [*mailboxes, *phones]]


def tell_administrators(user: User, *, methods: Sequence[Method], support_code: str) -> None:
    """Other administrators hear of it when an administrator's password was reset."""
    if not Role(user.role).is_administrator or not policy_in_force().notify_admins:
        return
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _facts(user, timezone.now()) | {"methods": _methods(methods)}
        letter = Letter(
            subject=_("[%(tenant)s] An administrator’s password was reset") % facts,
            paragraphs=[
                _("The password for %(user)s was reset on %(date)s at %(time)s.") % facts,
                _("Verified with: %(methods)s") % facts,
            ],
            footer=support_line(support_code),
        )
        _post_to(administrator_mailboxes(except_for=user.pk), letter, tenant)


def sample(user: User, notice: Notice) -> Content:
    """The mail as people get it, in the language in force, about nothing that happened."""
    facts = _facts(user, timezone.now()) | {"method": proof_name(Proof.EMAIL)}
    link = address_of("example") if notice.needs_a_link else ""
    return content_of(_letter(notice, facts, methods=(), support_code="", link=link))


def tell_of_freezing(person: User) -> None:
    """Administrators and helpdesk hear that somebody said "this wasn't me"."""
    tenant = tenant_in_force()
    staff = {*administrator_mailboxes(except_for=person.pk), *helpdesk_mailboxes()} - {person.upn}
    url = public_url(reverse("console:person-timeline", args=[person.pk]))
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _facts(person, timezone.now()) | {"url": url}
        letter = Letter(
            subject=_("[%(tenant)s] %(user)s said “this wasn’t me”") % facts,
            paragraphs=[
                _("%(user)s said “this wasn’t me”. Self-service is stopped for this account.")
                % facts,
                _("Open this person’s timeline: %(url)s") % facts,
            ],
        )
        _post_to(sorted(staff), letter, tenant)


def tell_of_stopped_pass(person: User) -> None:
    """Who can issue another one hears that wrong tries stopped somebody's pass."""
    tenant = tenant_in_force()
    staff = {*administrator_mailboxes(except_for=person.pk), *helpdesk_mailboxes()} - {person.upn}
    url = public_url(reverse("console:person", args=[person.pk]))
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _facts(person, timezone.now()) | {"url": url, "length": str(BEYOND_GUESSING)}
        letter = Letter(
            subject=_("[%(tenant)s] The Temporary Access Pass of %(user)s was stopped") % facts,
            paragraphs=[
                _(
                    "A wrong pass was entered too often for %(user)s. The pass stopped working on"
                    " %(date)s at %(time)s."
                )
                % facts,
                _("Issue a new one on this person’s page: %(url)s") % facts,
                _(
                    "Passes of %(length)s characters or more can’t be guessed, so wrong tries don’t"
                    " stop them. The policy says how long passes are."
                )
                % facts,
            ],
        )
        _post_to(sorted(staff), letter, tenant)


def tell_of_role(person: User) -> None:
    """Every other administrator hears that somebody got, changed or lost a role."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _facts(person, timezone.now())
        letter = Letter(
            subject=_("[%(tenant)s] A role was changed") % facts,
            paragraphs=[_("The role of %(user)s was changed on %(date)s at %(time)s.") % facts],
        )
        _post_to(administrator_mailboxes(except_for=person.pk), letter, tenant)


def tell_of_second_factor(person: User) -> None:
    """Every other administrator hears that somebody's second factor was taken away."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _facts(person, timezone.now())
        letter = Letter(
            subject=_("[%(tenant)s] An administrator’s second factor was removed") % facts,
            paragraphs=[letter_words(Notice.SECOND_FACTOR_REMOVED)[1] % facts],
        )
        _post_to(administrator_mailboxes(except_for=person.pk), letter, tenant)


def tell_of_guessing() -> None:
    """Every administrator hears that somebody may be guessing at many people's codes."""
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = {"tenant": called()}
        letter = Letter(
            subject=_("[%(tenant)s] Unusually many wrong codes") % facts,
            paragraphs=[
                _(
                    "In the last hour, far more verification codes and answers than usual were"
                    " wrong. Somebody may be guessing at many accounts."
                ),
                _(
                    "You don’t have to do anything at once: guessing is limited for each account,"
                    " and asking costs more for everybody now. Look at the audit log to see which"
                    " accounts it is about."
                ),
            ],
        )
        _post_to(administrator_mailboxes(), letter, tenant)


def proof_name(proof: Proof) -> str:
    """What a kind of security info is called, in the language in force."""
    return {
        Proof.EMAIL: _("Alternate email"),
        Proof.MOBILE_PHONE: _("Mobile phone"),
        Proof.ALTERNATE_PHONE: _("Alternate phone"),
        Proof.OFFICE_PHONE: _("Office phone"),
        Proof.QUESTIONS: _("Security questions"),
        Proof.PASSKEY: _("Passkey"),
        Proof.AUTHENTICATOR: _("Authenticator app"),
        Proof.RECOVERY_CODE: _("Recovery codes"),
    }[proof]


def _post_to(mailboxes: Sequence[str], letter: Letter, tenant: Tenant) -> None:
    outbox.post_to_each(
        Kind.EMAIL,
        mailboxes,
        language=tenant.language,
        lifetime=_LIFETIME,
        content=content_of(letter),
    )


def _is_wanted(notice: Notice) -> bool:
    policy = policy_in_force()
    if notice in {Notice.RESET, Notice.UNLOCKED}:
        return policy.notify_on_reset
    if notice is Notice.PASSWORD_CHANGED:
        return policy.notify_on_password_change
    if notice in {Notice.ADDED, Notice.CHANGED, Notice.REMOVED, Notice.CONTACT_ENTERED}:
        return policy.notify_on_method_change
    # What an administrator did to an account is always told, and that a recovery code was used.
    return True


def _mailboxes(held: Held, also_value: str) -> list[str]:
    """Private ones. The work mailbox comes after: it may be behind the forgotten password."""
    found = [value_of(held[Proof.EMAIL])] if Proof.EMAIL in held else []
    return [*found, also_value] if "@" in also_value else found


def _phones(user: User, held: Held, also_phone: str, *, phones_too: bool, alone: bool) -> list[str]:
    """Whom to text: known phones where no private mailbox is, or where a mailbox isn't enough.

    Args:
        alone: there is no private mailbox.
    """
    if not available("text"):
        return []
    texts_allowed = Method.MOBILE_TEXT in policy_in_force().methods
    if not texts_allowed:
        return _known_phones(user, held, entered_too=False) if alone else []
    known = _known_phones(user, held, entered_too=phones_too) if phones_too or alone else []
    return [*known, also_phone] if also_phone else known


def _known_phones(user: User, held: Held, *, entered_too: bool) -> list[str]:
    """Mobile phones that take texts: verified or, if asked for, entered by an administrator."""
    mobiles = [held[proof] for proof in held if proof.gate is Proof.MOBILE_PHONE]
    found = [value_of(mobile) for mobile in mobiles if mobile.textable]
    entered = prefilled(user.pk).get(Proof.MOBILE_PHONE) if entered_too else None
    return [*found, entered.value] if entered and entered.textable else found


def _others(values: Sequence[str], except_value: str) -> list[str]:
    return [value for value in dict.fromkeys(values) if value != except_value]


def _facts(user: User, now: datetime) -> dict[str, str]:
    return {
        "brand": called_briefly(),
        "tenant": called(),
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
) -> Letter:
    subject, body = _words(notice, facts)
    paragraphs = [body]
    if methods:
        paragraphs.append(_("Verified with: %(methods)s") % {"methods": _methods(methods)})
    return Letter(
        subject=subject,
        paragraphs=[*paragraphs, *(_if_it_was_not_you(notice) if link else ())],
        button=_("This wasn’t me") if link else "",
        url=link,
        footer=[
            _(
                "You get this message because it concerns the security of your account."
                " You can’t unsubscribe from it."
            ),
            _("We never ask for your password by email."),
            *support_line(support_code),
        ],
    )


def _if_it_was_not_you(notice: Notice) -> list[str]:
    home = public_url(reverse("registration:security-info"))
    if notice.is_of_an_administrator:
        expected = [
            _("If you asked for this, there is nothing to do. If you didn’t, tell your IT team.")
        ]
    else:
        expected = [
            _("If this was you, there is nothing to do."),
            _("If you did not try this, someone else may have. Tell your IT team."),
        ]
    return [
        *expected,
        _(
            "Select the button, or open %(home)s yourself and choose “This wasn’t me”. We then"
            " stop password reset for your account, sign you out everywhere and tell your IT team."
        )
        % {"home": home},
    ]


def _words(notice: Notice, facts: dict[str, str]) -> tuple[str, str]:
    """Subject and first paragraph: the organisation's own words, or ours."""
    if (own := own_text(notice)) is not None:
        return filled(own.subject, facts), filled(own.body, facts)
    subject, body = letter_words(notice)
    return subject % facts, body % facts


def _text(notice: Notice, now: datetime, proof: Proof | None, token: str) -> str:
    """In one message, if the link leaves room for any words at all."""
    facts = {
        "brand": called_briefly(),
        "time": clock_in_a_text(now),
        "method": proof_name(proof) if proof else "",
    }
    words = text_words(notice) % facts
    if not token:
        return words
    link = address_in_a_text(token)
    shorter = [short % facts for short in short_text_words()]
    return first_that_fits([f"{one}\n{link}" for one in (words, *shorter, words)])


def _methods(methods: Sequence[Method]) -> str:
    return ", ".join(proof_name(method.proof) for method in methods)
