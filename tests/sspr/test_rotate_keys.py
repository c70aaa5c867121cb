"""A new encryption key for a service with people in it, and the old one thrown away."""

import io
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from audit.models import Head
from audit.services.sealing import begin, sweep
from audit.services.verifying import verify
from directory.models import User
from directory.queries import prefilled
from isolation.models import TenantOwned
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from provisioning.services.jobs import take
from provisioning.services.store import file_of
from reset.subjects import decoy_id
from sspr import resealing
from tenants.policy import Factor, Method
from tenants.queries import policy_in_force
from tests.builders import (
    ANSWERS,
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_user,
    of_kind,
)
from tests.console.people import code_now, make_admin, with_app
from tests.flow import begin_unsent
from tests.threads import all_at_once
from vault import services
from vault.models import SealingKey, TenantKey
from verification.models import Purpose, RegisteredMethod
from verification.queries import blind_index, methods_by_factor, value_of
from verification.rules.access_passes import Terms
from verification.rules.verdicts import Verdict
from verification.services import (
    access_passes,
    authenticators,
    guesses,
    questions,
    recovery_codes,
)

OLD, NEW = "the-old-key-of-the-ring-" * 2, "the-new-key-of-the-ring-" * 2


@pytest.fixture
def people(contoso, ring):
    """A user who has everything, from the days of the old key."""
    ring(OLD)
    TenantKey.objects.all().delete()
    services.create_key(contoso.pk)
    Head.unscoped.all().delete()
    begin()
    user = make_user()
    make_email(user)
    make_phone(user)
    make_questions(user)
    make_prefill(user, Factor.OFFICE_PHONE, "+82212340001")
    with_app(user)
    return user, make_recovery_codes(user)


def rotated(ring):
    ring(NEW, OLD)
    call_command("rotate_keys")
    ring(NEW)


def recovery_verdict(user, code):
    session = uuid.uuid4()
    begin_unsent(user, session, Method.RECOVERY_CODE)
    return recovery_codes.answer(user.pk, Purpose.SIGN_IN, session, code).verdict


def test_everything_opens_without_the_old_key(people, ring):
    user, codes = people

    rotated(ring)

    held = methods_by_factor(user.pk)
    assert value_of(held[Factor.EMAIL]) == "minji.home@mail.example"
    assert value_of(held[Factor.MOBILE_PHONE]) == "+821012345678"
    assert prefilled(user.pk)[Factor.OFFICE_PHONE].value == "+82212340001"
    assert authenticators.is_right(user.pk, code_now())
    drawn = questions.draw(user.pk, 3, bank=set(ANSWERS))
    assert questions.are_right(user.pk, {qid: ANSWERS[qid] for qid in drawn})
    assert recovery_verdict(user, codes[0]) is Verdict.RIGHT


def test_without_the_command_nothing_would(people, ring):
    user, _codes = people
    ring(NEW)

    with pytest.raises(services.envelope.Unopenable):
        value_of(methods_by_factor(user.pk)[Factor.EMAIL])


def test_a_pass_that_was_issued_before_is_good_after(people, ring):
    user, _codes = people
    now = timezone.now()
    begun, over = now - timedelta(minutes=1), now + timedelta(hours=1)
    terms = Terms(starts_at=begun, ends_at=over, once=False)
    issued = access_passes.issue(make_admin(), user, terms, note="T-1")

    rotated(ring)

    assert access_passes.redeem(user, issued) is not None


def test_the_hundred_wrong_guesses_at_somebody_are_counted_on(people, ring):
    """Otherwise a new key would give an attacker another hundred guesses."""
    user, _codes = people
    for _ in range(99):
        limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, str(user.pk))

    ring(NEW, OLD)
    guesses.count_a_guess(user.pk)
    with_both = guesses.throttle_of(user.pk)
    rotated(ring)

    assert with_both.until is None
    assert guesses.throttle_of(user.pk).until is None
    with pytest.raises(guesses.Throttled):
        guesses.count_a_guess(user.pk)
    guesses.reset(user.pk)
    assert guesses.throttle_of(user.pk) is None


def test_a_decoy_stays_the_same_decoy(people, ring):
    """Otherwise a stranger who asks before and after a new key learns which user IDs exist."""
    name, policy = "nobody@contoso.example", policy_in_force()
    number = decoy_id(name)
    asked = questions.drawn_or_made_up(number, policy)

    rotated(ring)

    assert decoy_id(name) == number
    assert questions.drawn_or_made_up(number, policy) == asked


