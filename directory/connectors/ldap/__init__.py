"""Directories outside of this service that speak LDAP."""

from collections.abc import Callable

from directory.connectors.base import AccountConnector
from directory.connectors.ldap.active_directory import ActiveDirectory
from directory.connectors.ldap.generic import LdapConnector
from directory.models import DirectoryConnection
from directory.rules import DirectoryKind

_CONNECTORS: dict[str, Callable[[DirectoryConnection], AccountConnector]] = {
    DirectoryKind.LDAP: LdapConnector,
    DirectoryKind.ACTIVE_DIRECTORY: ActiveDirectory,
}
"""By `DirectoryKind`."""


def account_connector_of(connection: DirectoryConnection) -> AccountConnector:
    """The code for the directories of this kind."""
    return _CONNECTORS[connection.kind](connection)
