from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.factors import Factors
from directory.models import User
from directory.prefills import Kinds, Prefill, kinds_of, known_since, read, text_of
from directory.queries import holds_any, prefilled
from directory.services.contacts_of_person import enter
from isolation.scope import in_tenant
from tenants.policy import Factor
from tests.builders import make_prefill, make_tenant, make_user
from tests.threads import all_at_once

VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
WHEN = st.datetimes(timezones=st.just(UTC))
ENTERED = st.dictionaries(
    st.sampled_from([Factor.EMAIL, Factor.MOBILE_PHONE, Factor.OFFICE_PHONE]),
    st.tuples(VALUES, st.booleans(), WHEN),
)


@given(ENTERED)
def test_what_is_written_is_read_again(entered):
    prefills = {factor: Prefill(factor, *rest) for factor, rest in entered.items()}

    assert read(text_of(prefills.values())) == prefills


@pytest.mark.parametrize(
    ("mobile", "office", "kinds"),
    [
        ("+821012345678", "+82212345678", Kinds(0)),
        ("+821012345678", "+821012345678#12", Kinds.ONE_PHONE),
    ],
)
def test_one_phone_is_known_for_one(contoso, mobile, office, kinds):
    user = make_user()
    make_prefill(user, Factor.MOBILE_PHONE, mobile, sms_capable=True)
    make_prefill(user, Factor.OFFICE_PHONE, office)

    assert kinds_of(prefilled(user.pk)) & Kinds.ONE_PHONE == kinds
    assert User.objects.filter(holds_any(Factors.OFFICE_IS_MOBILE)).exists() == bool(kinds)
    assert User.objects.filter(holds_any(Factors.ENTERED_MOBILE_TEXTS)).exists()
    assert not User.objects.filter(holds_any(Factors.ENTERED_EMAIL)).exists()


def test_nothing_of_it_can_be_read_in_the_database(contoso):
    user = make_user()
    make_prefill(user, Factor.EMAIL, "josephine@mail.example")

    user.refresh_from_db()
    assert b"josephine" not in bytes(user.prefill)


@pytest.mark.django_db(transaction=True)
def test_of_different_things_entered_at_once_none_is_lost():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        user = make_user("one@race.example")
    work = [
        (Factor.EMAIL, "joe@mail.example"),
        (Factor.MOBILE_PHONE, "+821012345678"),
        (Factor.OFFICE_PHONE, "+82212345678"),
    ]

    all_at_once(
        3, lambda: enter(user.pk, *work.pop(), sms_capable=False, held=False), tenant_id=tenant.pk
    )

    with in_tenant(tenant.pk):
        assert len(prefilled(user.pk)) == 3


AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def entries(**values):
    return {
        Factor(name): Prefill(Factor(name), value, sms_capable, AT)
        for name, (value, sms_capable) in values.items()
    }


def test_an_entry_is_written_as_it_has_always_been():
    entered = entries(mobile_phone=("+821012345678", True), email=("kim minji@mail.example", False))

    text = text_of(entered.values())

    assert text.split("\n") == [
        "mobile_phone 1 1767323045678901 +821012345678",
        "email 0 1767323045678901 kim minji@mail.example",
    ]
    assert read(text) == entered


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, Kinds(0)),
        ({"email": ("a@mail.example", False)}, Kinds.EMAIL),
        ({"email": ("a@mail.example", True)}, Kinds.EMAIL),
        ({"mobile_phone": ("+821", True)}, Kinds.MOBILE_PHONE | Kinds.SMS_CAPABLE),
        ({"mobile_phone": ("+821", False)}, Kinds.MOBILE_PHONE),
        ({"office_phone": ("+821#1", True)}, Kinds.OFFICE_PHONE),
        (
            {"office_phone": ("+821#1", False), "mobile_phone": ("+821", False)},
            Kinds.OFFICE_PHONE | Kinds.MOBILE_PHONE | Kinds.ONE_PHONE,
        ),
        (
            {"office_phone": ("+821#1", False), "mobile_phone": ("+822", False)},
            Kinds.OFFICE_PHONE | Kinds.MOBILE_PHONE,
        ),
    ],
)
def test_what_may_be_known_of_entries_without_a_key(values, kinds):
    assert kinds_of(entries(**values)) == kinds


def test_the_oldest_entry_says_since_when_something_is_known():
    young = Prefill(Factor.EMAIL, "a@mail.example", sms_capable=False, changed_at=AT)
    old = Prefill(Factor.OFFICE_PHONE, "+821", sms_capable=False, changed_at=AT - timedelta(days=1))

    assert known_since({Factor.EMAIL: young, Factor.OFFICE_PHONE: old}) == old.changed_at
    assert known_since({}) is None


def test_two_spellings_of_an_address_are_one_entry():
    one = Prefill(Factor.EMAIL, "Minji@mail.example", sms_capable=False, changed_at=AT)
    same = Prefill(
        Factor.EMAIL, "minji@mail.example", sms_capable=False, changed_at=AT - timedelta(days=1)
    )

    assert one.key == same.key
    assert (
        one.key != Prefill(Factor.EMAIL, "minji@mail.example", sms_capable=True, changed_at=AT).key
    )
