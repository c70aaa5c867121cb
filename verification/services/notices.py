"""Telling people what happened to their account, wherever else they can be reached."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum

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
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Role
from verification.queries import methods_by_proof, value_of
from verification.rules.masking import mask
from verification.services.letters import Letter, content_of, support_line

_LIFETIME = timedelta(days=2)


class Notice(StrEnum):
    """What people are told about."""

    RESET = "reset"
    UNLOCKED = "unlocked"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    PASSWORD_CHANGED = "password_changed"
    BLOCK_CLEARED = "block_cleared"
    MUST_REGISTER = "must_register"
    SIGNED_OUT = "signed_out"
    TEMPORARY_PASSWORD = "temporary_password"
    DISABLED = "disabled"
    ENABLED = "enabled"
    CONTACT_ENTERED = "contact_entered"


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
        facts = _facts(user, tenant, now) | {"method": proof_name(proof) if proof else ""}
        letter = _letter(notice, facts, methods=methods, support_code=support_code)
        for address in mailboxes:
            outbox.post(
                Kind.EMAIL,
                address,
                language=language,
                lifetime=_LIFETIME,
                content=content_of(letter, tenant),
            )
        if phone:
            text = Content(text=_text(notice, tenant, now, proof))
            outbox.post(Kind.TEXT, phone, language=language, lifetime=_LIFETIME, content=text)
    return [mask(value) for value in [*mailboxes, phone] if value]


def tell_administrators(user: User, *, methods: Sequence[Method], support_code: str) -> None:
    """Other administrators hear of it when an administrator's password was reset."""
    if not Role(user.role).is_administrator or not policy_in_force().notify_admins:
        return
    tenant = tenant_in_force()
    with translation.override(tenant.language), timezone.override(tenant.time_zone):
        facts = _facts(user, tenant, timezone.now()) | {"methods": _methods(methods)}
        letter = Letter(
            subject=_("[%(tenant)s] An administrator’s password was reset") % facts,
            paragraphs=[
                _("The password for %(user)s was reset on %(date)s at %(time)s.") % facts,
                _("Verified with: %(methods)s") % facts,
            ],
            footer=support_line(support_code),
        )
        for address in administrator_mailboxes(except_for=user.pk):
            outbox.post(
                Kind.EMAIL,
                address,
                language=tenant.language,
                lifetime=_LIFETIME,
                content=content_of(letter, tenant),
            )


def proof_name(proof: Proof) -> str:
    """What a kind of security info is called, in the language in force."""
    return {
        Proof.EMAIL: _("Alternate email"),
        Proof.MOBILE_PHONE: _("Mobile phone"),
        Proof.OFFICE_PHONE: _("Office phone"),
        Proof.QUESTIONS: _("Security questions"),
        Proof.AUTHENTICATOR: _("Authenticator app"),
    }[proof]


def _is_wanted(notice: Notice) -> bool:
    policy = policy_in_force()
    if notice in {Notice.RESET, Notice.UNLOCKED}:
        return policy.notify_on_reset
    if notice is Notice.PASSWORD_CHANGED:
        return policy.notify_on_password_change
    if notice in {Notice.ADDED, Notice.CHANGED, Notice.REMOVED, Notice.CONTACT_ENTERED}:
        return policy.notify_on_method_change
    # What an administrator did to an account is always told.
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


def _facts(user: User, tenant: Tenant, now: datetime) -> dict[str, str]:
    local = timezone.localtime(now)
    return {
        "brand": tenant.brand,
        "tenant": tenant.name,
        "user": user.upn,
        "date": date_format(local, "DATE_FORMAT"),
        "time": date_format(local, "H:i T"),
    }


