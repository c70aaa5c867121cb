"""The worker's side of a sync: it reads a directory and writes its people and groups here.

A worker claims a run for the time of a lease, and renews it with every portion it commits. If it
dies, another worker begins again: entries that were written already cost little. A run that takes
long ends its turn now and then, so that other jobs get theirs.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import TypeVar

import structlog
from django.db import DataError, IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.connectors.base import AccountConnector, DirectoryError
from directory.connectors.base import Person as Entry
from directory.models import DirectoryAccount, DirectoryConnection, User
from directory.services.connections import copy_writeback
from directory.services.sessions import end_sessions_of
from provisioning.models import SyncRun, SyncState, SyncStep
from provisioning.queries import (
    account_rows,
    dn_key,
    import_context,
    last_done,
    linked_people,
    users_by_dn,
)
from provisioning.rules.sync import Issue, SyncIssue, is_braked, latest
from provisioning.services.contacts import Importer
from provisioning.services.sign_in_names import drop_claims
from provisioning.services.sync_groups import GroupsWriter
from provisioning.services.sync_jobs import LEASE, claim, claimed, end_turn, fail
from provisioning.services.sync_people import PeopleCounts, PeopleWriter, issue_of
from provisioning.services.sync_report import store_problems
from tenants.models import Group
from verification.services import access_passes

SLICE_S = 20.0
_AT_ONCE = 500
_MOST_DEFERRED = 10_000
"""Entries whose user ID another user has, until all were read. More are reported at once."""
_Item = TypeVar("_Item")

log = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """The run was cancelled, or another worker took it over. The portion is rolled back."""


class _TurnOver(Exception):
    """Other jobs get their turn; the run goes on afterwards."""


@dataclass(slots=True, kw_only=True)
class _Sync:
    """One worker's turn at a run.

    Args:
        seen: ids of everyone in the directory, as `hash` gives them in this process.
        written_at: when a portion first brought something. Before that, entries were passed that
            are here.
    """

    run: SyncRun
    connector: AccountConnector
    writer: PeopleWriter
    began: float
    read: int = 0
    written_at: float = 0
    stamp: str = ""
    seen: set[int] = field(default_factory=set)
    deferred: list[Entry] = field(default_factory=list)

    def go(self) -> None:
        """Reads and writes everything.

        Raises:
            DirectoryError: the directory can't be read. No person was disabled.
            _Overtaken: another worker goes on.
            _TurnOver: this one is to go on later.
        """
        base = last_done(self.run.connection)
        since = self.stamp = base.changed_until if base and not self.run.is_full else ""
        self._people(self.connector.people(changed_since=since))
        if since:
            self.seen = {hash(external_id) for external_id in self.connector.ids()}
            if self._has_others_than(base):
                # A new person whose entry has no new change stamp, as after a change of rights.
                self.seen.clear()
                self._update(is_full=True)
                self._people(self.connector.people())
        if self._missing():
            self._settle()
            self._groups()
            self._end()

    def _people(self, entries: Iterable[Entry]) -> None:
        for portion in _portions(entries):
            unique = {entry.external_id: entry for entry in portion}
            self.seen |= {hash(external_id) for external_id in unique}
            self.stamp = latest([self.stamp, *(entry.changed for entry in portion)])
            self.read += len(unique)
            changed = self.writer.changed_among(list(unique.values()))
            is_final = len(self.deferred) >= _MOST_DEFERRED
            with transaction.atomic():
                counts = self._write(changed, is_final=is_final) if changed else PeopleCounts()
                self.deferred += counts.deferred
                self._add(counts, read=self.read, step=SyncStep.PEOPLE)
            log.info("sync_progress", run=str(self.run.pk), read=self.read)
            self._take_turns(is_written=counts.is_progress)

    def _write(self, entries: Sequence[Entry], *, is_final: bool) -> PeopleCounts:
        """Writes entries, in a dry run to roll it back. An entry that can't be written is left."""
        try:
            with transaction.atomic():
                counts = self.writer.write(entries, is_final=is_final)
                if self.run.is_dry_run:
                    transaction.set_rollback(True)
                return counts
        except (DataError, IntegrityError):
            if len(entries) == 1:
                log.exception("sync_entry_not_written", run=str(self.run.pk))
                return PeopleCounts(issues=[issue_of(entries[0], SyncIssue.NOT_WRITTEN)])
        counts = PeopleCounts()
        for entry in entries:
            counts.add(self._write([entry], is_final=is_final))
        return counts

    def _has_others_than(self, base: SyncRun | None) -> bool:
        """Whether the directory has people that the last run didn't see there."""
        rows = account_rows(self.writer.accounts(), "external_id", "missing_since")
        here, is_back = 0, False
        for _pk, external_id, missing_since in rows:
            if hash(external_id) in self.seen:
                here += 1
                is_back = is_back or missing_since is not None
        return is_back or base is None or len(self.seen) - here != base.unlinked

    def _missing(self) -> bool:
        """Disables people who are disabled or gone there, unless they are too many.

        Returns:
            False if the run waits for a confirmation.
        """
        accounts = self.writer.accounts().filter(missing_since=None)
        rows = account_rows(accounts, "external_id")
        missing = [pk for pk, external_id in rows if hash(external_id) not in self.seen]
        disable = self._to_disable(missing)
        # Others who are disabled already would hide how many of the rest are.
        linked = accounts.filter(user__enabled=True).count()
        is_held = (
            len(disable) > self.run.may_disable
            and not self.run.is_dry_run
            and is_braked(
                disable=len(disable),
                of_people=linked,
                percent=self.run.connection.brake_percent,
                read=len(self.seen),
            )
        )
        held = {"state": SyncState.HELD, "lease_until": None, "due_at": None} if is_held else {}
        self._update(would_disable=len(disable), of_people=linked, step=SyncStep.MISSING, **held)
        if is_held or self.run.is_dry_run:
            return not is_held
        for some in _portions(missing):
            with transaction.atomic():
                self._mark_missing(some)
                self._update()
        for some in _portions(disable):
            with transaction.atomic():
                self._update(disabled=F("disabled") + self._disable(some), tries=0)
        return True

    def _to_disable(self, missing: Sequence[int]) -> list[int]:
        """Ids of the accounts whose users are to be disabled."""
        active = self.writer.accounts().filter(user__enabled=True)
        gone = active.filter(Q(missing_since__isnull=False) | Q(pk__in=missing))
        present = DirectoryAccount.objects.filter(missing_since=None, connection__enabled=True)
        elsewhere = present.exclude(connection=self.run.connection).values("user_id")
        off = active.filter(enabled=False, missing_since=None).exclude(pk__in=missing)
        led = self.writer.led_elsewhere().values("user_id")
        return sorted(
            {
                *gone.exclude(user_id__in=elsewhere).values_list("pk", flat=True),
                *off.exclude(user_id__in=led).values_list("pk", flat=True),
            }
        )

    def _mark_missing(self, account_ids: Sequence[int]) -> None:
        drop_claims(account_ids)
        accounts = DirectoryAccount.objects.filter(pk__in=account_ids)
        accounts.update(missing_since=timezone.now(), digest="")
        copy_writeback(User.objects.filter(pk__in=accounts.values("user_id")))

    def _disable(self, account_ids: Sequence[int]) -> int:
        accounts = DirectoryAccount.objects.filter(pk__in=account_ids)
        ids = list(accounts.order_by("user_id").values_list("user_id", flat=True))
        users = list(User.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
        disabled = [user for user in users if user.enabled]
        User.objects.filter(pk__in=[user.pk for user in disabled]).update(enabled=False)
        accounts.filter(user__in=disabled).update(disabled_user=True)
        end_sessions_of([user.pk for user in disabled])
        for user in disabled:
            access_passes.revoke(user)
        self.writer.record(Activity.USER_DISABLED, [user.pk for user in disabled])
        return len(disabled)

    def _settle(self) -> None:
        """Writes the deferred entries: their user IDs are free now, or they exchange them."""
        if self.deferred and not self.run.is_dry_run:
            with transaction.atomic():
                self._add(self._write(self.deferred, is_final=True))

    def _groups(self) -> None:
        """Brings groups over, and links people to their managers: both are named by their DNs."""
        connection = self.run.connection
        own = Group.objects.filter(directory_id=connection.pk)
        unlinked = self.writer.accounts().filter(manager=None, missing_since=None)
        unlinked = unlinked.exclude(manager_dn="")
        if self.run.is_dry_run:
            if connection.group_filter:
                stored = set(own.values_list("external_id", flat=True))
                new = sum(each.external_id not in stored for each in self.connector.groups())
                self._update(groups=new)
            return
        users = users_by_dn(connection) if connection.group_filter or unlinked.exists() else {}
        linked = (
            DirectoryAccount(pk=pk, manager_id=users[key])
            for pk, dn in account_rows(unlinked, "manager_dn")
            if (key := dn_key(dn)) in users
        )
        for some in _portions(linked):
            with transaction.atomic():
                self._update()
                DirectoryAccount.objects.bulk_update(some, ["manager"])
        groups = GroupsWriter(
            connection=connection,
            users=users,
            actor_id=self.run.actor_id,
            between=lambda: self._update(step=SyncStep.GROUPS),
            is_full=self.run.is_full,
        )
        if connection.group_filter:
            groups.write(self.connector.groups())
        elif count := own.count():
            unread = Issue("", "", SyncIssue.GROUPS_NOT_READ, "", {"count": count})
            groups.issues.append(unread)
        with transaction.atomic():
            self._update(groups=groups.changed)
            store_problems(self.run, groups.issues)

    @transaction.atomic
    def _end(self) -> None:
        self._update(
            state=SyncState.DONE,
            # If not all of the deferred entries were tried, the next run reads everyone.
            changed_until=self.stamp if len(self.deferred) < _MOST_DEFERRED else "",
            unlinked=max(0, len(self.seen) - linked_people(self.run.connection)),
            ended_at=timezone.now(),
            lease_until=None,
            due_at=None,
        )
        run = SyncRun.objects.get(pk=self.run.pk)
        if not run.is_dry_run:
            counts = ("created", "linked", "changed", "disabled", "groups", "problems")
            record(
                Activity.DIRECTORY_SYNCED,
                actor_id=run.actor_id,
                directory=run.connection.name,
                file=str(run.pk),
                enabled=run.restored,
                **{name: getattr(run, name) for name in counts},
            )

    def _add(self, counts: PeopleCounts, **columns: object) -> None:
        """Adds what a portion did. After progress the run may be tried again as often as at first.

        A dry run makes none: it begins again at the first entry.
        """
        if counts.is_progress and not self.run.is_dry_run:
            columns["tries"] = 0
        for name in ("created", "linked", "changed", "restored"):
            columns[name] = F(name) + getattr(counts, name)
        self._update(**columns)
        store_problems(self.run, counts.issues)

    def _update(self, **columns: object) -> None:
        """Stores the progress and renews the lease.

        Raises:
            _Overtaken: the portion has to be rolled back.
        """
        until = timezone.now() + LEASE
        values = {"lease_until": until, "due_at": until, **columns}
        if not claimed(self.run).update(**values):
            raise _Overtaken
        self.run.is_full = bool(columns.get("is_full", self.run.is_full))

    def _take_turns(self, *, is_written: bool) -> None:
        """Raises `_TurnOver` when this turn has lasted long enough.

        It also lasts as long as passing the entries that were here already. Otherwise the end of a
        long directory would never be reached.
        """
        now = monotonic()
        self.written_at = self.written_at or (now if is_written else 0)
        enough = max(SLICE_S, self.written_at - self.began)
        if self.written_at and now - self.written_at >= enough and not self.run.is_dry_run:
            raise _TurnOver


def work(
    run_id: uuid.UUID, connector_of: Callable[[DirectoryConnection], AccountConnector]
) -> None:
    """Does a run, or a part of it, unless another worker does."""
    run = claim(run_id)
    if run is None:
        return
    try:
        _Sync(
            run=run,
            connector=connector_of(run.connection),
            writer=PeopleWriter(
                connection=run.connection,
                context=import_context(),
                importer=Importer(actor_id=run.actor_id, number=str(run.pk)),
                settings_digest=run.settings_digest,
            ),
            began=monotonic(),
        ).go()
    except _Overtaken:
        log.info("sync_overtaken", run=str(run_id))
    except _TurnOver:
        end_turn(run)
    except DirectoryError as error:
        log.warning("sync_failed", run=str(run_id), error=type(error).__name__)
        fail(run, error)


def _portions(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
