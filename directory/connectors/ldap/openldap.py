"""OpenLDAP with the overlay `ppolicy`, and with less trust for servers that aren't known.

The service account should have `=w` on `userPassword`: then the server checks length, quality,
history and minimum age. With `manage` it checks none of them, and asks for another password at the
next sign-in where the policy has `pwdMustChange`; that request is taken back.

Source: slapo-ppolicy(5), draft-behera-ldap-password-policy-10 section 5.
"""

from datetime import datetime, timedelta

from ldap3 import MODIFY_REPLACE

from directory.connectors.base import AccountState, PasswordPolicy
from directory.connectors.ldap.codes import instant_of
from directory.connectors.ldap.dialect import Changes, in_days, is_true, set_by_extension
from directory.connectors.ldap.transport import LdapEntry, LdapSession

_RULES = (
    *("cn", "pwdMinLength", "pwdCheckQuality", "pwdInHistory", "pwdMinAge", "pwdMaxAge"),
    *("pwdLockout", "pwdMaxFailure", "pwdLockoutDuration", "pwdFailureCountInterval"),
    "pwdMustChange",
)


class OpenLdap:
    id_attribute = "entryUUID"
    compares_first = True
    ages_resets = True
    attributes = (
        *("pwdAccountLockedTime", "pwdChangedTime", "pwdReset", "pwdPolicySubentry"),
        *("pwdStartTime", "pwdEndTime"),
    )
    password_stamps = ("pwdChangedTime", "entryCSN")

    def privileged_groups(self, _suffix: str) -> tuple[str, ...]:
        """None: any access rule can make any account an administrator."""
        return ()

    def policy_entry(
        self, session: LdapSession, suffix: str, account: LdapEntry
    ) -> LdapEntry | None:
        """The account's own, or else the server's default.

        The name of the default is in the server's configuration, which this service doesn't see:
        it is the only policy, or the one that is called "default".
        """
        own = account.text("pwdPolicySubentry")
        if own:
            return session.read(own, _RULES)
        policies = list(session.search(suffix, "(objectClass=pwdPolicy)", _RULES))
        if len(policies) > 1:
            policies = [each for each in policies if each.text("cn").lower() == "default"]
        return policies[0] if len(policies) == 1 else None

    def policy(self, entry: LdapEntry | None) -> PasswordPolicy:
        if entry is None:
            return PasswordPolicy()
        failures = (entry.integer("pwdMaxFailure") or 0) if is_true(entry, "pwdLockout") else 0
        checks = bool(entry.integer("pwdCheckQuality"))
        return PasswordPolicy(
            min_length=(entry.integer("pwdMinLength") or 0) if checks else 0,
            history=entry.integer("pwdInHistory") or 0,
            min_age_hours=(entry.integer("pwdMinAge") or 0) / 3600,
            max_age_days=in_days(entry.integer("pwdMaxAge")),
            lockout_threshold=failures,
            lockout_minutes=(entry.integer("pwdLockoutDuration") or 0) / 60,
            lockout_window_minutes=(entry.integer("pwdFailureCountInterval") or 0) / 60,
            name=entry.text("cn"),
        )

    def state(self, account: LdapEntry, policy: LdapEntry | None, now: datetime) -> AccountState:
        locked_at = account.text("pwdAccountLockedTime")
        # By an administrator: usually 000001010000Z. A new password would lift it, so none is set.
        permanent = bool(locked_at) and instant_of(locked_at) is None
        starts, ends = (instant_of(account.text(name)) for name in ("pwdStartTime", "pwdEndTime"))
        rules = self.policy(policy)
        changed_at = instant_of(account.text("pwdChangedTime"))
        must_change = is_true(account, "pwdReset") and (
            policy is None or is_true(policy, "pwdMustChange")
        )
        young_until = changed_at and changed_at + timedelta(hours=rules.min_age_hours or 0)
        expires_at = changed_at and (
            changed_at + timedelta(days=rules.max_age_days) if rules.max_age_days else None
        )
        return AccountState(
            enabled=not permanent and (not starts or starts <= now) and (not ends or now < ends),
            locked=bool(locked_at) and not permanent and not _is_over(locked_at, rules, now),
            locked_by_admin=permanent,
            must_change=must_change,
            password_changed_at=changed_at,
            password_expires_at=expires_at,
            # Waived for a password that an administrator has set.
            may_change_from=(
                young_until
                if young_until and young_until > now and not is_true(account, "pwdReset")
                else None
            ),
        )

    def set_password(self, session: LdapSession, dn: str, new: str, old: str) -> None:
        set_by_extension(session, dn, new, old)

    def unlocking(self) -> Changes:
        """Without values: `delete` would fail if there is none. It removes the failures, too."""
        return {"pwdAccountLockedTime": [(MODIFY_REPLACE, [])]}

    def leftovers(self, account: LdapEntry, *, must_change: bool) -> Changes:
        """A reset forces a change if, and only if, the service account has `manage`."""
        if must_change == is_true(account, "pwdReset"):
            return {}
        return {"pwdReset": [(MODIFY_REPLACE, ["TRUE" if must_change else "FALSE"])]}


def _is_over(locked_at: str, rules: PasswordPolicy, now: datetime) -> bool:
    """Whether the duration of the lock has passed. The attribute stays until the next bind."""
    since = instant_of(locked_at)
    return bool(
        since and rules.lockout_minutes and since + timedelta(minutes=rules.lockout_minutes) <= now
    )


class UnknownServer(OpenLdap):
    compares_first = False
    ages_resets = False
