"""Brings people of a directory over, in portions for one transaction each.

An entry is matched by its immutable id. An unknown one is linked to the user who has its user ID,
or a user is created. Users with a role are never linked by their user ID: anyone who may name an
entry of the directory could become an administrator here.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import blake2b

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.activities import Activity
from audit.services import EventSubject, record_each
from directory.connectors.base import Person as Entry
from directory.factors import DIRECTORY
from directory.models import (
    DirectoryAccount,
    DirectoryConnection,
    SignInName,
    User,
    UserIDChange,
)
from directory.rules import canonical_upn
from directory.services.connections import copy_writeback
from directory.services.outside import is_set_elsewhere
from directory.services.renaming import record_changes, take_user_id
from directory.services.sessions import end_sessions_of
from provisioning.models import SignInClaim
from provisioning.rules.columns import ImportContext
from provisioning.rules.person import Person
from provisioning.rules.problems import RowProblem
from provisioning.rules.sync import UPN, Issue, SyncIssue, claimed_names, read_entry
from provisioning.services.contacts import Importer
from provisioning.services.people import Written, write
from tenants.roles import Role
from verification.services.contacts import users_with_factors

_NOT_COMPARED = {"changed", "group_dns", "manager_dn"}
_COMPARED = [each.name for each in fields(Entry) if each.name not in _NOT_COMPARED]
_ACCOUNT_COLUMNS = (
    "external_id",
    "dn",
    "protected",
    "password_changed_at",
    "password_expires_at",
    "digest",
    "seen_at",
    "missing_since",
    "enabled",
    "disabled_user",
)


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


@dataclass(slots=True, kw_only=True)
class _Match:
    """An entry that is to be written, with its account and user where they exist.

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
        values = [getattr(entry, name) for name in _COMPARED if name != "phones"]
        text = repr((self.settings_digest, sorted(entry.phones.items()), values))
        return blake2b(text.encode(errors="surrogatepass"), digest_size=32).hexdigest()

    def news(self, entries: Sequence[Entry]) -> list[Entry]:
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
        # By ids: most often there are none, and then nothing is asked.
        ids = list(before.order_by("pk").values_list("pk", flat=True))
        return DirectoryAccount.objects.filter(connection_id__in=ids, missing_since=None)

    @transaction.atomic
    def write(
        self,
        entries: Sequence[Entry],
        *,
        is_final: bool = False,
        old_upns: Mapping[int, str] | None = None,
    ) -> PeopleCounts:
        """Writes entries.

        Args:
            entries: each immutable id once.
            is_final: a user ID that another user has is a problem now, and isn't deferred.
            old_upns: user ids → what their user IDs were, where they have others for a moment.
        """
        counts = PeopleCounts()
        matches = self._matches(entries, counts, is_final=is_final)
        _rename(matches, counts, old_upns or {}, actor_id=self.importer.actor_id)
        leading = {match.person.upn: match for match in matches if match.person and match.leads}
        people = [match.person for match in leading.values() if match.person]
        result = write(people, {}, self.importer)
        for upn, columns in result.left_alone.items():
            counts.issues += [_issue(leading[upn].entry, *reason) for reason in columns]
        new = {upn for upn, each in result.results.items() if each is Written.CREATED}
        for user in User.objects.filter(upn__in=new):
            leading[user.upn].user = user
        for upn, match in leading.items():
            if match.user is None and match.person is not None:
                taken, is_deleted = {"value": upn}, result.results[upn] is Written.DELETED
                problem = RowProblem.DELETED_HERE if is_deleted else RowProblem.NAME_TAKEN
                counts.issues.append(_issue(match.entry, problem, UPN, taken))
        counts.created += len(new)
        matches = [match for match in matches if match.user is not None]
        self._write_accounts(matches, new, counts)
        _write_names(matches, counts)
        return counts

    def _matches(
        self, entries: Sequence[Entry], counts: PeopleCounts, *, is_final: bool
    ) -> list[_Match]:
        readings = {entry.external_id: read_entry(_row(entry), self.context) for entry in entries}
        rows = self.accounts().filter(external_id__in=list(readings))
        accounts = {account.external_id: account for account in rows}
        users = self._users(
            accounts.values(), [r.person.upn for r in readings.values() if r.person]
        )
        matches, taken = [], set[str]()
        for entry in entries:
            reading, account = readings[entry.external_id], accounts.get(entry.external_id)
            counts.issues += [
                _issue(entry, reason.problem, reason.column, reason.values)
                for reason in reading.reasons
            ]
            person = reading.person
            if person is not None and not (account and account.user_id in users.led_elsewhere):
                is_taken = person.upn in taken
                issue = SyncIssue.OTHER_ENTRY if is_taken else users.issue(person.upn, account)
                if issue is SyncIssue.OTHER_ENTRY and not is_final:
                    counts.deferred.append(entry)
                    continue
                if issue is not None:
                    counts.issues.append(_issue(entry, issue, UPN, {"value": person.upn}))
                    person = None
                else:
                    taken.add(person.upn)
                    account = account or users.account_with(person.upn)
            if account is not None:
                user: User | None = users.by_id[account.user_id]
            else:
                user = users.holders.get(person.upn) if person else None
            leads = user is None or user.pk not in users.led_elsewhere
            if account is not None or person is not None:
                match = _Match(entry=entry, person=person, account=account, user=user, leads=leads)
                matches.append(match)
        return matches

    def _users(self, accounts: Collection[DirectoryAccount], upns: Collection[str]) -> "_Users":
        """The users of the accounts, and those who have these user IDs; locked."""
        ids = [account.user_id for account in accounts]
        # In one order, so that this and an import never wait for each other.
        locked = User.objects.select_for_update().filter(Q(pk__in=ids) | Q(upn__in=upns))
        by_id = {user.pk: user for user in locked.order_by("pk")}
        linked = {row.user_id: row for row in self.accounts().filter(user_id__in=list(by_id))}
        gone = [user_id for user_id, account in linked.items() if account.missing_since]
        led = self.led_elsewhere().filter(user_id__in=list(by_id))
        return _Users(
            by_id=by_id,
            holders={user.upn: user for user in by_id.values()},
            linked=linked,
            with_factors=users_with_factors(gone) if gone else set(),
            led_elsewhere=set(led.values_list("user_id", flat=True)),
        )

    def _write_accounts(
        self, matches: Sequence[_Match], new: Collection[str], counts: PeopleCounts
    ) -> None:
        now, added, before = timezone.now(), [], []
        signed_out, restored, linked, off = [], [], [], []
        for match in matches:
            entry, user, account = match.entry, match.user, match.account
            assert user is not None
            is_new = account is None and user.upn in new
            digest = self.digest_of(entry) if match.person else ""
            if account is None:
                account = DirectoryAccount(connection=self.connection, user=user)
                added.append(account)
                if match.leads and not is_new:
                    linked.append(user)
            else:
                before.append(account)
                counts.changed += account.digest != digest
                times = account.password_changed_at, entry.password_changed_at
                if is_set_elsewhere(user, *times):
                    signed_out.append(user.pk)
            match.account = account
            if match.leads and entry.enabled and account.disabled_user and not user.enabled:
                restored.append(user.pk)
            if entry.enabled and (match.leads or user.enabled):
                account.disabled_user = False
            if is_new and not entry.enabled:
                account.disabled_user = True
                off.append(user.pk)
            account.external_id, account.dn = entry.external_id, entry.dn
            account.enabled, account.protected = entry.enabled, entry.protected
            account.password_changed_at = entry.password_changed_at
            account.password_expires_at = entry.password_expires_at
            account.digest = digest
            account.seen_at, account.missing_since = now, None
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
        file = self.importer.number
        subjects = [EventSubject(user_id, {"file": file}) for user_id in user_ids]
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
class _Users:
    """The users that the entries of a portion may belong to.

    Args:
        holders: by user ID.
        linked: user id → the account in this directory.
        with_factors: users who have security info, although their entries are gone.
        led_elsewhere: users that another directory decides about.
    """

    by_id: Mapping[int, User]
    holders: Mapping[str, User]
    linked: Mapping[int, DirectoryAccount]
    with_factors: Collection[int]
    led_elsewhere: Collection[int]

    def issue(self, upn: str, account: DirectoryAccount | None) -> SyncIssue | None:
        """Why an entry can't have this user ID, if it can't."""
        holder = self.holders.get(upn)
        if holder is None:
            return None
        if account is not None:
            return None if holder.pk == account.user_id else SyncIssue.OTHER_ENTRY
        other = self.linked.get(holder.pk)
        if other is not None and other.missing_since is None:
            return SyncIssue.OTHER_ENTRY
        if holder.role != Role.NONE:
            return SyncIssue.ADMINISTRATOR
        # The new entry may be another person's, whose password the former one could then reset.
        return SyncIssue.RECREATED if holder.pk in self.with_factors else None

    def account_with(self, upn: str) -> DirectoryAccount | None:
        """The account of an entry that is gone, if its user has this user ID."""
        holder = self.holders.get(upn)
        return self.linked.get(holder.pk) if holder else None


