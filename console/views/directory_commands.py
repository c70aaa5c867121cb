"""Commands that give a service account the rights it needs and no others, with its own names."""

from collections.abc import Mapping

from directory.connectors.ldap.ds389 import RULES as DS389_RULES
from directory.connectors.ldap.freeipa import RULES as FREEIPA_RULES
from directory.connectors.ldap.rights import RESET_PASSWORD
from directory.connectors.ldap.rootdse import Flavour
from directory.models import DirectoryConnection
from directory.rules import KIND_DEFAULTS, DirectoryKind
from directory.services.preflight.report import PreflightReport

_LOCKOUT_TIME = "28630ebf-41d5-11d1-a9c1-0000f80367c1"
_PWD_LAST_SET = "bf967a0a-0de6-11d0-a285-00aa003049e2"
_USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
_READ = "read, search, compare"


def rights_commands(connection: DirectoryConnection, report: PreflightReport) -> str:
    """For the directory's administrator to read and run."""
    base, account = connection.base_dn, connection.bind_dn
    match report.flavour:
        case Flavour.WINDOWS:
            rights = ("CA;Reset Password;user", "RPWP;lockoutTime;user", "RPWP;pwdLastSet;user")
            head = f"dsacls {_quoted(base)} /I:S /G"
            trustee = _trustee(connection, report)
            return "\n".join(f'{head} "{trustee}:{right}"' for right in rights)
        case Flavour.SAMBA:
            sid = report.service_sid or "SID"
            rights = (f"CR;{RESET_PASSWORD}", f"RPWP;{_LOCKOUT_TIME}", f"RPWP;{_PWD_LAST_SET}")
            sddl = "".join(f"(OA;CIIO;{right};{_USER_CLASS};{sid})" for right in rights)
            return _sddl_command(base, sddl)
        case Flavour.DS389:
            written = "passwordRetryCount || accountUnlockTime || passwordExpirationTime"
            rights_by_attribute = {
                "userPassword": "write",
                written: "read, search, compare, write",
            }
            return _aci_ldif(base, account, rights_by_attribute)
        case Flavour.FREEIPA:
            name = account.partition(",")[0].partition("=")[2]
            read = "krbLastFailedAuth || krbLastAdminUnlock || krbLastPwdChange"
            rights_by_attribute = {
                "userPassword": "write",
                "krbLoginFailedCount": "read, search, compare, write",
                f"{read} || krbPasswordExpiration || krbPwdPolicyReference": _READ,
            }
            return f"ipa sysaccount-policy {_shell_quoted(name)} --privileged=true\n\n" + _aci_ldif(
                base, account, rights_by_attribute
            )
    return (
        f'olcLimits: dn.exact="{account}" size.prtotal=unlimited time=unlimited\n'
        f'olcAccess: {{0}}to dn.subtree="{base}" attrs=userPassword\n'
        f'  by dn.exact="{account}" =w\n'
        "  by self =xw\n"
        "  by anonymous auth\n"
        "  by * none\n"
        f'olcAccess: {{1}}to dn.subtree="{base}"'
        " attrs=pwdAccountLockedTime,pwdFailureTime,pwdReset\n"
        f'  by dn.exact="{account}" manage\n'
        "  by * read"
    )


def read_commands(connection: DirectoryConnection, report: PreflightReport) -> str:
    """To read people, and of them only what is mapped. Groups elsewhere need the same there."""
    base, account = connection.base_dn, connection.bind_dn
    mapping = {**KIND_DEFAULTS[DirectoryKind.LDAP].attributes, **connection.attributes}
    names = [*filter(None, mapping.values()), *connection.sign_in_attributes, "modifyTimestamp"]
    match report.flavour:
        case Flavour.WINDOWS:
            return f'dsacls {_quoted(base)} /I:T /G "{_trustee(connection, report)}:GR"'
        case Flavour.SAMBA:
            return _sddl_command(base, f"(A;CI;LCRPLORC;;;{report.service_sid or 'SID'})")
        case Flavour.DS389 | Flavour.FREEIPA:
            names = ["objectClass", "nsUniqueId", "ipaUniqueID", "nsAccountLock", *names]
            return _aci_ldif(base, account, {" || ".join(dict.fromkeys(names)): _READ})
    attributes = ",".join(dict.fromkeys(["entry", "objectClass", "entryUUID", *names]))
    return (
        f'olcAccess: {{0}}to dn.subtree="{base}" attrs={attributes}\n'
        f'  by dn.exact="{account}" read\n'
        "  by * break"
    )


def policy_command(connection: DirectoryConnection, report: PreflightReport) -> str:
    """To read the rules by which the directory locks accounts and lets passwords expire."""
    account, base = connection.bind_dn, connection.base_dn
    suffix = base[max(0, base.lower().find("dc=")) :]
    container = f"CN=Password Settings Container,CN=System,{suffix}"
    match report.flavour:
        case Flavour.WINDOWS:
            return f'dsacls {_quoted(container)} /I:T /G "{_trustee(connection, report)}:GR"'
        case Flavour.SAMBA:
            return _sddl_command(container, f"(A;CI;LCRPLORC;;;{report.service_sid or 'SID'})")
        case Flavour.DS389:
            names = " || ".join(DS389_RULES)
            return _aci_ldif("cn=config", account, {names: _READ}, target="ldap:///cn=config")
        case Flavour.FREEIPA:
            names = " || ".join(("objectClass", *FREEIPA_RULES))
            return _aci_ldif(f"cn=kerberos,{suffix}", account, {names: _READ})
    return (
        f'olcAccess: {{0}}to dn.subtree="{suffix}" filter=(objectClass=pwdPolicy)\n'
        f'  by dn.exact="{account}" read\n'
        "  by * break"
    )


def _aci_ldif(
    entry: str, account: str, rights_by_attribute: Mapping[str, str], *, target: str = ""
) -> str:
    """LDIF for `ldapmodify`, on a 389 Directory Server or FreeIPA."""
    where = f'(target="{target}")' if target else ""
    lines = [f"dn: {entry}", "changetype: modify", "add: aci"]
    for number, (attributes, rights) in enumerate(rights_by_attribute.items(), 1):
        lines.append(
            f'aci: {where}(targetattr="{attributes}")(version 3.0;'
            f' acl "password service {number}"; allow ({rights}) userdn="ldap:///{account}";)'
        )
    return "\n".join(lines)


def _sddl_command(entry: str, sddl: str) -> str:
    return f"samba-tool dsacl set --objectdn={_shell_quoted(entry)} --sddl='{sddl}'"


def _trustee(connection: DirectoryConnection, report: PreflightReport) -> str:
    """The service account as `dsacls` knows it, without quotation marks."""
    account = connection.bind_dn
    return _quoted((report.service_name or "svc") if "=" in account else account)[1:-1]


def _quoted(text: str) -> str:
    """For the command line of Windows, which knows no quotation marks inside of quotation marks."""
    return '"' + text.replace('"', "") + '"'


def _shell_quoted(text: str) -> str:
    """For a POSIX shell."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
