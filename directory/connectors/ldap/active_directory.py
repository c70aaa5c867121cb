"""Active Directory Domain Services and Samba AD.

Passwords are only ever written to `unicodePwd`. A modification of `userPassword` succeeds in most
domains, doesn't change the password, and leaves it where others can read it.

Source: MS-ADTS 3.1.1.3.1.5 (passwords) and 3.1.1.4.5 (constructed attributes), MS-SAMR 3.1.1.8.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
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
    BUSY,
    NO_SUCH_OBJECT,
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
    interval,
    is_complex,
    is_privileged,
    length_of,
    moment,
    privileged_sids,
    sid_bytes,
    sid_text,
    unicode_pwd,
    write_error,
)
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import (
    KIND_DEFAULTS,
    DirectoryFailure,
    DirectoryKind,
)

_POLICY_HINTS = ("1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066")
"""An administrative reset that carries it obeys history and minimum age. Newest first."""
_IN_CHAIN = "1.2.840.113556.1.4.1941"
"""The matching rule that follows nested groups."""
_GROUPS_AT_ONCE = 50
_CHECKS: Mapping[int | None, PasswordCheck] = {
    WindowsError.PASSWORD_EXPIRED: PasswordCheck.MUST_CHANGE,
    WindowsError.MUST_CHANGE: PasswordCheck.MUST_CHANGE,
    WindowsError.ACCOUNT_DISABLED: PasswordCheck.DISABLED,
    WindowsError.ACCOUNT_EXPIRED: PasswordCheck.DISABLED,
    WindowsError.LOCKED_OUT: PasswordCheck.LOCKED,
}
_SAMBA_SAYS = {
    "too short": RejectedFor.TOO_SHORT,
    "complexity criteria": RejectedFor.TOO_SIMPLE,
    "too young": RejectedFor.TOO_YOUNG,
    "already used": RejectedFor.USED_BEFORE,
}
"""Windows has a code for all rules together; Samba adds which it was."""
_FLAGS = "msDS-User-Account-Control-Computed"
_EXPIRES = "msDS-UserPasswordExpiryTimeComputed"
_PSO = "msDS-ResultantPSO"
_ACCOUNT = (
    *("sAMAccountName", "userPrincipalName", "displayName", "objectSid", "adminCount"),
    *("userAccountControl", "accountExpires", "pwdLastSet", _FLAGS, _EXPIRES, _PSO),
)
_DOMAIN_POLICY = {
    "length": "minPwdLength",
    "history": "pwdHistoryLength",
    "min_age": "minPwdAge",
    "max_age": "maxPwdAge",
    "threshold": "lockoutThreshold",
    "duration": "lockoutDuration",
    "window": "lockOutObservationWindow",
    "complexity": "pwdProperties",
}
_PSO_POLICY = {
    "length": "msDS-MinimumPasswordLength",
    "history": "msDS-PasswordHistoryLength",
    "min_age": "msDS-MinimumPasswordAge",
    "max_age": "msDS-MaximumPasswordAge",
    "threshold": "msDS-LockoutThreshold",
    "duration": "msDS-LockoutDuration",
    "window": "msDS-LockoutObservationWindow",
    "complexity": "msDS-PasswordComplexityEnabled",
}
_COMPLEX = 1
_INVALID_CREDENTIALS = 49
_PHONES = ("mobile_phone", "office_phone", "alternate_phone")

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
            policy = _policy(session, entry, self._domain())
        flags, now = AccountFlags(entry.integer(_FLAGS) or 0), timezone.now()
        changeable = _changeable_from(entry, policy)
        return AccountState(
            enabled=_is_enabled(entry, now),
            locked=AccountFlags.LOCKED in flags,
            protected=protected,
            must_change=AccountFlags.PASSWORD_EXPIRED in flags,
            password_changed_at=moment(entry.integer("pwdLastSet")),
            password_expires_at=moment(entry.integer(_EXPIRES)),
            may_change_from=changeable if changeable and changeable > now else None,
        )

    def policy(self, account: DirectoryAccount) -> PasswordPolicy:
        with self._session() as session:
            return _policy(session, self._existing(session, account), self._domain())

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
            *("objectGUID", "objectSid", "primaryGroupID", "uSNChanged", *_ACCOUNT),
            *filter(None, names.values()),
            *self._connection.sign_in_attributes,
        ]
        with self._session() as session:
            this = session.read("", ["dnsHostName"])
            name = this.text("dnsHostName") if this else ""
            controller = sha256(name.encode()).hexdigest()[:16]
            run, wanted = f"{timezone.now():%Y%m%d%H%M%S}", self._people_filter
            _run, since, number = f"{changed_since}::".split(":")[:3]
            if since == controller and number.isdecimal():
                wanted = f"(&{wanted}(uSNChanged>={int(number) + 1}))"
            domain, protected = self._protected_groups(session)
            is_enabled = partial(_is_enabled, now=timezone.now())
            for entry in session.search(self._connection.base_dn, wanted, attributes):
                text = {field: entry.text(name) if name else "" for field, name in names.items()}
                groups = all_values(session, entry, names["group_dns"])
                guid, own_sid = entry.raw("objectGUID"), entry.raw("objectSid")
                if guid is None or own_sid is None:
                    continue
                sids = [sid_text(own_sid), f"{domain}-{entry.integer('primaryGroupID')}"]
                yield Person(
                    external_id=guid_text(guid),
                    dn=entry.dn,
                    upn=text["upn"],
                    sign_in_names=self._sign_in_names(entry),
                    display_name=text["display_name"],
                    given_name=text["given_name"],
                    surname=text["surname"],
                    language=text["language"],
                    email=text["email"],
                    phones={kind: text[kind] for kind in _PHONES if text.get(kind)},
                    manager_dn=text["manager_dn"],
                    enabled=is_enabled(entry),
                    protected=bool(
                        entry.integer("adminCount")
                        or any(map(is_privileged, sids))
                        or protected.intersection(map(str.casefold, groups))
                    ),
                    password_changed_at=moment(entry.integer("pwdLastSet")),
                    password_expires_at=moment(entry.integer(_EXPIRES)),
                    changed=f"{run}:{controller}:{entry.integer('uSNChanged') or 0:020}",
                    group_dns=groups,
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
            for entry in session.search(base, self._connection.group_filter, attributes):
                if (guid := entry.raw("objectGUID")) is None:
                    continue
                yield GroupEntry(
                    external_id=guid_text(guid),
                    dn=entry.dn,
                    name=entry.text("cn") or entry.text("sAMAccountName"),
                    member_dns=all_values(session, entry, "member"),
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
        """By its immutable id, and only below the base."""
        try:
            guid = UUID(account.external_id).bytes_le
        except ValueError:
            return None
        wanted = f"(objectGUID={_octets(guid)})"
        base = self._connection.base_dn
        return next(session.search(base, wanted, attributes, page_size=0), None)

    def _existing(self, session: LdapSession, account: DirectoryAccount) -> LdapEntry:
        entry = self._entry(session, account, _ACCOUNT)
        if entry is None:
            raise NotInDirectory
        return entry

    def _writable(self, session: LdapSession, account: DirectoryAccount) -> LdapEntry:
        entry = self._existing(session, account)
        if self._is_protected(session, entry):
            raise Protected
        if not _is_enabled(entry, timezone.now()):
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

    def _protected_groups(self, session: LdapSession) -> tuple[str, set[str]]:
        """The domain's own identifier, and the names of all protected groups, nested ones too."""
        domain = self._domain()
        head = session.read(domain, ["objectSid"])
        if head is None or (own_sid := head.raw("objectSid")) is None:
            raise NotPermitted(f"the service account can't read {domain}")
        sid = sid_text(own_sid)
        wanted = "".join(f"(objectSid={_octets(sid_bytes(each))})" for each in privileged_sids(sid))
        new = [entry.dn for entry in session.search(domain, f"(|{wanted})", ())]
        chosen = self._connection.protected_groups.splitlines()
        new += filter(None, map(str.strip, chosen))
        found: set[str] = set()
        while new:
            found.update(map(str.casefold, new))
            batches = [new[at : at + _GROUPS_AT_ONCE] for at in range(0, len(new), _GROUPS_AT_ONCE)]
            new = []
            for batch in batches:
                parents = "".join(f"(memberOf={escape_filter(dn)})" for dn in batch)
                groups = session.search(domain, f"(&(objectClass=group)(|{parents}))", ())
                new += [group.dn for group in groups if group.dn.casefold() not in found]
        return sid, found

    def _sign_in_names(self, entry: LdapEntry) -> tuple[str, ...]:
        """Mail addresses in `proxyAddresses` begin with their protocol."""
        values = [
            value
            for name in self._connection.sign_in_attributes
            for value in entry.texts(name)
            if name.casefold() != "proxyaddresses" or value.casefold().startswith("smtp:")
        ]
        return tuple(value[5:] if value[:5].casefold() == "smtp:" else value for value in values)

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
                policy = _policy(session, entry, self._domain())
                raise _rejection(failure, entry, password, policy, has_age=has_age) from None
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


