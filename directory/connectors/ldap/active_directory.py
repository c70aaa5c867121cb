"""Active Directory Domain Services and Samba AD.

Passwords are only ever written to `unicodePwd`. A modification of `userPassword` succeeds in most
domains, doesn't change the password, and leaves it where others can read it.

Source: MS-ADTS 3.1.1.3.1.5 (passwords) and 3.1.1.4.5 (constructed attributes), MS-SAMR 3.1.1.8.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from uuid import UUID

from django.utils import timezone
from ldap3 import BASE, MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE

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
from directory.connectors.ldap.transport import (
    GROUPS_PAGE_SIZE,
    Control,
    LdapEntry,
    LdapFailure,
    LdapSession,
    TimedOut,
    bind,
    dn_of_no_account,
    escape_filter,
    root_dse,
    service_session,
)
from directory.connectors.ldap.windows import (
    AccountFlags,
    WindowsError,
    bind_error,
    guid_text,
    is_privileged,
    moment,
    sid_text,
    unicode_pwd,
    write_error,
)
from directory.connectors.ldap.windows_entries import (
    PSO,
    all_values,
    changeable_from,
    is_enabled,
    modified_until,
    octets,
    policy_hints,
    policy_of,
    protected_groups,
    refusal,
    rejection,
    sign_in_names,
)
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import KIND_DEFAULTS, DirectoryKind

_IN_CHAIN = "1.2.840.113556.1.4.1941"
"""The matching rule that follows nested groups."""
_CHECKS: Mapping[int | None, PasswordCheck] = {
    WindowsError.PASSWORD_EXPIRED: PasswordCheck.MUST_CHANGE,
    WindowsError.MUST_CHANGE: PasswordCheck.MUST_CHANGE,
    WindowsError.ACCOUNT_DISABLED: PasswordCheck.DISABLED,
    WindowsError.ACCOUNT_EXPIRED: PasswordCheck.DISABLED,
    WindowsError.LOCKED_OUT: PasswordCheck.LOCKED,
}
_FLAGS = "msDS-User-Account-Control-Computed"
_EXPIRES = "msDS-UserPasswordExpiryTimeComputed"
_ACCOUNT = (
    *("sAMAccountName", "userPrincipalName", "displayName", "objectSid", "adminCount"),
    *("userAccountControl", "accountExpires", "pwdLastSet", "whenChanged", _FLAGS, _EXPIRES, PSO),
)
_INVALID_CREDENTIALS = 49
_PHONES = ("mobile_phone", "office_phone")

Changes = Mapping[str, Sequence[tuple[str, Sequence[str | bytes]]]]


class ActiveDirectory:
    """The accounts of one domain."""

    def __init__(self, connection: DirectoryConnection) -> None:
        self._connection = connection

    def check_password(self, account: DirectoryAccount, password: str) -> PasswordCheck:
        if not password:
            return PasswordCheck.WRONG
        with self._session() as session:
            entry = self._entry(session, account, ())
        if entry is None:
            self._bound(dn_of_no_account(self._connection), password)
            return PasswordCheck.WRONG
        # By the name that the entry has now: at a former name there may be another person.
        return self._bound(entry.dn, password)

    def state(self, account: DirectoryAccount) -> AccountState:
        with self._session() as session:
            entry = self._existing(session, account)
            protected = self._is_protected(session, entry)
            policy = policy_of(session, entry, self._domain())
        flags, now = AccountFlags(entry.integer(_FLAGS) or 0), timezone.now()
        changeable, dse = changeable_from(entry, policy), root_dse(self._connection)
        young_until = changeable if changeable and changeable > now else None
        changed_at = moment(entry.integer("pwdLastSet"))
        return AccountState(
            enabled=is_enabled(entry, now),
            locked=AccountFlags.LOCKED in flags,
            protected=protected,
            must_change=AccountFlags.PASSWORD_EXPIRED in flags,
            password_changed_at=changed_at,
            set_at=changed_at or modified_until(entry),
            clock_ahead=dse.clock_ahead,
            password_expires_at=moment(entry.integer(_EXPIRES)),
            may_change_from=young_until,
            may_reset_from=young_until if policy_hints(dse.controls) else None,
            policy=policy,
        )

    def policy(self, account: DirectoryAccount) -> PasswordPolicy:
        with self._session() as session:
            return policy_of(session, self._existing(session, account), self._domain())

    def set_password(
        self, account: DirectoryAccount, password: str, *, must_change: bool = False
    ) -> None:
        """Where the server can, history and minimum age are held, as at a change."""
        changes: Changes = {
            "unicodePwd": [(MODIFY_REPLACE, [unicode_pwd(password)])],
            # Without it, Windows lets a service account that lacks a right leave a password that
            # has to be changed again.
            "pwdLastSet": [(MODIFY_REPLACE, ["0" if must_change else "-1"])],
            # A reset alone doesn't unlock.
            "lockoutTime": [(MODIFY_REPLACE, ["0"])],
        }
        hints = policy_hints(root_dse(self._connection).controls)
        self._write_password(account, password, changes, hints)

    def change_password(self, account: DirectoryAccount, old: str, new: str) -> None:
        """By the service account, so that it works for an expired password, too.

        The directory verifies the old password, and applies every rule of a user's own change.
        """
        if not old:
            raise PolicyRejected(rule=RejectedFor.WRONG_OLD_PASSWORD)
        # Both together: deleting alone could leave an account without a password.
        steps = [(MODIFY_DELETE, [unicode_pwd(old)]), (MODIFY_ADD, [unicode_pwd(new)])]
        self._write_password(account, new, {"unicodePwd": steps}, ())

    def unlock(self, account: DirectoryAccount) -> None:
        with self._session() as session:
            entry = self._writable(session, account)
            server = session.server
            try:
                session.modify(entry.dn, {"lockoutTime": [(MODIFY_REPLACE, ["0"])]})
            except LdapFailure as failure:
                raise refusal(failure) from None
            except Unreachable as lost:
                failure_of_write = lost
            else:
                return
        try:
            with self._session(server) as session:
                entry = self._existing(session, account)
        except DirectoryError:
            raise OutcomeUnknown from None
        if AccountFlags.LOCKED in AccountFlags(entry.integer(_FLAGS) or 0):
            raise failure_of_write

    def people(self, *, changed_since: str = "") -> Iterator[Person]:
        """The numbers of changes are one domain controller's own: with another, everyone is read.

        Stamps have the same length, and those of later runs are greater.
        """
        names = {**KIND_DEFAULTS[DirectoryKind.ACTIVE_DIRECTORY].attributes}
        names |= self._connection.attributes
        attributes = [
            *("objectGUID", "objectSid", "primaryGroupID", "memberOf", "uSNChanged", *_ACCOUNT),
            *filter(None, names.values()),
            *self._connection.sign_in_attributes,
        ]
        with self._session() as session:
            this = session.read("", ["dnsHostName", "highestCommittedUSN"])
            name = this.text("dnsHostName") if this else ""
            # What changes while this run reads belongs to the next run.
            until = (this.integer("highestCommittedUSN") if this else None) or 0
            controller = sha256(name.encode()).hexdigest()[:16]
            run, wanted = f"{timezone.now():%Y%m%d%H%M%S}", self._people_filter
            _run, since, number = f"{changed_since}::".split(":")[:3]
            if since == controller and number.isdecimal():
                wanted = f"(&{wanted}(uSNChanged>={int(number) + 1}))"
            chosen = self._connection.protected_groups.splitlines()
            domain, protected = protected_groups(session, self._domain(), chosen)
            now = timezone.now()
            for entry in session.search(self._connection.base_dn, wanted, attributes):
                text = {field: entry.text(name) if name else "" for field, name in names.items()}
                groups = all_values(session, entry, "memberOf")
                guid, own_sid = entry.raw("objectGUID"), entry.raw("objectSid")
                if guid is None or own_sid is None or groups is None:
                    continue
                usn = min(entry.integer("uSNChanged") or 0, until)
                try:
                    sids = [sid_text(own_sid), f"{domain}-{entry.integer('primaryGroupID')}"]
                    is_protected = any(map(is_privileged, sids))
                except ValueError:
                    is_protected = True  # the value can't be read, so nothing else is known
                yield Person(
                    external_id=guid_text(guid),
                    dn=entry.dn,
                    upn=text["upn"],
                    sign_in_names=sign_in_names(entry, self._connection.sign_in_attributes),
                    display_name=text["display_name"],
                    given_name=text["given_name"],
                    surname=text["surname"],
                    language=text["language"],
                    email=text["email"],
                    phones={kind: text[kind] for kind in _PHONES if text.get(kind)},
                    manager_dn=text["manager_dn"],
                    enabled=is_enabled(entry, now),
                    protected=bool(
                        entry.integer("adminCount")
                        or is_protected
                        or protected.intersection(map(str.casefold, groups))
                    ),
                    password_changed_at=moment(entry.integer("pwdLastSet")),
                    password_expires_at=moment(entry.integer(_EXPIRES)),
                    changed=f"{run}:{controller}:{usn:020}",
                )

    def ids(self) -> Iterator[str]:
        with self._session() as session:
            base = self._connection.base_dn
            for entry in session.search(base, self._people_filter, ["objectGUID"]):
                if guid := entry.raw("objectGUID"):
                    yield guid_text(guid)

    def groups(self) -> Iterator[GroupEntry]:
        """A group that is the primary group of a member doesn't list that member."""
        if not self._connection.group_filter:
            return
        base = self._connection.group_base_dn or self._connection.base_dn
        attributes = ["objectGUID", "sAMAccountName", "cn", "member"]
        with self._session() as session:
            wanted = self._connection.group_filter
            for entry in session.search(base, wanted, attributes, page_size=GROUPS_PAGE_SIZE):
                guid, members = entry.raw("objectGUID"), all_values(session, entry, "member")
                if guid is None or members is None:
                    continue
                yield GroupEntry(
                    external_id=guid_text(guid),
                    dn=entry.dn,
                    name=entry.text("cn") or entry.text("sAMAccountName"),
                    member_dns=members,
                )

    @property
    def _people_filter(self) -> str:
        default = KIND_DEFAULTS[DirectoryKind.ACTIVE_DIRECTORY].people_filter
        return self._connection.people_filter or default

    @contextmanager
    def _session(self, server: str = "") -> Iterator[LdapSession]:
        """Refuses servers of other kinds, and translates what a search raises."""
        if not root_dse(self._connection).flavour.is_active_directory:
            raise NotPermitted("the server is no Active Directory")
        try:
            with service_session(self._connection, server=server) as session:
                yield session
        except LdapFailure as failure:
            raise refusal(failure) from None

    def _domain(self) -> str:
        return root_dse(self._connection).entry.text("defaultNamingContext")

    def _entry(
        self, session: LdapSession, account: DirectoryAccount, attributes: Sequence[str]
    ) -> LdapEntry | None:
        """By its immutable id, and only below the base. Several with that id are none."""
        try:
            guid = UUID(account.external_id).bytes_le
        except ValueError:
            return None
        wanted = f"(objectGUID={octets(guid)})"
        base = self._connection.base_dn
        entries = list(session.search(base, wanted, attributes, page_size=0))
        return entries[0] if len(entries) == 1 else None

    def _existing(self, session: LdapSession, account: DirectoryAccount) -> LdapEntry:
        entry = self._entry(session, account, _ACCOUNT)
        if entry is None:
            raise NotInDirectory
        return entry

    def _writable(self, session: LdapSession, account: DirectoryAccount) -> LdapEntry:
        entry = self._existing(session, account)
        if self._is_protected(session, entry):
            raise Protected
        if not is_enabled(entry, timezone.now()):
            raise NotPermitted("the account is disabled or has expired")
        return entry

    def _is_protected(self, session: LdapSession, entry: LdapEntry) -> bool:
        """Whether the account is privileged: Samba lets a delegated account reset even those."""
        service = self._connection.bind_dn.casefold()
        own_names = {entry.dn.casefold(), entry.text("userPrincipalName").casefold()}
        if (
            entry.integer("adminCount")
            or service in own_names
            or service.endswith("\\" + entry.text("sAMAccountName").casefold())
            or not AccountFlags(entry.integer("userAccountControl") or 0).is_person
        ):
            return True
        tokens = session.read(entry.dn, ["tokenGroups"])
        groups = tokens.attributes.get("tokenGroups", ()) if tokens else ()
        own = entry.raw("objectSid")
        if not groups or own is None:
            raise NotPermitted(
                "tokenGroups can't be read: add the service account to the group"
                " “Windows Authorization Access Group”"
            )
        if any(is_privileged(sid_text(sid)) for sid in (own, *groups)):
            return True
        chosen = self._connection.protected_groups.splitlines()
        for dn in filter(None, map(str.strip, chosen)):
            group = session.read(dn, ["objectSid"])
            if group is None:
                raise NotPermitted(f"this protected group isn't in the directory: {dn}")
            # Distribution groups, which have no tokens, are only found by the matching rule.
            nested = f"(memberOf:{_IN_CHAIN}:={escape_filter(group.dn)})"
            if group.raw("objectSid") in groups or next(
                session.search(entry.dn, nested, (), scope=BASE, page_size=0), None
            ):
                return True
        return False

    def _bound(self, dn: str, password: str, server: str = "") -> PasswordCheck:
        answer = bind(self._connection, dn, password, server=server)
        if answer.code == 0:
            return PasswordCheck.RIGHT
        if answer.code == _INVALID_CREDENTIALS:
            return _CHECKS.get(bind_error(answer.text), PasswordCheck.WRONG)
        raise refusal(LdapFailure(answer.code, answer.text))

    def _write_password(
        self,
        account: DirectoryAccount,
        password: str,
        changes: Changes,
        controls: Sequence[Control],
    ) -> None:
        with self._session() as session:
            entry = self._writable(session, account)
            server = session.server
            try:
                session.modify(entry.dn, changes, controls)
            except LdapFailure as failure:
                if write_error(failure.text) != WindowsError.PASSWORD_RESTRICTION:
                    raise refusal(failure) from None
                has_age = bool(controls) or "pwdLastSet" not in changes
                policy = policy_of(session, entry, self._domain())
                raise rejection(failure, entry, password, policy, has_age=has_age) from None
            except Unreachable as lost:
                failure_of_write = lost
            else:
                return
        if not self._took_effect(account, entry, password, server):
            # A server that only was slow may still carry it out.
            raise OutcomeUnknown if isinstance(failure_of_write, TimedOut) else failure_of_write

    def _took_effect(
        self, account: DirectoryAccount, before: LdapEntry, password: str, server: str
    ) -> bool:
        """Whether a password that was sent is in force. Asks the server that it was sent to."""
        try:
            with self._session(server) as session:
                after = self._existing(session, account)
            changed = after.integer("pwdLastSet")
            if changed and changed == before.integer("pwdLastSet"):
                return False
            check = self._bound(after.dn, password, server)
        except DirectoryError:
            raise OutcomeUnknown from None
        if not check.is_right and check is not PasswordCheck.DISABLED:
            # Changed by another at the same moment, or locked.
            raise OutcomeUnknown
        return True
