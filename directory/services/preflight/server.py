"""Servers: certificate, kind, what they offer, and their clock."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from directory.connectors.ldap.probe import ServerProbe
from directory.connectors.ldap.transport import Flavour, LdapSession, RootDse
from directory.models import DirectoryConnection
from directory.rules import DirectoryKind
from directory.services.preflight.report import Fact, PreflightCode, PreflightReport

_SOON = timedelta(days=30)
_MOST_SKEW_S, _SKEW_S = 300, 60
_PAGING = "1.2.840.113556.1.4.319"
PPOLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
_PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"
_POLICY_HINTS = frozenset({"1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"})


def say_server(report: PreflightReport, probe: ServerProbe) -> None:
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


def is_right_kind(report: PreflightReport, connection: DirectoryConnection, dse: RootDse) -> bool:
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


def say_controls(report: PreflightReport, connection: DirectoryConnection, dse: RootDse) -> None:
    before = len(report.findings)
    if _PAGING not in dse.controls:
        report.warn(PreflightCode.NO_PAGING)
    if dse.flavour.is_active_directory:
        if not _POLICY_HINTS & dse.controls:
            report.warn(PreflightCode.NO_POLICY_HINTS)
    else:
        if _PASSWORD_MODIFY not in dse.extensions and connection.writeback:
            report.fail(PreflightCode.NO_PASSWORD_MODIFY)
        if PPOLICY not in dse.controls:
            report.warn(PreflightCode.NO_PPOLICY)
    if len(report.findings) == before:
        report.ok(PreflightCode.CONTROLS)


def say_time(report: PreflightReport, session: LdapSession) -> None:
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
