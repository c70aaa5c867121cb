"""An organisation with as many people as wanted, in a mix that has all that lists can filter.

Contact data comes by the import, as it does in earnest, and lies three months back; a few percent
was changed today. What people registered themselves is written in large portions.
"""

import csv
import hashlib
import random  # noqa: TID251  # the same people each time
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import time_machine
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone

from audit.services import Actor
from directory.models import User
from isolation.scope import in_tenant
from provisioning.services.contacts import Importer
from provisioning.services.files import opened
from provisioning.services.importing import import_users
from tenants.policy import Factor, Policy, Scope
from tenants.roles import Role
from tests.builders import make_tenant
from tests.console.people import SEED
from vault.services import seal_column
from verification.models import RegisteredMethod
from verification.models.method import Answer
from verification.queries import blind_index
from verification.services import factors

DOMAIN = "contoso.example"
_COLUMNS = (
    "user_principal_name",
    "display_name",
    "language",
    "office_phone",
    "mobile_phone",
    "alternate_email",
    "groups",
)
_KINDS = 20
"""Who is alike: the numbers below are rests of a division by it."""
_EMAIL_REGISTERED = {*range(8), 14, 15, 18, 19}
_MOBILE_REGISTERED = {*range(10), 19}
_ALL_ENTERED = {10, 11, 12, 13}
_MOBILE_ENTERED = _ALL_ENTERED | {14, 15}
_OFFICE_ENTERED = {*range(4, 16), 18}
_LEFT_OUT, _CHANGED_TODAY, _REGISTERED_TODAY = {18}, 15, 19
_STAFF = {*range(15)}
_AT_ONCE = 5_000
_LONG_AGO, _MOST_DAYS = timedelta(days=90), 80
_Row = dict[str, str]
_QUESTIONS = ("q01", "q02", "q03", "q04", "q05")


def fill(count: int) -> None:
    """Founds the organisation and lets so many people in.

    Of twenty people eight registered an address and a phone, and some of these an app, a passkey
    or questions besides; two registered a phone only, and two an address only; one registered
    today, one is in a group that is left out, and fifteen are in the group Staff. Of four an
    administrator entered everything, of two there is nothing. Office phones were entered of half of
    those who registered; those of one in twenty were changed today.
    """
    policy = Policy(self_service=Scope.ALL, excluded_groups=frozenset({"Contractors"}))
    with time_machine.travel(timezone.now() - _LONG_AGO, tick=True):
        tenant = make_tenant(policy=policy)
        with in_tenant(tenant.pk):
            _import(_row(number) for number in range(count))
    with in_tenant(tenant.pk):
        _register(count)
        # The phones of some who registered were changed today: these count later.
        _import(_moved(number) for number in range(count) if number % _KINDS == _CHANGED_TODAY)
        _give_roles(count)
    with connection.cursor() as cursor:
        # What PostgreSQL does by itself a minute later.
        cursor.execute("VACUUM ANALYZE")


def _import(rows: Iterable[_Row]) -> None:
    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as folder:
        path = Path(folder) / "people.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, _COLUMNS, restval="")
            out.writeheader()
            out.writerows(rows)
        importer = Importer(actor_id=Actor.COMMAND, number=str(uuid.uuid4()))
        with path.open("rb") as file:
            counts = import_users(opened(file), importer=importer, report=lambda _row: None)
    assert not counts.refused, counts


def _row(number: int) -> _Row:
    kind = number % _KINDS
    row = {
        "user_principal_name": _upn(number),
        "display_name": f"Kim Minji {number}",
        "language": "ko" if number % 3 else "en",
        "groups": "Contractors" if kind in _LEFT_OUT else "Staff" if kind in _STAFF else "",
    }
    if kind in _OFFICE_ENTERED:
        row["office_phone"] = f"02-{2000 + number % 7000}-{number // 7000:04d}"
    if kind in _MOBILE_ENTERED:
        row["mobile_phone"] = f"010-{2000 + number % 2999}-{number // 2999:04d}"
    if kind in _ALL_ENTERED:
        row["alternate_email"] = _address(number)
    return row


def _moved(number: int) -> _Row:
    office_phone = f"02-{2000 + number % 7000}-{9000 + number // 7000:04d}"
    return {"user_principal_name": _upn(number), "office_phone": office_phone}


