"""Rows of this service for accounts in directories that tests start."""

import ldap3

from directory.connectors.ldap.windows import guid_text
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import DirectoryKind
from vault.services import seal_column

_IDS = ("entryUUID", "nsUniqueId", "objectGUID")


def connected(server, *, service=None, **settings):
    """A saved connection to this server, as its service account."""
    service = service or server.service
    values = {
        "name": f"Directory {DirectoryConnection.objects.count()}",
        "kind": server.kind,
        "servers": server.url,
        "ca_certificates": server.authority.pem,
        "base_dn": server.base_dn,
        "bind_dn": service.dn,
    }
    row = DirectoryConnection.objects.create(**(values | settings))
    row.bind_password = seal_column(row, "bind_password", service.password)
    row.save()
    return row


def row_of(server, account):
    """An account in the directory as our database refers to it."""
    return DirectoryAccount(external_id=id_of(server, account.dn), dn=account.dn)


def id_of(server, dn):
    with server.bound() as root:
        root.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["*", "+", *_IDS])
        entry = root.response[0]["raw_attributes"]
    if server.kind is DirectoryKind.ACTIVE_DIRECTORY:
        return guid_text(entry["objectGUID"][0])
    return next(entry[name][0].decode() for name in _IDS if entry.get(name))
