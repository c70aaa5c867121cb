"""The factor summary as a value: what a key says, which times matter, which columns it has."""

from datetime import UTC, datetime, timedelta

import pytest

from directory.factors import (
    ANSWERS,
    ENTERED,
    HELD,
    NOTHING,
    REGISTERED,
    SAME_NUMBER,
    TEXTS,
    VERIFIED,
    AccountStatus,
    EligibilityKey,
    Factors,
    FactorSummary,
    admin_entered_only,
    any_of,
    column_of,
)
from directory.prefills import Kinds
from tenants.policy import Factor

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(days=1)
BOTH = VERIFIED[Factor.EMAIL] | VERIFIED[Factor.QUESTIONS] | Factors.OFFICE_IS_ALTERNATE


@pytest.mark.parametrize(
    ("status", "enabled", "is_active", "is_open", "is_admin"),
    [
        (AccountStatus(0), True, True, True, False),
        (AccountStatus.DISABLED, False, False, False, False),
        (AccountStatus.FROZEN, True, False, False, False),
        (AccountStatus.MANAGED_ELSEWHERE, True, True, False, False),
        (AccountStatus.ADMINISTRATOR, True, True, True, True),
        (AccountStatus.DISABLED | AccountStatus.FROZEN, False, False, False, False),
        (AccountStatus.DISABLED | AccountStatus.ADMINISTRATOR, False, False, False, True),
    ],
)
def test_a_key_says_what_decides_besides_the_factors(status, enabled, is_active, is_open, is_admin):
    key = EligibilityKey(int(BOTH) + int(status))

    assert key.factors == BOTH
    assert (key.enabled, key.is_active, key.is_open, key.is_admin) == (
        enabled,
        is_active,
        is_open,
        is_admin,
    )


def test_every_bit_is_used_once():
    bits = [*VERIFIED.values(), *Factors, *AccountStatus]

    assert len(bits) == len(set(map(int, bits)))
    assert max(map(int, [*VERIFIED.values(), *Factors])) < min(AccountStatus)
    # `User.eligibility_key` is a signed integer of 32 bits.
    assert sum(bits) < 1 << 31


def test_bits_that_rows_store_never_change():
    assert {factor.value: factor.traits.bit for factor in Factor}.items() >= {
        ("mobile_phone", 0),
        ("alternate_phone", 2),
        ("office_phone", 4),
        ("email", 5),
        ("passkey", 6),
        ("authenticator", 7),
        ("recovery_code", 8),
        ("questions", 9),
        ("oath_token", 23),
    }


def test_every_factor_has_its_bit():
    assert list(VERIFIED) == list(Factor)
    assert list(map(int, VERIFIED.values())) == [1 << factor.traits.bit for factor in Factor]
    for factor, bit in (*ENTERED.items(), *HELD.items()):
        assert bit.name.partition("_")[2] == factor.name.partition("_")[0]
    assert ENTERED.keys() == HELD.keys() == {one for one in Factor if one.can_be_entered}
    assert TEXTS == {
        Factor.MOBILE_PHONE: Factors.MOBILE_TEXTS,
        Factor.ALTERNATE_PHONE: Factors.ALTERNATE_TEXTS,
    }
    assert {count: bit.name for count, bit in ANSWERS.items()} == {
        3: "THREE_ANSWERS",
        4: "FOUR_ANSWERS",
        5: "FIVE_ANSWERS",
    }
    assert {(one.name, other.name): bit.name for (one, other), bit in SAME_NUMBER.items()} == {
        ("MOBILE_PHONE", "ALTERNATE_PHONE"): "ALTERNATE_IS_MOBILE",
        ("MOBILE_PHONE", "OFFICE_PHONE"): "OFFICE_IS_MOBILE",
        ("ALTERNATE_PHONE", "OFFICE_PHONE"): "OFFICE_IS_ALTERNATE",
    }


def test_recovery_codes_alone_are_no_registration():
    assert not REGISTERED & VERIFIED[Factor.RECOVERY_CODE]
    assert any_of(VERIFIED.values()) == REGISTERED | VERIFIED[Factor.RECOVERY_CODE]
    assert any_of([]) == NOTHING == Factors(0)
    assert any_of([Factors.HELD_EMAIL, Factors.ENTERED_EMAIL]) == Factors(1 << 13 | 1 << 17)


@pytest.mark.parametrize(
    ("summary", "changed_at"),
    [
        ({}, None),
        ({"lost_at": NOON, "admin_entered_since": NOON, "factors": Factors.ENTERED_EMAIL}, None),
        ({"held_since": NOON}, None),
        ({"held_since": NOON, "factors": Factors.HELD_MOBILE}, NOON),
        ({"factors": Factors.HELD_MOBILE}, None),
        ({"since": {Factor.EMAIL: NOON, Factor.PASSKEY: EARLIER}}, NOON),
        ({"since": {Factor.EMAIL: NOON}, "lost_at": LATER}, LATER),
        ({"since": {Factor.EMAIL: NOON}, "lost_at": EARLIER}, NOON),
        ({"since": {Factor.EMAIL: NOON}, "admin_entered_since": LATER}, NOON),
        (
            {
                "since": {Factor.EMAIL: NOON},
                "admin_entered_since": LATER,
                "factors": Factors.ENTERED_OFFICE,
            },
            LATER,
        ),
        ({"since": {Factor.EMAIL: NOON}, "factors": Factors.ENTERED_OFFICE}, NOON),
        ({"since": {Factor.EMAIL: NOON}, "held_since": LATER}, NOON),
    ],
)
def test_the_latest_time_that_could_matter(summary, changed_at):
    assert FactorSummary(**summary).changed_at == changed_at


def test_what_the_row_of_a_user_holds():
    summary = FactorSummary(factors=VERIFIED[Factor.EMAIL], since={Factor.EMAIL: NOON})

    columns = summary.columns()

    assert columns.pop("factors") == int(VERIFIED[Factor.EMAIL])
    assert columns.pop("factors_changed_at") == NOON
    assert columns.pop("email_since") == NOON
    assert set(columns) == {column_of(factor) for factor in Factor if factor is not Factor.EMAIL}
    assert set(columns.values()) == {None}
    assert FactorSummary() == FactorSummary(
        factors=NOTHING, since={}, admin_entered_since=None, held_since=None, lost_at=None
    )


@pytest.mark.parametrize(
    ("kinds", "factors"),
    [
        (Kinds(0), NOTHING),
        (Kinds.EMAIL, Factors.ENTERED_EMAIL),
        (Kinds.MOBILE_PHONE, Factors.ENTERED_MOBILE),
        (Kinds.OFFICE_PHONE, Factors.ENTERED_OFFICE),
        (Kinds.SMS_CAPABLE, Factors.ENTERED_MOBILE_TEXTS),
        (Kinds.ONE_PHONE, Factors.OFFICE_IS_MOBILE),
    ],
)
def test_what_was_entered_for_a_new_user(kinds, factors):
    assert admin_entered_only(kinds) == factors
