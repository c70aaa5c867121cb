"""389 Directory Server.

The service account must not be the Directory Manager: its writes skip length and history checks.
The minimum age holds for a reset, too, even after another reset.

Source: the guide "Managing user passwords" of 389 Directory Server; RFC 3062.
"""

from datetime import UTC, datetime, timedelta

from ldap3 import MODIFY_REPLACE

from directory.connectors.base import AccountState, PasswordPolicy
from directory.connectors.ldap.codes import ASK_POLICY, instant_of
from directory.connectors.ldap.dialect import Changes, is_true
from directory.connectors.ldap.transport import LdapEntry, LdapFailure, LdapSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""As a time of unlocking: never. As a time of expiry: the password must be changed."""
_GLOBAL = "cn=config"
RULES = (
    *("cn", "passwordMinLength", "passwordCheckSyntax", "passwordHistory", "passwordInHistory"),
    *("passwordMinAge", "passwordMaxAge", "passwordExp", "passwordLockout", "passwordMaxFailure"),
    *("passwordUnlock", "passwordLockoutDuration", "passwordResetFailureCount"),
)


class Ds389:
    id_attribute = "nsUniqueId"
    compares_first = True
    ages_resets = True
    attributes = (
        *("passwordRetryCount", "accountUnlockTime", "passwordExpirationTime", "nsAccountLock"),
        *("passwordAllowChangeTime", "pwdUpdateTime", "pwdPolicySubentry"),
        "retryCountResetTime",
    )
    password_stamps = (
        *("pwdUpdateTime", "passwordAllowChangeTime", "passwordExpirationTime"),
        "modifyTimestamp",
    )

    def privileged_groups(self, _suffix: str) -> tuple[str, ...]:
        """None: any access rule can make any account an administrator."""
        return ()

    def policy_entry(
        self, session: LdapSession, _suffix: str, account: LdapEntry
    ) -> LdapEntry | None:
        """The account's own, or else the global one, which few service accounts may read."""
        try:
            entry = session.read(account.text("pwdPolicySubentry") or _GLOBAL, RULES)
        except LdapFailure:
            return None
        return entry if entry is not None and entry.attributes else None

    def policy(self, entry: LdapEntry | None) -> PasswordPolicy:
        if entry is None or entry.integer("passwordMinLength") is None:
            return PasswordPolicy()
        locks = is_true(entry, "passwordLockout")
        checks = is_true(entry, "passwordCheckSyntax")
        expires = is_true(entry, "passwordExp")
        unlocks = entry.text("passwordUnlock").lower() != "off"
        duration = (entry.integer("passwordLockoutDuration") or 0) / 60
        return PasswordPolicy(
            min_length=(entry.integer("passwordMinLength") or 0) if checks else 0,
            is_complex=checks,
            history=(entry.integer("passwordInHistory") or 0)
            if is_true(entry, "passwordHistory")
            else 0,
            min_age_hours=(entry.integer("passwordMinAge") or 0) / 3600,
            max_age_days=(entry.integer("passwordMaxAge") or 0) / 86_400 if expires else None,
            lockout_threshold=(entry.integer("passwordMaxFailure") or 0) if locks else 0,
            lockout_minutes=duration if unlocks else 0,
            lockout_window_minutes=(entry.integer("passwordResetFailureCount") or 0) / 60,
            name=entry.text("cn"),
        )

    def state(self, account: LdapEntry, policy: LdapEntry | None, now: datetime) -> AccountState:
        unlocks_at = instant_of(account.text("accountUnlockTime"))
        failures = account.integer("passwordRetryCount") or 0
        rules = self.policy(policy)
        threshold = rules.lockout_threshold or 1
        expires_at = _expires_at(account)
        must_change = expires_at == _EPOCH
        allowed_from = instant_of(account.text("passwordAllowChangeTime"))
        min_age = timedelta(hours=rules.min_age_hours or 0)
        if policy is None:
            # Whether passwords expire isn't known: the time may be a remnant.
            expires_at = expires_at if expires_at and expires_at > now else None
        elif not is_true(policy, "passwordExp"):
            expires_at = None
        return AccountState(
            enabled=not is_true(account, "nsAccountLock"),
            locked=bool(
                unlocks_at and failures >= threshold and (unlocks_at == _EPOCH or unlocks_at > now)
            ),
            must_change=must_change,
            password_changed_at=instant_of(account.text("pwdUpdateTime"))
            or (allowed_from - min_age if allowed_from and min_age else None),
            password_expires_at=expires_at if expires_at != _EPOCH else None,
            may_change_from=allowed_from if allowed_from and allowed_from > now else None,
        )

    def set_password(self, session: LdapSession, dn: str, new: str, old: str) -> None:  # noqa: ARG002
        """By a modification, which names the rule that refuses it. RFC 3062 here doesn't.

        The old password isn't sent: the server has compared it when the user was bound.
        """
        if not new:
            raise ValueError("empty password")
        session.modify(dn, {"userPassword": [(MODIFY_REPLACE, [new])]}, [ASK_POLICY])

    def unlocking(self) -> Changes:
        return {
            "passwordRetryCount": [(MODIFY_REPLACE, ["0"])],
            "accountUnlockTime": [(MODIFY_REPLACE, [])],
        }

    def leftovers(self, account: LdapEntry, *, must_change: bool) -> Changes:
        """A reset sets the count to 0, and leaves the time of unlocking and a forced change.

        `pwdReset` can't be written; without effect it stays where it is.
        """
        is_forced = _expires_at(account) == _EPOCH
        changes = dict(self.unlocking()) if account.text("accountUnlockTime") else {}
        if must_change != is_forced:
            values = ["19700101000000Z"] if must_change else []
            changes["passwordExpirationTime"] = [(MODIFY_REPLACE, values)]
        return changes


def _expires_at(account: LdapEntry) -> datetime | None:
    """None, too, for the second after the epoch: set without an expiry."""
    instant = instant_of(account.text("passwordExpirationTime"))
    return None if instant == _EPOCH + timedelta(seconds=1) else instant
