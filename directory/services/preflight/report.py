"""What a test of a directory can find. `console` has the words, with what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from directory.connectors.base import AccountState, PasswordPolicy
from directory.connectors.ldap.transport import Flavour
from directory.models import DirectoryAccount

Fact = str | int | float | datetime


class Severity(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class PreflightCode(StrEnum):
    """What was found. `console` has the words, with what to do."""

    SERVER = "server"
    SERVER_FAILED = "server_failed"
    CERTIFICATE_ENDS = "certificate_ends"
    SERVICE_ACCOUNT = "service_account"
    SERVICE_ACCOUNT_REFUSED = "service_account_refused"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    KIND = "kind"
    WRONG_KIND = "wrong_kind"
    KIND_UNKNOWN = "kind_unknown"
    CONTROLS = "controls"
    NO_PAGING = "no_paging"
    NO_PPOLICY = "no_ppolicy"
    NO_PASSWORD_MODIFY = "no_password_modify"
    NO_POLICY_HINTS = "no_policy_hints"
    TIME = "time"
    TIME_DIFFERS = "time_differs"
    BASE_MISSING = "base_missing"
    PEOPLE = "people"
    NO_PEOPLE = "no_people"
    NO_USER_ID = "no_user_id"
    USER_ID_TWICE = "user_id_twice"
    FOREIGN_DOMAIN = "foreign_domain"
    ATTRIBUTES = "attributes"
    ATTRIBUTES_EMPTY = "attributes_empty"
    GROUPS = "groups"
    NO_GROUPS = "no_groups"
    SERVICE_HIDDEN = "service_hidden"
    SERVICE_PRIVILEGED = "service_privileged"
    SERVICE_EXPIRES = "service_expires"
    SERVICE_MAX_AGE = "service_max_age"
    SERVICE_LOCKABLE = "service_lockable"
    SERVICE_UNKNOWN = "service_unknown"
    SERVICE_SAFE = "service_safe"
    SAMPLE_MISSING = "sample_missing"
    SAMPLE_AMBIGUOUS = "sample_ambiguous"
    SAMPLE_UNREADABLE = "sample_unreadable"
    MAY_RESET = "may_reset"
    MAY_NOT_RESET = "may_not_reset"
    MAY_UNLOCK = "may_unlock"
    MAY_NOT_UNLOCK = "may_not_unlock"
    MAY_NOT_MARK = "may_not_mark"
    RIGHTS_UNKNOWN = "rights_unknown"
    LOCKS_HIDDEN = "locks_hidden"
    LOCKOUT_BELOW = "lockout_below"
    LOCKOUT_LOW = "lockout_low"
    LOCKOUT_ABOVE = "lockout_above"
    LOCKOUT_CLOSE = "lockout_close"
    LOCKOUT_NONE = "lockout_none"
    LOCKOUT_UNKNOWN = "lockout_unknown"
    ENDED_EARLY = "ended_early"


GOOD = frozenset(
    {
        *(PreflightCode.SERVER, PreflightCode.SERVICE_ACCOUNT, PreflightCode.KIND),
        *(PreflightCode.CONTROLS, PreflightCode.TIME, PreflightCode.PEOPLE),
        *(PreflightCode.ATTRIBUTES, PreflightCode.GROUPS, PreflightCode.SERVICE_SAFE),
        *(PreflightCode.MAY_RESET, PreflightCode.MAY_UNLOCK),
        *(PreflightCode.LOCKOUT_BELOW, PreflightCode.LOCKOUT_NONE),
    }
)
"""What needs no remedy. Everything else is a warning or an error."""


@dataclass(frozen=True, slots=True)
class PreflightFinding:
    code: PreflightCode
    severity: Severity
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleUser:
    """What the directory says of one account. None: it couldn't be read."""

    account: DirectoryAccount
    state: AccountState | None
    policy: PasswordPolicy | None


@dataclass(slots=True)
class PreflightReport:
    """Findings in the order of the test.

    Args:
        flavour: of the server that answered.
        service_name: `sAMAccountName` of the service account, for commands.
        service_sid: likewise, of an Active Directory.
    """

    findings: list[PreflightFinding] = field(default_factory=list)
    flavour: Flavour = Flavour.UNKNOWN
    service_name: str = ""
    service_sid: str = ""
    sample: SampleUser | None = None

    @property
    def has_errors(self) -> bool:
        return any(each.severity is Severity.ERROR for each in self.findings)

    def ok(self, code: PreflightCode, **facts: Fact) -> None:
        self.findings.append(PreflightFinding(code, Severity.OK, facts))

    def warn(self, code: PreflightCode, **facts: Fact) -> None:
        self.findings.append(PreflightFinding(code, Severity.WARNING, facts))

    def fail(self, code: PreflightCode, **facts: Fact) -> None:
        self.findings.append(PreflightFinding(code, Severity.ERROR, facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRules:
    """What of this service the directory is compared with.

    Args:
        domains: of the organisation's user IDs.
        lockout_threshold: failures before smart lockout locks.
        lockout_s: how long its first lock lasts.
    """

    domains: frozenset[str]
    lockout_threshold: int
    lockout_s: int
