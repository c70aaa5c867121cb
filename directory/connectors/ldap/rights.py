"""What the service account may do to an account, read from the directory without changing it."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from directory.connectors.ldap.transport import LdapEntry, LdapFailure, LdapSession
from directory.connectors.ldap.windows import sid_text

RESET_PASSWORD = UUID("00299570-246d-11d0-a768-00aa006e0529")
_CONTROL_ACCESS, _GENERIC_ALL = 0x100, 0x1000_0000
_ALLOW, _DENY, _ALLOW_OBJECT, _DENY_OBJECT = 0, 1, 5, 6
_INHERIT_ONLY = 0x8
_EVERYONE, _AUTHENTICATED = "S-1-1-0", "S-1-5-11"
_ONLY_DACL = ("1.2.840.113556.1.4.801", True, bytes.fromhex("3003020104"))
_EFFECTIVE_RIGHTS = "1.3.6.1.4.1.42.2.27.9.5.2"


@dataclass(frozen=True, slots=True)
class AccountRights:
    """None: the directory doesn't say."""

    resets: bool | None = None
    unlocks: bool | None = None
    marks_change: bool | None = None
    """May write the attribute by which a changed password needn't be changed again."""
    sees_locks: bool | None = None
    """May read the attributes that say whether the account is locked."""


def windows_rights(session: LdapSession, dn: str, service: LdapEntry) -> AccountRights:
    """On an account of an Active Directory.

    Args:
        service: the entry of the service account, with `objectSid` and `tokenGroups`.

    Source: MS-ADTS 3.1.1.4.5.22 (allowedAttributesEffective), 5.1.3 (access checks).
    """
    account = session.read(dn, ["allowedAttributesEffective"])
    writable = (
        {name.lower() for name in account.texts("allowedAttributesEffective")} if account else ()
    )
    sids = {_EVERYONE, _AUTHENTICATED}
    for value in [service.raw("objectSid"), *service.attributes.get("tokenGroups", ())]:
        if value:
            sids.add(sid_text(value))
    entries = session.search(
        dn,
        "(objectClass=*)",
        ["nTSecurityDescriptor"],
        scope="BASE",
        page_size=0,
        controls=[_ONLY_DACL],
    )
    try:
        guarded = next(entries, None)
    except LdapFailure:
        guarded = None
    descriptor = guarded.raw("nTSecurityDescriptor") if guarded else None
    return AccountRights(
        resets=None if descriptor is None else may_reset(descriptor, sids),
        unlocks="lockouttime" in writable,
        marks_change="pwdlastset" in writable,
    )


def may_reset(descriptor: bytes, sids: Collection[str]) -> bool:
    """Whether a security descriptor gives one of these the control access right Reset Password.

    Source: MS-DTYP 2.4.4 to 2.4.6; MS-ADTS 5.1.3.3.4: the first entry that fits decides.
    """
    dacl = int.from_bytes(descriptor[16:20], "little")
    if not dacl:
        return False
    count = int.from_bytes(descriptor[dacl + 4 : dacl + 6], "little")
    at = dacl + 8
    for _ in range(count):
        kind, flags = descriptor[at], descriptor[at + 1]
        size = int.from_bytes(descriptor[at + 2 : at + 4], "little")
        entry, at = descriptor[at : at + size], at + size
        if flags & _INHERIT_ONLY or size < 16:
            continue
        mask, sid_at, applies = int.from_bytes(entry[4:8], "little"), 8, True
        if kind in {_ALLOW_OBJECT, _DENY_OBJECT}:
            present, sid_at = int.from_bytes(entry[8:12], "little"), 12
            if present & 1:
                applies = UUID(bytes_le=entry[12:28]) == RESET_PASSWORD
                sid_at += 16
            sid_at += 16 if present & 2 else 0
        elif kind not in {_ALLOW, _DENY}:
            continue
        length = 8 + 4 * entry[sid_at + 1]
        if (
            applies
            and mask & (_CONTROL_ACCESS | _GENERIC_ALL)
            and sid_text(entry[sid_at : sid_at + length]) in sids
        ):
            return kind in {_ALLOW, _ALLOW_OBJECT}
    return False


def effective_rights(
    session: LdapSession, dn: str, service_dn: str, unlocking: Collection[str], marking: str
) -> AccountRights:
    """On an account of a 389 Directory Server or FreeIPA, by the control Get Effective Rights.

    Args:
        unlocking: the attributes that an unlock writes.
        marking: the attribute by which a password has to be changed; "" if none is written.
    """
    wanted = ["userPassword", *unlocking, *filter(None, [marking])]
    control = (_EFFECTIVE_RIGHTS, True, f"dn:{service_dn}".encode())
    entries = session.search(
        dn, "(objectClass=*)", wanted, scope="BASE", page_size=0, controls=[control]
    )
    try:
        entry = next(entries, None)
    except LdapFailure:
        return AccountRights()
    said = entry.text("attributeLevelRights") if entry else ""
    if not said:
        return AccountRights()
    rights = dict(part.strip().lower().partition(":")[::2] for part in said.split(","))
    return AccountRights(
        resets="w" in rights.get("userpassword", ""),
        unlocks=all("w" in rights.get(name.lower(), "") for name in unlocking),
        sees_locks=all("r" in rights.get(name.lower(), "") for name in unlocking),
        marks_change="w" in rights.get(marking.lower(), "") if marking else None,
    )


def sees_attribute(session: LdapSession, dn: str, name: str) -> bool:
    """Whether a filter may use the attribute, also where the entry has no value of it.

    On OpenLDAP, which hides an attribute as if it were absent.

    Source: RFC 4511 4.5.1.7: what may not be compared is undefined, and so is its opposite.
    """
    either = f"(|({name}=*)(!({name}=*)))"
    return next(session.search(dn, either, [], scope="BASE", page_size=0), None) is not None