def policy_hints(offered: frozenset[str]) -> tuple[Control, ...]:
    """The control under which a reset obeys history and minimum age, if the server knows it."""
    oid = next((oid for oid in _POLICY_HINTS if oid in offered), None)
    return () if oid is None else ((oid, True, b"\x30\x03\x02\x01\x01"),)


def refusal(failure: LdapFailure) -> DirectoryError:
    """What a refused operation means, but for passwords that break a rule."""
    if failure.code in BUSY:
        return Unreachable(DirectoryFailure.BUSY)
    if failure.code == NO_SUCH_OBJECT:
        return NotInDirectory()
    if write_error(failure.text) == WindowsError.WRONG_PASSWORD:
        return PolicyRejected(rule=RejectedFor.WRONG_OLD_PASSWORD)
    return NotPermitted(f"{failure.code} {failure.text}".strip())


def _rejection(
    failure: LdapFailure,
    entry: LdapEntry,
    password: str,
    policy: PasswordPolicy,
    *,
    has_age: bool,
) -> PolicyRejected:
    """Which rule it was, where that can be known.

    Args:
        has_age: the minimum age was in force, as for a user's own change.
    """
    changeable = _changeable_from(entry, policy)
    is_young = has_age and changeable is not None and changeable > timezone.now()
    rule = next((rule for text, rule in _SAMBA_SAYS.items() if text in failure.text), None)
    if rule is None and length_of(password) < (policy.min_length or 0):
        rule = RejectedFor.TOO_SHORT
    elif rule is None and policy.is_complex:
        names = {
            "account_name": entry.text("sAMAccountName"),
            "display_name": entry.text("displayName"),
        }
        rule = None if is_complex(password, **names) else RejectedFor.TOO_SIMPLE
    if rule is None and is_young:
        rule = RejectedFor.TOO_YOUNG
    return PolicyRejected(
        rule=rule or RejectedFor.UNKNOWN,
        until=changeable if rule is RejectedFor.TOO_YOUNG else None,
    )


