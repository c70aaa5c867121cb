"""A mail server for measuring. It takes every mail and hands it to the user who waits for it."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from queue import SimpleQueue
from typing import Any

from aiosmtpd.controller import Controller

from tests.services.processes import free_port

_PATIENCE_S = 60


class Mail:
    """Mails by address. `url` is the server's EMAIL_URL."""

    def __init__(self, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self._to: dict[str, SimpleQueue[bytes]] = defaultdict(SimpleQueue)

    def wait_for(self, address: str, pattern: str) -> str:
        """The first group of the pattern in the next mail to this address that has it.

        Raises:
            Empty: no mail came within a minute.
        """
        while True:
            mail = message_from_bytes(
                self._to[address].get(timeout=_PATIENCE_S), policy=policy.default
            )
            body = mail.get_body(("plain",))
            if found := re.search(pattern, body.get_content() if body else ""):
                return found[1]

    def forget(self, address: str) -> None:
        """Drops what came to this address before."""
        self._to[address] = SimpleQueue()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's
        for address in envelope.rcpt_tos:
            self._to[address].put(envelope.content)
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[Mail]:
    port = free_port()
    mail = Mail(port)
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    server = Controller(mail, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield mail
    finally:
        server.stop()
