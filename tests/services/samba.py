"""A throwaway Samba Active Directory domain controller, on a loopback address of its own.

Samba takes no other ports than 389 and 636, so it needs root, or a system that lets any user have
them. The domain is provisioned once into a cache; a server starts from a copy of it.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ldap3
from ldap3.protocol.formatters.formatters import format_sid
from ldap3.utils.dn import escape_rdn

from directory.rules import DirectoryKind
from tests.services.certificates import authority
from tests.services.environment import BASE
from tests.services.ldap import LOCKOUT, PEOPLE, Account, DirectoryServer, new_password

CACHE = BASE / "var/test-cache"
BASE_DN = "DC=ad,DC=example,DC=test"
_PEOPLE_DN, _GROUPS_DN = f"OU=People,{BASE_DN}", f"OU=Groups,{BASE_DN}"
_SERVICE_DN, _READER_DN = f"CN=sspr,CN=Users,{BASE_DN}", f"CN=reader,CN=Users,{BASE_DN}"
_ROOT_DN = f"CN=Administrator,CN=Users,{BASE_DN}"
_PSO_DN = f"CN=Password Settings Container,CN=System,{BASE_DN}"
_PORT, _TLS_PORT = 389, 636
_TRIES = 100
_NORMAL, _DISABLED, _NEVER_EXPIRES = 0x200, 0x202, 0x10200
_LOCKED_OUT = 0x10
_FOR_USERS = "bf967aba-0de6-11d0-a285-00aa003049e2"
_RIGHTS = (
    "(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;{users};{sid})"  # Reset Password
    "(OA;CIIO;WP;28630ebf-41d5-11d1-a9c1-0000f80367c1;{users};{sid})"  # lockoutTime
    "(OA;CIIO;WP;bf967a0a-0de6-11d0-a285-00aa003049e2;{users};{sid})"  # pwdLastSet
)
_READS_POLICIES = "(A;CI;LCRPLORC;;;{sid})"
"""Of password settings objects, which only administrators may read by default."""
_TICKS_A_DAY = 24 * 60 * 60 * 10_000_000
_MINUTES_15 = -15 * 60 * 10_000_000
POLICIES = {
    "young": {"msDS-MinimumPasswordAge": -_TICKS_A_DAY},
    "long": {"msDS-MinimumPasswordLength": 20},
}
"""Password settings objects, and what they decide beside the domain's rules."""
_SET_LONG_AGO = """
import sys, ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
settings, database, dn = sys.argv[1:]
loaded = LoadParm()
loaded.load(settings)
domain = SamDB(url=database, lp=loaded, session_info=system_session(loaded))
change = ldb.Message(ldb.Dn(domain, dn))
value = ldb.MessageElement("131000000000000000", ldb.FLAG_MOD_REPLACE, "pwdLastSet")
change["pwdLastSet"] = value
domain.modify(change, controls=["local_oid:1.3.6.1.4.1.7165.4.3.12:0"])
"""
"""For Debian's Python, which has Samba's modules. The control bypasses the rules of passwords."""
_SETTINGS = """
[global]
netbios name = DC1
realm = AD.EXAMPLE.TEST
workgroup = ADEXAMPLE
server role = active directory domain controller
server services = ldap
dcerpc endpoint servers =
interfaces = {host}/8
bind interfaces only = yes
disable netbios = yes
load printers = no
ldap server require strong auth = yes
old password allowed period = 0
tls enabled = yes
tls cafile = {folder}/tls/ca.pem
tls certfile = {folder}/tls/certificate.pem
tls keyfile = {folder}/tls/key.pem
private dir = {folder}/domain/private
state directory = {folder}/domain/state
cache directory = {folder}/domain/cache
lock directory = {folder}/domain
binddns dir = {folder}/domain/bind-dns
pid directory = {folder}/run
ncalrpc dir = {folder}/run/ncalrpc
winbindd socket directory = {folder}/run/wb
ntp signd socket directory = {folder}/run/ntp
log file = {folder}/log.samba
"""