def _row(entry: Entry) -> dict[str, str]:
    """The entry as a row of a file of people."""
    row = {
        UPN: entry.upn,
        "display_name": entry.display_name,
        "given_name": entry.given_name,
        "surname": entry.surname,
        "language": entry.language,
        "alternate_email": entry.email,
        "mobile_phone": entry.phones.get("mobile_phone", ""),
        "office_phone": entry.phones.get("office_phone", ""),
    }
    return {column: value for column, value in row.items() if value or column == UPN}


def _issue(
    entry: Entry,
    code: RowProblem | SyncIssue,
    column: str = "",
    values: Mapping[str, str | int] | None = None,
) -> Issue:
    return Issue(
        external_id=entry.external_id,
        subject=entry.upn or entry.dn,
        code=code,
        column=column,
        values=values or {},
    )


def _rename(
    matches: Sequence[_Match], counts: PeopleCounts, old_upns: Mapping[int, str], *, actor_id: int
) -> None:
    """Gives users their new user IDs. History, sign-in and methods stay."""
    renamed = []
    for match in matches:
        user, person = match.user, match.person
        if user is None or person is None or not match.leads or user.upn == person.upn:
            continue
        old = old_upns.get(user.pk, user.upn)
        if not take_user_id(user, person.upn):
            taken = {"value": person.upn}
            counts.issues.append(_issue(match.entry, RowProblem.NAME_TAKEN, UPN, taken))
            match.person = None
            continue
        match.old_upn = old
        renamed.append(UserIDChange(user=user, old=old, new=person.upn))
    record_changes(renamed, actor_id=actor_id)


