"""What entries and refusals of an Active Directory mean."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from directory.connectors.base import (
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    PasswordPolicy,
    PolicyRejected,
    RejectedFor,
    Unreachable,
)
from directory.connectors.ldap.codes import instant_of
from directory.connectors.ldap.transport import (
    BUSY,
    NO_SUCH_OBJECT,
    Control,
    LdapEntry,
    LdapFailure,
    LdapSession,
    escape_filter,
)
from directory.connectors.ldap.windows import (
    AccountFlags,
    WindowsError,
    interval,
    is_complex,
    length_of,
    moment,
    privileged_sids,
    sid_bytes,
    sid_text,
    write_error,
)
from directory.rules import DirectoryFailure

_POLICY_HINTS = ("1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066")
"""An administrative reset that carries it obeys history and minimum age. Newest first."""
PSO = "msDS-ResultantPSO"
_GROUPS_AT_ONCE = 50
_SAMBA_SAYS = {
    "too short": RejectedFor.TOO_SHORT,
    "complexity criteria": RejectedFor.TOO_SIMPLE,
    "too young": RejectedFor.TOO_YOUNG,
    "already used": RejectedFor.USED_BEFORE,
}
"""Windows has a code for all rules together; Samba adds which it was."""
_DOMAIN_POLICY = {
    "length": "minPwdLength",
    "history": "pwdHistoryLength",
    "min_age": "minPwdAge",
    "max_age": "maxPwdAge",
    "threshold": "lockoutThreshold",
    "duration": "lockoutDuration",
    "window": "lockOutObservationWindow",
    "complexity": "pwdProperties",
}
_PSO_POLICY = {
    "length": "msDS-MinimumPasswordLength",
    "history": "msDS-PasswordHistoryLength",
    "min_age": "msDS-MinimumPasswordAge",
    "max_age": "msDS-MaximumPasswordAge",
    "threshold": "msDS-LockoutThreshold",
    "duration": "msDS-LockoutDuration",
    "window": "msDS-LockoutObservationWindow",
    "complexity": "msDS-PasswordComplexityEnabled",
}
_COMPLEX = 1


def policy_hints(offered: frozenset[str]) -> tuple[Control, ...]:
    """The control under which a reset obeys history and minimum age, if the server knows it."""
    oid = next((oid for oid in _POLICY_HINTS if oid in offered), None)
    return () if oid is None else ((oid, True, b"\x30\x03\x02\x01\x01"),)


def refusal(failure: LdapFailure) -> DirectoryError:
    """What a refused operation means, but for passwords that break a rule."""
    if failure.code in BUSY:
        return Unreachable(DirectoryFailure.BUSY)
    if failure.code == NO_SUCH_OBJECT:
        return NotInDirectory()
    if write_error(failure.text) == WindowsError.WRONG_PASSWORD:
        return PolicyRejected(rule=RejectedFor.WRONG_OLD_PASSWORD)
    return NotPermitted(f"{failure.code} {failure.text}".strip())


def rejection(
    failure: LdapFailure,
    entry: LdapEntry,
    password: str,
    policy: PasswordPolicy,
    *,
    has_age: bool,
) -> PolicyRejected:
    """Which rule it was, where that can be known.

    Args:
        has_age: the minimum age was in force, as for a user's own change.
    """
    changeable = changeable_from(entry, policy)
    is_young = has_age and changeable is not None and changeable > timezone.now()
    rule = next((rule for text, rule in _SAMBA_SAYS.items() if text in failure.text), None)
    if rule is None and length_of(password) < (policy.min_length or 0):
        rule = RejectedFor.TOO_SHORT
    elif rule is None and policy.is_complex:
        names = {
            "account_name": entry.text("sAMAccountName"),
            "display_name": entry.text("displayName"),
        }
        rule = None if is_complex(password, **names) else RejectedFor.TOO_SIMPLE
    if rule is None and is_young:
        rule = RejectedFor.TOO_YOUNG
    return PolicyRejected(
        rule=rule or RejectedFor.UNKNOWN,
        until=changeable if rule is RejectedFor.TOO_YOUNG else None,
    )


def policy_of(session: LdapSession, entry: LdapEntry, domain: str) -> PasswordPolicy:
    """Of the account's PSO, otherwise of the domain. If the PSO can't be read, all is unknown."""
    pso = entry.text(PSO)
    names = _PSO_POLICY if pso else _DOMAIN_POLICY
    name = pso.partition(",")[0].partition("=")[2]
    rules = session.read(pso or domain, list(names.values()))
    if rules is None or rules.integer(names["length"]) is None:
        return PasswordPolicy(name=name)
    ages = {each: interval(rules.integer(names[each])) or timedelta() for each in names}
    complexity = rules.text(names["complexity"])
    return PasswordPolicy(
        min_length=rules.integer(names["length"]),
        is_complex=complexity == "TRUE" if pso else bool(int(complexity or 0) & _COMPLEX),
        history=rules.integer(names["history"]),
        min_age_hours=ages["min_age"] / timedelta(hours=1),
        max_age_days=ages["max_age"] / timedelta(days=1),
        lockout_threshold=rules.integer(names["threshold"]),
        lockout_minutes=ages["duration"] / timedelta(minutes=1),
        lockout_window_minutes=ages["window"] / timedelta(minutes=1),
        name=name,
        is_own=bool(pso),
    )


def changeable_from(entry: LdapEntry, policy: PasswordPolicy) -> datetime | None:
    """When the minimum age ends or ended. None if there is none, and for one that must change."""
    changed = moment(entry.integer("pwdLastSet"))
    if changed is None or not policy.min_age_hours:
        return None
    return changed + timedelta(hours=policy.min_age_hours)


def modified_until(entry: LdapEntry) -> datetime | None:
    """The time of the last change of the account, rounded up: `whenChanged` has whole seconds."""
    at = instant_of(entry.text("whenChanged"))
    return at + timedelta(seconds=1) if at else None


def is_enabled(entry: LdapEntry, now: datetime) -> bool:
    """Neither disabled nor expired."""
    flags = AccountFlags(entry.integer("userAccountControl") or 0)
    expires = moment(entry.integer("accountExpires"))
    return AccountFlags.DISABLED not in flags and (expires is None or now < expires)


def sign_in_names(entry: LdapEntry, attributes: Sequence[str]) -> tuple[str, ...]:
    """Mail addresses in `proxyAddresses` begin with their protocol."""
    values = [
        value
        for name in attributes
        for value in entry.texts(name)
        if name.casefold() != "proxyaddresses" or value.casefold().startswith("smtp:")
    ]
    return tuple(value[5:] if value[:5].casefold() == "smtp:" else value for value in values)


def protected_groups(
    session: LdapSession, domain: str, chosen: Sequence[str]
) -> tuple[str, set[str]]:
    """The domain's own identifier, and the names of all protected groups, nested ones too."""
    head = session.read(domain, ["objectSid"])
    if head is None or (own_sid := head.raw("objectSid")) is None:
        raise NotPermitted(f"the service account can't read {domain}")
    sid = sid_text(own_sid)
    wanted = "".join(f"(objectSid={octets(sid_bytes(each))})" for each in privileged_sids(sid))
    new = [entry.dn for entry in session.search(domain, f"(|{wanted})", ())]
    new += filter(None, map(str.strip, chosen))
    protected: set[str] = set()
    while new:
        protected.update(map(str.casefold, new))
        batches = [new[at : at + _GROUPS_AT_ONCE] for at in range(0, len(new), _GROUPS_AT_ONCE)]
        new = []
        for batch in batches:
            parents = "".join(f"(memberOf={escape_filter(dn)})" for dn in batch)
            groups = session.search(domain, f"(&(objectClass=group)(|{parents}))", ())
            new += [group.dn for group in groups if group.dn.casefold() not in protected]
    return sid, protected


def all_values(session: LdapSession, entry: LdapEntry, name: str) -> tuple[str, ...] | None:
    """All values; None if the entry is gone meanwhile. A part of them would be wrong.

    Windows answers 1,500 at once, under a name with their range.

    Source: MS-ADTS 3.1.1.3.1.3.3.
    """
    values, part = entry.texts(name), entry
    prefix = f"{name};range=".lower()
    while key := next((key for key in part.attributes if key.startswith(prefix)), ""):
        values += part.texts(key)
        last = key.rpartition("-")[2]
        if last == "*":
            break
        rest = session.read(entry.dn, [f"{name};range={int(last) + 1}-*"])
        if rest is None:
            return None
        part = rest
    return tuple(values)


def octets(value: bytes) -> str:
    """Bytes as a value in a filter."""
    return "".join(f"\\{byte:02x}" for byte in value)
