"""The kinds of notices to users, and their words."""

from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

TO_STAFF = "to_staff"
"""What the outbox calls a mail to administrators and the helpdesk."""


class Notice(StrEnum):
    """An event that users get a notice about."""

    RESET = "reset"
    UNLOCKED = "unlocked"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_WITHDRAWN = "password_withdrawn"
    BLOCK_CLEARED = "block_cleared"
    MUST_REGISTER = "must_register"
    SIGNED_OUT = "signed_out"
    TEMPORARY_PASSWORD = "temporary_password"
    ACCESS_PASS = "access_pass"
    ACCESS_PASS_REVOKED = "access_pass_revoked"
    ACCESS_PASS_STOPPED = "access_pass_stopped"
    DISABLED = "disabled"
    ENABLED = "enabled"
    RENAMED = "renamed"
    DELETED = "deleted"
    RESTORED = "restored"
    CONTACT_ENTERED = "contact_entered"
    ROLE_CHANGED = "role_changed"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    TOKEN_ASSIGNED = "token_assigned"
    TOKEN_UNASSIGNED = "token_unassigned"
    CALL_DENIED = "call_denied"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    PASSWORD_EXPIRES = "password_expires"
    PASSWORD_UNKNOWN = "password_unknown"
    UNLOCK_UNKNOWN = "unlock_unknown"

    @property
    def needs_a_link(self) -> bool:
        """Whether it says that something happened which may not have been the user."""
        return self not in {
            Notice.FROZEN,
            # There is no account any more that the link could freeze.
            Notice.DELETED,
            Notice.ACCESS_PASS_STOPPED,
            Notice.PASSWORD_WITHDRAWN,
            Notice.PASSWORD_EXPIRES,
            Notice.PASSWORD_UNKNOWN,
            Notice.UNLOCK_UNKNOWN,
        }

    @property
    def is_never_texted(self) -> bool:
        """Whether it is only mailed, even to users without another address."""
        return self is Notice.PASSWORD_EXPIRES

    @property
    def sets_a_password(self) -> bool:
        """Whether it says that the account got another password."""
        return self in {Notice.RESET, Notice.PASSWORD_CHANGED, Notice.TEMPORARY_PASSWORD}

    @property
    def is_vital(self) -> bool:
        """Whether its mail leaves however many the organisation sent today.

        Strangers can't cause what administrators do, and there is an import of many people.
        """
        return self in _VITAL or self.is_of_an_administrator

    @property
    def is_of_an_administrator(self) -> bool:
        """Whether another user did it for, or to, the user."""
        return self in _OF_AN_ADMINISTRATOR


NOTICE_NAMES = {
    Notice.RESET: gettext_lazy("Password was reset"),
    Notice.PASSWORD_CHANGED: gettext_lazy("Password was changed"),
    Notice.PASSWORD_EXPIRES: gettext_lazy("Password expires soon"),
    Notice.PASSWORD_WITHDRAWN: gettext_lazy("Password was disabled"),
    Notice.PASSWORD_UNKNOWN: gettext_lazy("Result of a password change not known"),
    Notice.UNLOCKED: gettext_lazy("Account was unlocked"),
    Notice.UNLOCK_UNKNOWN: gettext_lazy("Result of an unlock not known"),
    Notice.ADDED: gettext_lazy("Method was added"),
    Notice.CHANGED: gettext_lazy("Method was changed"),
    Notice.REMOVED: gettext_lazy("Method was removed"),
    Notice.RECOVERY_CODE_USED: gettext_lazy("Recovery code was used"),
    Notice.CALL_DENIED: gettext_lazy("Verification call was denied"),
    Notice.FROZEN: gettext_lazy("Self-service was stopped (“this wasn’t me”)"),
    Notice.UNFROZEN: gettext_lazy("Self-service was turned on again"),
    Notice.BLOCK_CLEARED: gettext_lazy("Block was cleared"),
    Notice.MUST_REGISTER: gettext_lazy("Registration was required again"),
    Notice.CONTACT_ENTERED: gettext_lazy("Contact data was changed"),
    Notice.TEMPORARY_PASSWORD: gettext_lazy("Temporary password was issued"),
    Notice.ACCESS_PASS: gettext_lazy("Temporary Access Pass was issued"),
    Notice.ACCESS_PASS_REVOKED: gettext_lazy("Temporary Access Pass was withdrawn"),
    Notice.ACCESS_PASS_STOPPED: gettext_lazy("Temporary Access Pass was stopped"),
    Notice.SIGNED_OUT: gettext_lazy("Signed out everywhere by an administrator"),
    Notice.DISABLED: gettext_lazy("Account was disabled"),
    Notice.ENABLED: gettext_lazy("Account was enabled"),
    Notice.RENAMED: gettext_lazy("User ID was changed"),
    Notice.DELETED: gettext_lazy("Account was deleted"),
    Notice.RESTORED: gettext_lazy("Account was restored"),
    Notice.ROLE_CHANGED: gettext_lazy("Role was changed"),
    Notice.SECOND_FACTOR_REMOVED: gettext_lazy("Authenticator apps were removed"),
    Notice.TOKEN_ASSIGNED: gettext_lazy("Hardware token was assigned"),
    Notice.TOKEN_UNASSIGNED: gettext_lazy("Hardware token was taken back"),
}
_VITAL = {Notice.RESET, Notice.PASSWORD_CHANGED, Notice.PASSWORD_UNKNOWN, Notice.FROZEN}
_OF_AN_ADMINISTRATOR = {
    Notice.BLOCK_CLEARED,
    Notice.MUST_REGISTER,
    Notice.SIGNED_OUT,
    Notice.TEMPORARY_PASSWORD,
    Notice.ACCESS_PASS,
    Notice.ACCESS_PASS_REVOKED,
    Notice.DISABLED,
    Notice.ENABLED,
    Notice.RENAMED,
    Notice.DELETED,
    Notice.RESTORED,
    Notice.CONTACT_ENTERED,
    Notice.ROLE_CHANGED,
    Notice.SECOND_FACTOR_REMOVED,
    Notice.TOKEN_ASSIGNED,
    Notice.TOKEN_UNASSIGNED,
    Notice.UNFROZEN,
}


