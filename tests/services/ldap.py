"""What the throwaway directories have in common: how to reach them, and root's work in them."""

import base64
import hashlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.dn import escape_rdn

from directory.rules import DirectoryKind
from tests.services.certificates import Authority
from tests.services.processes import as_child_of_ours, end, wait_until

WRONG = "Not-The-Passw0rd"
"""The password of no account."""


PEOPLE: dict[str, dict[str, str]] = {
    "alice": {"givenName": "Alice", "sn": "Archer", "preferredLanguage": "en"},
    "bob": {"givenName": "Bob", "sn": "Baker", "preferredLanguage": "en"},
    "carol": {"givenName": "Carol", "sn": "O'Neil-Dubois", "preferredLanguage": "en"},
    "minji": {"givenName": "민지", "sn": "김", "displayName": "김민지", "preferredLanguage": "ko"},
    "seojun": {"givenName": "서준", "sn": "이", "displayName": "이서준", "preferredLanguage": "ko"},
}
"""They exist in each directory from the start. A test that changes a person adds another."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that exists from the start."""

    dn: str
    password: str


@dataclass(slots=True, kw_only=True)
class DirectoryServer:
    """A running directory.

    Args:
        host: in the certificate, as an IP address.
        service: may do what this service needs and no more.
        reader: may read people and change nothing.
        root: may do all.
        people: by user name.
    """

    kind: DirectoryKind
    host: str
    port: int
    tls_port: int
    authority: Authority
    base_dn: str
    people_dn: str
    groups_dn: str
    service: Account
    reader: Account
    root: Account
    folder: Path
    command: list[str]
    env: Mapping[str, str] | None = None
    people: dict[str, Account] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"ldaps://{self.host}:{self.tls_port}"

    @property
    def starttls_url(self) -> str:
        return f"ldap://{self.host}:{self.port}"

    def start(self) -> None:
        """Starts the server and returns when it answers over TLS."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                as_child_of_ours(self.command),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            )
        wait_until(
            self._answers,
            what=f"{self.command[0]} answers",
            timeout=60,
            detail=lambda: (self.folder / "log").read_text(errors="replace")[-4000:],
        )

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            end(self.process)
            self.process = None

    def kill(self) -> None:
        """The power fails. It's also how the servers end: nothing of them is used again."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It accepts connections and answers nothing."""
        assert self.process
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    @contextmanager
    def bound(self, account: Account | None = None) -> Iterator[ldap3.Connection]:
        """A connection as this account, or as root. It raises what the server refuses."""
        who = account or self.root
        server = ldap3.Server(
            self.host,
            self.tls_port,
            use_ssl=True,
            tls=_Tls(self.authority),
            get_info=ldap3.NONE,
            connect_timeout=10,
        )
        connection = ldap3.Connection(
            server, who.dn, who.password, auto_referrals=False, raise_exceptions=True
        )
        try:
            connection.bind()
            yield connection
        finally:
            connection.unbind()

    def bind_ok(self, dn: str, password: str) -> bool:
        """Whether the directory accepts this password now, and lets its owner read something."""
        try:
            with self.bound(Account(dn, password)) as connection:
                connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["cn"])
                return True
        except LDAPException:
            return False

    def read(self, dn: str, *attributes: str) -> dict[str, list[Any]]:
        """The values of an entry, as root sees them. Without attributes: all, operational too."""
        wanted = attributes or (ldap3.ALL_ATTRIBUTES, ldap3.ALL_OPERATIONAL_ATTRIBUTES)
        with self.bound() as connection:
            connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=wanted)
            (entry,) = connection.entries
            return dict(entry.entry_attributes_as_dict)

    def add(self, dn: str, **attributes: object) -> str:
        with self.bound() as connection:
            connection.add(dn, attributes=_given(attributes))
        return dn

    def set(self, dn: str, *, controls: Sequence[object] = (), **attributes: object) -> None:
        """Replaces values; None removes the attribute."""
        changes = {name: [(ldap3.MODIFY_REPLACE, _values(v))] for name, v in attributes.items()}
        with self.bound() as connection:
            connection.modify(dn, changes, controls=list(controls))

    def delete(self, dn: str) -> None:
        with self.bound() as connection:
            connection.delete(dn)

    def move(self, dn: str, relative_dn: str, *, below: str | None = None) -> str:
        """Renames an entry, or moves it below another. Gives its new name."""
        with self.bound() as connection:
            connection.modify_dn(dn, relative_dn, new_superior=below)
        return f"{relative_dn},{below or dn.partition(',')[2]}"

    def add_group(self, name: str, members: Sequence[str]) -> str:
        """A group with these distinguished names as its direct members."""
        return self.add(
            f"cn={escape_rdn(name)},{self.groups_dn}",
            objectClass=["groupOfNames"],
            cn=name,
            member=list(members),
        )

    def add_person(self, name: str = "", *, password: str = "", **attributes: object) -> Account:
        """A person of that user name, or of any that is free, with what else they are to have."""
        name = name or f"p{secrets.token_hex(6)}"
        entry = {
            "objectClass": ["inetOrgPerson"],
            "uid": name,
            "cn": f"{name} Example",
            "givenName": name.title(),
            "sn": "Example",
            "displayName": f"{name.title()} Example",
            "mail": f"{name}@example.test",
            "mobile": "+15005550006",
        }
        account = Account(f"uid={escape_rdn(name)},{self.people_dn}", password or new_password())
        self.add(account.dn, **(entry | attributes), userPassword=account.password)
        self.people[name] = account
        return account

    def lock(self, account: Account) -> None:
        """By wrong passwords, as many as the policy takes."""
        for _ in range(LOCKOUT):
            self.bind_ok(account.dn, WRONG)

    def _answers(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended by itself; see its log")
        tls = self.authority.trusted()
        try:
            with (
                socket.create_connection((self.host, self.tls_port), timeout=10) as plain,
                tls.wrap_socket(plain, server_hostname=self.host),
            ):
                return True
        except OSError:
            return False


class _Tls(ldap3.Tls):
    """ldap3's own checks neither IP addresses in certificates nor does it send at once."""

    def __init__(self, trusted: Authority) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._trusted = trusted.trusted()

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002  (ldap3's signature)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket = self._trusted.wrap_socket(
            connection.socket, server_hostname=connection.server.host
        )


LOCKOUT = 5
"""Wrong passwords that lock an account in each of the directories."""


def new_password() -> str:
    """Long, with all kinds of characters, and never the same.

    None of three characters in a row is in the entry of a person: 389 DS would refuse it.
    """
    return "Zz1!" + "".join(secrets.choice("ghijknoqruvwyz") for _ in range(16))


def salted_hash(password: str) -> str:
    """As both servers store it where nothing stronger is asked for."""
    salt = secrets.token_bytes(8)
    digest = hashlib.sha1(password.encode() + salt).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def _given(attributes: Mapping[str, object]) -> dict[str, list[object]]:
    return {name: _values(value) for name, value in attributes.items() if value is not None}


def _values(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
