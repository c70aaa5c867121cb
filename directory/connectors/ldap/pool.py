"""Connections of this process that are bound as a service account, by connection row."""

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from directory.connectors import health
from directory.connectors.base import NotPermitted, ServiceAccountRefused, Unreachable
from directory.connectors.ldap.rootdse import RootDse
from directory.connectors.ldap.wire import (
    DEAD_S,
    MUST_CHANGE,
    BindAnswer,
    LdapLink,
    context_of,
    failure_of,
)
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from vault.services import open_column

REFUSED_S = 60.0
"""How long a refused service account isn't tried again: more tries could lock it."""
BUSY = frozenset({51, 52})
"""Result codes busy and unavailable: the server did nothing."""
_REFUSED_HERE = DirectoryFailure.REFUSED_HERE
_IDLE_S = 60.0
_MOST_IDLE = 4


@dataclass(slots=True)
class State:
    """What this process knows about one connection row, as long as its settings stay the same."""

    settings: tuple[int, bytes]
    idle: list[LdapLink] = field(default_factory=list)
    dead_until: dict[str, float] = field(default_factory=dict)
    refused_until: float = 0.0
    refusal: str = ""
    root_dse: RootDse | None = None
    root_dse_until: float = 0.0
    replaced: bool = False

    def take(self, server: str) -> LdapLink | None:
        """An idle connection; those that died are closed."""
        while True:
            with _LOCK:
                fitting = [link for link in self.idle if server in {"", link.url}]
                if not fitting:
                    return None
                link = fitting[-1]
                self.idle.remove(link)
            if monotonic() < link.idle_since + _IDLE_S and link.is_quiet():
                return link
            link.close()

    def give_back(self, link: LdapLink) -> None:
        link.idle_since = monotonic()
        with _LOCK:
            if link.usable and not self.replaced and len(self.idle) < _MOST_IDLE:
                self.idle.append(link)
                return
        link.close()


_LOCK = threading.Lock()
_states: dict[tuple[int, int], State] = {}


def state_of(connection: DirectoryConnection) -> State:
    """The state of these settings. Another process and changed settings begin with a new one."""
    secret = bytes(connection.bind_password)
    parts = [connection.servers, connection.ca_certificates, connection.bind_dn]
    settings = (os.getpid(), hashlib.sha256(repr((parts, secret)).encode()).digest())
    row = (connection.tenant_id, connection.pk)
    with _LOCK:
        state = _states.get(row)
        if state is not None and state.settings == settings:
            return state
        if state is not None:
            state.replaced = True
        _states[row] = new = State(settings)
    for link in state.idle if state is not None else ():
        link.close()
    return new


def bound_link(connection: DirectoryConnection, server: str = "") -> LdapLink:
    state = state_of(connection)
    if monotonic() < state.refused_until:
        raise ServiceAccountRefused(state.refusal)
    password = open_column(connection, "bind_password") if connection.bind_password else ""
    if not connection.bind_dn or not password:
        raise NotPermitted("the connection has no service account")
    link, answer = _first_answer(connection, server, password)
    if answer.code == 0 and MUST_CHANGE not in answer.controls:
        health.note_account_accepted(connection)
        return link
    link.close()
    state.refusal = (
        f"LDAP {answer.code} {answer.text}".strip()
        if answer.code
        else "It must change its own password first."
    )
    state.refused_until = monotonic() + REFUSED_S
    raise ServiceAccountRefused(state.refusal)


def open_link(connection: DirectoryConnection, server: str = "") -> LdapLink:
    """TLS to the first server that answers. Those that failed lately come last."""
    failures = []
    for link in _links(connection, server):
        if isinstance(link, LdapLink):
            return link
        failures.append(link)
    raise Unreachable(failures[0] if failures else DirectoryFailure.UNKNOWN_HOST)


def _first_answer(
    connection: DirectoryConnection, server: str, password: str
) -> tuple[LdapLink, BindAnswer]:
    """The first server that compares the service account's password, and what it says.

    A refusal is an answer: another server would count one more wrong password.
    """
    failures, is_claimed = [], False
    for link in _links(connection, server):
        if not isinstance(link, LdapLink):
            failures.append(link)
            continue
        try:
            if not is_claimed:
                health.claim_account_try(connection)
                is_claimed = True
            answer = link.bind(connection.bind_dn, password)
        except (Unreachable, ServiceAccountRefused) as problem:
            link.close()
            if not isinstance(problem, Unreachable) or problem.failure is _REFUSED_HERE:
                raise
            failures.append(problem.failure)
        else:
            if answer.code not in BUSY:
                return link, answer
            link.close()
            failures.append(DirectoryFailure.BUSY)
        state_of(connection).dead_until[link.url] = monotonic() + DEAD_S
    raise Unreachable(failures[0] if failures else DirectoryFailure.UNKNOWN_HOST)


def _links(connection: DirectoryConnection, server: str) -> Iterator[LdapLink | DirectoryFailure]:
    """TLS to each server in turn, or why there is none. Those that failed lately come last."""
    try:
        context = context_of(connection.ca_certificates.strip())
    except (OSError, ValueError):
        raise Unreachable(DirectoryFailure.CERTIFICATE_UNTRUSTED) from None
    state = state_of(connection)
    urls = [server] if server else connection.servers.split()
    for url in sorted(urls, key=lambda each: monotonic() < state.dead_until.get(each, 0.0)):
        try:
            link = LdapLink(url, context, state.dead_until)
        except (OSError, ValueError) as error:
            state.dead_until[url] = monotonic() + DEAD_S
            yield failure_of(error)
        else:
            yield link