class Samba(DirectoryServer):
    """What tests do to people in Active Directory."""

    def add_person(self, name: str = "", *, password: str = "", **attributes: object) -> Account:
        name = name or f"p{secrets.token_hex(6)}"
        account = Account(f"CN={escape_rdn(name)},{self.people_dn}", password or new_password())
        entry = {
            "objectClass": ["user"],
            "sAMAccountName": name,
            "userPrincipalName": f"{name}@example.test",
            "givenName": name.title(),
            "sn": "Example",
            "displayName": f"{name.title()} Example",
            "mail": f"{name}@example.test",
            "mobile": "+15005550006",
            "userAccountControl": _NORMAL,
            "unicodePwd": quoted(account.password),
        }
        self.add(account.dn, **(entry | attributes))
        self.people[name] = account
        return account

    def add_group(self, name: str, members: "list[str]") -> str:  # type: ignore[override]
        return self.add(
            f"CN={escape_rdn(name)},{self.groups_dn}",
            objectClass=["group"],
            sAMAccountName=name,
            member=list(members),
        )

    def set_policy(self, account: Account, name: str) -> None:
        """Puts the account under one of `POLICIES`."""
        with self.bound() as connection:
            applies = {"msDS-PSOAppliesTo": [(ldap3.MODIFY_ADD, [account.dn])]}
            connection.modify(f"CN={name},{_PSO_DN}", applies)

    def must_change(self, account: Account) -> None:
        self.set(account.dn, pwdLastSet=0)

    def expire(self, account: Account) -> None:
        """Its password was set too long ago, which LDAP itself can't write here."""
        settings, database = self.folder / "smb.conf", self.folder / "domain/private/sam.ldb"
        _run(["/usr/bin/python3", "-c", _SET_LONG_AGO, str(settings), str(database), account.dn])

    def disable(self, account: Account) -> None:
        self.set(account.dn, userAccountControl=_DISABLED)

    def is_locked(self, account: Account) -> bool:
        name = "msDS-User-Account-Control-Computed"
        return bool(int(self.read(account.dn, name)[name][0]) & _LOCKED_OUT)

    def failures(self, account: Account) -> int:
        """Wrong passwords that the directory has counted and not forgotten."""
        return int(self.read(account.dn, "badPwdCount")["badPwdCount"][0])


