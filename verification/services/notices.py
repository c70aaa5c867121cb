"""Telling people what happened to their account, wherever else they can be reached."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from delivery import services as outbox
from delivery.channels import available
from delivery.models import Kind
from delivery.rules.mailboxes import NotAMailbox, mailbox
from delivery.services import Content
from directory.models import User
from directory.queries import administrator_mailboxes
from tenants.models import Tenant
from tenants.policy import Method, Proof
from tenants.queries import called, called_briefly, own_text, policy_in_force, tenant_in_force
from tenants.roles import Role
from tenants.rules import filled
from verification.queries import methods_by_proof, value_of
from verification.rules.masking import mask
from verification.services.letters import Letter, content_of, support_line
from verification.services.notice_words import Notice, letter_words, text_words

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
) -> list[str]:
    """Puts a notice to every other known address in the outbox, if the policy wants it told.

    Args:
        proof: what was added, changed or removed.
        methods: what the user proved it with.
        except_value: the address or number that was just proved; it isn't told about itself.
        also_value: an address that is no longer registered, but must hear of it.

    Returns:
        Where it went, masked.
    """
    if not _is_wanted(notice):
        return []
    tenant = tenant_in_force()
    language = user.language or tenant.language
    mailboxes, phone = _addresses(user, except_value, also_value)
    with translation.override(language), timezone.override(tenant.time_zone):
        now = timezone.now()
        facts = _facts(user, now) | {"method": proof_name(proof) if proof else ""}
        letter = _letter(notice, facts, methods=methods, support_code=support_code)
        for address in mailboxes:
            outbox.post(
                Kind.EMAIL,
                address,
                language=language,
                lifetime=_LIFETIME,
                content=content_of(letter),
            )
        if phone:
            text = Content(text=_text(notice, now, proof))
            outbox.post(Kind.TEXT, phone, language=language, lifetime=_LIFETIME, content=text)
    return [mask(value) for value in [*mailboxes, phone] if value]


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
    return content_of(_letter(notice, facts, methods=(), support_code=""))


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


def proof_name(proof: Proof) -> str:
    """What a kind of security info is called, in the language in force."""
    return {
        Proof.EMAIL: _("Alternate email"),
        Proof.MOBILE_PHONE: _("Mobile phone"),
        Proof.OFFICE_PHONE: _("Office phone"),
        Proof.QUESTIONS: _("Security questions"),
        Proof.AUTHENTICATOR: _("Authenticator app"),
        Proof.RECOVERY_CODE: _("Recovery codes"),
    }[proof]


def _post_to(mailboxes: Sequence[str], letter: Letter, tenant: Tenant) -> None:
    for address in mailboxes:
        outbox.post(
            Kind.EMAIL,
            address,
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


def _addresses(user: User, except_value: str, also_value: str) -> tuple[list[str], str]:
    held = methods_by_proof(user.pk)
    found = [value_of(held[Proof.EMAIL])] if Proof.EMAIL in held else []
    if "@" in also_value:
        found.append(also_value)
    phone = ""
    mobile = held.get(Proof.MOBILE_PHONE)
    if not found and mobile is not None and mobile.textable and available("text"):
        phone = value_of(mobile)
    with suppress(NotAMailbox):
        found.append(mailbox(user.upn))
    mailboxes = [address for address in dict.fromkeys(found) if address != except_value]
    return mailboxes, "" if phone == except_value else phone


def _facts(user: User, now: datetime) -> dict[str, str]:
    local = timezone.localtime(now)
    return {
        "brand": called_briefly(),
        "tenant": called(),
        "user": user.upn,
        "date": date_format(local, "DATE_FORMAT"),
        "time": date_format(local, "H:i T"),
    }


def _letter(
    notice: Notice, facts: dict[str, str], *, methods: Sequence[Method], support_code: str
) -> Letter:
    subject, body = _words(notice, facts)
    paragraphs = [body]
    if methods:
        paragraphs.append(_("Verified with: %(methods)s") % {"methods": _methods(methods)})
    paragraphs += [
        _("If this was you, there is nothing to do."),
        _("If you did not try this, someone else may have. Tell your IT team."),
    ]
    return Letter(
        subject=subject,
        paragraphs=paragraphs,
        footer=[
            _(
                "You get this message because it concerns the security of your account."
                " You can’t unsubscribe from it."
            ),
            _("We never ask for your password by email."),
            *support_line(support_code),
        ],
    )


def _words(notice: Notice, facts: dict[str, str]) -> tuple[str, str]:
    """Subject and first paragraph: the organisation's own words, or ours."""
    if (own := own_text(notice)) is not None:
        return filled(own.subject, facts), filled(own.body, facts)
    subject, body = letter_words(notice)
    return subject % facts, body % facts


def _text(notice: Notice, now: datetime, proof: Proof | None) -> str:
    facts = {
        "brand": called_briefly(),
        "time": date_format(timezone.localtime(now), "H:i"),
        "method": proof_name(proof) if proof else "",
    }
    return text_words(notice) % facts


def _methods(methods: Sequence[Method]) -> str:
    return ", ".join(proof_name(method.proof) for method in methods)
