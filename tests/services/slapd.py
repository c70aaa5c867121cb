"""A throwaway OpenLDAP server with password policies and TLS, on loopback, by any user."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from directory.rules import DirectoryKind
from tests.services.certificates import Authority, authority
from tests.services.ldap import PEOPLE, Account, DirectoryServer, new_password, salted_hash
from tests.services.processes import free_port

BASE_DN = "dc=example,dc=test"
_POLICIES_DN = f"ou=policies,{BASE_DN}"
POLICIES = {
    "default": "",
    "young": "pwdMinAge: 86400",
    "mustchange": "pwdMustChange: TRUE",
    "safemodify": "pwdSafeModify: TRUE",
    "expiring": "pwdMaxAge: 7776000",
    "forever": "pwdLockoutDuration: 0",
}
"""What they decide beside the default's rules. A person's is named by `pwdPolicySubentry`."""
_PERMANENT = "000001010000Z"
RELAX = ("1.3.6.1.4.1.4203.666.5.12", True, None)
"""A control: root may write what the server otherwise writes itself."""
_CONFIG = """
dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {folder}/slapd.pid
olcArgsFile: {folder}/slapd.args
olcTLSCACertificateFile: {folder}/tls/ca.pem
olcTLSCertificateFile: {folder}/tls/certificate.pem
olcTLSCertificateKeyFile: {folder}/tls/key.pem
olcTLSProtocolMin: 3.3
olcSecurity: simple_bind=128
olcThreads: 8

dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb.so
olcModuleLoad: ppolicy.so
olcModuleLoad: memberof.so

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif

include: file:///etc/ldap/schema/cosine.ldif

include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase={{-1}}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {{-1}}frontend
olcPasswordHash: {{SSHA}}
olcAccess: to dn.base="" by * read
olcAccess: to dn.base="cn=subschema" by * read

dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcAccess: to * by * none

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {base}
olcRootDN: {root}
olcRootPW: {root_hash}
olcDbDirectory: {folder}/db
olcDbMaxSize: 1073741824
olcDbNoSync: TRUE
olcDbIndex: objectClass,entryUUID,entryCSN eq
olcDbIndex: uid,mail,cn,member,memberOf eq
olcLimits: dn.exact="{service}" size.prtotal=unlimited time=unlimited
olcAccess: {{0}}to attrs=userPassword
  by dn.exact="{service}" =w
  by self =xw
  by anonymous auth
  by * none
olcAccess: {{1}}to attrs=pwdAccountLockedTime,pwdFailureTime,pwdReset
  by dn.exact="{service}" manage
  by dn.exact="uid=blind,ou=people,{base}" none
  by * read
olcAccess: {{2}}to *
  by dn.exact="{service}" read
  by self read
  by users read
  by * none

dn: olcOverlay={{0}}ppolicy,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{0}}ppolicy
olcPPolicyDefault: cn=default,{policies}
olcPPolicyHashCleartext: TRUE
olcPPolicyUseLockout: TRUE

