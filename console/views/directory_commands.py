"""Commands that give a service account the rights it needs and no others, with its own names."""

from collections.abc import Mapping

from directory.connectors.ldap.ds389 import RULES as DS389_RULES
from directory.connectors.ldap.freeipa import RULES as FREEIPA_RULES
from directory.connectors.ldap.rights import RESET_PASSWORD
from directory.connectors.ldap.rootdse import Flavour
from directory.models import DirectoryConnection
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
            trustee = _quoted(report.service_name if "=" in account else account)
            rights = ("CA;Reset Password;user", "RPWP;lockoutTime;user", "RPWP;pwdLastSet;user")
            head = f"dsacls {_quoted(base)} /I:S /G"
            return "\n".join(f'{head} "{trustee[1:-1]}:{right}"' for right in rights)
        case Flavour.SAMBA:
            sid = report.service_sid or "SID"
            rights = (f"CR;{RESET_PASSWORD}", f"RPWP;{_LOCKOUT_TIME}", f"RPWP;{_PWD_LAST_SET}")
            sddl = "".join(f"(OA;CIIO;{right};{_USER_CLASS};{sid})" for right in rights)
            return f"samba-tool dsacl set --objectdn={_shell_quoted(base)} --sddl='{sddl}'"
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
        f'  by dn.exact="{account}" write\n'
        "  by self =xw\n"
        "  by anonymous auth\n"
        "  by * none\n"
        f'olcAccess: {{1}}to dn.subtree="{base}"'
        " attrs=pwdAccountLockedTime,pwdFailureTime,pwdReset\n"
        f'  by dn.exact="{account}" manage\n'
        "  by * read"
    )


def policy_command(connection: DirectoryConnection, report: PreflightReport) -> str:
    """Where the rules aren't readable unless someone allows it: LDIF for `ldapmodify`."""
    account = connection.bind_dn
    match report.flavour:
        case Flavour.DS389:
            names = " || ".join(DS389_RULES)
            return _aci_ldif("cn=config", account, {names: _READ}, target="ldap:///cn=config")
        case Flavour.FREEIPA:
            base = connection.base_dn
            suffix = base[max(0, base.lower().find("dc=")) :]
            names = " || ".join(("objectClass", *FREEIPA_RULES))
            return _aci_ldif(f"cn=kerberos,{suffix}", account, {names: _READ})
    return ""


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


def _quoted(text: str) -> str:
    """For the command line of Windows, which knows no quotation marks inside of quotation marks."""
    return '"' + text.replace('"', "") + '"'


def _shell_quoted(text: str) -> str:
    """For a POSIX shell."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
