"""Rows of this service for accounts in directories that tests start."""

import socket
import threading
from contextlib import contextmanager, suppress

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


class Relay:
    """Stands before a server and passes on what it gets, until a test wants a fault.

    Args:
        fault: happens to the connection that next sends something: "cut requests" before it
            reaches the server, "cut answers" afterwards; "hold requests" and "hold answers" keep
            what was sent and leave the connection open.
    """

    def __init__(self, server) -> None:
        self.fault = ""
        self._server = server
        self._listening = socket.create_server((server.host, 0))
        self.url = f"ldaps://{server.host}:{self._listening.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listening.accept()
                try:
                    server = socket.create_connection((self._server.host, self._server.tls_port))
                except OSError:
                    client.close()
                    continue
                held = threading.Event()
                for pump in (self._requests, self._answers):
                    threading.Thread(target=pump, args=(client, server, held), daemon=True).start()

    def close(self) -> None:
        """Refuses connections from now on. Those that are open stay."""
        _end(self._listening)

    def _requests(self, client, server, held) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.fault:
                    fault, self.fault = self.fault, ""
                    if fault == "cut requests":
                        break
                    held.cut = fault == "cut answers"
                    held.set()
                    if fault == "hold requests":
                        continue
                server.sendall(data)
        _end(client, server)

    def _answers(self, client, server, held) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if not held.is_set():
                    client.sendall(data)
                elif held.cut:
                    break
        _end(client, server)


@contextmanager
def relayed(server):
    relay = Relay(server)
    threading.Thread(target=relay.serve, daemon=True).start()
    try:
        yield relay
    finally:
        relay.close()


def _end(*sockets) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
