"""A throwaway 389 Directory Server with password policies and TLS, without systemd, by any user."""

import getpass
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from directory.rules import DirectoryKind
from tests.services.certificates import authority
from tests.services.ldap import PEOPLE, Account, DirectoryServer, new_password, salted_hash
from tests.services.processes import free_port, wait_until

BASE_DN = "dc=example,dc=test"
_POLICIES_DN = f"cn=policies,{BASE_DN}"
POLICIES: dict[str, dict[str, object]] = {
    "default": {},
    "young": {"passwordMinAge": 86400},
    "mustchange": {"passwordMustChange": "on"},
    "expiring": {"passwordExp": "on", "passwordMaxAge": 7776000},
    "forever": {"passwordUnlock": "off"},
    "service": {"passwordLockout": "off"},
}
"""What they decide beside the default's rules. A person's is named by `pwdPolicySubentry`."""
_RULES = {
    "passwordLockout": "on",
    "passwordMaxFailure": 5,
    "passwordLockoutDuration": 900,
    "passwordResetFailureCount": 900,
    "passwordHistory": "on",
    "passwordInHistory": 3,
    "passwordCheckSyntax": "on",
    "passwordMinLength": 8,
    "passwordMustChange": "off",
    "passwordMinAge": 0,
    "passwordExp": "off",
}
_TEMPLATE = Path("/usr/share/dirsrv/data/template-dse.ldif")
_OF_CONFIG = """
nsslapd-listenhost: {host}
nsslapd-securelistenhost: {host}
nsslapd-secureport: {tls_port}
nsslapd-security: on
nsslapd-require-secure-binds: on
nsslapd-allow-anonymous-access: rootdse
nsslapd-rootpwstoragescheme: SSHA
nsslapd-pwpolicy-local: on
nsslapd-accesslog-logging-enabled: off
nsslapd-securitylog-logging-enabled: off
"""
_DATABASE = f"""
dn: cn=main,cn=ldbm database,cn=plugins,cn=config
objectclass: top
objectclass: extensibleObject
objectclass: nsBackendInstance
nsslapd-suffix: {BASE_DN}
cn: main

dn: cn="{BASE_DN}",cn=mapping tree,cn=config
objectclass: top
objectclass: extensibleObject
objectclass: nsMappingTree
cn: {BASE_DN}
cn: "{BASE_DN}"
nsslapd-state: backend
nsslapd-backend: main
"""
_RIGHT = '({attributes})(version 3.0; acl "{name}"; allow ({rights}) userdn = "ldap:///{who}";)'
_RIGHTS = {
    "read": ('targetattr != "userPassword || aci"', "read, search, compare", "all"),
    "reset": ('targetattr = "userPassword"', "write", "{service}"),
    "unlock": (
        'targetattr = "passwordRetryCount || accountUnlockTime || retryCountResetTime"',
        "write",
        "{service}",
    ),
    "expiry": ('targetattr = "passwordExpirationTime"', "write", "{service}"),
    "own": ('targetattr = "userPassword"', "write", "self"),
}


class Ds389(DirectoryServer):
    """What tests do to people in 389 Directory Server."""

    def set_policy(self, account: Account, name: str) -> None:
        """Puts the account under one of `POLICIES`."""
        self.set(account.dn, pwdPolicySubentry=f"cn={name},{_POLICIES_DN}")

    def must_change(self, account: Account) -> None:
        self.set_policy(account, "mustchange")
        self.set(account.dn, userPassword=account.password)
        # The server answers before it writes what follows from a new password.
        is_set = partial(self._has, account, "pwdReset")
        wait_until(is_set, what="The password has to be changed", timeout=60)

    def expire(self, account: Account) -> None:
        """Its password was set too long ago."""
        self.set_policy(account, "expiring")
        self.set(account.dn, passwordExpirationTime="20200101000000Z")

    def disable(self, account: Account) -> None:
        self.set(account.dn, nsAccountLock="true")

    def is_locked(self, account: Account) -> bool:
        return self._has(account, "accountUnlockTime")

    def failures(self, account: Account) -> int:
        """Wrong passwords that the directory has counted and not forgotten."""
        return int(self.read(account.dn).get("passwordRetryCount", ["0"])[0])

    def _has(self, account: Account, attribute: str) -> bool:
        return attribute in self.read(account.dn)


