"""What a user registered, as every statement about the user can read it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from isolation.scope import in_tenant
from tenants.policy import Factor
from tests.builders import ANSWERS, make_email, make_questions, make_tenant, make_user
from verification.models import Authenticator, Passkey, RecoveryCode
from verification.queries.registered import Thing, things_among, things_of

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


def phoned(proof, row, **more):
    return Thing(
        proof=proof,
        pk=row.pk,
        known_since=row.known_since,
        verified_at=row.verified_at,
        gone_at=None,
        sealed_value=bytes(row.value),
        sms_capable=row.sms_capable,
        **{"answered": 0, **more},
    )


def device(proof, row, gone_at=None, *, temporary_access=False):
    return Thing(
        proof=proof,
        pk=row.pk,
        known_since=None,
        verified_at=row.confirmed_at,
        gone_at=gone_at,
        sealed_value=b"",
        sms_capable=False,
        answered=0,
        temporary_access=temporary_access,
    )


def test_everything_that_a_user_registered_is_read_as_it_is_stored(user):
    address, answers = make_email(user), make_questions(user)
    address.known_since = AT
    address.save()
    app = Authenticator.objects.create(user=user, seed=b"", created_at=AT, removed_at=LATER)
    passkey = Passkey.objects.create(
        user=user, credential_id=b"x", public_key=b"x", confirmed_at=AT, temporary_access=True
    )
    code = RecoveryCode.objects.create(
        user=user, mac="x", context=uuid4(), created_at=AT, confirmed_at=AT, spent_at=LATER
    )

    things = {thing.proof: thing for thing in things_of(user.pk)}

    assert things == {
        Factor.EMAIL: phoned(Factor.EMAIL, address),
        Factor.QUESTIONS: phoned(Factor.QUESTIONS, answers, answered=len(ANSWERS)),
        Factor.AUTHENTICATOR: device(Factor.AUTHENTICATOR, app, LATER),
        Factor.PASSKEY: device(Factor.PASSKEY, passkey, temporary_access=True),
        Factor.RECOVERY_CODE: device(Factor.RECOVERY_CODE, code, LATER),
    }
    assert things[Factor.EMAIL].value == "minji.home@mail.example"


def test_what_was_never_confirmed_is_not_read(user):
    Authenticator.objects.create(user=user, seed=b"", created_at=AT)
    RecoveryCode.objects.create(user=user, mac="x", context=uuid4(), created_at=AT)

    assert things_of(user.pk) == []


def test_many_users_are_read_as_each_of_them(user):
    other, without = make_user("jun@contoso.example"), make_user("sora@contoso.example")
    make_email(user)
    make_email(other, "jun@mail.example")

    among = things_among([user.pk, other.pk, without.pk])

    assert among == {one.pk: things_of(one.pk) for one in (user, other, without)}
    assert len(among[other.pk]) == 1


def test_nothing_is_read_of_another_organisation(user):
    make_email(user)

    with in_tenant(make_tenant("other").pk):
        assert things_of(user.pk) == []
        assert things_among([user.pk]) == {}
