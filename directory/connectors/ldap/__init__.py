"""Directories outside of this service that speak LDAP."""

from collections.abc import Callable

from directory.connectors.base import AccountConnector
from directory.models import DirectoryConnection

_CONNECTORS: dict[str, Callable[[DirectoryConnection], AccountConnector]] = {}
"""By `DirectoryKind`."""


def account_connector_of(connection: DirectoryConnection) -> AccountConnector:
    """The code for the directories of this kind."""
    return _CONNECTORS[connection.kind](connection)