def test_the_history_is_still_as_it_was_written(people, ring):
    sweep([])
    before = Head.objects.get().mac

    rotated(ring)

    assert Head.objects.get().mac != before
    assert list(verify()) == []


def test_a_forged_end_isnt_signed_by_it(people, ring):
    sweep([])
    Head.objects.update(mac="f" * 64)

    rotated(ring)

    assert Head.objects.get().mac == "f" * 64


def test_the_second_time_there_is_nothing_to_do(people, ring, capsys):
    ring(NEW, OLD)
    call_command("rotate_keys")
    capsys.readouterr()

    call_command("rotate_keys")

    assert "wrapped anew: 0. " in capsys.readouterr().out


def test_broken_off_it_is_finished_the_next_time(people, hanbit, ring, monkeypatch):
    ring(NEW, OLD)
    seal, calls = services.envelope.seal, []

    def dies(*arguments):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return seal(*arguments)

    monkeypatch.setattr(services.envelope, "seal", dies)
    TenantKey.objects.filter(pk=hanbit.pk).delete()
    ring(OLD)
    monkeypatch.setattr(services.envelope, "seal", seal)
    services.create_key(hanbit.pk)
    monkeypatch.setattr(services.envelope, "seal", dies)
    ring(NEW, OLD)
    with pytest.raises(KeyboardInterrupt):
        call_command("rotate_keys")
    monkeypatch.setattr(services.envelope, "seal", seal)

    rotated(ring)

    for tenant_id in (people[0].tenant_id, hanbit.pk):
        assert services.sealed("x", tenant_id=tenant_id, associated_data="p")


def test_a_ring_without_the_key_that_is_needed_is_said_and_changes_nothing(people, ring):
    before = bytes(TenantKey.objects.get(pk=people[0].tenant_id).wrapped)
    ring(NEW)

    with pytest.raises(CommandError, match="put back the one that is missing"):
        call_command("rotate_keys")

    assert bytes(TenantKey.objects.get(pk=people[0].tenant_id).wrapped) == before


@pytest.mark.django_db(transaction=True)
def test_who_reads_meanwhile_never_notices(people, ring):
    user, _codes = people
    ring(NEW, OLD)

    def work():
        for _ in range(20):
            services._cached.clear()
            with in_tenant(user.tenant_id):
                assert value_of(methods_by_factor(user.pk)[Factor.EMAIL])
            services.rewrap_all()
        return True

    assert all_at_once(4, work, tenant_id=user.tenant_id) == [True] * 4


def keys_of(tenant_id):
    return list(SealingKey.objects.filter(tenant_id=tenant_id).values_list("number", flat=True))


def heads(user):
    """How a user's sealed values begin."""
    return {
        bytes(methods_by_factor(user.pk)[Factor.EMAIL].data)[:3],
        bytes(of_kind(Factor.AUTHENTICATOR).get(user=user).data)[:3],
        bytes(User.objects.get(pk=user.pk).prefill)[:3],
    }


def everything_opens(user, codes):
    held = methods_by_factor(user.pk)
    assert value_of(held[Factor.EMAIL]) == "minji.home@mail.example"
    assert value_of(held[Factor.MOBILE_PHONE]) == "+821012345678"
    assert prefilled(user.pk)[Factor.OFFICE_PHONE].value == "+82212340001"
    assert authenticators.is_right(user.pk, code_now())
    drawn = questions.draw(user.pk, 3, bank=set(ANSWERS))
    assert questions.are_right(user.pk, {qid: ANSWERS[qid] for qid in drawn})
    assert recovery_verdict(user, codes[0]) is Verdict.RIGHT
    assert held[Factor.EMAIL].lookup == blind_index("minji.home@mail.example")


def test_a_new_data_key_seals_everything_anew(people, hanbit, ring, capsys):
    user, codes = people

    call_command("rotate_keys", "--new-data-keys")

    assert heads(user) == {b"\x02\x00\x01"}
    assert (keys_of(user.tenant_id), keys_of(hanbit.pk)) == ([1], [1])
    everything_opens(user, codes)
    capsys.readouterr()
    call_command("rotate_keys")
    assert "Envelopes sealed anew: 0." in capsys.readouterr().out


