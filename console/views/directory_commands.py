"""Commands that give a service account the rights it needs and no others, with its own names."""

from directory.connectors.ldap.rights import RESET_PASSWORD
from directory.connectors.ldap.rootdse import Flavour
from directory.models import DirectoryConnection
from directory.services.preflight.report import PreflightReport

_LOCKOUT_TIME = "28630ebf-41d5-11d1-a9c1-0000f80367c1"
_PWD_LAST_SET = "bf967a0a-0de6-11d0-a285-00aa003049e2"
_USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"


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
            return _directory_server(base, account)
        case Flavour.FREEIPA:
            name = account.partition(",")[0].partition("=")[2]
            return (
                f"ipa sysaccount-policy {_shell_quoted(name)} --privileged=true\n\n"
                + _directory_server(base, account)
            )
    return (
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
    if report.flavour not in {Flavour.DS389, Flavour.FREEIPA}:
        return ""
    names = (
        *("passwordLockout", "passwordMaxFailure", "passwordResetFailureCount"),
        *("passwordLockoutDuration", "passwordUnlock", "passwordMinLength", "passwordMinAge"),
        *("passwordMaxAge", "passwordExp", "passwordHistory", "passwordInHistory"),
        *("passwordCheckSyntax", "passwordMustChange", "passwordIsGlobalPolicy"),
    )
    return (
        "dn: cn=config\n"
        "changetype: modify\n"
        "add: aci\n"
        f'aci: (target="ldap:///cn=config")(targetattr="{" || ".join(names)}")'
        '(version 3.0; acl "password service: policy"; allow (read, search, compare)'
        f' userdn="ldap:///{connection.bind_dn}";)'
    )


def _directory_server(base: str, account: str) -> str:
    """LDIF for `ldapmodify`."""
    acl = '(version 3.0; acl "password service: {0}"; allow ({1}) userdn="ldap:///{2}";)'
    password = acl.format("reset", "write", account)
    lock = acl.format("unlock", "read, search, compare, write", account)
    return (
        f"dn: {base}\n"
        "changetype: modify\n"
        "add: aci\n"
        f'aci: (targetattr="userPassword"){password}\n'
        f'aci: (targetattr="passwordRetryCount || accountUnlockTime"){lock}'
    )


def _quoted(text: str) -> str:
    """For the command line of Windows, which knows no quotation marks inside of quotation marks."""
    return '"' + text.replace('"', "") + '"'


def _shell_quoted(text: str) -> str:
    """For a POSIX shell."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