@contextmanager
def samba(folder: Path) -> Iterator[Samba]:
    """A domain controller in the folder, which is made, with `PEOPLE` in it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    cached = CACHE / f"samba-{_digest()}"
    with (CACHE / "samba.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not cached.is_dir():
            for outdated in CACHE.glob("samba-*"):
                shutil.rmtree(outdated)
            _provision(cached)
    server = _restored(cached, folder)
    try:
        server.start()
        for name, attributes in PEOPLE.items():
            server.add_person(name, **attributes)
        yield server
    finally:
        server.kill()


def quoted(password: str) -> bytes:
    """A password as `unicodePwd` takes it."""
    return f'"{password}"'.encode("utf-16-le")


def _provision(cached: Path) -> None:
    """Makes the domain, with accounts, rights and policies, and keeps it if all went well."""
    passwords = {dn: new_password() for dn in (_ROOT_DN, _SERVICE_DN, _READER_DN)}
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        (made / "empty.conf").write_text("[global]\n")
        command = ["samba-tool", "domain", "provision", "--quiet", "--server-role=dc"]
        command += ["--realm=AD.EXAMPLE.TEST", "--domain=ADEXAMPLE", "--host-name=dc1"]
        command += ["--host-ip=127.0.0.1", "--dns-backend=NONE", f"--targetdir={made / 'domain'}"]
        command += [f"--configfile={made / 'empty.conf'}", f"--adminpass={passwords[_ROOT_DN]}"]
        _run(command)
        (made / "passwords.json").touch(mode=0o600)
        (made / "passwords.json").write_text(json.dumps(passwords))
        server = _restored(made, made / "server")
        try:
            server.start()
            _set_up(server)
        finally:
            server.stop()
        shutil.rmtree(made / "domain")
        (made / "server/domain").rename(made / "domain")
        shutil.rmtree(made / "server")
        made.rename(cached)


def _set_up(server: Samba) -> None:
    server.set(
        BASE_DN,
        minPwdLength=8,
        minPwdAge=0,
        maxPwdAge=-90 * _TICKS_A_DAY,
        pwdHistoryLength=3,
        lockoutThreshold=LOCKOUT,
        lockoutDuration=_MINUTES_15,
        lockOutObservationWindow=_MINUTES_15,
    )
    server.set(_ROOT_DN, userAccountControl=_NEVER_EXPIRES)
    for dn in (_PEOPLE_DN, _GROUPS_DN):
        server.add(dn, objectClass=["organizationalUnit"])
    for account in (server.service, server.reader):
        server.add(
            account.dn,
            objectClass=["user"],
            sAMAccountName=account.dn[3:].partition(",")[0],
            userAccountControl=_NEVER_EXPIRES,
            unicodePwd=quoted(account.password),
        )
    for place, (name, more) in enumerate(POLICIES.items(), start=1):
        rules: dict[str, object] = {
            "objectClass": ["msDS-PasswordSettings"],
            "msDS-PasswordSettingsPrecedence": place,
            "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
            "msDS-PasswordHistoryLength": 3,
            "msDS-PasswordComplexityEnabled": "TRUE",
            "msDS-MinimumPasswordLength": 8,
            "msDS-MinimumPasswordAge": 0,
            "msDS-MaximumPasswordAge": -90 * _TICKS_A_DAY,
            "msDS-LockoutThreshold": LOCKOUT,
            "msDS-LockoutObservationWindow": _MINUTES_15,
            "msDS-LockoutDuration": _MINUTES_15,
        }
        server.add(f"CN={name},{_PSO_DN}", **(rules | more))
    sid = format_sid(server.read(_SERVICE_DN, "objectSid")["objectSid"][0])
    database = server.folder / "domain/private/sam.ldb"
    for dn, rights in {_PEOPLE_DN: _RIGHTS, _PSO_DN: _READS_POLICIES}.items():
        command = ["samba-tool", "dsacl", "set", f"--URL={database}", "--action=allow"]
        command += [f"--configfile={server.folder / 'smb.conf'}", f"--objectdn={dn}"]
        _run([*command, f"--sddl={rights.format(users=_FOR_USERS, sid=sid)}"])


def _restored(cached: Path, folder: Path) -> Samba:
    """A server with a copy of the cached domain, not yet started."""
    passwords = json.loads((cached / "passwords.json").read_text())
    service, reader, root = (
        Account(dn, passwords[dn]) for dn in (_SERVICE_DN, _READER_DN, _ROOT_DN)
    )
    folder.mkdir()
    _run(["cp", "-a", "--sparse=always", str(cached / "domain"), str(folder / "domain")])
    host, trusted = _free_address(), authority()
    trusted.issue(folder / "tls", ["dc1.ad.example.test", host])
    (folder / "tls/ca.pem").write_text(trusted.pem)
    (folder / "smb.conf").write_text(_SETTINGS.format(folder=folder, host=host))
    (folder / "run/ncalrpc").mkdir(parents=True)
    (folder / "run/ncalrpc/np").mkdir(mode=0o700)
    command = [shutil.which("samba") or "/usr/sbin/samba", "--interactive", "--model=single"]
    command += [f"--configfile={folder / 'smb.conf'}", "--debug-stdout", "--debuglevel=1"]
    return Samba(
        kind=DirectoryKind.ACTIVE_DIRECTORY,
        host=host,
        port=_PORT,
        tls_port=_TLS_PORT,
        authority=trusted,
        base_dn=BASE_DN,
        people_dn=_PEOPLE_DN,
        groups_dn=_GROUPS_DN,
        service=service,
        reader=reader,
        root=root,
        folder=folder,
        command=command,
    )


def _free_address() -> str:
    """An address of loopback on which nothing has the ports, and that no other test took.

    Raises:
        RuntimeError: there is none, because a server has a port on all addresses, for example.
    """
    for _ in range(_TRIES):
        number = secrets.randbelow(1 << 22) + (1 << 22)
        host = f"127.{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sspr-tests-address-{host}")
            for port in (_PORT, _TLS_PORT):
                socket.create_server((host, port)).close()
        except PermissionError as error:
            raise RuntimeError(f"Samba needs port {_TLS_PORT}: run the tests as root") from error
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return host
    raise RuntimeError(f"Samba needs ports {_PORT} and {_TLS_PORT}, which another server has")


_claims: list[socket.socket] = []
"""They end with this process."""


def _digest() -> str:
    """Of all that decides what the cached domain is."""
    version = subprocess.run(
        [shutil.which("samba") or "/usr/sbin/samba", "--version"], capture_output=True, check=True
    ).stdout
    parts = (version, Path(__file__).read_bytes(), str(os.getuid()).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[:3]} failed:\n{done.stdout}\n{done.stderr}")