def _letter(
    notice: Notice, facts: dict[str, str], *, methods: Sequence[Method], support_code: str
) -> Letter:
    subject, body = {
        Notice.RESET: (
            _("Your %(brand)s password was reset"),
            _("The password for %(user)s was reset on %(date)s at %(time)s."),
        ),
        Notice.UNLOCKED: (
            _("Your %(brand)s account was unlocked"),
            _(
                "The account %(user)s was unlocked on %(date)s at %(time)s."
                " The password stayed the same."
            ),
        ),
        Notice.ADDED: (
            _("A verification method was added to your %(brand)s account"),
            _("%(method)s was added to %(user)s on %(date)s at %(time)s."),
        ),
        Notice.CHANGED: (
            _("A verification method was changed on your %(brand)s account"),
            _("%(method)s was changed for %(user)s on %(date)s at %(time)s."),
        ),
        Notice.REMOVED: (
            _("A verification method was removed from your %(brand)s account"),
            _("%(method)s was removed from %(user)s on %(date)s at %(time)s."),
        ),
        Notice.PASSWORD_CHANGED: (
            _("Your %(brand)s password was changed"),
            _("The password for %(user)s was changed on %(date)s at %(time)s."),
        ),
        Notice.BLOCK_CLEARED: (
            _("You can reset your %(brand)s password again"),
            _("An administrator ended the pause for %(user)s on %(date)s at %(time)s."),
        ),
        Notice.MUST_REGISTER: (
            _("Please register your %(brand)s security info again"),
            _(
                "An administrator asked on %(date)s at %(time)s that you check the security info"
                " of %(user)s the next time you sign in."
            ),
        ),
        Notice.SIGNED_OUT: (
            _("You were signed out of your %(brand)s account everywhere"),
            _("An administrator ended all sessions of %(user)s on %(date)s at %(time)s."),
        ),
        Notice.TEMPORARY_PASSWORD: (
            _("Your %(brand)s account has a temporary password"),
            _(
                "An administrator set a temporary password for %(user)s on %(date)s at %(time)s."
                " You choose your own when you sign in."
            ),
        ),
        Notice.DISABLED: (
            _("Your %(brand)s account was disabled"),
            _("An administrator disabled %(user)s on %(date)s at %(time)s."),
        ),
        Notice.ENABLED: (
            _("Your %(brand)s account was enabled"),
            _("An administrator enabled %(user)s on %(date)s at %(time)s."),
        ),
        Notice.CONTACT_ENTERED: (
            _("Your administrator updated your contact information"),
            _("An administrator changed this for %(user)s on %(date)s at %(time)s: %(method)s."),
        ),
    }[notice]
    paragraphs = [body % facts]
    if methods:
        paragraphs.append(_("Verified with: %(methods)s") % {"methods": _methods(methods)})
    paragraphs += [
        _("If this was you, there is nothing to do."),
        _("If you did not try this, someone else may have. Tell your IT team."),
    ]
    return Letter(
        subject=subject % facts,
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


def _text(notice: Notice, tenant: Tenant, now: datetime, proof: Proof | None) -> str:
    facts = {
        "brand": tenant.brand,
        "time": date_format(timezone.localtime(now), "H:i"),
        "method": proof_name(proof) if proof else "",
    }
    return {
        Notice.RESET: _(
            "%(brand)s: your password was reset at %(time)s. Not you? Call your IT team now."
        ),
        Notice.UNLOCKED: _(
            "%(brand)s: your account was unlocked at %(time)s. Not you? Call your IT team now."
        ),
        Notice.ADDED: _(
            "%(brand)s: %(method)s was added to your account at %(time)s."
            " Not you? Call your IT team now."
        ),
        Notice.CHANGED: _(
            "%(brand)s: %(method)s was changed on your account at %(time)s."
            " Not you? Call your IT team now."
        ),
        Notice.REMOVED: _(
            "%(brand)s: %(method)s was removed from your account at %(time)s."
            " Not you? Call your IT team now."
        ),
        Notice.PASSWORD_CHANGED: _(
            "%(brand)s: your password was changed at %(time)s. Not you? Call your IT team now."
        ),
    }.get(
        notice,
        _("%(brand)s: an administrator changed something in your account at %(time)s."),
    ) % facts


def _methods(methods: Sequence[Method]) -> str:
    return ", ".join(proof_name(method.proof) for method in methods)
