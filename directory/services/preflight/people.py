"""What base and filters find, and one user among them."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from directory.connectors.ldap.transport import (
    NO_SUCH_OBJECT,
    Flavour,
    LdapFailure,
    LdapSession,
    escape_filter,
)
from directory.connectors.ldap.windows import guid_text
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import KIND_DEFAULTS, DirectoryKind, canonical_upn
from directory.services.preflight.report import Fact, OwnRules, PreflightCode, PreflightReport

MOST_PEOPLE = 1_000
_ID_ATTRIBUTES = {
    Flavour.OPENLDAP: "entryUUID",
    Flavour.DS389: "nsUniqueId",
    Flavour.FREEIPA: "ipaUniqueID",
}


def say_people(
    report: PreflightReport,
    connection: DirectoryConnection,
    session: LdapSession,
    own: OwnRules,
) -> str:
    """Looks at the first `MOST_PEOPLE`, and returns the name of an entry among them, if any."""
    mapping = _mapping(connection)
    wanted = [name for name in dict.fromkeys(mapping.values()) if name]
    people_filter = _people_filter(connection)
    try:
        results = session.search(connection.base_dn, people_filter, wanted, page_size=200)
        people = list(islice(results, MOST_PEOPLE))
    except LdapFailure as failure:
        if failure.code != NO_SUCH_OBJECT:
            raise
        report.fail(PreflightCode.BASE_MISSING, base=connection.base_dn)
        return ""
    if not people:
        report.fail(
            PreflightCode.NO_PEOPLE, base=connection.base_dn, filter=_people_filter(connection)
        )
        return ""
    more = len(people) >= MOST_PEOPLE
    report.ok(PreflightCode.PEOPLE, count=len(people), more=int(more))
    ids = [canonical_upn(entry.text(mapping["upn"])) for entry in people]
    _say_user_ids(report, [each for each in ids if each], own)
    if without := ids.count(""):
        facts: dict[str, Fact] = {"count": without, "attribute": mapping["upn"]}
        (report.fail if without == len(ids) else report.warn)(PreflightCode.NO_USER_ID, **facts)
    empty = [name for name in wanted if not any(name in entry.attributes for entry in people)]
    if empty:
        report.warn(PreflightCode.ATTRIBUTES_EMPTY, names=", ".join(empty))
    else:
        report.ok(PreflightCode.ATTRIBUTES, names=", ".join(wanted))
    return people[0].dn


def _say_user_ids(report: PreflightReport, ids: Iterable[str], own: OwnRules) -> None:
    counts = Counter(ids)
    twice = [each for each, count in counts.items() if count > 1]
    if twice:
        report.warn(PreflightCode.USER_ID_TWICE, count=len(twice), example=twice[0])
    foreign = [each for each in counts if each.rpartition("@")[2] not in own.domains]
    if foreign:
        facts: dict[str, Fact] = {"count": len(foreign), "example": foreign[0]}
        facts["domains"] = ", ".join(sorted(own.domains))
        everyone = len(foreign) == len(counts)
        (report.fail if everyone else report.warn)(PreflightCode.FOREIGN_DOMAIN, **facts)


def say_groups(
    report: PreflightReport, connection: DirectoryConnection, session: LdapSession
) -> None:
    if not connection.group_filter:
        return
    base = connection.group_base_dn or connection.base_dn
    try:
        results = session.search(base, connection.group_filter, ["cn"], page_size=200)
        count = sum(1 for _each in islice(results, MOST_PEOPLE))
    except LdapFailure as failure:
        if failure.code != NO_SUCH_OBJECT:
            raise
        count = 0
    if count:
        report.ok(PreflightCode.GROUPS, count=count, more=int(count >= MOST_PEOPLE))
    else:
        report.warn(PreflightCode.NO_GROUPS, base=base, filter=connection.group_filter)


def find_account(
    session: LdapSession, connection: DirectoryConnection, flavour: Flavour, name: str
) -> list[DirectoryAccount]:
    """Accounts of this user ID, name at sign-in or distinguished name; not saved. Two at most."""
    id_attribute = _ID_ATTRIBUTES.get(flavour, "objectGUID")
    mapping = _mapping(connection)
    wanted = "(objectClass=*)"
    if "=" in name:
        entry = session.read(name, [id_attribute])
        entries = [entry] if entry else []
    else:
        names = dict.fromkeys((mapping["upn"], *connection.sign_in_attributes))
        wanted = "".join(f"({each}={escape_filter(name)})" for each in names if each)
        wanted = f"(&{_people_filter(connection)}(|{wanted}))"
        results = session.search(connection.base_dn, wanted, [id_attribute], page_size=0)
        entries = list(islice(results, 2))
    accounts = []
    for entry in entries:
        is_guid = flavour.is_active_directory
        raw = entry.raw(id_attribute) or b""
        external_id = guid_text(raw) if is_guid and len(raw) == 16 else entry.text(id_attribute)
        accounts.append(
            DirectoryAccount(connection=connection, external_id=external_id, dn=entry.dn)
        )
    return accounts


def _mapping(connection: DirectoryConnection) -> dict[str, str]:
    defaults = KIND_DEFAULTS[DirectoryKind(connection.kind)].attributes
    return {**defaults, **connection.attributes}


def _people_filter(connection: DirectoryConnection) -> str:
    return connection.people_filter or KIND_DEFAULTS[DirectoryKind(connection.kind)].people_filter
