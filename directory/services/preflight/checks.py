"""“Test connection”: all that an administrator should know of a directory before people use it.

Reads only. It runs in the request of the page, outside of any transaction: the servers are tried
at once within `PROBE_S`, the rest takes no longer than `BUDGET_S`. No password is in a finding.
"""

from collections.abc import Sequence

from directory.connectors import health
from directory.connectors.base import (
    NotInDirectory,
    NotPermitted,
    ServiceAccountRefused,
    Unreachable,
)
from directory.connectors.bulkhead import checking, within
from directory.connectors.ldap import account_connector_of
from directory.connectors.ldap.ds389 import Ds389
from directory.connectors.ldap.freeipa import FreeIpa
from directory.connectors.ldap.probe import probe_all
from directory.connectors.ldap.rights import (
    AccountRights,
    effective_rights,
    sees_attribute,
    windows_rights,
)
from directory.connectors.ldap.transport import Flavour, LdapFailure, root_dse, service_session
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from directory.services.preflight.people import find_account, say_groups, say_people
from directory.services.preflight.report import OwnRules, PreflightCode, PreflightReport
from directory.services.preflight.sample import say_rights, say_sample
from directory.services.preflight.server import (
    PPOLICY,
    is_right_kind,
    say_controls,
    say_server,
    say_time,
)
from directory.services.preflight.service_account import say_service_account

BUDGET_S = 8.0


def preflight(connection: DirectoryConnection, sample: str, own: OwnRules) -> PreflightReport:
    """Tests a connection, and what its service account may do to one user.

    Args:
        sample: a user ID, another name at sign-in or a distinguished name; empty for none.
    """
    report = PreflightReport()
    probes = probe_all(connection.servers.split(), connection.ca_certificates)
    for probe in probes:
        say_server(report, probe)
    working = [probe.url for probe in probes if probe.failure is None]
    if not working:
        return report
    health.retry_now(connection)  # an administrator wants to know now
    try:
        with checking(), within(BUDGET_S):
            sign_in_at(working, report, connection)
            ask_directory(report, connection, sample.strip(), own)
    except ServiceAccountRefused as refused:
        report.fail(PreflightCode.SERVICE_ACCOUNT_REFUSED, detail=refused.detail)
    except NotPermitted as refused:
        report.fail(PreflightCode.REFUSED, detail=refused.detail)
    except LdapFailure as failure:
        report.fail(PreflightCode.REFUSED, detail=f"{failure.code} {failure.text}")
    except Unreachable as unreachable:
        if unreachable.failure is DirectoryFailure.REFUSED_HERE:
            report.warn(PreflightCode.ENDED_EARLY, seconds=int(BUDGET_S))
        else:
            report.fail(PreflightCode.UNREACHABLE, failure=unreachable.failure)
    return report


def sign_in_at(
    servers: Sequence[str], report: PreflightReport, connection: DirectoryConnection
) -> None:
    """A service account that one server refuses isn't tried at the others: that could lock it."""
    for server in servers:
        with service_session(connection, server=server):
            report.ok(PreflightCode.SERVICE_ACCOUNT, server=server)


def ask_directory(
    report: PreflightReport, connection: DirectoryConnection, sample: str, own: OwnRules
) -> None:
    """Everything that a bound session can tell. Raises what the session raises."""
    dse = root_dse(connection)
    with service_session(connection) as session:
        report.flavour = dse.flavour
        if not is_right_kind(report, connection, dse):
            return
        say_controls(report, connection, dse)
        say_time(report, session)
        anyone = say_people(report, connection, session, own)
        say_groups(report, connection, session)
        service = say_service_account(report, connection, session, dse)
        locks = dse.flavour is Flavour.OPENLDAP and PPOLICY in dse.controls
        if locks and anyone and not sees_attribute(session, anyone, "pwdAccountLockedTime"):
            report.warn(PreflightCode.LOCKS_HIDDEN)
        if not sample:
            return
        accounts = find_account(session, connection, dse.flavour, sample)
        if len(accounts) != 1:
            missing, many = PreflightCode.SAMPLE_MISSING, PreflightCode.SAMPLE_AMBIGUOUS
            report.fail(many if accounts else missing, name=sample)
            return
        rights = AccountRights()
        if dse.flavour.is_active_directory and service is not None:
            rights = windows_rights(session, accounts[0].dn, service)
        elif dse.flavour in {Flavour.DS389, Flavour.FREEIPA}:
            is_ipa = dse.flavour is Flavour.FREEIPA
            unlocking = (FreeIpa if is_ipa else Ds389)().unlocking()
            marking = "" if is_ipa else "passwordExpirationTime"
            person, service_dn = accounts[0].dn, connection.bind_dn
            rights = effective_rights(session, person, service_dn, unlocking, marking)
        say_rights(report, connection, rights)
    say_sample(report, connection, accounts[0], own)


def reset_test_account(connection: DirectoryConnection, name: str, password: str) -> None:
    """Sets a password, to try whether the service account may. Privileged accounts are refused.

    Raises:
        NotInDirectory: there isn't exactly one such account.
        DirectoryError: see the kinds of it.
    """
    try:
        flavour = root_dse(connection).flavour
        with service_session(connection) as session:
            accounts = find_account(session, connection, flavour, name.strip())
    except LdapFailure as failure:
        raise NotPermitted(f"{failure.code} {failure.text}") from None
    if len(accounts) != 1:
        raise NotInDirectory
    account_connector_of(connection).set_password(accounts[0], password)