def _write_names(matches: Sequence[_Match], counts: PeopleCounts) -> None:
    """Stores the sign-in names that only one user has."""
    wanted, touched = {}, set[str]()
    for match in matches:
        if match.account is None or match.user is None:
            continue
        names = {canonical_upn(name) for name in match.entry.sign_in_names}
        wanted[match.account.pk] = claimed_names(names, upn=match.user.upn)
        touched |= {match.old_upn, match.user.upn} if match.old_upn else {match.user.upn}
    rows = SignInClaim.objects.filter(account_id__in=list(wanted))
    before = {
        (account, name): pk for pk, account, name in rows.values_list("pk", "account", "name")
    }
    after = {(account, name) for account, names in wanted.items() for name in names}
    SignInClaim.objects.filter(pk__in=[before[key] for key in before.keys() - after]).delete()
    SignInClaim.objects.bulk_create(
        SignInClaim(account_id=account, name=name)
        for account, name in sorted(after - before.keys())
    )
    touched |= {name for _, name in before.keys() ^ after}
    ambiguous = settle_names(touched)
    for match in matches:
        if match.account is not None:
            for name in sorted(wanted[match.account.pk] & ambiguous):
                value = {"value": name}
                counts.issues.append(_issue(match.entry, SyncIssue.AMBIGUOUS_NAME, values=value))


def settle_names(touched: Collection[str]) -> set[str]:
    """Stores those of the names that one user claims, and removes the others.

    Returns:
        The names that several users claim, or that are the user ID of another user.
    """
    claims = SignInClaim.objects.filter(name__in=touched).values_list("name", "account__user_id")
    claimed = defaultdict[str, set[int]](set)
    for name, user_id in claims:
        claimed[name].add(user_id)
    upns = set(User.objects.filter(upn__in=list(claimed)).values_list("upn", flat=True))
    good = {
        name: user_id
        for name, (user_id, *others) in claimed.items()
        if not others and name not in upns
    }
    rows = SignInName.objects.filter(name__in=touched)
    stored = {name: (pk, user) for pk, name, user in rows.values_list("pk", "name", "user_id")}
    SignInName.objects.filter(
        pk__in=[pk for name, (pk, user_id) in stored.items() if good.get(name) != user_id]
    ).delete()
    SignInName.objects.bulk_create(
        SignInName(name=name, user_id=user_id)
        for name, user_id in sorted(good.items())
        if stored.get(name, (0, 0))[1] != user_id
    )
    return claimed.keys() - good.keys()
