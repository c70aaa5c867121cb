"""FreeIPA and Red Hat Identity Management. Tested on recorded entries only, not on a server.

Who changes a password decides what follows. For a privileged system account (`ipa
sysaccount-policy NAME --privileged=true`, on each server: it isn't replicated) the policy is
checked and the password doesn't expire: use that. A reset by any other account, such as a member
of a helpdesk role, isn't checked and **expires at once**: the user must change the password at the
next sign-in, and `state` says so. Members of `admins` can be reset by other admins only.

Source: daemons/ipa-slapi-plugins/ipa-pwd-extop and ipa-lockout of FreeIPA.
"""

from datetime import datetime, timedelta

from ldap3 import MODIFY_REPLACE

from directory.connectors.base import AccountState, PasswordPolicy
from directory.connectors.ldap.codes import instant_of
from directory.connectors.ldap.dialect import Changes, in_days, is_true, set_by_extension
from directory.connectors.ldap.transport import LdapEntry, LdapSession

RULES = (
    *("cn", "krbPwdMinLength", "krbPwdMinDiffChars", "krbPwdHistoryLength", "krbMinPwdLife"),
    *("krbMaxPwdLife", "krbPwdMaxFailure", "krbPwdLockoutDuration", "krbPwdFailureCountInterval"),
)


class FreeIpa:
    id_attribute = "ipaUniqueID"
    compares_first = False
    """Its limit of grace refuses before it compares. Who has no sign-in left has to reset."""
    ages_resets = False
    """Only by a privileged system account, which can't be told apart."""
    attributes = (
        *("krbLoginFailedCount", "krbLastFailedAuth", "krbLastAdminUnlock", "nsAccountLock"),
        *("krbPasswordExpiration", "krbLastPwdChange", "krbPwdPolicyReference"),
        "krbPrincipalExpiration",
    )
    password_stamps = ("krbLastPwdChange", "krbPasswordExpiration")

    def privileged_groups(self, suffix: str) -> tuple[str, ...]:
        return (f"cn=admins,cn=groups,cn=accounts,{suffix}",)

    def policy_entry(
        self, session: LdapSession, suffix: str, account: LdapEntry
    ) -> LdapEntry | None:
        own = account.text("krbPwdPolicyReference")
        if own:
            return session.read(own, RULES)
        wanted = "(&(objectClass=krbPwdPolicy)(cn=global_policy))"
        policies = list(session.search(f"cn=kerberos,{suffix}", wanted, RULES))
        return policies[0] if len(policies) == 1 else None

    def policy(self, entry: LdapEntry | None) -> PasswordPolicy:
        if entry is None:
            return PasswordPolicy()
        return PasswordPolicy(
            min_length=entry.integer("krbPwdMinLength") or 0,
            is_complex=bool(entry.integer("krbPwdMinDiffChars")),
            history=entry.integer("krbPwdHistoryLength") or 0,
            min_age_hours=(entry.integer("krbMinPwdLife") or 0) / 3600,
            max_age_days=in_days(entry.integer("krbMaxPwdLife")),
            lockout_threshold=entry.integer("krbPwdMaxFailure") or 0,
            lockout_minutes=(entry.integer("krbPwdLockoutDuration") or 0) / 60,
            lockout_window_minutes=(entry.integer("krbPwdFailureCountInterval") or 0) / 60,
            name=entry.text("cn"),
        )

    def state(self, account: LdapEntry, policy: LdapEntry | None, now: datetime) -> AccountState:
        rules = self.policy(policy)
        changed_at, expires_at, ends_at = (
            instant_of(account.text(name))
            for name in ("krbLastPwdChange", "krbPasswordExpiration", "krbPrincipalExpiration")
        )
        young_until = changed_at and changed_at + timedelta(hours=rules.min_age_hours or 0)
        return AccountState(
            enabled=not is_true(account, "nsAccountLock") and (not ends_at or now < ends_at),
            locked=_is_locked(account, rules, now),
            must_change=bool(expires_at and expires_at <= now),
            password_changed_at=changed_at,
            password_expires_at=expires_at,
            # Waived for a password that an administrator has set: it expired when it was set.
            may_change_from=(
                young_until
                if young_until and young_until > now and expires_at != changed_at
                else None
            ),
        )

    def set_password(self, session: LdapSession, dn: str, new: str, old: str) -> None:
        set_by_extension(session, dn, new, old)

    def unlocking(self) -> Changes:
        return {"krbLoginFailedCount": [(MODIFY_REPLACE, ["0"])]}

    def leftovers(self, account: LdapEntry, *, must_change: bool) -> Changes:  # noqa: ARG002
        """A reset by a privileged system account doesn't unlock."""
        return self.unlocking() if account.integer("krbLoginFailedCount") else {}


def _is_locked(account: LdapEntry, rules: PasswordPolicy, now: datetime) -> bool:
    """The counter is the server's own: other servers may say something else."""
    failed_at, unlocked_at = (
        instant_of(account.text(name)) for name in ("krbLastFailedAuth", "krbLastAdminUnlock")
    )
    failures = account.integer("krbLoginFailedCount") or 0
    if not rules.lockout_threshold or failures < rules.lockout_threshold:
        return False
    if failed_at and unlocked_at and unlocked_at >= failed_at:
        return False
    duration = timedelta(minutes=rules.lockout_minutes or 0)
    return not duration or failed_at is None or now < failed_at + duration
