"""The service account: its privileges, the age of its password, and what could lock it."""

from datetime import datetime

from django.utils import timezone

from directory.connectors.ldap.generic import LdapConnector
from directory.connectors.ldap.transport import (
    Flavour,
    LdapEntry,
    LdapSession,
    RootDse,
    escape_filter,
)
from directory.connectors.ldap.windows import AccountFlags, is_privileged, moment, sid_text
from directory.models import DirectoryConnection
from directory.services.preflight.report import PreflightCode, PreflightReport
from directory.services.preflight.server import PPOLICY

_ATTRIBUTES = (
    *("objectSid", "sAMAccountName", "userAccountControl", "adminCount"),
    "msDS-UserPasswordExpiryTimeComputed",
)
_DIRECTORY_MANAGER = "cn=directory manager"


def say_service_account(
    report: PreflightReport,
    connection: DirectoryConnection,
    session: LdapSession,
    dse: RootDse,
) -> LdapEntry | None:
    """Its privileges, the age of its password, and whether wrong passwords can lock it."""
    entry = service_entry(connection, session, dse)
    if connection.bind_dn.casefold() == _DIRECTORY_MANAGER:
        report.warn(PreflightCode.SERVICE_PRIVILEGED, why=connection.bind_dn)
        return None
    if entry is None:
        report.warn(PreflightCode.SERVICE_HIDDEN, account=connection.bind_dn)
        return None
    before = len(report.findings)
    if dse.flavour.is_active_directory:
        _say_windows_account(report, session, dse, entry)
    else:
        _say_ldap_account(report, connection, dse)
    if len(report.findings) == before:
        report.ok(PreflightCode.SERVICE_SAFE)
    return entry


def _say_ldap_account(
    report: PreflightReport, connection: DirectoryConnection, dse: RootDse
) -> None:
    if dse.flavour is Flavour.OPENLDAP and PPOLICY not in dse.controls:
        return  # Nothing locks an account or lets a password expire.
    state = LdapConnector(connection).state_of_entry(connection.bind_dn)
    expires_at, rules = (state.password_expires_at, state.policy) if state else (None, None)
    if expires_at is not None:
        report.warn(PreflightCode.SERVICE_EXPIRES, days=_days_until(expires_at))
    elif rules is not None and rules.max_age_days:
        report.warn(PreflightCode.SERVICE_MAX_AGE, days=round(rules.max_age_days))
    if rules is None:
        report.warn(PreflightCode.SERVICE_UNKNOWN)
    elif rules.lockout_threshold:
        report.warn(PreflightCode.SERVICE_LOCKABLE)


def _say_windows_account(
    report: PreflightReport, session: LdapSession, dse: RootDse, entry: LdapEntry
) -> None:
    sids = [sid_text(sid) for sid in entry.attributes.get("tokenGroups", ())]
    report.service_name = entry.text("sAMAccountName")
    report.service_sid = sid_text(entry.raw("objectSid") or b"") if entry.raw("objectSid") else ""
    privileged = next(filter(is_privileged, sids), "")
    if privileged or entry.integer("adminCount"):
        report.warn(PreflightCode.SERVICE_PRIVILEGED, why=privileged or "adminCount=1")
    flags = AccountFlags(entry.integer("userAccountControl") or 0)
    expires = moment(entry.integer("msDS-UserPasswordExpiryTimeComputed"))
    if expires is not None and AccountFlags.PASSWORD_NEVER_EXPIRES not in flags:
        report.warn(PreflightCode.SERVICE_EXPIRES, days=_days_until(expires))
    domain = session.read(dse.entry.text("defaultNamingContext"), ["lockoutThreshold"])
    pso = session.read(entry.dn, ["msDS-ResultantPSO"])
    name = pso.text("msDS-ResultantPSO") if pso else ""
    rules = session.read(name, ["msDS-LockoutThreshold"]) if name else domain
    attribute = "msDS-LockoutThreshold" if name else "lockoutThreshold"
    if rules is None or rules.integer(attribute) is None:
        report.warn(PreflightCode.SERVICE_UNKNOWN)
    elif rules.integer(attribute):
        report.warn(PreflightCode.SERVICE_LOCKABLE)


def _days_until(instant: datetime) -> int:
    return max(0, (instant - timezone.now()).days)


def service_entry(
    connection: DirectoryConnection, session: LdapSession, dse: RootDse
) -> LdapEntry | None:
    """The service account's own entry, with the groups of its token on an Active Directory."""
    name, dn = connection.bind_dn, connection.bind_dn
    if "=" not in name:
        local = name.rpartition("\\")[2].partition("@")[0]
        wanted = f"(userPrincipalName={escape_filter(name)})"
        wanted = f"(|{wanted}(sAMAccountName={escape_filter(local)}))"
        base = dse.entry.text("defaultNamingContext")
        entry = next(session.search(base, wanted, ["objectSid"], page_size=0), None)
        if entry is None:
            return None
        dn = entry.dn
    more = ("tokenGroups",) if dse.flavour.is_active_directory else ()
    return session.read(dn, [*_ATTRIBUTES, *more])