def test_with_the_keys_of_before_nothing_opens_that_is_sealed_now(people, ring):
    user, _codes = people
    stolen = dict(services._read(user.tenant_id).keys)

    call_command("rotate_keys", "--new-data-keys")

    row = methods_by_factor(user.pk)[Factor.EMAIL]
    associated_data = f"{user.tenant_id}|{row.associated_data_of('data', row.pk)}"
    with pytest.raises(services.envelope.Unopenable):
        services.envelope.unseal(stolen[0], bytes(row.data), associated_data)


def test_a_new_ring_wraps_every_data_key(people, ring):
    user, codes = people
    call_command("rotate_keys", "--new-data-keys")

    rotated(ring)

    everything_opens(user, codes)


def test_who_still_seals_with_the_key_before_is_caught_up_with(people, ring):
    """Another process keeps the keys it read, and learns of a new one the moment it meets it."""
    user, _codes = people
    elsewhere = services._read(user.tenant_id)
    call_command("rotate_keys", "--new-data-keys")
    services._cached[user.tenant_id] = elsewhere
    row = methods_by_factor(user.pk)[Factor.EMAIL]
    row.data = services.seal_column(row, "data", "late@mail.example")
    row.save()
    assert bytes(row.data)[:1] == b"\x01"
    # What others sealed with the new one opens here at once.
    assert authenticators.is_right(user.pk, code_now())

    services._cached.clear()
    call_command("rotate_keys")

    assert heads(user) == {b"\x02\x00\x01"}
    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == "late@mail.example"


def test_older_data_keys_go_when_nobody_can_need_them_any_more(people, ring):
    user, codes = people
    with time_machine.travel(timezone.now(), tick=False) as clock:
        call_command("rotate_keys", "--new-data-keys")
        call_command("rotate_keys", "--new-data-keys")
        # Some process may still seal with the first of them.
        assert keys_of(user.tenant_id) == [1, 2]
        clock.shift(timedelta(minutes=61))
        of_kind(Factor.AUTHENTICATOR).update(data=of_kind(Factor.AUTHENTICATOR).get().data)
        call_command("rotate_keys")
        assert keys_of(user.tenant_id) == [2]
        assert heads(user) == {b"\x02\x00\x02"}
        everything_opens(user, codes)


def test_a_data_key_stays_as_long_as_something_is_sealed_with_it(people, ring):
    user, _codes = people
    with time_machine.travel(timezone.now(), tick=False) as clock:
        call_command("rotate_keys", "--new-data-keys")
        row = methods_by_factor(user.pk)[Factor.EMAIL]
        damaged = bytes(row.data)[:-1] + b"\x00\x00"
        RegisteredMethod.objects.filter(pk=row.pk).update(data=damaged)
        call_command("rotate_keys", "--new-data-keys")
        clock.shift(timedelta(minutes=61))
        call_command("rotate_keys")

        # What doesn't open is left as it is, and so is its key.
        assert keys_of(user.tenant_id) == [1, 2]
        assert bytes(RegisteredMethod.objects.get(pk=row.pk).data) == damaged


def test_what_somebody_changes_meanwhile_is_not_overwritten(people, ring, monkeypatch):
    user, _codes = people
    row = methods_by_factor(user.pk)[Factor.EMAIL]
    opened = resealing.opened

    def slowly(before, **more):
        text = opened(before, **more)
        if text == "minji.home@mail.example":
            fresh = services.seal_column(row, "data", "new@mail.example")
            RegisteredMethod.objects.filter(pk=row.pk).update(data=fresh)
        return text

    monkeypatch.setattr(resealing, "opened", slowly)
    call_command("rotate_keys", "--new-data-keys")

    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == "new@mail.example"


def test_an_import_that_waits_is_sealed_anew_too(people, contoso, ring):
    text = b"user_principal_name\nnew@contoso.example\n"
    kept = take(io.BytesIO(text), name="people.csv", size=len(text), actor_id=1)
    before = bytes(kept.parts.get().data)

    call_command("rotate_keys", "--new-data-keys")

    assert bytes(kept.parts.get().data) != before
    with file_of(kept) as file:
        assert file.read() == text


def test_every_column_of_bytes_is_sealed_or_no_secret():
    known = {(model._meta.label, column) for model, column in resealing.columns()}
    bytes_of_ours = {
        (model._meta.label, field.name)
        for model in apps.get_models()
        if issubclass(model, TenantOwned)
        for field in model._meta.concrete_fields
        if isinstance(field, models.BinaryField)
    }

    assert bytes_of_ours - known == {
        ("tenants.Branding", "logo"),
    }
    assert known <= bytes_of_ours
