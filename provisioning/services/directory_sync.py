"""The worker's side of a sync: it reads a directory and writes its people and groups here.

A worker claims a run for the time of a lease, and renews it with every portion it commits. If it
dies, another worker begins again: entries that were written already cost little. A run that takes
long ends its turn now and then, so that other jobs get theirs.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from time import monotonic

import structlog
from django.db import DataError, IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from directory.connectors.base import AccountConnector, DirectoryError, NotPermitted, Unreachable
from directory.connectors.base import Person as Entry
from directory.models import DirectoryAccount, DirectoryConnection, User
from directory.services.connections import copy_writeback
from directory.services.sessions import end_sessions_of
from provisioning.models import SignInClaim, SyncProblem, SyncRun, SyncState, SyncStep
from provisioning.queries import (
    account_rows,
    import_context,
    last_done,
    linked_people,
    sync_settings_digest,
)
from provisioning.rules.sync import FULL_AFTER, Issue, SyncIssue, is_braked, latest
from provisioning.services.contacts import Importer
from provisioning.services.sync_groups import GroupsWriter
from provisioning.services.sync_jobs import WAIT_FOR_WORKER, wake_worker
from provisioning.services.sync_people import PeopleCounts, PeopleWriter, settle_names
from tenants.models import Group
from vault.services import sealing
from verification.services import access_passes

LEASE = timedelta(seconds=120)
SLICE_S = 20.0
MOST_PROBLEMS = 10_000
"""Of a run, that are listed. All are counted."""
_AT_ONCE = 500
_MOST_DEFERRED = 10_000
_MAX_TRIES = 5
_EXCHANGED = "@exchange.invalid"
"""The domain of user IDs that last for a statement or two."""
_NOT_PERMITTED = "not_permitted"
_CRASHED = "crashed"

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
    """

    run: SyncRun
    connector: AccountConnector
    writer: PeopleWriter
    began: float
    read: int = 0
    written_at: float = 0
    """When a portion first brought something. Until then entries were passed that are here."""
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
            if self._someone_came(base):
                # A new person whose entry has no new change stamp, as after a change of rights.
                self.seen.clear()
                self._update(is_full=True)
                self._people(self.connector.people())
        if not self._missing():
            return
        if self.run.is_dry_run:
            self._count_groups()
        else:
            self._settle()
            self._groups()
        self._end()

    def _people(self, entries: Iterable[Entry]) -> None:
        portions = iter(entries)
        while portion := list(islice(portions, _AT_ONCE)):
            unique = {entry.external_id: entry for entry in portion}
            self.seen |= {hash(external_id) for external_id in unique}
            self.stamp = latest([self.stamp, *(entry.changed for entry in portion)])
            self.read += len(unique)
            news = self.writer.news(list(unique.values()))
            with transaction.atomic():
                counts = self._write(news) if news else PeopleCounts()
                room = _MOST_DEFERRED - len(self.deferred)
                self.deferred += counts.deferred[:room]
                self._add(counts, read=self.read, step=SyncStep.PEOPLE)
            log.info("sync_progress", run=str(self.run.pk), read=self.read)
            self._take_turns(is_written=counts.is_progress)

    def _write(self, entries: Sequence[Entry], *, is_final: bool = False) -> PeopleCounts:
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
                return PeopleCounts(issues=[_not_written(entries[0])])
        whole = PeopleCounts()
        for entry in entries:
            each = self._write([entry], is_final=is_final)
            whole.created, whole.linked = whole.created + each.created, whole.linked + each.linked
            whole.changed += each.changed
            whole.restored += each.restored
            whole.issues += each.issues
            whole.deferred += each.deferred
        return whole

    def _someone_came(self, base: SyncRun | None) -> bool:
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
        braked = is_braked(
            disable=len(disable),
            of_people=linked,
            percent=self.run.connection.brake_percent,
            read=len(self.seen),
        )
        numbers = {
            "would_disable": len(disable),
            "of_people": linked,
            "step": SyncStep.MISSING,
        }
        if self.run.is_dry_run:
            self._update(**numbers)
            return True
        if braked and len(disable) > self.run.may_disable:
            self._update(**numbers, state=SyncState.HELD, lease_until=None, due_at=None)
            return False
        self._update(**numbers)
        for start in range(0, len(missing), _AT_ONCE):
            with transaction.atomic():
                self._mark_missing(missing[start : start + _AT_ONCE])
                self._update()
        for start in range(0, len(disable), _AT_ONCE):
            with transaction.atomic():
                some = self._disable(disable[start : start + _AT_ONCE])
                self._update(disabled=F("disabled") + some, tries=0)
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
        claims = SignInClaim.objects.filter(account_id__in=account_ids)
        names = set(claims.values_list("name", flat=True))
        claims.delete()
        settle_names(names)
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
        """Writes the deferred entries: their user IDs may be free now."""
        deferred = self.deferred
        while deferred:
            with transaction.atomic():
                counts = self._write(deferred)
                self._add(counts)
            if len(counts.deferred) == len(deferred):
                break
            deferred = counts.deferred
        if not deferred:
            return
        with transaction.atomic():
            self._add(self._exchange(deferred) or self._write(deferred, is_final=True))

    def _exchange(self, entries: Sequence[Entry]) -> PeopleCounts | None:
        """Writes people who exchange their user IDs. None, and nothing is done, if they don't."""
        ids = [entry.external_id for entry in entries]
        users = User.objects.filter(
            accounts__connection=self.run.connection, accounts__external_id__in=ids
        )
        with transaction.atomic():
            old_upns = dict(users.order_by("pk").values_list("pk", "upn"))
            for user_id in old_upns:
                User.objects.filter(pk=user_id).update(upn=f"{uuid.uuid4().hex}{_EXCHANGED}")
            counts = self.writer.write(entries, old_upns=old_upns)
            if counts.deferred or users.filter(upn__endswith=_EXCHANGED).exists():
                transaction.set_rollback(True)
                return None
        return counts

    def _groups(self) -> None:
        if not self.run.connection.group_filter:
            return
        groups = GroupsWriter(
            connection=self.run.connection,
            actor_id=self.run.actor_id,
            between=lambda: self._update(step=SyncStep.GROUPS),
            is_full=self.run.is_full,
        )
        groups.write(self.connector.groups())
        with transaction.atomic():
            self._update(groups=groups.changed)
            self._keep(groups.issues)

    def _count_groups(self) -> None:
        if self.run.connection.group_filter:
            own = Group.objects.filter(directory_id=self.run.connection_id)
            known = set(own.values_list("external_id", flat=True))
            new = sum(entry.external_id not in known for entry in self.connector.groups())
            self._update(groups=new)

    @transaction.atomic
    def _end(self) -> None:
        self._update(
            state=SyncState.DONE,
            changed_until=self.stamp,
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
        self._keep(counts.issues)

    def _update(self, **columns: object) -> None:
        """Stores the progress and renews the lease.

        Raises:
            _Overtaken: the portion has to be rolled back.
        """
        until = timezone.now() + LEASE
        values = {"lease_until": until, "due_at": until, **columns}
        if not _mine(self.run).update(**values):
            raise _Overtaken
        self.run.is_full = bool(columns.get("is_full", self.run.is_full))

    def _keep(self, issues: Sequence[Issue]) -> None:
        """Adds problems to the report, each once."""
        stored = SyncProblem.objects.filter(run=self.run)
        room = MOST_PROBLEMS - stored.count() if issues else 0
        rows, texts = [], []
        for issue in issues[: max(0, room)]:
            content = [issue.code, issue.column, dict(issue.values), issue.subject]
            text = json.dumps(content, ensure_ascii=False)
            key = blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
            rows.append(SyncProblem(run=self.run, external_id=issue.external_id, key=key))
            texts.append(text)
        if rows:
            tenant_id = self.run.tenant_id
            places = [SyncProblem.associated_data_of("data", row.pk) for row in rows]
            for row, data in zip(rows, sealing(tenant_id)(texts, places), strict=True):
                row.data = data
            SyncProblem.objects.bulk_create(rows, ignore_conflicts=True)
            _mine(self.run).update(problems=stored.count())

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
        with transaction.atomic():
            due = timezone.now() + WAIT_FOR_WORKER
            if _mine(run).update(lease_until=None, due_at=due):
                wake_worker(run)
    except DirectoryError as error:
        log.warning("sync_failed", run=str(run_id), error=type(error).__name__)
        _fail(run, _failure_of(error))


def claim(run_id: uuid.UUID) -> SyncRun | None:
    """Takes the run for the time of the lease. Only one of two workers gets it."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    runs = SyncRun.objects.select_related("connection")
    run = runs.filter(free, pk=run_id, state=SyncState.RUNNING).first()
    if run is None:
        return None
    if run.tries >= _MAX_TRIES:
        # Only a run that crashes its workers has so many tries.
        _fail(run, _CRASHED)
        return None
    digest = sync_settings_digest(run.connection)
    same = SyncRun.objects.filter(free, pk=run_id, state=run.state, turn=run.turn)
    until = now + LEASE
    if not same.update(
        turn=F("turn") + 1,
        tries=F("tries") + 1,
        lease_until=until,
        due_at=until,
        settings_digest=digest,
        is_full=run.is_full or _must_be_full(run, digest),
        read=0,
    ):
        return None
    return runs.get(pk=run_id)


def _must_be_full(run: SyncRun, digest: str) -> bool:
    last, full = last_done(run.connection), last_done(run.connection, full=True)
    return (
        last is None
        or full is None
        or not last.changed_until
        or last.settings_digest != digest
        or full.created_at + FULL_AFTER <= timezone.now()
    )


def _mine(run: SyncRun) -> QuerySet[SyncRun]:
    """The run, while this worker's claim is the last one."""
    return SyncRun.objects.filter(pk=run.pk, state=SyncState.RUNNING, turn=run.turn)


@transaction.atomic
def _fail(run: SyncRun, failure: str) -> None:
    ended = {"ended_at": timezone.now(), "lease_until": None, "due_at": None}
    if _mine(run).update(state=SyncState.FAILED, failure=failure, **ended):
        record(
            Activity.DIRECTORY_SYNCED,
            Outcome.FAILURE,
            actor_id=run.actor_id,
            directory=run.connection.name,
            file=str(run.pk),
            failure=failure,
        )


def _failure_of(error: DirectoryError) -> str:
    if isinstance(error, Unreachable):
        return error.failure
    return _NOT_PERMITTED if isinstance(error, NotPermitted) else _CRASHED


def _not_written(entry: Entry) -> Issue:
    return Issue(
        external_id=entry.external_id,
        subject=entry.upn or entry.dn,
        code=SyncIssue.NOT_WRITTEN,
        values={},
    )
