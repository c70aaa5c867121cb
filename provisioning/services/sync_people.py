"""Brings people of a directory over, in portions for one transaction each.

An entry is matched by its immutable id. An unknown one is linked to the user who has its user ID,
or a user is created. Users with a role are never linked by their user ID: anyone who may name an
entry of the directory could become an administrator here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import blake2b

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from audit.activities import Activity
from audit.services import EventSubject, record_each
from directory.connectors.base import Person as Entry
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection, User, UserIDChange
from directory.rules import canonical_upn
from directory.services.connections import copy_writeback
from directory.services.outside import is_set_elsewhere
from directory.services.renaming import record_changes
from directory.services.sessions import end_sessions_of
from provisioning.rules.columns import ImportContext
from provisioning.rules.person import Person
from provisioning.rules.problems import RowProblem
from provisioning.rules.sync import UPN, Issue, SyncIssue, claimed_names, read_entry, renamable
from provisioning.services.contacts import Importer
from provisioning.services.people import Written, deleted_among, write
from provisioning.services.sign_in_names import claim_names
from tenants.roles import Role
from verification.services.contacts import users_with_factors

_COMPARED = [each.name for each in fields(Entry) if each.name not in {"changed", "phones"}]
_NAMES = ("display_name", "given_name", "surname", "language")
_TIMES = ("password_changed_at", "password_expires_at")
_COPIED = ("external_id", "dn", "enabled", "protected", "manager_dn", *_TIMES)
_ACCOUNT_COLUMNS = (*_COPIED, "manager", "digest", "seen_at", "missing_since", "disabled_user")
_BETWEEN = "@renaming.invalid"
"""The domain of user IDs that last for a statement or two."""


@dataclass(slots=True, kw_only=True)
class PeopleCounts:
    """What became of some entries.

    Args:
        changed: accounts for which something else is stored now.
        deferred: entries whose user ID another user has, who may be about to get another one.
    """

    created: int = 0
    linked: int = 0
    changed: int = 0
    restored: int = 0
    issues: list[Issue] = field(default_factory=list)
    deferred: list[Entry] = field(default_factory=list)

    @property
    def is_progress(self) -> bool:
        """Whether something is stored that another turn needn't write again."""
        return self.created + self.linked + self.changed > 0

    def add(self, more: "PeopleCounts") -> None:
        for name in PeopleCounts.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@dataclass(slots=True, kw_only=True)
