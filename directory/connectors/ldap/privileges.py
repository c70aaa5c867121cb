"""Which accounts are privileged: the service account, the root DN, and members of groups.

Also which of them set a password.

Outside of Active Directory no attribute says who is an administrator.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from ldap3 import BASE
from ldap3.core.exceptions import LDAPException
from ldap3.utils.dn import parse_dn

from directory.connectors.base import AccountState, NotPermitted, SetBy
from directory.connectors.ldap.codes import instant_of
from directory.connectors.ldap.transport import LdapEntry, LdapSession, escape_dn, escape_filter

MEMBER_ATTRIBUTES = ("member", "uniqueMember")
MODIFIED = ("modifyTimestamp", "modifiersName")
DEEPEST = 20
"""Levels of nested groups. An account whose groups go deeper counts as privileged."""
_AT_ONCE = 50
_ROOT_NAMES = ("cn=admin", "cn=manager", "cn=root")
"""Of OpenLDAP's root DN, by its documentation and packages. Its configuration can't be read."""
_ESCAPED = re.compile(rb"\\([0-9a-fA-F]{2}|.)", re.DOTALL)


def normal_dn(dn: str) -> str:
    r"""A distinguished name in a form that can be compared.

    >>> normal_dn("CN=Ops, OU=It,dc=Example") == normal_dn("cn=ops,ou=IT,dc=example")
    True
    >>> normal_dn(r"cn=Kim\, J\c3\b6rg,dc=x") == normal_dn(r"cn=Kim\2C Jörg,dc=x")
    True
    """
    try:
        parts = parse_dn(dn, strip=True)
    except (LDAPException, ValueError, IndexError):
        return dn.strip().casefold()
    return "".join(
        f"{name}={escape_dn(_unescaped(value))}{separator}".casefold()
        for name, value, separator in parts
    )


def privileged_entries(service: str, suffix: str) -> frozenset[str]:
    """Distinguished names in normal form: the service account's, and the usual root DNs'."""
    roots = [f"{name},{suffix}" for name in _ROOT_NAMES]
    return frozenset(map(normal_dn, [service, *roots]))


def protected_groups(session: LdapSession, names: Iterable[str]) -> list[str]:
    """The distinguished names, one a line.

    Raises:
        NotPermitted: the service account doesn't see one of the groups, so it can't be known who
            its members are.
    """
    groups = [name.strip() for name in names if name.strip()]
    for group in groups:
        if session.read(group, ["objectClass"]) is None:
            raise NotPermitted(f"the protected group can't be read: {group}")
    return groups


def is_member(session: LdapSession, entry: LdapEntry, groups: Iterable[str], suffix: str) -> bool:
    """Whether the account is in one of the groups, directly or through other groups.

    Args:
        entry: with `memberOf`, which not every server maintains, and `uid`.
    """
    wanted = {normal_dn(group) for group in groups}
    if not wanted:
        return False
    uid = entry.text("uid")
    by_name = f"(memberUid={escape_filter(uid)})" if uid else ""
    level, seen = [entry.dn], {normal_dn(entry.dn)}
    outer = {normal_dn(dn): dn for dn in entry.texts("memberOf")}
    for _depth in range(DEEPEST):
        for start in range(0, len(level), _AT_ONCE):
            names = [escape_filter(dn) for dn in level[start : start + _AT_ONCE]]
            members = (f"({each}={dn})" for dn in names for each in MEMBER_ATTRIBUTES)
            outer_groups = session.search(suffix, f"(|{''.join(members)}{by_name})", ["memberOf"])
            for group in outer_groups:
                outer[normal_dn(group.dn)] = group.dn
                outer |= {normal_dn(dn): dn for dn in group.texts("memberOf")}
        if wanted & outer.keys():
            return True
        level = [dn for name, dn in outer.items() if name not in seen]
        if not level:
            return False
        seen |= outer.keys()
        by_name = ""
    return True


def members_of(session: LdapSession, groups: Iterable[str]) -> frozenset[str]:
    """The distinguished names of all direct and nested members, in normal form."""
    seen: set[str] = set()
    level = list(groups)
    for _depth in range(DEEPEST):
        inner = []
        for dn in level:
            wanted = session.search(dn, "(objectClass=*)", MEMBER_ATTRIBUTES, scope=BASE)
            for entry in wanted:
                for name in MEMBER_ATTRIBUTES:
                    inner += entry.texts(name)
        level = [
            dn for dn in {normal_dn(dn): dn for dn in inner}.values() if normal_dn(dn) not in seen
        ]
        seen.update(map(normal_dn, level))
        if not level:
            break
    return frozenset(seen)


def _unescaped(value: str) -> str:
    """An attribute's value in a distinguished name (RFC 4514 section 2.4) as it is meant."""
    plain = _ESCAPED.sub(
        lambda match: bytes.fromhex(match[1].decode()) if len(match[1]) == 2 else match[1],
        value.encode(),
    )
    return plain.decode(errors="surrogateescape")


def with_setter(state: AccountState, entry: LdapEntry, service: str) -> AccountState:
    """The state with who set the password, if that was the last change of the entry.

    Args:
        entry: with `MODIFIED`.
        service: the service account.
    """
    by, modified_at = normal_dn(entry.text("modifiersName")), instant_of(entry.text(MODIFIED[0]))
    if not by or by.endswith("cn=config"):
        # The server itself.
        return state
    setters = {normal_dn(service): SetBy.SERVICE, normal_dn(entry.dn): SetBy.USER}
    set_by = setters.get(by, SetBy.OTHER)
    if state.password_changed_at is None and set_by is not SetBy.OTHER:
        return replace(state, set_at=modified_at, set_by=set_by)
    return replace(state, set_by=set_by) if state.password_changed_at == modified_at else state
