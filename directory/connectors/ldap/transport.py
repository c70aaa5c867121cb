"""Connections over LDAP: TLS before anything else, a limit of time on each step, no referrals.

Each caller has a connection to itself: `service_session` lends one that is bound as the service
account, `bind` opens one that is thrown away, so that no other operation runs with a user's rights.

No password is in an exception, in a log line or in the `repr` of anything here.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from time import monotonic

import ldap3
from ldap3.operation.extended import extended_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control

from directory.connectors import bulkhead
from directory.connectors.base import NotAnswered, NotPermitted, Unreachable
from directory.connectors.ldap.pool import BUSY, bound_link, open_link, state_of
from directory.connectors.ldap.rootdse import Flavour, RootDse, described
from directory.connectors.ldap.wire import (
    BROKEN,
    MUST_CHANGE,
    OPERATION_S,
    PAGE_S,
    PAGING,
    BindAnswer,
    Control,
    LdapAnswer,
    LdapEntry,
    LdapFailure,
    LdapLink,
    TimedOut,
)
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure

__all__ = [
    "BUSY",
    "GROUPS_PAGE_SIZE",
    "INVALID_FILTER",
    "MUST_CHANGE",
    "NO_SUCH_OBJECT",
    "PAGE_SIZE",
    "BindAnswer",
    "Control",
    "Flavour",
    "LdapEntry",
    "LdapFailure",
    "LdapSession",
    "RootDse",
    "TimedOut",
    "bind",
    "dn_of_no_account",
    "escape_dn",
    "escape_filter",
    "root_dse",
    "service_session",
    "user_session",
]

CACHED_S = 180.0
"""How long a rootDSE is believed."""
WRITE_S = OPERATION_S
PAGE_SIZE = 500
GROUPS_PAGE_SIZE = 10
"""Each may have many thousand members, and an answer has a limit."""
NO_SUCH_OBJECT = 32
INVALID_FILTER = 87
"""Not a code of the server: the filter or the base wasn't sent."""


class LdapSession:
    """A bound connection that one caller has to itself, until the `with` statement ends."""

    def __init__(self, connection: DirectoryConnection, link: LdapLink, *, reused: bool) -> None:
        self._connection, self.link, self._reused = connection, link, reused

    @property
    def server(self) -> str:
        """The URL of the server that answers."""
        return self.link.url

    def search(
        self,
        base: str,
        filter: str,  # noqa: A002  # its name in RFC 4511
        attributes: Sequence[str],
        *,
        scope: str = ldap3.SUBTREE,
        page_size: int = PAGE_SIZE,
        controls: Sequence[Control] = (),
    ) -> Iterator[LdapEntry]:
        """Entries, page by page (RFC 2696). Referrals are skipped, aliases aren't followed.

        Args:
            page_size: 0 for a single answer, of which `OPERATION_S` must be enough.

        Raises:
            LdapFailure: what was yielded so far isn't all.
            Unreachable: likewise.
        """
        cookie: bytes | None = None
        while cookie != b"":
            paging = [paged_search_control(size=page_size, cookie=cookie)] if page_size else []
            page = self._page(
                (base, filter, scope, attributes), [*controls, *paging], first=cookie is None
            )
            yield from page.entries
            page.check()
            cookie = page.cookie

    def read(self, dn: str, attributes: Sequence[str]) -> LdapEntry | None:
        """The entry with this name; None if there is none or it can't be seen."""
        try:
            entries = self.search(dn, "(objectClass=*)", attributes, scope=ldap3.BASE, page_size=0)
            return next(entries, None)
        except LdapFailure as failure:
            if failure.code == NO_SUCH_OBJECT:
                return None
            raise

    def modify(
        self,
        dn: str,
        changes: Mapping[str, Sequence[tuple[str, Sequence[str | bytes]]]],
        controls: Sequence[Control] = (),
    ) -> None:
        """One atomic write.

        Args:
            changes: attribute → operations of ldap3 (`MODIFY_REPLACE`…) with their values.

        Raises:
            LdapFailure: nothing was changed.
            Unreachable: it isn't known whether something was changed.
        """
        request = modify_operation(dn, changes, auto_encode=True)
        self.link.ask("modifyRequest", request, controls, WRITE_S).check()

    def extended(
        self, oid: str, value: bytes | None = None, controls: Sequence[Control] = ()
    ) -> bytes | None:
        """An extended operation, not repeated. Raises as `modify`."""
        request = extended_operation(oid, value)
        answer = self.link.ask("extendedReq", request, controls, WRITE_S)
        answer.check()
        return answer.value

    def _page(
        self,
        search: tuple[str, str, str, Sequence[str]],
        controls: Sequence[Control],
        *,
        first: bool,
    ) -> LdapAnswer:
        base, text, scope, attributes = search
        names = list(attributes) or [ldap3.NO_ATTRIBUTES]
        try:
            request = search_operation(
                *(base, text, scope, ldap3.DEREF_NEVER, names, 0, 0, False, False, True)
            )
        except BROKEN:
            raise LdapFailure(INVALID_FILTER, "the filter or the base isn't valid") from None
        seconds = PAGE_S if any(control[0] == PAGING for control in controls) else OPERATION_S
        try:
            return self.link.ask("searchRequest", request, controls, seconds)
        except TimedOut:
            raise
        except Unreachable:
            if not (first and self._reused):
                raise
            # The server closed the connection while it was idle. A read may be repeated.
            self.link, self._reused = bound_link(self._connection), False
            return self.link.ask("searchRequest", request, controls, seconds)


