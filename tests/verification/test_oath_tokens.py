"""Hardware tokens from the moment they are assigned to the last code."""

import pytest
import time_machine
from django.db.models import Q
from django.utils import timezone
from django_otp.oath import hotp

from directory.factors import VERIFIED
from isolation.scope import in_tenant
from tenants.policy import Factor
from tests.builders import make_tenant, make_user
from tests.threads import all_at_once
from verification.models import RegisteredMethod
from verification.models.temporary_access import in_temporary_access
from verification.rules.oath import LOOK_AHEAD, LOOK_AHEAD_OF_STRANGERS
from verification.services import oath_tokens
from verification.services.oath_tokens import NewToken, SerialTaken
from verification.services.removal import remove, remove_temporary

SEED = b"12345678901234567890"


def code(counter):
    return f"{hotp(SEED, counter):06d}"


def shown_now(steps=0):
    return code(int(timezone.now().timestamp()) // 30 + steps)


def token_of(user, *, serial="1001", interval=0):
    return NewToken(user_id=user.pk, serial=serial, seed=SEED, interval=interval)


@pytest.fixture
def user(contoso):
    return make_user()


def test_a_token_counts_once_its_user_has_activated_it(user):
    oath_tokens.assign([token_of(user)])

    assert not oath_tokens.is_right(user.pk, code(0))
    user.refresh_from_db()
    assert not user.factors & VERIFIED[Factor.OATH_TOKEN]

    assert oath_tokens.activate(user, code(3))
    user.refresh_from_db()
    assert user.factors & VERIFIED[Factor.OATH_TOKEN]
    assert user.oath_token_since
    assert oath_tokens.is_right(user.pk, code(4))


def test_a_wrong_code_activates_nothing(user):
    oath_tokens.assign([token_of(user)])

    assert oath_tokens.activate(user, code(5_000)) is None
    assert oath_tokens.waiting_of(user.pk)


def test_a_token_that_lay_in_a_drawer_is_activated_by_two_codes_in_a_row(user):
    oath_tokens.assign([token_of(user)])

    assert oath_tokens.activate(user, code(500)) is None
    assert oath_tokens.activate(user, code(600)) is None
    assert oath_tokens.activate(user, code(601))


def test_two_codes_in_a_row_are_entered_within_minutes(user):
    oath_tokens.assign([token_of(user)])
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert oath_tokens.activate(user, code(500)) is None
        clock.shift(601)
        assert oath_tokens.activate(user, code(501)) is None


@pytest.mark.parametrize("is_temporary", [True, False])
def test_a_token_that_is_activated_in_temporary_access_goes_with_it(user, is_temporary):
    oath_tokens.assign([token_of(user)])

    with in_temporary_access(is_temporary=is_temporary):
        assert oath_tokens.activate(user, code(0))

    assert bool(remove_temporary(user.pk)) == is_temporary


def test_codes_that_a_former_user_has_seen_stay_dead(user):
    oath_tokens.assign([token_of(user)])
    assert oath_tokens.activate(user, code(7))
    remove(user.pk, Q(kind=Factor.OATH_TOKEN))
    other = make_user("two@contoso.example")

    oath_tokens.assign([token_of(other)])

    assert oath_tokens.activate(other, code(7)) is None
    assert oath_tokens.activate(other, code(8))


def test_of_several_tokens_the_code_says_which_is_meant(user):
    other = NewToken(user_id=user.pk, serial="2", seed=SEED[::-1], interval=0)
    oath_tokens.assign([other, token_of(user)])

    assert oath_tokens.activate(user, code(0)).details["serial"] == "1001"
    assert [row.details["serial"] for row in oath_tokens.waiting_of(user.pk)] == ["2"]


@pytest.mark.parametrize("interval", [0, 30])
def test_a_code_is_right_once(user, interval):
    with time_machine.travel(timezone.now(), tick=False):
        oath_tokens.assign([token_of(user, interval=interval)])
        shown = shown_now() if interval else code(0)
        assert oath_tokens.activate(user, shown)

        assert not oath_tokens.is_right(user.pk, shown)
        following = shown_now(1) if interval else code(1)
        assert oath_tokens.is_right(user.pk, following)
        assert not oath_tokens.is_right(user.pk, following)


def test_a_clock_that_goes_wrong_is_followed_from_use_to_use(user):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        oath_tokens.assign([token_of(user, interval=30)])
        assert oath_tokens.activate(user, shown_now())
        for steps in (1, 2, 3):
            clock.shift(3_600)
            assert oath_tokens.is_right(user.pk, shown_now(steps))
        clock.shift(3_600)
        assert not oath_tokens.is_right(user.pk, shown_now(5))


@pytest.mark.parametrize(("second", "accepted"), [(0, False), (1, True), (2, False)])
def test_a_token_that_went_too_far_is_accepted_by_two_codes_in_a_row(user, second, accepted):
    oath_tokens.assign([token_of(user)])
    assert oath_tokens.activate(user, code(0))
    far = LOOK_AHEAD + 20

    assert not oath_tokens.is_right(user.pk, code(far), knows_password=True)
    assert oath_tokens.is_right(user.pk, code(far + second), knows_password=True) == accepted

    assert not oath_tokens.is_right(user.pk, code(far + second), knows_password=True)
    assert oath_tokens.is_right(user.pk, code(far + second + 1)) == accepted


def test_a_clock_that_went_too_far_is_accepted_by_two_codes_in_a_row(user):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        oath_tokens.assign([token_of(user, interval=30)])
        assert oath_tokens.activate(user, shown_now())
        clock.shift(86_400)

        assert not oath_tokens.is_right(user.pk, shown_now(9), knows_password=True)
        clock.shift(60)
        assert oath_tokens.is_right(user.pk, shown_now(9), knows_password=True)


def test_where_nobody_has_entered_a_password_a_token_isnt_synchronised(user):
    oath_tokens.assign([token_of(user)])
    assert oath_tokens.activate(user, code(0))

    assert not oath_tokens.is_right(user.pk, code(50))
    assert not oath_tokens.is_right(user.pk, code(51))
    assert not oath_tokens.is_right(user.pk, code(LOOK_AHEAD_OF_STRANGERS + 2))
    assert oath_tokens.is_right(user.pk, code(LOOK_AHEAD_OF_STRANGERS + 1))


def test_a_serial_number_is_assigned_once_in_an_organisation(user):
    oath_tokens.assign([token_of(user, serial="AB-1")])
    fabrikam = make_tenant("fabrikam")

    assert oath_tokens.serials_in_use(["ab-1", "AB-2"]) == {"ab-1"}
    with pytest.raises(SerialTaken):
        oath_tokens.assign([token_of(user, serial="ab-1")])
    with in_tenant(fabrikam.pk):
        assert not oath_tokens.serials_in_use(["ab-1"])
        oath_tokens.assign([token_of(make_user("one@fabrikam.example"), serial="AB-1")])


def test_the_seed_is_sealed(user):
    oath_tokens.assign([token_of(user)])

    row = RegisteredMethod.objects.get(user=user)
    assert SEED not in bytes(row.data)
    assert SEED.hex().encode() not in bytes(row.data)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_use_one_code_at_once_one_gets_in():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        user = make_user("one@race.example")
        oath_tokens.assign([token_of(user)])
        assert oath_tokens.activate(user, code(0))

    results = all_at_once(2, lambda: oath_tokens.is_right(user.pk, code(1)), tenant_id=tenant.pk)

    assert sorted(results) == [False, True]