def _policy(session: LdapSession, entry: LdapEntry, domain: str) -> PasswordPolicy:
    """Of the account's PSO, otherwise of the domain. If the PSO can't be read, all is unknown."""
    pso = entry.text(_PSO)
    names = _PSO_POLICY if pso else _DOMAIN_POLICY
    name = pso.partition(",")[0].partition("=")[2]
    rules = session.read(pso or domain, list(names.values()))
    if rules is None or rules.integer(names["length"]) is None:
        return PasswordPolicy(name=name)
    ages = {each: interval(rules.integer(names[each])) or timedelta() for each in names}
    complexity = rules.text(names["complexity"])
    return PasswordPolicy(
        min_length=rules.integer(names["length"]),
        is_complex=complexity == "TRUE" if pso else bool(int(complexity or 0) & _COMPLEX),
        history=rules.integer(names["history"]),
        min_age_hours=ages["min_age"] / timedelta(hours=1),
        max_age_days=ages["max_age"] / timedelta(days=1),
        lockout_threshold=rules.integer(names["threshold"]),
        lockout_minutes=ages["duration"] / timedelta(minutes=1),
        lockout_window_minutes=ages["window"] / timedelta(minutes=1),
        name=name,
    )


def _changeable_from(entry: LdapEntry, policy: PasswordPolicy) -> datetime | None:
    """When the minimum age ends or ended. None if there is none, and for one that must change."""
    changed = moment(entry.integer("pwdLastSet"))
    if changed is None or not policy.min_age_hours:
        return None
    return changed + timedelta(hours=policy.min_age_hours)


def _is_enabled(entry: LdapEntry, now: datetime) -> bool:
    """Neither disabled nor expired."""
    flags = AccountFlags(entry.integer("userAccountControl") or 0)
    expires = moment(entry.integer("accountExpires"))
    return AccountFlags.DISABLED not in flags and (expires is None or now < expires)


def all_values(session: LdapSession, entry: LdapEntry, name: str) -> tuple[str, ...]:
    """All values. Windows answers 1,500 at once, under a name with their range.

    Source: MS-ADTS 3.1.1.3.1.3.3.
    """
    values, part = entry.texts(name) if name else [], entry
    prefix = f"{name};range=".lower()
    while key := next((key for key in part.attributes if key.startswith(prefix)), ""):
        values += part.texts(key)
        last = key.rpartition("-")[2]
        rest = session.read(entry.dn, [f"{name};range={int(last) + 1}-*"]) if last != "*" else None
        if rest is None:
            break
        part = rest
    return tuple(values)


def _octets(value: bytes) -> str:
    """Bytes as a value in a filter."""
    return "".join(f"\\{byte:02x}" for byte in value)
