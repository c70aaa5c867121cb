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
from verification.models import AuthenticationMethod
from verification.rules.ways import Held

_REGISTERED = """
CAST((
    SELECT {rows}({row}(thing.proof, thing.id, thing.known_since, thing.verified_at, thing.gone_at,
        {value}, thing.sms_capable, thing.answered, thing.temporary_access))
    FROM (
        SELECT method.proof, method.id, method.known_since, method.verified_at, {never} AS gone_at,
            method.value, method.sms_capable, (
                SELECT count(*) FROM verification_answer answer
                WHERE answer.tenant_id = method.tenant_id AND answer.method_id = method.id
            ) AS answered, method.temporary_access
        FROM verification_authenticationmethod method
        WHERE method.tenant_id = {tenant_id} AND method.user_id = {user_id}
        UNION ALL
        SELECT 'authenticator', app.id, NULL, app.confirmed_at, app.removed_at,
            NULL, false, 0, app.temporary_access
        FROM verification_authenticator app
        WHERE app.tenant_id = {tenant_id} AND app.user_id = {user_id}
            AND (app.confirmed_at IS NOT NULL OR app.removed_at IS NOT NULL)
        UNION ALL
        SELECT 'passkey', passkey.id, NULL, passkey.confirmed_at, passkey.removed_at,
            NULL, false, 0, passkey.temporary_access
        FROM verification_passkey passkey
        WHERE passkey.tenant_id = {tenant_id} AND passkey.user_id = {user_id}
        UNION ALL
        SELECT 'recovery_code', code.id, NULL, code.confirmed_at, code.spent_at,
            NULL, false, 0, code.temporary_access
        FROM verification_recoverycode code
        WHERE code.tenant_id = {tenant_id} AND code.user_id = {user_id}
            AND code.confirmed_at IS NOT NULL
    ) thing
) AS text)
"""
_OF_MANY = (
    "SELECT account.id, {registered} FROM directory_user account"
    " WHERE account.tenant_id = %s AND account.id IN ({ids})"
)
_TABLES = 4
_WORDS = {
    "postgresql": {
        "rows": "json_agg",
        "row": "json_build_array",
        "value": "encode(thing.value, 'hex')",
        "never": "CAST(NULL AS timestamptz)",
    },
    "sqlite": {
        "rows": "json_group_array",
        "row": "json_array",
        "value": "hex(thing.value)",
        "never": "NULL",
    },
}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that somebody verified: a phone, an address, answers, an app, a passkey, a code.

    Args:
        known_since: since when this very number or address counts, if not since it was verified.
        verified_at: None for an app that went before it was confirmed.
        gone_at: when it was removed, or spent.
        sealed_value: the number or address, where it is one.
        answered: how many security questions, where it is that.
        temporary_access: it was registered while staff who may not give roles had let the user in.
    """

    proof: Factor
    pk: uuid.UUID
    known_since: datetime | None
    verified_at: datetime | None
    gone_at: datetime | None
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
        associated_data = AuthenticationMethod.associated_data_of("value", self.pk)
        return opened(
            self.sealed_value, tenant_id=current_tenant_id(), associated_data=associated_data
        )

    @property
    def held(self) -> Held:
        return Held(proof=self.proof, sms_capable=self.sms_capable, since=self.since)


def registered_by(tenant_id: str, user_id: str) -> Callable[[BaseDatabaseWrapper], str]:
    """Part of a `JoinedRead`: the text that `things_in` reads. NULL or empty for an unknown user.

    Args:
        tenant_id: in SQL, such as `account.tenant_id`.
        user_id: likewise.
    """
    return lambda database: _REGISTERED.format(
        tenant_id=tenant_id, user_id=user_id, **_WORDS[database.vendor]
    )


def things_in(registered: str | None) -> list[Thing]:
    """The rows that `registered_by` read."""
    return [
        Thing(
            proof=Factor(proof),
            pk=uuid.UUID(pk),
            known_since=_instant(known_since),
            verified_at=_instant(verified_at),
            gone_at=_instant(gone_at),
            sealed_value=bytes.fromhex(value or ""),
            sms_capable=bool(sms_capable),
            answered=answered,
            temporary_access=bool(temporary_access),
        )
        for (
            proof,
            pk,
            known_since,
            verified_at,
            gone_at,
            value,
            sms_capable,
            answered,
            temporary_access,
        ) in json.loads(registered or "[]")
    ]


def things_of(user_id: int) -> list[Thing]:
    """What a user registered. The same statement runs for a user who doesn't exist."""
    ((registered,),) = _OF_ONE.all([current_tenant_id(), user_id] * _TABLES)
    return things_in(registered)


def things_among(user_ids: Collection[int]) -> dict[int, list[Thing]]:
    """The same for many users, by their ids, in one statement."""
    if not user_ids:
        return {}
    sql = _OF_MANY.format(
        registered=registered_by("account.tenant_id", "account.id")(connection),
        ids=", ".join(["%s"] * len(user_ids)),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [current_tenant_id(), *user_ids])
        return {user_id: things_in(registered) for user_id, registered in cursor.fetchall()}


def _instant(text: str | None) -> datetime | None:
    """A time as the database writes it in JSON; SQLite writes UTC and doesn't say so."""
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_OF_ONE = JoinedRead("SELECT {registered}", parts={"registered": registered_by("%s", "%s")})
