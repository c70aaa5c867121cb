"""What a user registered, as rows: one value that any statement about the user can read, too."""

import json
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from isolation.compiled import JoinedRead
from isolation.scope import current_tenant_id
from tenants.policy import Factor
from vault.services import opened
from verification.models import RegisteredMethod
from verification.rules.method_options import UserFactor

_REGISTERED = """
CAST((
    SELECT {rows}({row}(method.kind, method.id, method.known_since, method.verified_at,
        method.removed_at, CASE WHEN method.kind IN ({contacts}) THEN {value} END,
        method.sms_capable, CASE WHEN method.kind = '{questions}' THEN (
            SELECT count(*) FROM verification_answer answer
            WHERE answer.tenant_id = method.tenant_id AND answer.method_id = method.id
        ) ELSE 0 END, method.temporary_access))
    FROM verification_registeredmethod method
    WHERE method.tenant_id = {tenant_id} AND method.user_id = {user_id}
        AND (method.verified_at IS NOT NULL OR method.removed_at IS NOT NULL)
) AS text)
"""
_OF_MANY = (
    "SELECT account.id, {registered} FROM directory_user account"
    " WHERE account.tenant_id = %s AND account.id IN ({ids})"
)
_KINDS = {
    "contacts": ", ".join(f"'{kind}'" for kind in Factor if kind.is_contact),
    "questions": Factor.QUESTIONS.value,
}
_WORDS = {
    "postgresql": {
        "rows": "json_agg",
        "row": "json_build_array",
        "value": "encode(method.data, 'hex')",
    },
    "sqlite": {
        "rows": "json_group_array",
        "row": "json_array",
        "value": "hex(method.data)",
    },
}


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A row of `RegisteredMethod` as any statement about the user can read it.

    Args:
        known_since: since when this very number or address counts, if not since it was verified.
        verified_at: None for an app that was removed before it was confirmed.
        removed_at: when it was removed, or redeemed.
        sealed_value: the number or address, where it is one.
        answered: how many security questions, where it is that.
        temporary_access: it was registered while staff who may not give roles had let the user in.
    """

    factor: Factor
    pk: uuid.UUID
    known_since: datetime | None
    verified_at: datetime | None
    removed_at: datetime | None
    sealed_value: bytes = field(repr=False)
    sms_capable: bool
    answered: int
    temporary_access: bool = False

    @property
    def since(self) -> datetime | None:
        """Since when it counts as known, however often it was verified again."""
        return self.known_since or self.verified_at

    @property
    def value(self) -> str:
        """The number (E.164, `#` and extension behind it) or address."""
        associated_data = RegisteredMethod.associated_data_of("data", self.pk)
        return opened(
            self.sealed_value, tenant_id=current_tenant_id(), associated_data=associated_data
        )

    @property
    def user_factor(self) -> UserFactor:
        return UserFactor(factor=self.factor, sms_capable=self.sms_capable, since=self.since)


def registered_by(tenant_id: str, user_id: str) -> Callable[[BaseDatabaseWrapper], str]:
    """Part of a `JoinedRead`: what `method_rows_in` reads. NULL or empty for an unknown user.

    Args:
        tenant_id: in SQL, such as `account.tenant_id`.
        user_id: likewise.
    """
    return lambda database: _REGISTERED.format(
        tenant_id=tenant_id, user_id=user_id, **_KINDS, **_WORDS[database.vendor]
    )


def method_rows_in(registered: str | None) -> list[MethodRow]:
    """The rows that `registered_by` read."""
    return [
        MethodRow(
            factor=Factor(factor),
            pk=uuid.UUID(pk),
            known_since=_instant(known_since),
            verified_at=_instant(verified_at),
            removed_at=_instant(removed_at),
            sealed_value=bytes.fromhex(value or ""),
            sms_capable=bool(sms_capable),
            answered=answered,
            temporary_access=bool(temporary_access),
        )
        for (
            factor,
            pk,
            known_since,
            verified_at,
            removed_at,
            value,
            sms_capable,
            answered,
            temporary_access,
        ) in json.loads(registered or "[]")
    ]


def method_rows_of(user_id: int) -> list[MethodRow]:
    """What a user registered. The same statement runs for a user who doesn't exist."""
    ((registered,),) = _OF_ONE.all([current_tenant_id(), user_id])
    return method_rows_in(registered)


def method_rows_among(user_ids: Collection[int]) -> dict[int, list[MethodRow]]:
    """The same for many users, by their ids, in one statement."""
    if not user_ids:
        return {}
    sql = _OF_MANY.format(
        registered=registered_by("account.tenant_id", "account.id")(connection),
        ids=", ".join(["%s"] * len(user_ids)),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [current_tenant_id(), *user_ids])
        return {user_id: method_rows_in(registered) for user_id, registered in cursor.fetchall()}


def _instant(text: str | None) -> datetime | None:
    """A time as the database writes it in JSON; SQLite writes UTC and doesn't say so."""
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_OF_ONE = JoinedRead("SELECT {registered}", parts={"registered": registered_by("%s", "%s")})
