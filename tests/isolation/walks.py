"""Random walks through everything that changes what a connection was told."""

import random
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from django.db import DatabaseError, connection, models, transaction

from isolation.reads import end_reads, shared_reads
from isolation.scope import all_tenants, in_tenant
from tenants.models import Group

_DEPTH, _MOST, _LENGTH = 6, 4, 8


class _Undo(Exception):
    """The work of a block is taken back."""


def visible():
    """The groups that the database shows to a statement that names no tenant."""
    return list(models.QuerySet(Group).order_by("name").values_list("name", flat=True))


def planned():
    """The same by a statement whose plan is kept."""
    with connection.planned_cursor() as cursor:
        cursor.execute("SELECT name FROM tenants_group WHERE name > %s ORDER BY name", [""])
        return [name for (name,) in cursor.fetchall()]


def typed(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def walk(tenants, seed):
    """Takes a walk, and looks again and again. Gives what was shown wrongly, with the way there.

    Args:
        tenants: ids of tenants -> names of their groups, in order.
    """
    steps = _Walk(tenants, random.Random(seed))
    for _ in range(_LENGTH):
        steps.go_on(0, [])
        steps.look([])
    return steps.wrong


@dataclass
class _Walk:
    tenants: dict[int, list[str]]
    rng: random.Random
    way: list[str] = field(default_factory=list)
    wrong: list[object] = field(default_factory=list)

    def look(self, expected):
        if (shown := self.rng.choice([visible, planned])()) != expected:
            self.wrong.append((list(self.way), expected, shown))

    def go_on(self, depth, expected):
        """A few steps, where these groups should be visible."""
        for _ in range(self.rng.randrange(1, _MOST)):
            into = self.rng.random() < 0.5 and depth < _DEPTH
            step = self.rng.choice(_INTO if into else _STEPS)
            self.way.append(step.__name__)
            if into:
                with suppress(_Undo), step(self, expected) as then_expected:
                    self.go_on(depth + 1, then_expected)
            else:
                step()
            self.look(expected)
            self.way.append("back")


@contextmanager
def _a_tenant(walk, _expected):
    tenant_id = walk.rng.choice(list(walk.tenants))
    with in_tenant(tenant_id):
        yield walk.tenants[tenant_id]


@contextmanager
def _every_tenant(walk, _expected):
    with all_tenants():
        yield sorted(name for names in walk.tenants.values() for name in names)


@contextmanager
def _block(_walk, expected):
    with transaction.atomic():
        yield expected


@contextmanager
def _block_undone(_walk, expected):
    with transaction.atomic():
        yield expected
        raise _Undo


@contextmanager
def _savepoint_by_hand(walk, expected):
    with transaction.atomic():
        typed("SAVEPOINT by_hand")
        yield expected
        typed(walk.rng.choice(["ROLLBACK TO SAVEPOINT by_hand", "SELECT 1; ROLLBACK TO by_hand"]))


@contextmanager
def _shared(_walk, expected):
    with shared_reads():
        yield expected


def _fail():
    with suppress(DatabaseError), transaction.atomic():
        typed("SELECT 1 / 0")


def _fail_planned():
    with suppress(DatabaseError), transaction.atomic(), connection.planned_cursor() as cursor:
        cursor.execute("SELECT 1 / %s", [0])


def _many():
    with connection.cursor() as cursor:
        cursor.executemany("SELECT %s::int", [[1], [2]])


def _unscoped():
    list(Group.unscoped.all())


def _write():
    # No row: walks of several threads would wait for each other.
    models.QuerySet(Group).filter(pk=0).update(name="changed")


def _several():
    typed("SET LOCAL work_mem = '4MB'; SELECT 1")


_INTO = [_a_tenant, _every_tenant, _block, _block_undone, _savepoint_by_hand, _shared]
_STEPS = [visible, planned, _fail, _fail_planned, _many, _unscoped, _write, _several, end_reads]