@contextmanager
def ds389(folder: Path) -> Iterator[Ds389]:
    """A server in the folder, which is made, with `PEOPLE` in it."""
    server = Ds389(
        kind=DirectoryKind.LDAP,
        host="127.0.0.1",
        port=free_port(),
        tls_port=free_port(),
        authority=authority(),
        base_dn=BASE_DN,
        people_dn=f"ou=people,{BASE_DN}",
        groups_dn=f"ou=groups,{BASE_DN}",
        service=Account(f"cn=sspr,{BASE_DN}", new_password()),
        reader=Account(f"cn=reader,{BASE_DN}", new_password()),
        root=Account("cn=Directory Manager", new_password()),
        folder=folder,
        command=[shutil.which("ns-slapd") or "/usr/sbin/ns-slapd", "-D", str(folder / "config")],
    )
    server.command += ["-d", "266354688", "-i", str(folder / "run/pid")]
    for name in ("config/schema", "run", "logs", "db", "tmp"):
        (folder / name).mkdir(parents=True)
    _write_config(server)
    _store_certificates(server)
    try:
        server.start()
        _set_up(server)
        for name, attributes in PEOPLE.items():
            server.add_person(name, **attributes)
        yield server
    finally:
        server.kill()


def _write_config(server: Ds389) -> None:
    """From Debian's template, as its own set-up does with systemd."""
    folder = server.folder
    shutil.copy("/etc/dirsrv/schema/99user.ldif", folder / "config/schema")
    shutil.copy("/etc/dirsrv/config/slapd-collations.conf", folder / "config")
    text = _TEMPLATE.read_text()
    values = {
        "schema_dir": folder / "config/schema",
        "cert_dir": folder / "config",
        "config_dir": folder / "config",
        "log_dir": folder / "logs",
        "db_dir": folder / "db",
        "db_home_dir": folder / "db",
        "db_lib": "bdb",
        "fqdn": "localhost",
        "ds_port": server.port,
        "ds_user": getpass.getuser(),
        "ds_passwd": salted_hash(server.root.password),
        "ds_suffix": BASE_DN,
        "rootdn": server.root.dn,
        "ldapi_enabled": "off",
        "ldapi_autobind": "off",
        "ldapi": folder / "run/ldapi",
    }
    values |= {f"{name}_dir": folder / "run" for name in ("lock", "run", "inst", "ldif", "bak")}
    values["tmp_dir"] = folder / "tmp"
    for name, value in values.items():
        text = text.replace(f"%{name}%", str(value))
    more = _OF_CONFIG.format(host=server.host, tls_port=server.tls_port)
    more += "".join(f"{name}: {value}\n" for name, value in _RULES.items())
    head, rest = text.split("\n\n", 1)
    text = f"{head.rstrip()}\n{more.strip()}\n\n{rest.rstrip()}\n\n{_DATABASE.strip()}\n"
    before, after = text.split("cn: MemberOf Plugin\n", 1)
    text = f"{before}cn: MemberOf Plugin\n{after.replace('enabled: off', 'enabled: on', 1)}"
    (folder / "config/dse.ldif").write_text(text)


def _store_certificates(server: Ds389) -> None:
    """Puts the server's certificate and key where NSS looks for them, without a password."""
    issued = server.authority.issue(server.folder / "tls", ["localhost", server.host])
    (server.folder / "tls/ca.pem").write_text(server.authority.pem)
    bundle = server.folder / "tls/bundle.p12"
    key = serialization.load_pem_private_key(issued.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    trusted = x509.load_pem_x509_certificate(server.authority.pem.encode())
    bundle.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"Server-Cert", key, certificate, [trusted], serialization.BestAvailableEncryption(b"x")
        )
    )
    database = ["-d", f"sql:{server.folder / 'config'}"]
    trust = ["-n", "CA", "-t", "CT,,", "-a", "-i", str(server.folder / "tls/ca.pem")]
    for command in (
        ["certutil", "-N", *database, "--empty-password"],
        ["certutil", "-A", *database, *trust],
        ["pk12util", "-i", str(bundle), *database, "-W", "x"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[:2]} failed:\n{done.stdout}\n{done.stderr}")


def _set_up(server: Ds389) -> None:
    lists = [
        _RIGHT.format(
            name=name,
            attributes=attributes,
            rights=rights,
            who=who.format(service=server.service.dn),
        )
        for name, (attributes, rights, who) in _RIGHTS.items()
    ]
    server.add(BASE_DN, objectClass=["domain"], dc="example", aci=lists)
    for dn in (server.people_dn, server.groups_dn):
        server.add(dn, objectClass=["organizationalUnit"])
    server.add(_POLICIES_DN, objectClass=["nsContainer"])
    for name, more in POLICIES.items():
        classes = ["ldapSubentry", "passwordPolicy", "extensibleObject"]
        server.add(f"cn={name},{_POLICIES_DN}", objectClass=classes, **(_RULES | more))
    for account in (server.service, server.reader):
        server.add(
            account.dn,
            objectClass=["organizationalRole", "simpleSecurityObject"],
            userPassword=account.password,
            pwdPolicySubentry=f"cn=service,{_POLICIES_DN}",
        )
