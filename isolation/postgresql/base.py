"""Django's backend for PostgreSQL. It sets for each transaction whose rows it may see.

Row-level security compares rows with the setting `sspr.tenant`. A transaction sets it once, before
its first statement, and again when the tenant in force changes. A statement outside a transaction
has the same in front of it, in the same message or pipeline. `set_config` is always local: its
value ends with the transaction, the message or the pipeline. Nothing is set for a session, because
a pool such as PgBouncer may give the session to another client afterwards.

The wrapper remembers what the open transaction has set, only as long as that is certain: see
`_may_change_settings`. It sees what passes Django's cursors, and COPY. Code of ours uses nothing
else; `tests/house/test_database.py` holds that.

Source: PostgreSQL, "Row Security Policies", "System Administration Functions" (`set_config`);
OWASP ASVS 5.0 8.4.1.
"""

import re
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from django.db import InternalError, NotSupportedError
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import debug_transaction  # type: ignore[attr-defined]
from psycopg import ClientCursor
from psycopg.errors import ActiveSqlTransaction, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from isolation.postgresql.waiting import WaitingRows, write_waiting
from isolation.scope import (
    StatementLimits,
    shared_reads_of_block,
    statement_limits,
    tenant_setting,
)

TENANT_SETTING = "sspr.tenant"
# These leave settings as they are. ROLLBACK TO SAVEPOINT takes back what was set after the
# savepoint; BEGIN, COMMIT, SET, DISCARD or a DO block could change settings, too.
_KEEPS_SETTINGS = re.compile(
    r"\s*\(?\s*(SELECT|WITH|INSERT|UPDATE|DELETE|SAVEPOINT|RELEASE)\b", re.IGNORECASE
)
_COULD_SET = re.compile(r";|set_config|pg_settings", re.IGNORECASE)
_READS = re.compile(r"\s*\(?\s*SELECT\b", re.IGNORECASE)
_RUNS_BEFORE_A_PLAN_IS_KEPT = 5
_READS_NO_ROWS = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a transaction sets before it reads or writes rows.

    Args:
        tenant: a tenant's id, "*" for the rows of all tenants, empty for no rows.
    """

    tenant: str
    limits: StatementLimits | None

    def statement(self, before: "Settings | None") -> str:
        """Sets what differs from before, or everything; empty where nothing differs."""
        changes = {}
        if before is None:
            # Compiling a statement with many conditions takes PostgreSQL longer than running it.
            changes["jit"] = "off"
        if before is None or before.tenant != self.tenant:
            changes[TENANT_SETTING] = self.tenant
        if self.limits and (before is None or before.limits != self.limits):
            changes["statement_timeout"] = f"{self.limits.statement_s}s"
            changes["lock_timeout"] = f"{self.limits.lock_s}s"
        calls = ", ".join(
            f"set_config('{name}', '{value}', true)" for name, value in changes.items()
        )
        return f"SELECT {calls}" if calls else ""


class _Copying:
    """Lets COPY read the rows of the tenant in force, like the other statements of a cursor."""

    wrapper: "DatabaseWrapper"
    connection: "psycopg.Connection[Any]"

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        """See psycopg.

        Raises:
            NotSupportedError: outside a transaction, where no tenant can be set for COPY.
        """
        if not self.wrapper.prepare_transaction(_text(statement, self.connection)):
            raise NotSupportedError("COPY outside a transaction")
        return super().copy(statement, *args, **kwargs)  # type: ignore[misc]


class Cursor(_Copying, base.Cursor):  # type: ignore[name-defined, misc]  # made in an `if`
    """For statements of the ORM. Their parameters are written into their text.

    Django groups by expressions with parameters, and PostgreSQL wouldn't know two parameters for
    the same.
    """


class PlannedCursor(_Copying, base.ServerBindingCursor):  # type: ignore[name-defined, misc]
    """For statements with the same text each time: parameters are sent beside it."""


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """See Django. psycopg drops the text of a statement whose plan is kept."""
        if isinstance(cursor, PlannedCursor):
            return str(self.compose_sql(sql, params))
        return super().last_executed_query(cursor, sql, params) or ""


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that knows what its open transaction has set."""

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.applied: Settings | None = None
        """What the open transaction has set; None where it must set everything again."""
        self.is_shared = False
        """Whether the open transaction is the one that reads share: see `isolation.reads`."""
        self.waiting: WaitingRows | None = None
        """New rows that wait; None outside the blocks in which they may: see `isolation.writes`."""
        self.execute_wrappers.append(apply_settings)

    def get_connection_params(self) -> dict[str, Any]:
        return super().get_connection_params() | {
            "cursor_factory": Cursor,
            "prepare_threshold": _RUNS_BEFORE_A_PLAN_IS_KEPT,
        }

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A session at PostgreSQL; it keeps plans where no pool lies between."""
        driver = super().get_new_connection(conn_params)
        # A pool such as PgBouncer says a number of its own, not the process id of a server: the
        # next transaction may run on another server, which knows no prepared statement.
        process = driver.pgconn.exec_(b"SELECT pg_backend_pid()").get_value(0, 0)
        if process != str(driver.info.backend_pid).encode():
            driver.prepare_threshold = None
        return driver

    def create_cursor(self, name: str | None = None) -> Any:
        """See Django.

        Raises:
            NotSupportedError: a server-side cursor. PostgreSQL evaluates its policies when rows are
                fetched, and then another tenant may be in force.
        """
        if name:
            raise NotSupportedError("a server-side cursor: read all rows, or portions by key")
        cursor = super().create_cursor()
        cursor.wrapper = self
        return cursor

    def planned_cursor(self) -> Any:
        """A cursor for statements with the same text each time; PostgreSQL keeps their plans."""
        self.ensure_connection()
        self.connection.cursor_factory = PlannedCursor
        try:
            return self.cursor()
        finally:
            self.connection.cursor_factory = Cursor

    def connect(self) -> None:
        self.applied, self.is_shared = None, False
        super().connect()

    def close(self) -> None:
        self.applied, self.is_shared = None, False
        super().close()

    def is_usable(self) -> bool:
        """Whether the session can take a statement, as far as the socket shows.

        Django's own check is a statement before the first one of each request. Here none is needed:
        a server that ends a session sends a message and closes it, which can be read.
        """
        driver = self.connection
        if driver is None or driver.closed:
            return False
        if driver.info.transaction_status != TransactionStatus.IDLE:
            return False
        unread = select.poll()
        unread.register(driver.fileno(), select.POLLIN)
        return not unread.poll(0)

    def set_autocommit(
        self,
        autocommit: bool,  # noqa: FBT001  # Django's signature
        force_begin_transaction_with_broken_autocommit: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        if self.is_shared and not autocommit:
            self.validate_no_atomic_block()
            # The transaction that reads share goes on as the one that begins here. psycopg would
            # refuse this while a transaction is open.
            self.is_shared = self.autocommit = self.connection._autocommit = False  # noqa: SLF001
            return
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)

    def end_shared(self, *, failed: bool = False) -> None:
        """Ends the transaction that reads share, if one is open. It has written nothing.

        Args:
            failed: psycopg then drops its prepared statements, which may be the reason.
        """
        if not self.is_shared:
            return
        self.is_shared, self.applied = False, None
        try:
            with debug_transaction(self, "ROLLBACK" if failed else "COMMIT"):
                self.connection.rollback() if failed else self.connection.commit()
        except psycopg.Error:
            self.errors_occurred = True  # Django then looks whether the connection still works.

    def prepare_transaction(self, statement: str) -> bool:
        """Begins a transaction where one is needed, and sets what a statement needs.

        Returns:
            False where the statement must bring the settings itself, outside a transaction.

        Raises:
            DatabaseError: PostgreSQL refused the settings.
        """
        write_waiting(self)
        driver, settings = self.connection, Settings(tenant_setting(), statement_limits())
        if self.is_shared and not _READS.match(statement):
            self.end_shared()
        status = driver.pgconn.transaction_status
        if status == TransactionStatus.IDLE:
            self.applied, self.is_shared = None, False
            if driver.autocommit and not self._begins_shared(statement):
                return False
            self._send(settings.statement(None), begin="BEGIN")
            self.applied, self.is_shared = settings, driver.autocommit
        elif status == TransactionStatus.INTRANS and not _READS_NO_ROWS.match(statement):
            # After an error PostgreSQL takes nothing but ROLLBACK.
            before, self.applied = self.applied, None
            if before != settings and (changes := settings.statement(before)):
                self._send(changes)
            self.applied = settings
        if _may_change_settings(statement):
            self.applied = None
        return True

    def savepoint_rollback(self, sid: str) -> None:
        # All waiting rows were added since the savepoint, which wrote those before it.
        if self.waiting is not None:
            self.waiting.rows.clear()
        super().savepoint_rollback(sid)

    def _begins_shared(self, statement: str) -> bool:
        """Whether this is the second read of a block. Many pages have one, which runs alone."""
        block = shared_reads_of_block()
        if block is None or not _READS.match(statement):
            return False
        is_first, block.has_read = not block.has_read, True
        return not is_first

    def send_with_settings(
        self,
        execute: Callable[..., Any],
        statement: Any,
        params: Any,
        many: bool,  # noqa: FBT001  # Django passes it
        context: dict[str, Any],
    ) -> Any:
        """Runs a statement outside a transaction, with its settings in the same message.

        Without a tenant in force nothing is set, and no rows are seen.
        """
        cursor, driver = context["cursor"].cursor, self.connection
        settings = Settings(tenant_setting(), statement_limits())
        if not settings.tenant and not settings.limits:
            return execute(statement, params, many, context)
        first = settings.statement(None)
        if many:
            self._send(first, begin="BEGIN")
            with self.wrap_database_errors, _ending(driver):
                return execute(statement, params, many, context)
        if isinstance(cursor, PlannedCursor):
            # Sent together: until the last of them has run they are one transaction.
            with self.wrap_database_errors, _dropping_plans(driver), driver.pipeline():
                with debug_transaction(self, first):
                    driver.execute(first)
                return execute(statement, params, many, context)
        # PostgreSQL takes several statements in one message, but then no parameters beside them.
        text = ClientCursor(driver).mogrify(statement, params)
        try:
            result = execute(f"{first}; {text}", None, many, context)
        except InternalError as refused:
            if not isinstance(refused.__cause__, ActiveSqlTransaction):
                raise
            # CREATE INDEX CONCURRENTLY and the like must be alone, and read no policy.
            return execute(statement, params, many, context)
        cursor.nextset()  # past the answer to the settings
        return result

    def _send(self, statement: str, *, begin: str = "") -> None:
        """Sends settings, and in front of them in the same message how a transaction begins.

        Raises:
            DatabaseError: PostgreSQL refused them.
        """
        message = f"{begin}; {statement}" if begin else statement
        # Django has logged the beginning of its own transactions.
        logged = message if self.connection.autocommit else statement
        with self.wrap_database_errors, debug_transaction(self, logged):
            result = self.connection.pgconn.exec_(message.encode())
            if result.status not in {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}:
                raise error_from_result(result)

    def _set_autocommit(self, autocommit: bool) -> None:  # noqa: FBT001  # Django's signature
        self.end_shared()
        self.applied = None
        super()._set_autocommit(autocommit)  # type: ignore[misc]

    def _commit(self) -> None:
        self.applied = None
        super()._commit()  # type: ignore[misc]

    def _rollback(self) -> None:
        self.applied = None
        super()._rollback()  # type: ignore[misc]


def apply_settings(
    execute: Callable[..., Any],
    statement: Any,
    params: Any,
    many: bool,  # noqa: FBT001  # Django passes it
    context: dict[str, Any],
) -> Any:
    """Sets whose rows a statement may see, before it runs. Django calls this for each statement."""
    connection = context["connection"]
    if not connection.prepare_transaction(_text(statement, connection.connection)):
        return connection.send_with_settings(execute, statement, params, many, context)
    try:
        return execute(statement, params, many, context)
    except BaseException:
        connection.end_shared(failed=True)  # Outside a transaction the next statement works again.
        raise


def _text(statement: Any, driver: "psycopg.Connection[Any]") -> str:
    return statement if isinstance(statement, str) else statement.as_string(driver)


@lru_cache(maxsize=1024)
def _may_change_settings(statement: str) -> bool:
    """Whether the transaction may have other settings afterwards.

    A statement that isn't known to keep them may; at worst they're set once too often.
    """
    return not _KEEPS_SETTINGS.match(statement) or _COULD_SET.search(statement) is not None


@contextmanager
def _dropping_plans(driver: "psycopg.Connection[Any]") -> Iterator[None]:
    """Drops prepared statements after an error, of which they may be the reason.

    psycopg does this by itself after ROLLBACK only.
    """
    try:
        yield
    except BaseException:
        if driver.prepare_threshold is not None:
            with suppress(psycopg.Error):
                driver.execute("DEALLOCATE ALL")
        raise


@contextmanager
def _ending(driver: "psycopg.Connection[Any]") -> Iterator[None]:
    """Commits the open transaction, or rolls it back after an error."""
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error):
            driver.rollback()
        raise
    driver.commit()
