"""Checks directories, so that administrators know before people notice that one is down."""

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from directory.connectors import health
from directory.connectors.base import DirectoryError, NotInDirectory, NotPermitted
from directory.connectors.bulkhead import PAGE_S, checking, within
from directory.connectors.ldap.generic import LdapConnector
from directory.connectors.ldap.transport import (
    LdapFailure,
    LdapSession,
    root_dse,
    service_session,
)
from directory.connectors.ldap.windows import moment
from directory.models import DirectoryConnection
from directory.rules import KIND_DEFAULTS, DirectoryFailure, DirectoryKind
from directory.services.preflight.service_account import service_entry
from isolation.scope import all_tenants, in_tenant

_EVERY, _EVERY_WHILE_DOWN = timedelta(seconds=60), timedelta(seconds=20)
_EXPIRY = "msDS-UserPasswordExpiryTimeComputed"


def claim_due() -> DirectoryConnection | None:
    """The directory, of any organisation, whose check is due longest. Only one worker gets it."""
    now = timezone.now()
    is_due = (
        Q(checked_at=None)
        | Q(checked_at__lte=now - _EVERY)
        | Q(checked_at__lte=now - _EVERY_WHILE_DOWN, down_since__isnull=False)
    )
    while True:
        with all_tenants():
            due = DirectoryConnection.unscoped.filter(is_due, enabled=True)
            row = due.order_by(F("checked_at").asc(nulls_first=True), "pk").first()
        if row is None:
            return None
        with in_tenant(row.tenant_id):
            unclaimed = DirectoryConnection.objects.filter(pk=row.pk, checked_at=row.checked_at)
            if unclaimed.update(checked_at=now):
                return row


def enabled_directories() -> list[DirectoryConnection]:
    """Of all organisations, those that are down for longest first."""
    with all_tenants():
        rows = DirectoryConnection.unscoped.filter(enabled=True)
        return list(rows.order_by(F("down_since").asc(nulls_last=True), "pk"))


def check(connection: DirectoryConnection) -> None:
    """Signs in as the service account and looks for a person. How it went is noted on the row."""
    kind = DirectoryKind(connection.kind)
    people = connection.people_filter or KIND_DEFAULTS[kind].people_filter
    try:
        with checking(), within(PAGE_S), service_session(connection) as session:
            entries = session.search(connection.base_dn, people, [], page_size=1)
            person, expires_at = next(entries, None), _service_expiry(session, connection)
    except LdapFailure:
        person, expires_at = None, connection.service_expires_at
    except DirectoryError:
        return
    if person is None:
        health.note_failure(connection, DirectoryFailure.NO_PEOPLE)
    else:
        health.note_works(connection)
    if expires_at != connection.service_expires_at:
        DirectoryConnection.objects.filter(pk=connection.pk).update(service_expires_at=expires_at)


def _service_expiry(session: LdapSession, connection: DirectoryConnection) -> datetime | None:
    try:
        if connection.kind != DirectoryKind.ACTIVE_DIRECTORY:
            state = LdapConnector(connection).state_of_entry(connection.bind_dn)
            return state.password_expires_at if state is not None else None
        entry = service_entry(connection, session, root_dse(connection))
    except (LdapFailure, NotPermitted, NotInDirectory):
        return None
    return moment(entry.integer(_EXPIRY)) if entry is not None else None
