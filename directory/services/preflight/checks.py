"""“Test connection”: all that an administrator should know of a directory before people use it.

Reads only. It runs in the request of the page, outside of any transaction. No step begins after
`BUDGET_S`, and each has a limit of its own, so that a directory that hangs ends the test early.
No password is in a finding.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic

from django.utils import timezone

from directory.connectors import health
from directory.connectors.base import (
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    ServiceAccountRefused,
    Unreachable,
)
from directory.connectors.bulkhead import checking, within
from directory.connectors.ldap import account_connector_of
from directory.connectors.ldap.probe import ServerProbe, probe_all
from directory.connectors.ldap.rights import AccountRights, effective_rights, windows_rights
from directory.connectors.ldap.transport import (
    Flavour,
    LdapFailure,
    LdapSession,
    RootDse,
    root_dse,
    service_session,
)
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import DirectoryKind
from directory.services.preflight.people import find_account, say_groups, say_people
from directory.services.preflight.report import (
    Fact,
    OwnRules,
    PreflightCode,
    PreflightReport,
    SampleUser,
)
from directory.services.preflight.service_account import say_service_account

BUDGET_S = 8.0
_SOON = timedelta(days=30)
_MOST_SKEW_S, _SKEW_S = 300, 60
_PAGING = "1.2.840.113556.1.4.319"
_PPOLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
_PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"
_POLICY_HINTS = frozenset({"1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"})


def preflight(connection: DirectoryConnection, sample: str, own: OwnRules) -> PreflightReport:
    """Tests a connection, and what its service account may do to one user.

    Args:
        sample: a user ID, another name at sign-in or a distinguished name; empty for none.
    """
    report, ends_at = PreflightReport(), monotonic() + BUDGET_S
    probes = probe_all(connection.servers.split(), connection.ca_certificates)
    for probe in probes:
        _say_server(report, probe)
    if all(probe.failure for probe in probes):
        return report
    health.forget(connection)  # an administrator wants to know now
    try:
        with checking(), within(BUDGET_S):
            _ask(report, connection, sample, own, ends_at)
    except ServiceAccountRefused as refused:
        report.fail(PreflightCode.SERVICE_ACCOUNT_REFUSED, detail=refused.detail)
    except NotPermitted as refused:
        report.fail(PreflightCode.REFUSED, detail=refused.detail)
    except Unreachable as unreachable:
        report.fail(PreflightCode.UNREACHABLE, failure=unreachable.failure)
    except LdapFailure as failure:
        report.fail(PreflightCode.REFUSED, detail=f"{failure.code} {failure.text}")
    except _EndedEarly:
        report.warn(PreflightCode.ENDED_EARLY, seconds=int(BUDGET_S))
    return report


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


class _EndedEarly(Exception):
    """The budget is used up."""


def _in_time(ends_at: float) -> None:
    if monotonic() > ends_at:
        raise _EndedEarly


def _say_server(report: PreflightReport, probe: ServerProbe) -> None:
    facts: dict[str, Fact] = {"server": probe.url, "tls": probe.tls}
    if probe.subject:
        facts |= {"subject": probe.subject, "issuer": probe.issuer}
        facts["names"] = ", ".join(probe.names)
    if probe.expires_at is not None:
        facts["expires_at"] = probe.expires_at
    if probe.failure is not None:
        report.fail(PreflightCode.SERVER_FAILED, failure=probe.failure, **facts)
        return
    report.ok(PreflightCode.SERVER, **facts)
    if probe.expires_at is not None and probe.expires_at < timezone.now() + _SOON:
        report.warn(PreflightCode.CERTIFICATE_ENDS, **facts)


def _ask(
    report: PreflightReport,
    connection: DirectoryConnection,
    sample: str,
    own: OwnRules,
    ends_at: float,
) -> None:
    """Everything that a bound session can tell. Raises what the session raises."""
    with service_session(connection) as session:
        report.ok(PreflightCode.SERVICE_ACCOUNT, server=session.server, account=connection.bind_dn)
        dse = root_dse(connection)
        report.flavour = dse.flavour
        if not _is_right_kind(report, connection, dse):
            return
        _say_controls(report, connection, dse)
        _say_time(report, session)
        _in_time(ends_at)
        if not say_people(report, connection, session, own, ends_at):
            return
        _in_time(ends_at)
        say_groups(report, connection, session)
        _in_time(ends_at)
        service = say_service_account(report, connection, session, dse)
        if not sample:
            return
        _in_time(ends_at)
        accounts = find_account(session, connection, dse.flavour, sample.strip())
        if len(accounts) != 1:
            missing = PreflightCode.SAMPLE_MISSING
            code = PreflightCode.SAMPLE_AMBIGUOUS if accounts else missing
            report.fail(code, name=sample)
            return
        rights = AccountRights()
        if dse.flavour.is_active_directory and service is not None:
            rights = windows_rights(session, accounts[0].dn, service)
        elif dse.flavour in {Flavour.DS389, Flavour.FREEIPA}:
            rights = effective_rights(session, accounts[0].dn, connection.bind_dn)
        _say_rights(report, connection, rights)
    _in_time(ends_at)
    _say_sample(report, connection, accounts[0], own)


def _is_right_kind(report: PreflightReport, connection: DirectoryConnection, dse: RootDse) -> bool:
    """A password that is written to `userPassword` of an Active Directory would stay readable."""
    vendor = f"{dse.entry.text('vendorName')} {dse.entry.text('vendorVersion')}".strip()
    facts = {"flavour": dse.flavour.value, "vendor": vendor}
    is_windows_kind = connection.kind == DirectoryKind.ACTIVE_DIRECTORY
    if dse.flavour.is_active_directory != is_windows_kind:
        report.fail(PreflightCode.WRONG_KIND, **facts)
        return False
    if dse.flavour is Flavour.UNKNOWN:
        report.warn(PreflightCode.KIND_UNKNOWN, **facts)
    else:
        report.ok(PreflightCode.KIND, **facts)
    return True


def _say_controls(report: PreflightReport, connection: DirectoryConnection, dse: RootDse) -> None:
    before = len(report.findings)
    if _PAGING not in dse.controls:
        report.warn(PreflightCode.NO_PAGING)
    if dse.flavour.is_active_directory:
        if not _POLICY_HINTS & dse.controls:
            report.warn(PreflightCode.NO_POLICY_HINTS)
    else:
        if _PASSWORD_MODIFY not in dse.extensions and connection.writeback:
            report.fail(PreflightCode.NO_PASSWORD_MODIFY)
        if _PPOLICY not in dse.controls:
            report.warn(PreflightCode.NO_PPOLICY)
    if len(report.findings) == before:
        report.ok(PreflightCode.CONTROLS)


def _say_time(report: PreflightReport, session: LdapSession) -> None:
    """Only Active Directory says what time it has."""
    entry = session.read("", ["currentTime"])
    try:
        text = entry.text("currentTime") if entry else ""
        theirs = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return
    seconds = round(abs((theirs - timezone.now()).total_seconds()))
    if seconds > _MOST_SKEW_S:
        report.fail(PreflightCode.TIME_DIFFERS, seconds=seconds)
    elif seconds > _SKEW_S:
        report.warn(PreflightCode.TIME_DIFFERS, seconds=seconds)
    else:
        report.ok(PreflightCode.TIME, seconds=seconds)


def _say_rights(
    report: PreflightReport, connection: DirectoryConnection, rights: AccountRights
) -> None:
    wanted = connection.writeback or connection.unlocks
    refuse = report.fail if wanted else report.warn
    if rights.resets is None and rights.unlocks is None:
        report.warn(PreflightCode.RIGHTS_UNKNOWN)
        return
    if rights.resets is not None:
        code = PreflightCode.MAY_RESET if rights.resets else PreflightCode.MAY_NOT_RESET
        (report.ok if rights.resets else refuse)(code)
    if rights.unlocks is not None:
        code = PreflightCode.MAY_UNLOCK if rights.unlocks else PreflightCode.MAY_NOT_UNLOCK
        (report.ok if rights.unlocks else refuse)(code)
    if rights.marks_change is False:
        refuse(PreflightCode.MAY_NOT_MARK)


def _say_sample(
    report: PreflightReport,
    connection: DirectoryConnection,
    account: DirectoryAccount,
    own: OwnRules,
) -> None:
    """State and rules of one account, as the connector reads them."""
    connector, state, policy = account_connector_of(connection), None, None
    try:
        state = connector.state(account)
        policy = connector.policy(account)
    except NotPermitted as refused:
        report.fail(PreflightCode.SAMPLE_UNREADABLE, detail=refused.detail)
    except DirectoryError:
        report.fail(PreflightCode.SAMPLE_UNREADABLE, detail="")
    report.sample = SampleUser(account, state, policy)
    if policy is None or policy.lockout_threshold is None:
        report.warn(PreflightCode.LOCKOUT_UNKNOWN)
        return
    theirs, ours = policy.lockout_threshold, own.lockout_threshold
    if theirs == 0:
        report.ok(PreflightCode.LOCKOUT_NONE)
        return
    window = timedelta(minutes=policy.lockout_window_minutes or 24 * 60)
    tries = tries_within(window, threshold=ours, first=timedelta(seconds=own.lockout_s))
    facts: dict[str, Fact] = {"ours": ours, "theirs": theirs, "to_set": max(3, theirs - 1)}
    facts |= {"tries": tries, "minutes": round(window.total_seconds() / 60)}
    if ours >= theirs:
        report.fail(PreflightCode.LOCKOUT_ABOVE, **facts)
    elif tries >= theirs:
        report.warn(PreflightCode.LOCKOUT_CLOSE, **facts)
    else:
        report.ok(PreflightCode.LOCKOUT_BELOW, **facts)


def tries_within(window: timedelta, *, threshold: int, first: timedelta) -> int:
    """The most wrong passwords that smart lockout lets through in this time: each lock doubles.

    >>> tries_within(timedelta(minutes=30), threshold=3, first=timedelta(seconds=60))
    7
    """
    tries, spent, lasts = threshold, timedelta(), first
    while spent + lasts < window:
        spent, lasts, tries = spent + lasts, lasts * 2, tries + 1
    return tries