dn: olcOverlay={{1}}memberof,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOfConfig
olcOverlay: {{1}}memberof
olcMemberOfRefInt: TRUE
"""
_BASE = f"""
dn: {BASE_DN}
objectClass: dcObject
objectClass: organization
dc: example
o: Example
"""
_UNIT = f"""
dn: ou={{name}},{BASE_DN}
objectClass: organizationalUnit
ou: {{name}}
"""
_POLICY = f"""
dn: cn={{name}},{_POLICIES_DN}
objectClass: pwdPolicy
objectClass: device
cn: {{name}}
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 5
pwdFailureCountInterval: 900
pwdInHistory: 3
pwdCheckQuality: 2
pwdMinLength: 8
pwdAllowUserChange: TRUE
{{more}}
"""
_SERVICE_ACCOUNT = f"""
dn: {{dn}}
objectClass: organizationalRole
objectClass: simpleSecurityObject
{{rdn}}
userPassword: {{hash}}
pwdPolicySubentry: cn=service,{_POLICIES_DN}
"""
_SERVICE_POLICY = f"""
dn: cn=service,{_POLICIES_DN}
objectClass: pwdPolicy
objectClass: device
cn: service
pwdAttribute: userPassword
pwdLockout: FALSE
"""


class Slapd(DirectoryServer):
    """What tests do to people in OpenLDAP."""

    def set_policy(self, account: Account, name: str) -> None:
        """Puts the account under one of `POLICIES`."""
        self.set(account.dn, pwdPolicySubentry=f"cn={name},{_POLICIES_DN}")

    def must_change(self, account: Account) -> None:
        self.set_policy(account, "mustchange")
        self.set(account.dn, pwdReset="TRUE")

    def expire(self, account: Account) -> None:
        """Its password was set too long ago."""
        self.set_policy(account, "expiring")
        self.set(account.dn, controls=[RELAX], pwdChangedTime="20200101000000Z")

    def lock_by_admin(self, account: Account) -> None:
        """For good. OpenLDAP knows no other way to disable an account."""
        self.set(account.dn, pwdAccountLockedTime=_PERMANENT)

    def is_locked(self, account: Account) -> bool:
        return "pwdAccountLockedTime" in self.read(account.dn)

    def failures(self, account: Account) -> int:
        """Wrong passwords that the directory has counted and not forgotten."""
        return len(self.read(account.dn).get("pwdFailureTime", []))


@contextmanager
def slapd(folder: Path, *, trusted: Authority | None = None) -> Iterator[Slapd]:
    """A server in the folder, which is made, with `PEOPLE` in it.

    Args:
        trusted: signs the server's certificate, if not an authority of its own.
    """
    service, reader, root = (
        Account(f"cn={name},{BASE_DN}", new_password()) for name in ("sspr", "reader", "root")
    )
    server = Slapd(
        kind=DirectoryKind.LDAP,
        host="127.0.0.1",
        port=free_port(),
        tls_port=free_port(),
        authority=trusted or authority(),
        base_dn=BASE_DN,
        people_dn=f"ou=people,{BASE_DN}",
        groups_dn=f"ou=groups,{BASE_DN}",
        service=service,
        reader=reader,
        root=root,
        folder=folder,
        command=[_program("slapd"), "-d", "0", "-F", str(folder / "config")],
    )
    server.command += ["-h", f"{server.starttls_url}/ {server.url}/"]
    (folder / "db").mkdir(parents=True)
    (folder / "config").mkdir()
    server.authority.issue(folder / "tls", ["localhost", server.host])
    (folder / "tls/ca.pem").write_text(server.authority.pem)
    config = _CONFIG.format(
        folder=folder,
        base=BASE_DN,
        root=root.dn,
        root_hash=salted_hash(root.password),
        service=service.dn,
        policies=_POLICIES_DN,
    )
    _load(folder, 0, config)
    _load(folder, 1, _entries(service, reader))
    try:
        server.start()
        for name, attributes in PEOPLE.items():
            server.add_person(name, **attributes)
        yield server
    finally:
        server.kill()


def _entries(*accounts: Account) -> str:
    parts = [_BASE]
    parts += [_UNIT.format(name=name) for name in ("people", "groups", "policies")]
    parts += [_POLICY.format(name=name, more=more) for name, more in POLICIES.items()]
    parts.append(_SERVICE_POLICY)
    for account in accounts:
        rdn = account.dn.partition(",")[0].replace("=", ": ")
        parts.append(
            _SERVICE_ACCOUNT.format(dn=account.dn, rdn=rdn, hash=salted_hash(account.password))
        )
    return "\n".join(f"{part.strip()}\n" for part in parts)


def _load(folder: Path, database: int, ldif: str) -> None:
    file = folder / f"{database}.ldif"
    file.write_text(ldif)
    command = [_program("slapadd"), "-n", str(database), "-F", str(folder / "config")]
    done = subprocess.run(
        [*command, "-q", "-l", str(file)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"slapadd failed:\n{done.stdout}\n{done.stderr}")


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/sbin/{name}"
