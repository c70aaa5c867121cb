"""Connections to the throwaway directories, as an administrator would set them up."""

from directory.models import DirectoryConnection
from vault.services import seal_column


def make_connection(server, *, account=None, **changes) -> DirectoryConnection:
    """In the tenant in force.

    Args:
        account: the service account, if not the one with the usual rights.
    """
    account = account or server.service
    values = {
        "name": "Directory",
        "kind": server.kind,
        "servers": server.url,
        "ca_certificates": server.authority.pem,
        "base_dn": server.base_dn,
        "bind_dn": account.dn,
        "writeback": True,
        "unlocks": True,
    }
    row = DirectoryConnection.objects.create(**(values | changes))
    row.bind_password = seal_column(row, "bind_password", account.password)
    row.save()
    return row
