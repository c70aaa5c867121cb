"""Accounts in OpenLDAP, 389 Directory Server and FreeIPA.

Passwords are set by the extended operation of RFC 3062, so that the server hashes them and checks
its own rules. An Active Directory is refused: there, this would change nothing and leave the
password where others can read it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from django.utils import timezone

from directory.connectors.base import (
    AccountState,
    DirectoryError,
    GroupEntry,
    NotInDirectory,
    NotPermitted,
    OutcomeUnknown,
    PasswordCheck,
    PasswordPolicy,
    Person,
    PolicyRejected,
    Protected,
    RejectedFor,
    Unreachable,
)
from directory.connectors.ldap.codes import (
    ASK_POLICY,
    Result,
    check_of,
    error_of,
    translated,
)
from directory.connectors.ldap.dialect import Dialect
from directory.connectors.ldap.ds389 import Ds389
from directory.connectors.ldap.freeipa import FreeIpa
from directory.connectors.ldap.openldap import OpenLdap, UnknownServer
from directory.connectors.ldap.privileges import (
    MEMBER_ATTRIBUTES,
    MODIFIED,
    is_member,
    members_of,
    normal_dn,
    privileged_entries,
    protected_groups,
    with_setter,
)
from directory.connectors.ldap.transport import (
    GROUPS_PAGE_SIZE,
    Flavour,
    LdapEntry,
    LdapFailure,
    LdapSession,
    TimedOut,
    bind,
    dn_of_no_account,
    escape_filter,
    root_dse,
    service_session,
    user_session,
)
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import KIND_DEFAULTS, DirectoryFailure, DirectoryKind

_DIALECTS: Mapping[Flavour, Dialect] = {
    Flavour.OPENLDAP: OpenLdap(),
    Flavour.DS389: Ds389(),
    Flavour.FREEIPA: FreeIpa(),
}
_PHONES = ("mobile_phone", "office_phone")
_STAMP = "modifyTimestamp"


class _Closed(NotPermitted):
    """An administrator closed the account. No other server is asked: it may not know that yet."""


@dataclass(frozen=True, slots=True)
class _Target:
    """An account as the directory has it now."""

    entry: LdapEntry
    policy: LdapEntry | None
    state: AccountState


class LdapConnector:
    def __init__(self, connection: DirectoryConnection) -> None:
        self._connection = connection
        defaults = KIND_DEFAULTS[DirectoryKind.LDAP]
        self._people_filter = connection.people_filter.strip() or defaults.people_filter
        self._mapping = {**defaults.attributes, **connection.attributes}

    def check_password(self, account: DirectoryAccount, password: str) -> PasswordCheck:
        if not password:
            return PasswordCheck.WRONG
        dialect, _suffix = self._server()
        try:
            with translated(), service_session(self._connection) as session:
                dn = self._find(session, dialect, account, ()).dn
        except NotInDirectory:
            bind(self._connection, dn_of_no_account(self._connection), password, [ASK_POLICY])
            return PasswordCheck.WRONG
        answer = bind(self._connection, dn, password, [ASK_POLICY])
        return check_of(answer, compares_first=dialect.compares_first)

    def state(self, account: DirectoryAccount) -> AccountState:
        dialect, suffix = self._server()
        with translated(), service_session(self._connection) as session:
            return self._read(session, dialect, suffix, account).state

    def policy(self, account: DirectoryAccount) -> PasswordPolicy:
        dialect, suffix = self._server()
        with translated(), service_session(self._connection) as session:
            entry = self._find(session, dialect, account, dialect.attributes)
            return _policy_of(dialect, entry, dialect.policy_entry(session, suffix, entry))

    def set_password(
        self, account: DirectoryAccount, password: str, *, must_change: bool = False
    ) -> None:
        """OpenLDAP demands a change at the next sign-in only if its policy has `pwdMustChange`.

        389 DS may forget it, since it writes its own expiry a moment later; FreeIPA can't.
        """
        dialect, suffix = self._server()
        with translated(), service_session(self._connection) as session:
            target = self._changeable(session, dialect, suffix, account)
            writing: AbstractContextManager[LdapSession] = nullcontext(session)
            try:
                dialect.set_password(session, target.entry.dn, password, "")
            except LdapFailure as failure:
                raise error_of(failure, until=target.state.may_change_from) from None
            except Unreachable as lost:
                self._confirm_password(lost, session.server, dialect, target, password)
                writing = service_session(self._connection, server=session.server)
            # The password is set. What is left over harms less than to say that it isn't.
            with suppress(LdapFailure, DirectoryError), writing as usable:
                entry = self._find(usable, dialect, account, dialect.attributes)
                if changes := dialect.leftovers(entry, must_change=must_change):
                    usable.modify(entry.dn, changes)

    def change_password(self, account: DirectoryAccount, old: str, new: str) -> None:
        """Bound as the user, so that the directory's rules about own changes hold.

        With an expired password a user may do nothing at all: then it proves who they are, and the
        service account sets the new one.
        """
        if not old:
            raise PolicyRejected(rule=RejectedFor.WRONG_OLD_PASSWORD)
        dialect, suffix = self._server()
        with translated(), service_session(self._connection) as session:
            target = self._changeable(session, dialect, suffix, account)
        dn = target.entry.dn
        with user_session(self._connection, dn, old, [ASK_POLICY]) as (answer, own):
            check = check_of(answer, compares_first=dialect.compares_first)
            if check is PasswordCheck.WRONG:
                raise PolicyRejected(rule=RejectedFor.WRONG_OLD_PASSWORD)
            if not check.is_right:
                raise NotPermitted(f"the account is {check.value}")
            if answer.code == Result.SUCCESS:
                try:
                    dialect.set_password(own, dn, new, old)
                except LdapFailure as failure:
                    if failure.code == Result.INVALID_CREDENTIALS:
                        raise PolicyRejected(rule=RejectedFor.WRONG_OLD_PASSWORD) from None
                    raise error_of(failure, until=target.state.may_change_from) from None
                except Unreachable as lost:
                    self._confirm_password(lost, own.server, dialect, target, new)
                return
        self.set_password(account, new)

    def unlock(self, account: DirectoryAccount) -> None:
        """On every server that does it: many directories count and lock on each by itself."""
        dialect, suffix = self._server()
        unlocked, sent, problems = False, False, list[DirectoryError]()
        for server in self._connection.servers.split():
            try:
                with translated(), service_session(self._connection, server=server) as session:
                    target = self._changeable(session, dialect, suffix, account)
                    sent = True
                    session.modify(target.entry.dn, dialect.unlocking())
                    unlocked = True
            except (Protected, _Closed):
                raise
            except DirectoryError as problem:
                problems.append(problem)
        if unlocked:
            return
        lost = [each for each in problems if isinstance(each, Unreachable)]
        if not (sent and lost):
            raise (lost or problems)[0]
        try:
            locked = self.state(account).locked
        except DirectoryError:
            raise OutcomeUnknown from None
        if locked:
            is_open = any(isinstance(each, TimedOut) for each in lost)
            raise OutcomeUnknown if is_open else lost[0]

    def people(self, *, changed_since: str = "") -> Iterator[Person]:
        dialect, suffix = self._server()
        names = {
            *(dialect.id_attribute, _STAMP, *dialect.attributes),
            *(*filter(None, self._mapping.values()), *self._connection.sign_in_attributes),
        }
        wanted = self._people_filter
        if changed_since:
            wanted = f"(&{wanted}({_STAMP}>={escape_filter(changed_since)}))"
        policies: dict[str, LdapEntry | None] = {}
        now = timezone.now()
        with translated(), service_session(self._connection) as session:
            groups = self._protected_groups(session, dialect, suffix)
            protected = members_of(session, groups)
            protected |= privileged_entries(self._connection.bind_dn, suffix)
            for entry in session.search(self._connection.base_dn, wanted, sorted(names)):
                own = _own_policy(entry)
                if own not in policies:
                    with service_session(self._connection) as other:
                        policies[own] = dialect.policy_entry(other, suffix, entry)
                state = dialect.state(entry, policies[own], now)
                if external_id := entry.text(dialect.id_attribute):
                    is_protected = normal_dn(entry.dn) in protected
                    state = replace(state, protected=is_protected)
                    # What changes while this run reads belongs to the next run.
                    changed = min(entry.text(_STAMP), f"{now:%Y%m%d%H%M%SZ}")
                    yield replace(self._person(external_id, entry, state), changed=changed)

    def ids(self) -> Iterator[str]:
        dialect, _suffix = self._server()
        names = [dialect.id_attribute]
        with translated(), service_session(self._connection) as session:
            for entry in session.search(self._connection.base_dn, self._people_filter, names):
                if external_id := entry.text(dialect.id_attribute):
                    yield external_id

    def groups(self) -> Iterator[GroupEntry]:
        dialect, _suffix = self._server()
        wanted = self._connection.group_filter.strip()
        if not wanted:
            return
        base = self._connection.group_base_dn or self._connection.base_dn
        names = [dialect.id_attribute, "cn", *MEMBER_ATTRIBUTES]
        with translated(), service_session(self._connection) as session:
            for entry in session.search(base, wanted, names, page_size=GROUPS_PAGE_SIZE):
                members = [dn for name in MEMBER_ATTRIBUTES for dn in entry.texts(name)]
                yield GroupEntry(
                    external_id=entry.text(dialect.id_attribute),
                    dn=entry.dn,
                    name=entry.text("cn"),
                    member_dns=tuple(dict.fromkeys(members)),
                )

    def state_of_entry(self, dn: str) -> AccountState | None:
        """Of any entry, such as the service account's own; None if it can't be read.

        Its `policy` is None if the rules that hold for it can't be read.
        """
        dialect, suffix = self._server()
        names = {*dialect.attributes, *Ds389.attributes, "krbPrincipalName"}
        with translated(), service_session(self._connection) as session:
            entry = session.read(dn, sorted(names))
            if entry is None:
                return None
            if isinstance(dialect, FreeIpa) and not entry.text("krbPrincipalName"):
                # A system account isn't a principal: no rule of Kerberos holds for it.
                dialect = Ds389()
            policy = dialect.policy_entry(session, suffix, entry)
            state = dialect.state(entry, policy, timezone.now())
            rules = _policy_of(dialect, entry, policy)
            is_known = policy is not None and rules.lockout_threshold is not None
            return replace(state, policy=rules if is_known else None)

    def _server(self) -> tuple[Dialect, str]:
        """What kind of server it is, and which of its suffixes the base is in."""
        dse = root_dse(self._connection)
        if dse.flavour.is_active_directory:
            raise NotPermitted("this is an Active Directory: choose that kind of directory")
        base = normal_dn(self._connection.base_dn)
        contexts = [each for each in dse.naming_contexts if base.endswith(normal_dn(each))]
        suffix = max(contexts, key=len, default=self._connection.base_dn)
        return _DIALECTS.get(dse.flavour, UnknownServer()), suffix

    def _find(
        self,
        session: LdapSession,
        dialect: Dialect,
        account: DirectoryAccount,
        attributes: Sequence[str],
    ) -> LdapEntry:
        """The entry by its immutable id: names change, and are given to others."""
        wanted = f"({dialect.id_attribute}={escape_filter(account.external_id)})"
        base = self._connection.base_dn
        entries = list(session.search(base, wanted, attributes, page_size=0))
        if len(entries) != 1:
            raise NotInDirectory
        return entries[0]

    def _read(
        self, session: LdapSession, dialect: Dialect, suffix: str, account: DirectoryAccount
    ) -> _Target:
        names = [*dialect.attributes, *dialect.password_stamps, *MODIFIED, "memberOf", "uid"]
        entry = self._find(session, dialect, account, names)
        policy = dialect.policy_entry(session, suffix, entry)
        groups = self._protected_groups(session, dialect, suffix)
        state = dialect.state(entry, policy, timezone.now())
        protected = normal_dn(entry.dn) in privileged_entries(self._connection.bind_dn, suffix)
        protected = protected or is_member(session, entry, groups, suffix)
        rules = _policy_of(dialect, entry, policy)
        if dialect.ages_resets:
            state = replace(state, may_reset_from=state.may_change_from)
        state = with_setter(state, entry, self._connection.bind_dn)
        return _Target(entry, policy, replace(state, protected=protected, policy=rules))

    def _protected_groups(
        self, session: LdapSession, dialect: Dialect, suffix: str
    ) -> Sequence[str]:
        """Those of the server's own administrators, and those that the organisation chose."""
        chosen = self._connection.protected_groups.splitlines()
        return protected_groups(session, [*dialect.privileged_groups(suffix), *chosen])

    def _changeable(
        self, session: LdapSession, dialect: Dialect, suffix: str, account: DirectoryAccount
    ) -> _Target:
        """The account, if this service may change something of it."""
        target = self._read(session, dialect, suffix, account)
        if target.state.protected:
            raise Protected
        if target.state.locked_by_admin:
            raise _Closed("an administrator has locked the account for good")
        if not target.state.enabled:
            raise _Closed("the account is disabled")
        return target

    def _confirm_password(
        self,
        lost: Unreachable,
        server: str,
        dialect: Dialect,
        target: _Target,
        password: str,
    ) -> None:
        """Reads back a write that wasn't answered, where it was sent. Returns if it took effect."""
        if lost.failure is DirectoryFailure.REFUSED_HERE:
            raise lost
        dn, stamps = target.entry.dn, dialect.password_stamps
        try:
            with service_session(self._connection, server=server) as session:
                after = session.read(dn, stamps)
            answer = bind(self._connection, dn, password, [ASK_POLICY], server=server)
            if check_of(answer, compares_first=dialect.compares_first).is_right:
                return
        except (LdapFailure, DirectoryError):
            raise OutcomeUnknown from None
        unchanged = after is not None and all(
            after.texts(stamp) == target.entry.texts(stamp) for stamp in stamps
        )
        # A server that was only slow may still carry out what it has received.
        if unchanged and not isinstance(lost, TimedOut):
            raise lost
        raise OutcomeUnknown from None

    def _person(self, external_id: str, entry: LdapEntry, state: AccountState) -> Person:
        def mapped(field: str) -> str:
            return entry.text(self._mapping[field]) if self._mapping.get(field) else ""

        names = self._connection.sign_in_attributes
        return Person(
            external_id=external_id,
            dn=entry.dn,
            upn=mapped("upn"),
            sign_in_names=tuple(value for name in names for value in entry.texts(name)),
            display_name=mapped("display_name"),
            given_name=mapped("given_name"),
            surname=mapped("surname"),
            language=mapped("language"),
            email=mapped("email"),
            phones={phone: number for phone in _PHONES if (number := mapped(phone))},
            manager_dn=mapped("manager_dn"),
            enabled=state.enabled,
            protected=state.protected,
            password_changed_at=state.password_changed_at,
            password_expires_at=state.password_expires_at,
        )


def _own_policy(entry: LdapEntry) -> str:
    """The name of the policy that is its own or its groups'; "" where the server's holds."""
    return entry.text("pwdPolicySubentry") + entry.text("krbPwdPolicyReference")


def _policy_of(dialect: Dialect, entry: LdapEntry, policy: LdapEntry | None) -> PasswordPolicy:
    return replace(dialect.policy(policy), is_own=bool(_own_policy(entry)))