def _upn(number: int) -> str:
    return f"user{number:07d}@{DOMAIN}"


def _address(number: int) -> str:
    return f"user{number}@mail.example"


def _register(count: int) -> None:
    """What people verified: long ago, most of them."""
    ids = dict(User.objects.values_list("upn", "pk"))
    people = [(number, ids[_upn(number)]) for number in range(count)]
    chance, now = random.Random(1), timezone.now()  # noqa: S311

    def then(number: int) -> Any:
        days = 0 if number % _KINDS == _REGISTERED_TODAY else chance.uniform(2, _MOST_DAYS)
        return now - timedelta(days=days)

    def who(*kinds: int) -> list[tuple[int, int]]:
        return [(number, pk) for number, pk in people if number % _KINDS in kinds]

    emails = [_method(pk, Factor.EMAIL, _address(n), then(n)) for n, pk in who(*_EMAIL_REGISTERED)]
    _write(RegisteredMethod, emails)
    phones = [
        _method(pk, Factor.MOBILE_PHONE, f"+8210{5000 + n % 4999}{n // 4999:04d}", then(n))
        for n, pk in who(*_MOBILE_REGISTERED)
    ]
    _write(RegisteredMethod, phones)
    _write(RegisteredMethod, [_app(pk, then(n)) for n, pk in who(0)])
    _write(RegisteredMethod, [_passkey(pk, then(n)) for n, pk in who(1) if n % 3 == 0])
    questions = [_method(pk, Factor.QUESTIONS, "", then(n)) for n, pk in who(2) if n % 3 == 0]
    _write(RegisteredMethod, questions)
    hashed = make_password("an answer")
    _write(Answer, [_answer(m, question, hashed) for m in questions for question in _QUESTIONS])
    User.objects.filter(pk__in=RegisteredMethod.objects.values("user_id")).update(
        registered_at=now - timedelta(days=1)
    )
    for portion in _portions([pk for _, pk in people]):
        factors.refresh(portion)


def _method(user_id: int, factor: Factor, value: str, at: Any) -> RegisteredMethod:
    method = RegisteredMethod(
        user_id=user_id,
        kind=factor,
        lookup=blind_index(value),
        sms_capable=factor is Factor.MOBILE_PHONE,
        created_at=at,
        verified_at=at,
    )
    method.data = seal_column(method, "data", value)
    return method


def _app(user_id: int, at: Any) -> RegisteredMethod:
    app = RegisteredMethod(
        user_id=user_id, kind=Factor.AUTHENTICATOR, created_at=at, verified_at=at
    )
    app.data = seal_column(app, "data", SEED)
    return app


def _passkey(user_id: int, at: Any) -> RegisteredMethod:
    credential = uuid.uuid4()
    return RegisteredMethod(
        user_id=user_id,
        kind=Factor.PASSKEY,
        lookup=hashlib.sha256(credential.bytes).hexdigest(),
        counter=0,
        details={
            "rp_id": "testserver",
            "credential_id": credential.hex,
            "public_key": "",
            "transports": [],
        },
        created_at=at,
        verified_at=at,
    )


def _answer(method: RegisteredMethod, question: str, hashed: str) -> Answer:
    return Answer(method=method, question_id=question, answer_hash=hashed)


def _write(model: Any, rows: list[Any]) -> None:
    for portion in _portions(rows):
        model.objects.bulk_create(portion)


def _portions(rows: list[Any]) -> Iterator[list[Any]]:
    for first in range(0, len(rows), _AT_ONCE):
        yield rows[first : first + _AT_ONCE]


def _give_roles(count: int) -> None:
    """A few administrators; a few who are disabled, and a few who are frozen."""
    some: list[tuple[Callable[[int], bool], dict[str, Any]]] = [
        (lambda n: n in {1, 4, 8}, {"role": Role.TENANT_ADMIN}),
        (lambda n: n in {2, 5, 12}, {"role": Role.HELPDESK}),
        (lambda n: n % 100 == 17, {"enabled": False}),
        (lambda n: n % 500 == 3, {"frozen_at": timezone.now()}),
    ]
    for applies, values in some:
        upns = [_upn(number) for number in range(count) if applies(number)]
        User.objects.filter(upn__in=upns).update(**values)
