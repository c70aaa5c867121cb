"""Receivers of an audit log: a syslog server and a webhook, both over real TLS on this machine."""

import socket
import ssl
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_WAIT_S = 10


def server_context(issued):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


@dataclass
class Received:
    """What a receiver got, and how it behaves next.

    Args:
        dies_after: messages after which the connection is cut, as by kill -9; None for never.
        is_silent: it answers nothing before `released` is set, and then closes the connection.
        status: of the next answers of a webhook.
    """

    port: int = 0
    messages: list[str] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    dies_after: int | None = None
    is_silent: bool = False
    released: threading.Event = field(default_factory=threading.Event)
    closes_without_notice: bool = False
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    connections: int = 0


@contextmanager
def syslog_server(issued):
    """Reads messages with their lengths until the client ends the session, and confirms that."""
    received, context = Received(), server_context(issued)
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        received.port = listener.getsockname()[1]

        def serve():
            while not stopping.is_set():
                try:
                    raw, _address = listener.accept()
                except TimeoutError:
                    continue
                received.connections += 1
                with raw, suppress(OSError):
                    raw.settimeout(_WAIT_S)
                    if received.is_silent:
                        received.released.wait()
                        continue
                    with context.wrap_socket(raw, server_side=True) as session:
                        _read_messages(session, received)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield received
        finally:
            stopping.set()
            received.released.set()
            thread.join()


def _read_messages(session, received):
    data = b""
    while chunk := session.recv(65_536):
        data += chunk
        while b" " in data:
            length, _blank, rest = data.partition(b" ")
            if len(rest) < int(length):
                break
            received.messages.append(rest[: int(length)].decode())
            data = rest[int(length) :]
            if received.dies_after is not None and len(received.messages) >= received.dies_after:
                received.dies_after = None
                session.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
    assert data == b""
    if not received.closes_without_notice:
        session.unwrap()


@contextmanager
def webhook(issued):
    """Answers each POST with the status that it is told to, and remembers it."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, dict(self.headers), body))
            self.send_response(received.status)
            for name, value in received.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_args: None
        server.socket = server_context(issued).wrap_socket(server.socket, server_side=True)
        received.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()
