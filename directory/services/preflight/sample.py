"""One user: what the service account may do to them, and the directory's rules beside ours."""

from datetime import timedelta

from directory.connectors.base import DirectoryError, NotPermitted
from directory.connectors.ldap import account_connector_of
from directory.connectors.ldap.rights import AccountRights
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import DirectoryLockout
from directory.services.outside import note_lockout
from directory.services.preflight.report import (
    Fact,
    OwnRules,
    PreflightCode,
    PreflightReport,
    SampleUser,
)


def say_rights(
    report: PreflightReport, connection: DirectoryConnection, rights: AccountRights
) -> None:
    wanted = connection.writeback or connection.unlocks
    refuse = report.fail if wanted else report.warn
    if rights.sees_locks is False:
        report.warn(PreflightCode.LOCKS_HIDDEN)
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
        is_windows = report.flavour.is_active_directory
        attribute = "pwdLastSet" if is_windows else "passwordExpirationTime"
        refuse(PreflightCode.MAY_NOT_MARK, attribute=attribute)


def say_sample(
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
    # From now on this service stops before that, as after a sign-in.
    note_lockout(connection, policy)
    theirs, ours = policy.lockout_threshold, own.lockout_threshold
    if theirs == 0:
        report.ok(PreflightCode.LOCKOUT_NONE)
        return
    window = timedelta(minutes=policy.lockout_window_minutes or 24 * 60)
    tries = tries_within(window, threshold=ours, first=timedelta(seconds=own.lockout_s))
    most = DirectoryLockout(theirs, window).most(known=False)
    facts: dict[str, Fact] = {"ours": ours, "theirs": theirs, "to_set": max(3, theirs - 1)}
    facts |= {"tries": tries, "most": most, "minutes": round(window.total_seconds() / 60)}
    if theirs <= most + 1:
        report.fail(PreflightCode.LOCKOUT_LOW, **facts)
    elif ours >= theirs:
        report.warn(PreflightCode.LOCKOUT_ABOVE, **facts)
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
