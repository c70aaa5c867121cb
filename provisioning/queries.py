"""Reads imports, and the facts that their rows are checked against."""

import uuid
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from directory.connectors.ldap.privileges import normal_dn
from directory.models import DirectoryAccount, DirectoryConnection, User
from provisioning.models import Import, SyncRun, SyncState
from provisioning.rules.columns import ImportContext
from provisioning.rules.headers import Hints
from tenants.queries import domain_names, policy_in_force, tenant_in_force
from tenants.queries.groups import group_keys, with_inner_groups

_LISTED = 50
_LEARNED_FROM = 50
_ROWS_AT_ONCE = 2_000


def newest() -> list[Import]:
    return list(Import.objects.order_by("-created_at")[:_LISTED])


def import_context() -> ImportContext:
    """For the tenant in force."""
    tenant, policy = tenant_in_force(), policy_in_force()
    return ImportContext(
        tenant=tenant.name,
        domains=frozenset(domain_names()),
        languages=frozenset(code for code, _ in settings.LANGUAGES),
        country=tenant.country,
        countries=policy.countries or frozenset({tenant.country}),
        allow_tenant_mailboxes=policy.allow_tenant_mailboxes,
    )


def header_hints(*, without: Import | None = None) -> Hints:
    """What helps to recognise the columns of a file of the tenant in force.

    Args:
        without: an import whose own choices don't count.
    """
    imports = Import.objects.exclude(learned={}).order_by("-created_at")
    if without is not None:
        imports = imports.exclude(pk=without.pk)
    remembered: dict[str, str] = {}
    for learned in imports.values_list("learned", flat=True)[:_LEARNED_FROM]:
        remembered = learned | remembered
    return Hints(domains=frozenset(domain_names()), remembered=remembered)


def groups_that_count() -> frozenset[str] | None:
    """Keys of the groups that the policy names and of those inside; None if it names none."""
    policy = policy_in_force()
    if not (named := policy.groups | policy.excluded_groups):
        return None
    return group_keys(with_inner_groups(named))


def newest_runs(connection: DirectoryConnection) -> list[SyncRun]:
    runs = SyncRun.objects.filter(connection=connection)
    return list(runs.order_by("-created_at")[:_LISTED])


def last_done(connection: DirectoryConnection, *, full: bool = False) -> SyncRun | None:
    """The last run that wrote everything it should; with `full`, that read everyone."""
    runs = SyncRun.objects.filter(connection=connection, state=SyncState.DONE, is_dry_run=False)
    return (runs.filter(is_full=True) if full else runs).order_by("-created_at").first()


def last_runs() -> list[uuid.UUID]:
    """Ids of the runs that `last_done` answers with, for all directories of the tenant."""
    connections = DirectoryConnection.objects.order_by("pk")
    runs = [last_done(each, full=full) for each in connections for full in (False, True)]
    return [run.pk for run in runs if run]


def is_synced(connection: DirectoryConnection) -> bool:
    """Whether a run was ever finished: only then is there a schedule."""
    return last_done(connection) is not None


def account_rows(accounts: QuerySet[DirectoryAccount], *columns: str) -> Iterator[tuple[Any, ...]]:
    """The id and some columns of each account, in the order of ids. Reads a portion at a time."""
    return _in_portions(accounts.order_by("pk").values_list("pk", *columns))


def person_rows(users: QuerySet[User], *columns: str) -> Iterator[tuple[Any, ...]]:
    """The same of users."""
    return _in_portions(users.order_by("pk").values_list("pk", *columns))


def _in_portions(ordered: QuerySet[Any, tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    after = 0
    while portion := list(ordered.filter(pk__gt=after)[:_ROWS_AT_ONCE]):
        yield from portion
        after = portion[-1][0]


def users_by_dn(connection: DirectoryConnection) -> dict[int, int]:
    """`dn_key` of each person's distinguished name → user id."""
    accounts = DirectoryAccount.objects.filter(connection=connection, missing_since=None)
    return {dn_key(dn): user_id for _pk, dn, user_id in account_rows(accounts, "dn", "user_id")}


def dn_key(dn: str) -> int:
    """Equal for two spellings of a distinguished name. Valid in this process only."""
    return hash(normal_dn(dn))


def linked_people(connection: DirectoryConnection) -> int:
    """How many people of the directory are linked to users here."""
    return DirectoryAccount.objects.filter(connection=connection, missing_since=None).count()


def sync_settings_digest(connection: DirectoryConnection) -> str:
    """Of everything that decides what becomes of an entry. If it changes, everyone is read."""
    context = import_context()
    connections = DirectoryConnection.objects.order_by("pk")
    facts = asdict(context) | {
        name: sorted(value)
        for name, value in asdict(context).items()
        if isinstance(value, frozenset)
    }
    text = repr(
        (
            sorted(facts.items()),
            connection.base_dn,
            connection.people_filter,
            sorted(connection.attributes.items()),
            connection.sign_in_attributes,
            connection.protected_groups,
            connection.writeback,
            list(connections.values_list("pk", "position", "enabled")),
        )
    )
    return blake2b(text.encode(), digest_size=32).hexdigest()
