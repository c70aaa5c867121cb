"""A proxy in front of a directory that fails on command: the network, and servers, at their worst.

It ends TLS itself, with a certificate of the directory's authority, and reads which operations
clients ask for. So a write can be carried out and its answer lost.
"""

import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from tests.services.ldap import DirectoryServer
from tests.services.processes import free_port

_LOOK_S = 0.05
_NO_RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)
"""It looks like a record of TLS, and no key decrypts it."""


class Operation(Enum):
    """What a client asks for, by its tag in RFC 4511."""

    BIND = 0x60
    SEARCH = 0x63
    MODIFY = 0x66
    EXTENDED = 0x77
    """Also the password modify operation of RFC 3062."""
    OTHER = 0


WRITES = frozenset({Operation.MODIFY, Operation.EXTENDED})
ALL = frozenset(Operation)


class Fault(Enum):
    CUT_BEFORE = "the connection is closed, and the request isn't passed on"
    CUT_AFTER = "the request is carried out, and the connection is closed without the answer"
    SILENT_BEFORE = "the request isn't passed on and never answered"
    SILENT_AFTER = "the request is carried out, and never answered"
    TLS_BREAKS_BEFORE = "the request isn't passed on, and what comes back can't be decrypted"
    TLS_BREAKS_AFTER = "the request is carried out, and what comes back can't be decrypted"

    @property
    def carries_out(self) -> bool:
        return self in {Fault.CUT_AFTER, Fault.SILENT_AFTER, Fault.TLS_BREAKS_AFTER}

    @property
    def closes(self) -> bool:
        return self not in {Fault.SILENT_BEFORE, Fault.SILENT_AFTER}

    @property
    def breaks_tls(self) -> bool:
        return self in {Fault.TLS_BREAKS_BEFORE, Fault.TLS_BREAKS_AFTER}


@dataclass(slots=True)
class FaultProxy:
    """Passes everything on until it's told otherwise."""

    server: DirectoryServer
    port: int
    operations: list[Operation] = field(default_factory=list)
    """What clients asked for since the start, in order."""
    connections: int = 0
    """How many were accepted since the start."""
    _tls: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _listener: socket.socket | None = None
    _fault: Fault | None = None
    _on: frozenset[Operation] = ALL
    _passes: int = 0
    _fails_once: bool = False
    _then_hangs: bool = False
    _then_refuses: bool = False
    _hangs: bool = False
    _delay_s: float = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ldaps://127.0.0.1:{self.port}"

    @property
    def through(self) -> DirectoryServer:
        """The same directory, reached by the proxy."""
        return replace(self.server, host="127.0.0.1", tls_port=self.port, process=None)

    def pass_on(self) -> None:
        """Be no trouble. What hangs already hangs until the client gives up."""
        self._fault, self._hangs, self._then_hangs, self._delay_s = None, False, False, 0
        self._listen()

    def fail(
        self,
        fault: Fault,
        *,
        on: frozenset[Operation] = WRITES,
        after: int = 0,
        once: bool = False,
        then_hangs: bool = False,
        then_refuses: bool = False,
    ) -> None:
        """Fails these operations from now on; others pass.

        Args:
            after: so many of them pass first.
            once: those after the first failure pass again.
            then_hangs: after the first failure nothing is answered at all.
            then_refuses: after the first failure no connection is accepted.
        """
        self._on, self._passes, self._then_hangs = frozenset(on), after, then_hangs
        self._fails_once, self._then_refuses = once, then_refuses
        self._fault = fault

    def hang(self) -> None:
        """Accept connections, and answer nothing any more."""
        self._hangs = True

    def delay(self, seconds: float) -> None:
        """Answer as late as that."""
        self._delay_s = seconds

    def refuse(self) -> None:
        """Refuse new connections. Those that are open stay."""
        listener, self._listener = self._listener, None
        if listener:
            # Closing alone doesn't end the thread's waiting.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
            self._start(self._accept, self._listener)

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, client)

    def _serve(self, plain: socket.socket) -> None:
        """One connection, from its handshake to its end."""
        with plain:
            if self._hangs:
                self._ended.wait()
                return
            with suppress(OSError), ExitStack() as stack:
                client = stack.enter_context(self._tls.wrap_socket(plain, server_side=True))
                to_server = stack.enter_context(
                    socket.create_connection((self.server.host, self.server.tls_port), timeout=10)
                )
                trusted = self.server.authority.trusted()
                server = stack.enter_context(
                    trusted.wrap_socket(to_server, server_hostname=self.server.host)
                )
                self._relay(client, server)

    def _relay(self, client: ssl.SSLSocket, server: ssl.SSLSocket) -> None:
        unread = b""
        while not self._ended.is_set():
            for source in _readable(client, server):
                received = source.recv(1 << 16)
                if not received:
                    return
                if source is server:
                    self._ended.wait(self._delay_s)
                    if not self._hangs:
                        client.sendall(received)
                    continue
                unread += received
                while (length := _length(unread)) and length <= len(unread):
                    message, unread = unread[:length], unread[length:]
                    if not self._passed_on(message, client, server):
                        return

    def _passed_on(self, message: bytes, client: ssl.SSLSocket, server: ssl.SSLSocket) -> bool:
        """Hands on a request. Answers False if that was the end of the connection."""
        operation = _operation(message)
        self.operations.append(operation)
        fault = self._fault if operation in self._on else None
        if fault and self._passes:
            self._passes, fault = self._passes - 1, None
        if fault and self._fails_once:
            self._fault = None
        if self._hangs:
            self._ended.wait()
            return False
        if fault is None or fault.carries_out:
            server.sendall(message)
        if fault is None:
            return True
        if fault.carries_out:
            server.recv(1 << 16)
        if fault.breaks_tls:
            os.write(client.fileno(), _NO_RECORD)
        if self._then_hangs:
            self.hang()
        if self._then_refuses:
            self.refuse()
        if not fault.closes:
            self._ended.wait()
        return False


@contextmanager
def faults(server: DirectoryServer, folder: Path) -> Iterator[FaultProxy]:
    """A proxy in front of the directory's LDAPS port.

    Args:
        folder: for its certificate; it's made.
    """
    proxy = FaultProxy(server, free_port())
    issued = server.authority.issue(folder, ["localhost", "127.0.0.1"])
    proxy._tls.load_cert_chain(issued.certificate, issued.key)
    proxy.pass_on()
    try:
        yield proxy
    finally:
        proxy.refuse()
        proxy._ended.set()
        for thread in proxy._threads:
            thread.join(15)


def _readable(*sources: ssl.SSLSocket) -> list[ssl.SSLSocket]:
    pending = [source for source in sources if source.pending()]
    return pending or select.select(sources, [], [], _LOOK_S)[0]


def _length(message: bytes) -> int | None:
    """How many bytes the first message of LDAP has, or None while that can't be known.

    >>> _length(bytes.fromhex("300c02010160070201030400"))
    14
    >>> _length(bytes.fromhex("3082"))
    """
    if len(message) < 2:
        return None
    short = message[1]
    if short < 0x80:
        return 2 + short
    more = short & 0x7F
    if len(message) < 2 + more:
        return None
    return 2 + more + int.from_bytes(message[2 : 2 + more], "big")


def _operation(message: bytes) -> Operation:
    """After the sequence's length and the message's number (an integer) comes the operation."""
    start = 2 + (message[1] & 0x7F if message[1] & 0x80 else 0)
    tag = message[start + 2 + message[start + 1]]
    return Operation(tag) if tag in {known.value for known in Operation} else Operation.OTHER