class _Pairing:
    """An entry, with its account and user where they exist.

    Args:
        person: None if its user ID can't be used: then only the account's facts are written.
        leads: whether this directory decides on the user's names and on whether it is enabled.
        old_upn: the user ID that was just replaced.
    """

    entry: Entry
    person: Person | None
    account: DirectoryAccount | None
    user: User | None
    leads: bool
    old_upn: str = ""

    @property
    def new_upn(self) -> str:
        """The user ID that an existing user is to get instead of another one; "" if none."""
        if self.user is None or self.person is None or not self.leads:
            return ""
        return self.person.upn if self.person.upn != self.user.upn else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleWriter:
    """Writes entries of one directory.

    Args:
        settings_digest: of all that decides what becomes of an entry.
    """

    connection: DirectoryConnection
    context: ImportContext
    importer: Importer
    settings_digest: str

    def digest_of(self, entry: Entry) -> str:
        """Equal for an entry in which nothing changed that is used here."""
        values = [getattr(entry, name) for name in _COMPARED]
        text = repr((self.settings_digest, sorted(entry.phones.items()), values))
        return blake2b(text.encode(errors="surrogatepass"), digest_size=32).hexdigest()

    def changed_among(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that differ from what is stored. One statement."""
        present = self.accounts().filter(missing_since=None)
        rows = present.filter(external_id__in=[entry.external_id for entry in entries])
        digests = dict(rows.values_list("external_id", "digest"))
        return [
            entry for entry in entries if digests.get(entry.external_id) != self.digest_of(entry)
        ]

    def accounts(self) -> QuerySet[DirectoryAccount]:
        return DirectoryAccount.objects.filter(connection=self.connection)

    def led_elsewhere(self) -> QuerySet[DirectoryAccount]:
        """Accounts in directories that come before this one, in which the users are present."""
        first = self.connection
        before = DirectoryConnection.objects.filter(
            Q(position__lt=first.position) | Q(position=first.position, pk__lt=first.pk),
            enabled=True,
        )
        # By ids: most often there are none, and then no statement runs.
        ids = list(before.order_by("pk").values_list("pk", flat=True))
        return DirectoryAccount.objects.filter(connection_id__in=ids, missing_since=None)

    @transaction.atomic
    def write(self, entries: Sequence[Entry], *, is_final: bool = False) -> PeopleCounts:
        """Writes entries. Among them, users may exchange their user IDs.

        Args:
            entries: each immutable id once.
            is_final: a user ID that another user has is a problem now, and isn't deferred.
        """
        outside = set[str]()
        while True:
            counts = PeopleCounts()
            portion = self._matched(entries, counts)
            matches = portion.usable(counts, outside, is_final=is_final)
            if not (taken := self._rename(matches)):
                break
            outside.add(taken)
        leading = {match.person.upn: match for match in matches if match.person and match.leads}
        result = write([each.person for each in leading.values() if each.person], {}, self.importer)
        for upn, columns in result.left_alone.items():
            counts.issues += [issue_of(leading[upn].entry, *reason) for reason in columns]
        new = {upn for upn, each in result.results.items() if each is Written.CREATED}
        for user in User.objects.filter(upn__in=new):
            leading[user.upn].user = user
        counts.issues += [
            issue_of(match.entry, RowProblem.NAME_TAKEN, UPN, {"value": upn})
            for upn, match in leading.items()
            if match.user is None
        ]
        counts.created += len(new)
        matches = [match for match in matches if match.user is not None]
        self._write_accounts(matches, new, counts)
        _write_names(matches, counts)
        return counts

    def _matched(self, entries: Sequence[Entry], counts: PeopleCounts) -> "_Portion":
        """Reads entries, and locks the users that they belong to or whose user IDs they want."""
        readings = {entry.external_id: read_entry(_row(entry), self.context) for entry in entries}
        counts.issues += [
            issue_of(entry, reason.problem, reason.column, reason.values)
            for entry in entries
            for reason in readings[entry.external_id].reasons
        ]
        rows = self.accounts().filter(external_id__in=list(readings))
        accounts = {account.external_id: account for account in rows}
        ids = [account.user_id for account in accounts.values()]
        upns = [each.person.upn for each in readings.values() if each.person]
        # In one order, so that this and an import never wait for each other.
        locked = User.objects.select_for_update().filter(Q(pk__in=ids) | Q(upn__in=upns))
        users = {user.pk: user for user in locked.order_by("pk")}
        linked = {row.user_id: row for row in self.accounts().filter(user_id__in=list(users))}
        led = {row.user_id for row in self.led_elsewhere().filter(user_id__in=list(users))}
        matches = [
            _Pairing(
                entry=entry,
                person=readings[entry.external_id].person,
                account=(account := accounts.get(entry.external_id)),
                user=users[account.user_id] if account else None,
                leads=account is None or account.user_id not in led,
            )
            for entry in entries
        ]
        return _Portion(
            # Who keeps the user ID comes first, then who gets another one, then new people.
            matches=sorted(matches, key=lambda each: (each.user is None, bool(each.new_upn))),
            users=users,
            linked=linked,
            led_elsewhere=led,
        )

    def _rename(self, matches: Sequence[_Pairing]) -> str:
        """Gives users their new user IDs. History, sign-in and methods stay.

        Returns:
            A user ID that an operator or a user of another organisation has: nothing was changed.
        """
        renamed = [(match, match.user) for match in matches if match.user and match.new_upn]
        ids, changes, upn = [user.pk for _match, user in renamed], [], ""
        try:
            with transaction.atomic():
                # All have others for a moment, because some may get what another one had.
                between = Concat(Cast("pk", CharField()), Value(_BETWEEN))
                User.objects.filter(pk__in=ids).update(upn=between)
                for match, user in renamed:
                    upn = match.new_upn
                    User.objects.filter(pk=user.pk).update(upn=upn)
        except IntegrityError:
            return upn
        for match, user in renamed:
            match.old_upn, user.upn = user.upn, match.new_upn
            changes.append(UserIDChange(user=user, old=match.old_upn, new=user.upn))
        record_changes(changes, actor_id=self.importer.actor_id)
        return ""

    def _write_accounts(
        self, matches: Sequence[_Pairing], new: Collection[str], counts: PeopleCounts
    ) -> None:
        now, added, before = timezone.now(), [], []
        signed_out, restored, linked, off = [], [], [], []
        for match in matches:
            entry, user, account = match.entry, match.user, match.account
            assert user is not None
            is_new = account is None and user.upn in new
            digest = self.digest_of(entry) if match.person else ""
            if account is None:
                account = match.account = DirectoryAccount(connection=self.connection, user=user)
                added.append(account)
                if match.leads and not is_new:
                    linked.append(user)
            else:
                before.append(account)
                counts.changed += account.digest != digest
                if is_set_elsewhere(user, account.password_changed_at, entry.password_changed_at):
                    signed_out.append(user.pk)
            if match.leads and entry.enabled and account.disabled_user and not user.enabled:
                restored.append(user.pk)
            if entry.enabled and (match.leads or user.enabled):
                account.disabled_user = False
            if is_new and not entry.enabled:
                account.disabled_user = True
                off.append(user.pk)
            _copy(entry, account)
            account.digest, account.seen_at, account.missing_since = digest, now, None
        DirectoryAccount.objects.bulk_create(added)
        DirectoryAccount.objects.bulk_update(before, _ACCOUNT_COLUMNS)
        led = [match.user.pk for match in matches if match.user and match.leads]
        owned = User.objects.filter(pk__in=led)
        owned.exclude(connector=DIRECTORY).update(connector=DIRECTORY)
        copy_writeback(owned)
        self._take_over(linked)
        end_sessions_of(signed_out)
        User.objects.filter(pk__in=off).update(enabled=False)
        User.objects.filter(pk__in=restored).update(enabled=True)
        self.record(Activity.USER_ENABLED, restored)
        counts.restored += len(restored)
        counts.linked += len(added) - len(new)

    def record(self, activity: Activity, user_ids: Collection[int]) -> None:
        """Records what a run did to users."""
        subjects = [EventSubject(user_id, {"file": self.importer.number}) for user_id in user_ids]
        record_each(activity, subjects, actor_id=self.importer.actor_id)

    def _take_over(self, users: Sequence[User]) -> None:
        """The passwords that these users had here open nothing any more."""
        for user in users:
            user.password = make_password(None)
            user.former_passwords, user.must_change_password = "", False
        User.objects.bulk_update(users, ["password", "former_passwords", "must_change_password"])
        ids = [user.pk for user in users]
        end_sessions_of(ids)
        self.record(Activity.USER_LINKED, ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Portion:
    """Entries, and the users that they may belong to.

    Args:
        users: by id.
        linked: user id → the account in this directory.
        led_elsewhere: users that another directory decides about.
    """

    matches: Sequence[_Pairing]
    users: Mapping[int, User]
    linked: Mapping[int, DirectoryAccount]
    led_elsewhere: Collection[int]

    def usable(
        self, counts: PeopleCounts, outside: Collection[str], *, is_final: bool
    ) -> list[_Pairing]:
        """The entries that can be written now, each linked to the user who has its user ID.

        Args:
            outside: user IDs that operators or users of other organisations have.
        """
        # The first match that wants a user ID is to have it.
        claims = {
            match.person.upn: match
            for match in reversed(self.matches)
            if match.person and match.leads
        }
        wanted = {each.user.pk: upn for upn, each in claims.items() if each.user and each.new_upn}
        current = {user.pk: user.upn for user in self.users.values()}
        unavailable = dict.fromkeys(deleted_among(list(claims)), RowProblem.DELETED_HERE)
        unavailable |= dict.fromkeys(outside, RowProblem.NAME_TAKEN)
        moving = renamable(current, wanted, unavailable)
        holders = {user.upn: user for pk, user in self.users.items() if pk not in moving}
        usable = []
        for match in self.matches:
            if match.person and match.leads:
                upn = match.person.upn
                holder = holders.get(upn)
                issue = self._issue(match, holder, is_first=claims[upn] is match)
                if issue is SyncIssue.OTHER_ENTRY and not is_final:
                    counts.deferred.append(match.entry)
                    continue
                if code := issue or unavailable.get(upn):
                    counts.issues.append(issue_of(match.entry, code, UPN, {"value": upn}))
                    match.person = None
                elif match.user is None and holder is not None:
                    match.user, match.account = holder, self.linked.get(holder.pk)
                    match.leads = holder.pk not in self.led_elsewhere
            if match.account or match.person:
                usable.append(match)
        return usable

    def _issue(self, match: _Pairing, holder: User | None, *, is_first: bool) -> SyncIssue | None:
        """Why an entry can't have its user ID, which the holder has, if it can't."""
        if holder is None or holder is match.user:
            return None if is_first else SyncIssue.OTHER_ENTRY
        other = self.linked.get(holder.pk)
        is_here = other is not None and other.missing_since is None
        if match.user is not None or is_here or not is_first:
            return SyncIssue.OTHER_ENTRY
        if holder.role != Role.NONE:
            return SyncIssue.ADMINISTRATOR
        # The new entry may be another person's, whose password the former one could then reset.
        return SyncIssue.RECREATED if other and users_with_factors([holder.pk]) else None


def _write_names(matches: Sequence[_Pairing], counts: PeopleCounts) -> None:
    """Stores the entries' sign-in names, and reports those that several people have."""
    named = {}
    for match in matches:
        assert match.account is not None
        assert match.user is not None
        names = {canonical_upn(name) for name in match.entry.sign_in_names}
        named[match.account.pk] = claimed_names(names, upn=match.user.upn)
    renamed = [(match.old_upn, match.user.upn) for match in matches if match.user and match.old_upn]
    ambiguous = claim_names(named, [upn for upns in renamed for upn in upns])
    counts.issues += [
        issue_of(match.entry, SyncIssue.AMBIGUOUS_NAME, values={"value": name})
        for match in matches
        if match.account is not None
        for name in sorted(named[match.account.pk] & ambiguous)
    ]


def _copy(entry: Entry, account: DirectoryAccount) -> None:
    """The facts of an entry. Who its manager is here is looked up later."""
    if account.manager_dn != entry.manager_dn:
        account.manager = None
    for name in _COPIED:
        setattr(account, name, getattr(entry, name))


def _row(entry: Entry) -> dict[str, str]:
    """The entry as a row of a file of people."""
    names = {name: getattr(entry, name) for name in _NAMES}
    row = {UPN: entry.upn, "alternate_email": entry.email, **names, **entry.phones}
    return {column: value for column, value in row.items() if value or column == UPN}


def issue_of(
    entry: Entry,
    code: RowProblem | SyncIssue,
    column: str = "",
    values: Mapping[str, str | int] | None = None,
) -> Issue:
    return Issue(entry.external_id, entry.upn or entry.dn, code, column, values or {})
