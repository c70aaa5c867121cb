"""What the admin says about a directory: why it failed, and what a test of it means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from console.views.directory_commands import policy_command, read_commands, rights_commands
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from directory.services.preflight.report import (
    GOOD,
    PreflightCode,
    PreflightFinding,
    PreflightReport,
    Severity,
)
from verification.clock import when

_FAILURES: Mapping[str, Promise] = {
    DirectoryFailure.UNKNOWN_HOST: _("The name of the server has no address in DNS."),
    DirectoryFailure.DNS_SILENT: _("DNS didn’t answer in time, so the server has no address yet."),
    DirectoryFailure.NO_CONNECTION: _("The server refused the connection."),
    DirectoryFailure.NO_ANSWER: _("The server didn’t answer in time."),
    DirectoryFailure.CONNECTION_LOST: _("The server closed the connection."),
    DirectoryFailure.BUSY: _("The server says that it is busy."),
    DirectoryFailure.NO_TLS: _("TLS 1.2 or later couldn’t be started with the server."),
    DirectoryFailure.CERTIFICATE_UNTRUSTED: _("The server’s certificate isn’t trusted."),
    DirectoryFailure.CERTIFICATE_NAME: _("The server’s certificate is for another name."),
    DirectoryFailure.CERTIFICATE_EXPIRED: _("The server’s certificate has expired."),
    DirectoryFailure.SERVICE_ACCOUNT_REFUSED: _(
        "The directory refused the service account. Check its name and password, and whether it is"
        " locked or expired."
    ),
    DirectoryFailure.NO_PEOPLE: _("The service account sees no people below the base DN."),
    DirectoryFailure.OWN_NETWORK: _(
        "The name leads to the service’s own computer, not to your directory."
    ),
    DirectoryFailure.REFUSED_HERE: _(
        "The directory answered too slowly, so the service waits before it tries again."
    ),
}
_REMEDIES: Mapping[str, Promise] = {
    DirectoryFailure.UNKNOWN_HOST: _("Check the spelling, and the DNS that this service uses."),
    DirectoryFailure.DNS_SILENT: _("Check the DNS servers that this service uses."),
    DirectoryFailure.NO_CONNECTION: _(
        "Check the port and the firewall: 636 for ldaps://, 389 for ldap://."
    ),
    DirectoryFailure.NO_ANSWER: _(
        "Check the firewall between this service and the server, and whether the server is busy."
    ),
    DirectoryFailure.CONNECTION_LOST: _("Look into the log of the server, then test again."),
    DirectoryFailure.BUSY: _("Look at the load of the server, then test again."),
    DirectoryFailure.NO_TLS: _(
        "Install a certificate on the server. For ldap://, it must offer StartTLS."
    ),
    DirectoryFailure.CERTIFICATE_UNTRUSTED: _(
        "Add the certificate of the authority that issued it under “Trusted certificates”."
    ),
    DirectoryFailure.CERTIFICATE_NAME: _(
        "Enter the server by a name in its certificate, or issue a certificate with this name"
        " (Subject Alternative Name)."
    ),
    DirectoryFailure.CERTIFICATE_EXPIRED: _("Renew the certificate on the server."),
    DirectoryFailure.OWN_NETWORK: _(
        "Enter a name whose address is your directory’s, and check it in the DNS that this service"
        " uses."
    ),
    DirectoryFailure.REFUSED_HERE: _("Test again in a minute."),
}
_EXEMPT = _(
    "Exempt it from expiry. Otherwise change it in the directory and enter it here before it"
    " expires, or sign-in and resets stop."
)
_WORDS: Mapping[PreflightCode, tuple[Promise, Promise | None]] = {
    PreflightCode.SERVER: (
        _("%(server)s answers with %(tls)s. Its certificate is valid until %(expires_at)s."),
        None,
    ),
    PreflightCode.SERVER_FAILED: (_("%(server)s: %(failure)s"), None),
    PreflightCode.CERTIFICATE_ENDS: (
        _("The certificate of %(server)s expires at %(expires_at)s."),
        _("Renew it before then. Afterwards no one can sign in or reset a password."),
    ),
    PreflightCode.SERVICE_ACCOUNT: (_("The service account signs in at %(server)s."), None),
    PreflightCode.SERVICE_ACCOUNT_REFUSED: (
        _("The directory refused the service account. %(detail)s"),
        _(
            "Check its name and password, and whether it is locked, disabled or expired. So that"
            " it isn’t locked, this test doesn’t try it again for a minute, and everything else"
            " waits half an hour."
        ),
    ),
    PreflightCode.UNREACHABLE: (_("The test stopped: %(failure)s"), None),
    PreflightCode.REFUSED: (
        _("The directory refused: %(detail)s"),
        _("Check base DN and filters, and what the service account may read."),
    ),
    PreflightCode.KIND: (_("The server is %(flavour)s. %(vendor)s"), None),
    PreflightCode.WRONG_KIND: (
        _("The server is %(flavour)s, but this connection was added as another kind. %(vendor)s"),
        _(
            "Add the directory again under the right kind. With the wrong kind, passwords would be"
            " written where others can read them, so this service refuses."
        ),
    ),
    PreflightCode.KIND_UNKNOWN: (
        _("This service doesn’t know the server’s software. %(vendor)s"),
        _("Try everything with a test account before you turn on writing passwords."),
    ),
    PreflightCode.CONTROLS: (_("The server offers everything that this service uses."), None),
    PreflightCode.NO_PAGING: (
        _("The server doesn’t return results in pages (RFC 2696)."),
        _("A synchronisation sees only as many people as the server returns at once."),
    ),
    PreflightCode.NO_PPOLICY: (
        _("The server has no password policy (ppolicy)."),
        _("Load the ppolicy overlay if the directory is to lock accounts or check passwords."),
    ),
    PreflightCode.NO_PASSWORD_MODIFY: (
        _("The server doesn’t offer the password modify operation (RFC 3062)."),
        _("Passwords can’t be set in this directory. Turn off writing passwords."),
    ),
    PreflightCode.NO_POLICY_HINTS: (
        _("The server can’t check the password history at a reset (policy hints)."),
        _("Nothing to do: this service remembers former passwords itself."),
    ),
    PreflightCode.TIME: (_("The clocks differ by %(seconds)s s."), None),
    PreflightCode.TIME_DIFFERS: (
        _("The server’s clock and this service’s clock differ by %(seconds)s s."),
        _("Synchronise both by NTP. Lockouts and expiry are shown wrongly otherwise."),
    ),
    PreflightCode.BASE_MISSING: (
        _("There is no entry %(base)s, or the service account can’t see it."),
        _("Check the base DN."),
    ),
    PreflightCode.PEOPLE: (_("People below the base DN: %(count)s"), None),
    PreflightCode.NO_PEOPLE: (
        _("The filter %(filter)s finds no people below %(base)s."),
        _("Check both, and whether the service account may read people."),
    ),
    PreflightCode.NO_USER_ID: (
        _("People without the attribute %(attribute)s, which is the user ID: %(count)s"),
        _("They can’t sign in. Choose another attribute for the user ID, or fill it in."),
    ),
    PreflightCode.USER_ID_TWICE: (
        _("User IDs that several people have: %(count)s, such as %(example)s"),
        _("None of these people can sign in until the user ID is unique."),
    ),
    PreflightCode.FOREIGN_DOMAIN: (
        _("User IDs outside of your domains (%(domains)s): %(count)s, such as %(example)s"),
        _("These people can’t sign in. Choose another attribute, or have the domain added."),
    ),
    PreflightCode.ATTRIBUTES: (_("All attributes are there: %(names)s"), None),
    PreflightCode.ATTRIBUTES_EMPTY: (
        _("No person has these attributes: %(names)s"),
        _(
            "If they have values, the service account isn’t allowed to read them. Otherwise choose"
            " other attributes, or enter –."
        ),
    ),
    PreflightCode.GROUPS: (_("Groups: %(count)s"), None),
    PreflightCode.NO_GROUPS: (
        _("The filter %(filter)s finds no groups below %(base)s."),
        _("Check both, or leave the filter empty if groups aren’t needed."),
    ),
    PreflightCode.SERVICE_HIDDEN: (
        _("The service account %(account)s can’t read its own entry."),
        _("If it is the root DN, use an account with fewer rights: no policy holds for the root."),
    ),
    PreflightCode.SERVICE_PRIVILEGED: (
        _("The service account has more rights than it needs (%(why)s)."),
        _("Use an account that isn’t a member of any administrators’ group. It needs only:"),
    ),
    PreflightCode.SERVICE_EXPIRES: (
        _("The password of the service account expires in %(days)s days."),
        _EXEMPT,
    ),
    PreflightCode.SERVICE_MAX_AGE: (
        _("The password of the service account expires every %(days)s days."),
        _EXEMPT,
    ),
    PreflightCode.SERVICE_LOCKABLE: (
        _("Wrong passwords can lock the service account."),
        _(
            "Give it a policy of its own without lockout (a PSO, or pwdPolicySubentry): else"
            " someone who knows its name can stop this service."
        ),
    ),
    PreflightCode.SERVICE_UNKNOWN: (
        _("This service can’t read the rules that lock or expire the service account."),
        _("Let the service account read the rules that hold for it. Then test again."),
    ),
    PreflightCode.SERVICE_SAFE: (
        _("The service account has no needless rights, doesn’t expire and can’t be locked."),
        None,
    ),
    PreflightCode.SAMPLE_MISSING: (
        _("No user “%(name)s” below the base DN."),
        _("Check the user ID, the filter for people and the attribute for the user ID."),
    ),
    PreflightCode.SAMPLE_AMBIGUOUS: (
        _("Several users have the name “%(name)s”."),
        _("None of them can sign in by it. Make it unique."),
    ),
    PreflightCode.SAMPLE_UNREADABLE: (
        _("The state of the user can’t be read. %(detail)s"),
        _("Let the service account read the attributes of accounts and policies."),
    ),
    PreflightCode.MAY_RESET: (_("The service account may reset this user’s password."), None),
    PreflightCode.MAY_NOT_RESET: (
        _("The service account isn’t allowed to reset this user’s password."),
        _("Grant the right. It needs only these rights:"),
    ),
    PreflightCode.MAY_UNLOCK: (_("The service account may unlock this user."), None),
    PreflightCode.MAY_NOT_UNLOCK: (
        _("The service account isn’t allowed to unlock this user."),
        _("Grant the right. It needs only these rights:"),
    ),
    PreflightCode.MAY_NOT_MARK: (
        _("The service account isn’t allowed to write %(attribute)s of this user."),
        _("Without it, people may have to change a password twice. It needs:"),
    ),
    PreflightCode.RIGHTS_UNKNOWN: (
        _("The server doesn’t tell what the service account may write."),
        _("Try it with a test account below. The least that it needs:"),
    ),
    PreflightCode.LOCKS_HIDDEN: (
        _("The service account isn’t allowed to read whether people are locked."),
        _("People who are locked aren’t offered to unlock. Grant the right:"),
    ),
    PreflightCode.LOCKOUT_BELOW: (
        _(
            "This service stops after %(tries)s wrong passwords in %(minutes)s minutes; the"
            " directory locks at %(theirs)s. No one can lock an account from here."
        ),
        None,
    ),
    PreflightCode.LOCKOUT_LOW: (
        _(
            "The directory locks accounts at %(theirs)s wrong passwords. With so few, a stranger"
            " could lock your people out."
        ),
        _("Raise the directory’s threshold, to 5 or more if you can."),
    ),
    PreflightCode.LOCKOUT_ABOVE: (
        _(
            "The policy allows %(ours)s wrong passwords, but the directory locks accounts at"
            " %(theirs)s. So this service stops earlier: strangers may send %(most)s."
        ),
        _(
            "No one can lock an account from here. If the policy is to say what holds, set"
            " “Failures before a lockout” to %(to_set)s or less."
        ),
    ),
    PreflightCode.LOCKOUT_CLOSE: (
        _(
            "The policy allows %(tries)s wrong passwords in %(minutes)s minutes, but the directory"
            " locks accounts at %(theirs)s. So this service stops earlier: strangers may send"
            " %(most)s."
        ),
        _(
            "No one can lock an account from here. If the policy is to say what holds, lower"
            " “Failures before a lockout” or lengthen “Seconds of the first lockout”."
        ),
    ),
    PreflightCode.LOCKOUT_NONE: (_("The directory doesn’t lock accounts."), None),
    PreflightCode.LOCKOUT_UNKNOWN: (
        _("This service can’t read when the directory locks accounts."),
        _("Let the service account read the password policy. Then test again."),
    ),
    PreflightCode.ENDED_EARLY: (
        _("The directory is slow: the test was ended after %(seconds)s s."),
        _("Test again, or look at the load of the server."),
    ),
}
_COMMANDS: Mapping[PreflightCode, Callable[[DirectoryConnection, PreflightReport], str]] = {
    **dict.fromkeys(
        (
            *(PreflightCode.SERVICE_PRIVILEGED, PreflightCode.MAY_NOT_RESET),
            *(PreflightCode.MAY_NOT_UNLOCK, PreflightCode.MAY_NOT_MARK),
            *(PreflightCode.RIGHTS_UNKNOWN, PreflightCode.LOCKS_HIDDEN),
        ),
        rights_commands,
    ),
    **dict.fromkeys(
        (
            *(PreflightCode.REFUSED, PreflightCode.BASE_MISSING, PreflightCode.NO_PEOPLE),
            *(PreflightCode.ATTRIBUTES_EMPTY, PreflightCode.SAMPLE_UNREADABLE),
        ),
        read_commands,
    ),
    **dict.fromkeys((PreflightCode.LOCKOUT_UNKNOWN, PreflightCode.SERVICE_UNKNOWN), policy_command),
}
"""What grants the rights that a finding is about."""
FLAVOURS: Mapping[str, str | Promise] = {
    "openldap": "OpenLDAP",
    "389ds": "389 Directory Server",
    "freeipa": "FreeIPA",
    "samba": "Samba AD",
    "windows": "Active Directory",
    "unknown": _("unknown software"),
}


@dataclass(frozen=True, slots=True)
class FindingWords:
    """A finding as the page shows it. `docs/directories.md` has a row for each code."""

    code: str
    severity: Severity
    text: str
    remedy: str
    commands: str


def failure_words(code: str) -> str:
    """A stored code in words; the code itself if a later version wrote it."""
    return str(_FAILURES.get(code, code))


def finding_words(
    finding: PreflightFinding, report: PreflightReport, connection: DirectoryConnection
) -> FindingWords:
    facts: dict[str, str] = {"vendor": "", "expires_at": "–", "tls": ""}
    for name, value in finding.facts.items():
        facts[name] = when(value) if isinstance(value, datetime) else str(value)
    facts["flavour"] = str(FLAVOURS.get(facts.get("flavour", ""), ""))
    failure = facts.get("failure", "")
    facts["failure"] = failure_words(failure)
    if finding.facts.get("more"):
        facts["count"] += "+"
    text, remedy = _WORDS[finding.code]
    words = str(text) % facts
    if finding.code is PreflightCode.SERVER_FAILED and "subject" in facts:
        shown = _("It shows: %(subject)s, issued by %(issuer)s, for %(names)s.")
        words += " " + str(shown) % facts
    commands = _COMMANDS.get(finding.code)
    return FindingWords(
        code="" if finding.code in GOOD else finding.code,
        severity=finding.severity,
        text=words.strip(),
        remedy=str(remedy or _REMEDIES.get(failure) or "") % facts,
        commands=commands(connection, report) if commands else "",
    )
