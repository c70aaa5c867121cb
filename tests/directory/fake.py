"""A directory in memory, for what a real server can't be made to do: its faults, one by one."""

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from directory.connectors import accounts
from directory.connectors.base import (
    AccountState,
    NotAnswered,
    NotInDirectory,
    OutcomeUnknown,
    PasswordCheck,
    PasswordPolicy,
    SetBy,
)
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection
from directory.rules import DirectoryKind
from isolation.scope import evict
from tests.builders import PASSWORD, make_user


@dataclass
class Entry:
    password: str
    changed_at: datetime | None
    expires_at: datetime | None = None
    enabled: bool = True
    locked: bool = False
    must_change: bool = False
    protected: bool = False
    wrong: int = 0
    policy: PasswordPolicy | None = None
    set_by: SetBy | None = None
    may_change_from: datetime | None = None


class FakeDirectory:
    """An `AccountConnector`.

    Attributes:
        calls: the operations, in order.
        faults: operation → errors that its next calls raise instead of doing anything.
        lost: operation → how many of its next calls do their work and are then not answered.
        threshold: wrong passwords until it locks an account; 0 for never.
    """

    def __init__(self):
        self.entries, self.calls = {}, []
        self.faults, self.lost = defaultdict(list), defaultdict(int)
        self.threshold, self.before_write = 0, lambda: None

    def check_password(self, account, password):
        assert password
        self._called("check_password")
        entry = self.entries.get(account.external_id)
        if entry is None:
            self._lose("check_password", NotAnswered)
            return PasswordCheck.WRONG
        if entry.locked:
            return PasswordCheck.LOCKED
        if entry.password != password:
            entry.wrong += 1
            entry.locked = bool(self.threshold) and entry.wrong >= self.threshold
            self._lose("check_password", NotAnswered)
            return PasswordCheck.WRONG
        entry.wrong = 0
        if not entry.enabled:
            return PasswordCheck.DISABLED
        return PasswordCheck.MUST_CHANGE if entry.must_change else PasswordCheck.RIGHT

    def state(self, account):
        self._called("state")
        entry = self._entry(account)
        return AccountState(
            enabled=entry.enabled,
            locked=entry.locked,
            must_change=entry.must_change,
            protected=entry.protected,
            password_changed_at=entry.changed_at,
            password_expires_at=entry.expires_at,
            set_by=entry.set_by,
            may_change_from=entry.may_change_from,
            may_reset_from=entry.may_change_from,
            policy=entry.policy or self._policy(),
        )

    def policy(self, account):
        self._called("policy")
        return self._entry(account).policy or self._policy()

    def set_password(self, account, password, *, must_change=False):
        with self._write("set_password", account) as entry:
            changed = {"password": password, "changed_at": timezone.now()}
            flags = {"locked": False, "wrong": 0, "must_change": must_change}
            self.entries[account.external_id] = replace(entry, **changed, **flags)

    def change_password(self, account, old, new):
        with self._write("change_password", account) as entry:
            assert entry.password == old
            changed = {"password": new, "changed_at": timezone.now(), "must_change": False}
            self.entries[account.external_id] = replace(entry, **changed)

    def unlock(self, account):
        with self._write("unlock", account) as entry:
            entry.locked, entry.wrong = False, 0

    @contextmanager
    def _write(self, name, account):
        self._called(name)
        self.before_write()
        yield self._entry(account)
        self._lose(name, OutcomeUnknown)

    def _lose(self, name, error):
        if self.lost[name]:
            self.lost[name] -= 1
            raise error

    def _policy(self):
        return PasswordPolicy(lockout_threshold=self.threshold, lockout_window_minutes=30)

    def _entry(self, account):
        if account.external_id not in self.entries:
            raise NotInDirectory
        return self.entries[account.external_id]

    def _called(self, name):
        self.calls.append(name)
        if self.faults[name]:
            raise self.faults[name].pop(0)


class Directories:
    """Fake directories of the tenant in force, and their people."""

    def __init__(self, monkeypatch):
        self._fakes = {}
        monkeypatch.setattr(accounts, "account_connector_of", lambda c: self._fakes[c.pk])

    def add(self, name="Head office", **more):
        """A directory that this service may write."""
        connection = DirectoryConnection.objects.create(
            name=name,
            kind=more.pop("kind", DirectoryKind.LDAP),
            servers="ldaps://directory.contoso.example",
            base_dn="ou=people,dc=contoso,dc=example",
            writeback=more.pop("writeback", True),
            unlocks=more.pop("unlocks", True),
            **more,
        )
        evict("directories")
        self._fakes[connection.pk] = FakeDirectory()
        return connection

    def __getitem__(self, connection):
        return self._fakes[connection.pk]

    def person(self, *connections, upn="minji@contoso.example", password=PASSWORD, **more):
        """A user with an account in each of these directories."""
        first = min(connections, key=lambda connection: (connection.position, connection.pk))
        writeback = first.writeback
        user = make_user(upn, connector=DIRECTORY, writeback=writeback, **more)
        for connection in connections:
            account = DirectoryAccount.objects.create(
                connection=connection,
                user=user,
                external_id=upn,
                dn=f"uid={upn},o=x",
                password_changed_at=timezone.now(),
            )
            entry = Entry(password, account.password_changed_at)
            self[connection].entries[account.external_id] = entry
        user.set_unusable_password()
        user.save(update_fields=["password"])
        return user