def letter_words(notice: Notice) -> tuple[str, str]:
    """Subject and first sentence of the mail, with places for the facts."""
    return {
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
        Notice.RECOVERY_CODE_USED: (
            _("A recovery code was used for your %(brand)s account"),
            _("A recovery code of %(user)s was used on %(date)s at %(time)s."),
        ),
        Notice.PASSWORD_CHANGED: (
            _("Your %(brand)s password was changed"),
            _("The password for %(user)s was changed on %(date)s at %(time)s."),
        ),
        Notice.PASSWORD_EXPIRES: (
            _("Your %(brand)s password expires soon"),
            _("The password for %(user)s expires on %(time)s. Change it before then."),
        ),
        Notice.PASSWORD_UNKNOWN: (
            _("We don’t know whether your %(brand)s password was changed"),
            _(
                "On %(time)s a new password was being saved for %(user)s. Your organisation’s"
                " directory didn’t tell us whether it was stored, so one of two passwords works"
                " now: the new one or the one before. Sign in with the new one first, then with"
                " the one before. If neither works, reset your password or ask your IT team. We"
                " signed you out everywhere to be safe."
            ),
        ),
        Notice.UNLOCK_UNKNOWN: (
            _("We don’t know whether your %(brand)s account was unlocked"),
            _(
                "On %(time)s the account %(user)s was being unlocked. Your organisation’s"
                " directory didn’t tell us whether it worked. Your password stayed the same."
                " Sign in with it. If the account is still locked, unlock it again or ask your IT"
                " team."
            ),
        ),
        Notice.PASSWORD_WITHDRAWN: (
            _("Your %(brand)s password no longer works"),
            _(
                "To protect the account, the password of %(user)s was disabled on %(date)s "
                "at %(time)s. Ask your IT team for a new one."
            ),
        ),
        Notice.BLOCK_CLEARED: (
            _("You can reset your %(brand)s password again"),
            _("An administrator cleared the block for %(user)s on %(date)s at %(time)s."),
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
        Notice.ACCESS_PASS: (
            _("Your Temporary Access Pass for %(brand)s"),
            _(
                "Your administrator issued a pass for %(user)s. They will tell you the pass"
                " itself. It works until %(time)s."
            ),
        ),
        Notice.ACCESS_PASS_REVOKED: (
            _("Your Temporary Access Pass for %(brand)s was withdrawn"),
            _(
                "An administrator withdrew the pass of %(user)s on %(date)s at %(time)s. It no"
                " longer works."
            ),
        ),
        Notice.ACCESS_PASS_STOPPED: (
            _("Your Temporary Access Pass for %(brand)s was stopped"),
            _(
                "A wrong pass was entered too often for %(user)s. Your pass stopped working on"
                " %(date)s at %(time)s. Ask your IT team for a new one."
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
        Notice.RENAMED: (
            _("Your user ID at %(brand)s was changed"),
            _(
                "An administrator changed your user ID on %(date)s at %(time)s. From now on, sign"
                " in as %(user)s. Your password and your security info stay the same."
            ),
        ),
        Notice.DELETED: (
            _("Your %(brand)s account was deleted"),
            _(
                "An administrator deleted %(user)s on %(date)s at %(time)s, with its password and"
                " security info. If you didn’t expect this, tell your IT team."
            ),
        ),
        Notice.RESTORED: (
            _("Your %(brand)s account was restored"),
            _(
                "An administrator restored %(user)s on %(date)s at %(time)s. It has no password and"
                " no security info. Your IT team helps you to sign in."
            ),
        ),
        Notice.CONTACT_ENTERED: (
            _("Your administrator updated your contact information"),
            _("An administrator changed this for %(user)s on %(date)s at %(time)s: %(method)s."),
        ),
        Notice.ROLE_CHANGED: (
            _("Your role at %(brand)s was changed"),
            _("An administrator changed the role of %(user)s on %(date)s at %(time)s."),
        ),
        Notice.SECOND_FACTOR_REMOVED: (
            _("Your authenticator apps at %(brand)s were removed"),
            _(
                "An administrator removed all authenticator apps of %(user)s on %(date)s at"
                " %(time)s."
            ),
        ),
        Notice.TOKEN_ASSIGNED: (
            _("A hardware token was assigned to your %(brand)s account"),
            _(
                "An administrator assigned a hardware token to %(user)s on %(date)s at %(time)s."
                " When you have it, open “Security info” and activate it with a code that it"
                " shows."
            ),
        ),
        Notice.TOKEN_UNASSIGNED: (
            _("A hardware token was taken back from your %(brand)s account"),
            _(
                "An administrator took a hardware token back from %(user)s on %(date)s at"
                " %(time)s. Its codes no longer work."
            ),
        ),
        Notice.CALL_DENIED: (
            _("A verification call for your %(brand)s account was denied"),
            _(
                "On %(date)s at %(time)s, a verification call for %(user)s was answered by "
                "someone who didn’t request it. We stopped the request. We won’t call that "
                "phone again for an hour."
            ),
        ),
        Notice.FROZEN: (
            _("Password reset is stopped for your %(brand)s account"),
            _(
                "On %(date)s at %(time)s, “This wasn’t me” was reported for %(user)s. We "
                "stopped password reset and signed you out everywhere. We told your IT team, "
                "who can turn it on again."
            ),
        ),
        Notice.UNFROZEN: (
            _("Password reset works again for your %(brand)s account"),
            _(
                "An administrator turned password reset on again for %(user)s on %(date)s at "
                "%(time)s."
            ),
        ),
    }[notice]


def text_words(notice: Notice) -> str:
    """The whole text message, for users without a known mailbox."""
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
        Notice.RECOVERY_CODE_USED: _(
            "%(brand)s: one of your recovery codes was used at %(time)s."
            " Not you? Call your IT team now."
        ),
        Notice.PASSWORD_CHANGED: _(
            "%(brand)s: your password was changed at %(time)s. Not you? Call your IT team now."
        ),
        Notice.PASSWORD_UNKNOWN: _(
            "%(brand)s: it is not known if your new password was saved. Try it, then the one"
            " before, or ask your IT team."
        ),
        Notice.UNLOCK_UNKNOWN: _(
            "%(brand)s: it is not known if your account was unlocked. Sign in to see, or ask your"
            " IT team."
        ),
        Notice.PASSWORD_WITHDRAWN: _(
            "%(brand)s: your password stopped working at %(time)s. Ask your IT team for a new one."
        ),
        Notice.ACCESS_PASS_STOPPED: _(
            "%(brand)s: your pass was stopped at %(time)s after wrong tries. Ask your IT team."
        ),
        Notice.CALL_DENIED: _(
            "%(brand)s: a verification call was denied at %(time)s. Not you? Call your IT team now."
        ),
        Notice.DELETED: _(
            "%(brand)s: your account was deleted at %(time)s. Questions? Call your IT team."
        ),
        Notice.FROZEN: _(
            "%(brand)s: password reset was stopped for your account at %(time)s."
            " Questions? Call your IT team."
        ),
    }.get(
        notice,
        _("%(brand)s: an administrator changed something in your account at %(time)s."),
    )


def short_text_words(notice: Notice) -> list[str]:
    """Words in front of the link where there is little room; the longest first."""
    if notice is Notice.CALL_DENIED:
        return [_("%(brand)s: call denied. Not you?"), _("Call denied. Not you?")]
    return [
        _("%(brand)s: your account was changed at %(time)s. Not you?"),
        _("%(brand)s: account changed. Not you?"),
        _("Account changed. Not you?"),
    ]
