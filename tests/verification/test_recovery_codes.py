"""Recovery codes as values: how they are made, read and kept."""

import uuid

import pytest
from django.db import connection
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from isolation.scope import in_tenant
from tenants.policy import Factor, Method
from tests.builders import make_recovery_codes, make_tenant, make_user, of_kind
from tests.flow import begin_unsent
from tests.threads import all_at_once
from vault.keyring import purpose_key
from verification.models import Purpose, RegisteredMethod
from verification.queries import codes_left
from verification.rules.recovery_codes import ALPHABET, LENGTH, grouped, typed_code
from verification.rules.verdicts import Verdict
from verification.services import recovery_codes

codes = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)


def answered(user, code):
    """The answer to a new browser that sends this code."""
    session = uuid.uuid4()
    begin_unsent(user, session, Method.RECOVERY_CODE)
    return recovery_codes.answer(user.pk, Purpose.SIGN_IN, session, code).verdict


@given(codes, st.sampled_from(["-", " ", "\u2013", "  ", ""]))
def test_a_code_is_read_however_it_was_copied(code, between):
    parts = [code[at : at + 4] for at in range(0, LENGTH, 4)]
    misread = between.join(parts).lower().replace("1", "l").replace("0", "o")

    assert typed_code(grouped(code)) == typed_code(misread) == code
    assert typed_code(f"\u202a{misread}\u202c\xad.") == code


@pytest.mark.parametrize("typed", ["", "12345678", "U" * LENGTH, "1" * 25, "\u00e9" * LENGTH])
def test_what_cant_be_a_code_is_none(typed):
    assert typed_code(typed) == ""


def test_ten_different_codes_of_120_bits(contoso):
    made = make_recovery_codes(make_user())

    assert len(set(made)) == 10
    assert {len(code) * 5 for code in made} == {120}


def test_nothing_in_the_database_is_a_code(contoso):
    user = make_user()
    made = make_recovery_codes(user)
    answered(user, made[0])

    with connection.cursor() as cursor:
        kept = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            kept += [str(row).upper() for row in cursor.fetchall()]

    assert not [row for row in kept if any(c in row or grouped(c) in row for c in made)]


def test_a_code_works_once(contoso):
    user = make_user()
    code = make_recovery_codes(user)[0]

    assert answered(user, code) is Verdict.RIGHT
    assert answered(user, code) is Verdict.WRONG
    assert codes_left(user.pk) == 9


def test_a_new_set_kills_the_old_one(contoso):
    user = make_user()
    old = make_recovery_codes(user)
    new = make_recovery_codes(user)

    assert {answered(user, code) for code in old} == {Verdict.WRONG}
    assert answered(user, new[0]) is Verdict.RIGHT
    assert of_kind(Factor.RECOVERY_CODE).count() == 10


def test_a_set_that_nobody_saved_opens_nothing_and_kills_nothing(contoso):
    user = make_user()
    old = make_recovery_codes(user)
    unsaved = recovery_codes.new_set(user, uuid.uuid4())

    assert answered(user, unsaved[0]) is Verdict.WRONG
    assert answered(user, old[0]) is Verdict.RIGHT


def test_another_session_cant_put_a_set_into_force(contoso):
    user = make_user()
    recovery_codes.new_set(user, uuid.uuid4())

    assert not recovery_codes.put_into_force(user, uuid.uuid4())
    assert codes_left(user.pk) == 0


def test_somebody_elses_code_opens_nothing(contoso, hanbit):
    user = make_user()
    make_recovery_codes(user)
    theirs = make_recovery_codes(make_user("other@contoso.example"))
    with in_tenant(hanbit.pk):
        elsewhere = make_recovery_codes(make_user("kim@hanbit.example"))

    assert {answered(user, code) for code in (*theirs, *elsewhere)} == {Verdict.WRONG}


def test_a_row_carried_over_to_another_tenant_opens_nothing(contoso, hanbit):
    user = make_user()
    code = make_recovery_codes(user)[0]
    RegisteredMethod.unscoped.update(tenant_id=hanbit.pk)

    with in_tenant(hanbit.pk):
        assert answered(user, code) is Verdict.WRONG


def test_who_gets_the_name_of_somebody_who_left_gets_nothing_else(contoso):
    left = make_user()
    code, number = make_recovery_codes(left)[0], left.pk
    left.delete()

    successor = make_user(left.upn)

    assert successor.pk != number
    assert answered(successor, code) is Verdict.WRONG


def test_a_right_code_that_came_too_late_is_kept_for_another_time(contoso):
    user = make_user()
    code = make_recovery_codes(user)[0]

    late = recovery_codes.answer(user.pk, Purpose.RESET, uuid.uuid4(), code)

    assert late.verdict is Verdict.EXPIRED
    assert codes_left(user.pk) == 10
    assert answered(user, code) is Verdict.RIGHT


def test_codes_outlive_a_new_key_of_the_operator(contoso, settings):
    user = make_user()
    code = make_recovery_codes(user)[0]

    with override_settings(ENCRYPTION_KEYS=["n" * 40, *settings.ENCRYPTION_KEYS]):
        _forget_keys()
        assert answered(user, code) is Verdict.RIGHT
    _forget_keys()


def _forget_keys():
    purpose_key.cache_clear()


def test_of_two_who_give_one_code_at_once_one_wins(transactional_db):
    tenant = make_tenant("contoso")
    with in_tenant(tenant.pk):
        user = make_user()
        code = make_recovery_codes(user)[0]

    said = all_at_once(2, lambda: answered(user, code), tenant_id=tenant.pk)

    assert sorted(said) == sorted([Verdict.RIGHT, Verdict.WRONG])


def test_of_two_sets_put_into_force_at_once_one_is_left(transactional_db):
    tenant = make_tenant("contoso")
    with in_tenant(tenant.pk):
        user = make_user()

    all_at_once(2, lambda: make_or_not(user), tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        assert codes_left(user.pk) == 10


def make_or_not(user):
    session = uuid.uuid4()
    recovery_codes.new_set(user, session)
    return recovery_codes.put_into_force(user, session)
