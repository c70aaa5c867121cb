"""Hardware tokens from the moment they are assigned to the last code."""

import pytest
import time_machine
from django.utils import timezone
from django_otp.oath import hotp

from directory.factors import Factors
from isolation.scope import in_tenant
from tests.builders import make_tenant, make_user
from tests.threads import all_at_once
from verification.models import RegisteredMethod
from verification.rules.oath import LOOK_AHEAD
from verification.services import oath_tokens
from verification.services.oath_tokens import NewToken, SerialTaken

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
    assert not user.factors & Factors.OATH_TOKEN

    assert oath_tokens.activate(user, code(3))
    user.refresh_from_db()
    assert user.factors & Factors.OATH_TOKEN
    assert user.oath_token_since
    assert oath_tokens.is_right(user.pk, code(4))


def test_a_wrong_code_activates_nothing(user):
    oath_tokens.assign([token_of(user)])

    assert oath_tokens.activate(user, code(500)) is None
    assert oath_tokens.waiting_of(user.pk)


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


def test_a_token_that_went_too_far_is_found_again_by_two_codes(user):
    oath_tokens.assign([token_of(user)])
    row = oath_tokens.activate(user, code(0))
    far = LOOK_AHEAD + 20
    assert not oath_tokens.is_right(user.pk, code(far))

    assert not oath_tokens.synchronise(user, row.pk, code(far), code(far))
    assert not oath_tokens.synchronise(user, row.pk, code(far), code(far + 2))
    assert oath_tokens.synchronise(user, row.pk, code(far), code(far + 1))
    assert not oath_tokens.is_right(user.pk, code(far + 1))
    assert oath_tokens.is_right(user.pk, code(far + 2))


def test_nobody_synchronises_the_token_of_another(user, contoso):
    oath_tokens.assign([token_of(user)])
    row = oath_tokens.activate(user, code(0))

    assert not oath_tokens.synchronise(make_user("two@contoso.example"), row.pk, code(1), code(2))


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
