"""What a user registered, as every statement about the user can read it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from isolation.scope import in_tenant
from tenants.policy import Factor
from tests.builders import ANSWERS, make_email, make_questions, make_tenant, make_user
from verification.models import RegisteredMethod
from verification.queries.registered import MethodRow, method_rows_among, method_rows_of

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def phoned(factor, row, **more):
    return MethodRow(
        factor=factor,
        pk=row.pk,
        known_since=row.known_since,
        verified_at=row.verified_at,
        removed_at=None,
        sealed_value=bytes(row.data),
        sms_capable=row.sms_capable,
        **{"answered": 0, **more},
    )


def device(factor, row, removed_at=None, *, temporary_access=False):
    return MethodRow(
        factor=factor,
        pk=row.pk,
        known_since=None,
        verified_at=row.verified_at,
        removed_at=removed_at,
        sealed_value=b"",
        sms_capable=False,
        answered=0,
        temporary_access=temporary_access,
    )


def test_everything_that_a_user_registered_is_read_as_it_is_stored(user):
    address, answers = make_email(user), make_questions(user)
    address.known_since = AT
    address.save()
    app = RegisteredMethod.objects.create(
        kind=Factor.AUTHENTICATOR, user=user, data=b"seed", created_at=AT, removed_at=LATER
    )
    passkey = RegisteredMethod.objects.create(
        kind=Factor.PASSKEY,
        user=user,
        created_at=AT,
        verified_at=AT,
        temporary_access=True,
    )
    code = RegisteredMethod.objects.create(
        kind=Factor.RECOVERY_CODE,
        user=user,
        lookup="x",
        context=uuid4(),
        created_at=AT,
        verified_at=AT,
        removed_at=LATER,
    )

    things = {thing.factor: thing for thing in method_rows_of(user.pk)}

    assert things == {
        Factor.EMAIL: phoned(Factor.EMAIL, address),
        Factor.QUESTIONS: phoned(Factor.QUESTIONS, answers, answered=len(ANSWERS)),
        Factor.AUTHENTICATOR: device(Factor.AUTHENTICATOR, app, LATER),
        Factor.PASSKEY: device(Factor.PASSKEY, passkey, temporary_access=True),
        Factor.RECOVERY_CODE: device(Factor.RECOVERY_CODE, code, LATER),
    }
    assert things[Factor.EMAIL].value == "minji.home@mail.example"


def test_what_was_never_confirmed_is_not_read(user):
    RegisteredMethod.objects.create(kind=Factor.AUTHENTICATOR, user=user, data=b"", created_at=AT)
    RegisteredMethod.objects.create(
        kind=Factor.RECOVERY_CODE, user=user, lookup="x", context=uuid4(), created_at=AT
    )

    assert method_rows_of(user.pk) == []


def test_many_users_are_read_as_each_of_them(user):
    other, without = make_user("jun@contoso.example"), make_user("sora@contoso.example")
    make_email(user)
    make_email(other, "jun@mail.example")

    among = method_rows_among([user.pk, other.pk, without.pk])

    assert among == {one.pk: method_rows_of(one.pk) for one in (user, other, without)}
    assert len(among[other.pk]) == 1


def test_nothing_is_read_of_another_organisation(user):
    make_email(user)

    with in_tenant(make_tenant("other").pk):
        assert method_rows_of(user.pk) == []
        assert method_rows_among([user.pk]) == {}