@contextmanager
def service_session(connection: DirectoryConnection, *, server: str = "") -> Iterator[LdapSession]:
    """A connection that is bound as the service account, from the pool of this process.

    Args:
        server: the only URL to use, to read back what was written there.

    Raises:
        Unreachable: no server answers, or none has a right certificate.
        ServiceAccountRefused: it isn't tried again for `REFUSED_S`.
        NotPermitted: the connection has no service account.
    """
    with bulkhead.entered(connection):
        state = state_of(connection)
        link = state.take(server)
        session = LdapSession(
            connection, link or bound_link(connection, server), reused=link is not None
        )
        try:
            yield session
        finally:
            state.give_back(session.link)


@contextmanager
def user_session(
    connection: DirectoryConnection,
    dn: str,
    password: str,
    controls: Sequence[Control] = (),
    *,
    server: str = "",
) -> Iterator[tuple[BindAnswer, LdapSession]]:
    """Tries a name and a password on a connection that is closed afterwards.

    Raises:
        ValueError: an empty name or password. A server accepts that as anonymous.
        NotAnswered: the password was sent.
        Unreachable: it wasn't.
    """
    if not dn or not password:
        raise ValueError("empty name or password")
    with bulkhead.entered(connection), closing(open_link(connection, server)) as link:
        try:
            answer = link.bind(dn, password, controls)
        except Unreachable as lost:
            if lost.failure is DirectoryFailure.REFUSED_HERE:
                raise
            raise NotAnswered(lost.failure) from None
        yield answer, LdapSession(connection, link, reused=False)


def bind(
    connection: DirectoryConnection,
    dn: str,
    password: str,
    controls: Sequence[Control] = (),
    *,
    server: str = "",
) -> BindAnswer:
    """The answer alone. Raises as `user_session`."""
    with user_session(connection, dn, password, controls, server=server) as (answer, _session):
        return answer


def root_dse(connection: DirectoryConnection) -> RootDse:
    """What the server says about itself, read again after `CACHED_S`. Raises as a session."""
    state = state_of(connection)
    cached = state.root_dse
    if cached is not None and monotonic() < state.root_dse_until:
        return cached
    with service_session(connection) as session:
        entry = session.read("", ["*", "+"])
    if entry is None:
        raise NotPermitted("the service account may not read the rootDSE")
    state.root_dse, state.root_dse_until = described(entry), monotonic() + CACHED_S
    return state.root_dse


def dn_of_no_account(connection: DirectoryConnection) -> str:
    """A random name below the base, to bind with where there is no account to bind as.

    The answer for an unknown user ID then takes as long as for a wrong password, and the attempt
    counts against no other account.
    """
    return f"cn={secrets.token_hex(16)},{connection.base_dn}"


def escape_filter(text: str) -> str:
    r"""The text as a value in a filter: every byte that isn't an ASCII letter or digit is escaped.

    Source: RFC 4515 section 3.

    >>> escape_filter("a*)(uid=é")
    'a\\2a\\29\\28uid\\3d\\c3\\a9'
    """
    return "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"\\{byte:02x}"
        for byte in text.encode()
    )


def escape_dn(text: str) -> str:
    r"""The text as an attribute's value in a distinguished name.

    Source: RFC 4514 section 2.4.

    >>> escape_dn("Kim, Min=su")
    'Kim\\2c Min\\3dsu'
    """
    special = '"+,;<>\\=#\0'
    escaped = "".join(f"\\{ord(char):02x}" if char in special else char for char in text)
    if escaped.endswith(" "):
        escaped = escaped[:-1] + "\\20"
    return "\\20" + escaped[1:] if escaped.startswith(" ") else escaped
