"""A new encryption key for a service with people in it, and the old one thrown away."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Head
from audit.services.sealing import sweep, verify
from directory.queries import prefilled
from isolation.scope import in_tenant
from tenants.policy import Method, Proof
from tests.builders import (
    ANSWERS,
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_user,
)
from tests.console.people import code_now, make_admin, with_app
from tests.threads import all_at_once
from vault import keyring, services
from vault.models import TenantKey
from verification.models import AuthenticationMethod, Purpose
from verification.queries import blind_index, methods_by_proof, value_of
from verification.rules.access_passes import Terms
from verification.rules.verdicts import Verdict
from verification.services import (
    access_passes,
    authenticators,
    challenges,
    questions,
    recovery_codes,
)

OLD, NEW = "the-old-key-of-the-ring-" * 2, "the-new-key-of-the-ring-" * 2


@pytest.fixture
def ring(settings):
    """Puts keys into the ring, as after a restart."""

    def put(*keys):
        settings.ENCRYPTION_KEYS = list(keys)
        keyring.purpose_key.cache_clear()
        services._kept_open.clear()

    yield put
    keyring.purpose_key.cache_clear()
    services._kept_open.clear()


@pytest.fixture
def people(contoso, ring):
    """Somebody who has everything, from the days of the old key."""
    ring(OLD)
    TenantKey.objects.all().delete()
    services.create_key(contoso.pk)
    user = make_user()
    make_email(user)
    make_phone(user)
    make_questions(user)
    make_prefill(user, Proof.OFFICE_PHONE, "+82212340001")
    with_app(user)
    return user, make_recovery_codes(user)


def rotated(ring):
    ring(NEW, OLD)
    call_command("rotate_keys")
    ring(NEW)


def recovery_verdict(user, code):
    session = uuid.uuid4()
    challenges.open_unsent(user.pk, Purpose.SIGN_IN, session, Method.RECOVERY_CODE)
    return recovery_codes.answer(user.pk, Purpose.SIGN_IN, session, code).verdict


def test_everything_opens_without_the_old_key(people, ring):
    user, codes = people

    rotated(ring)

    held = methods_by_proof(user.pk)
    assert value_of(held[Proof.EMAIL]) == "minji.home@mail.example"
    assert value_of(held[Proof.MOBILE_PHONE]) == "+821012345678"
    assert prefilled(user.pk)[Proof.OFFICE_PHONE].value == "+82212340001"
    assert authenticators.is_right(user.pk, code_now())
    drawn = questions.draw(user.pk, 3, bank=set(ANSWERS))
    assert questions.are_right(user.pk, {qid: ANSWERS[qid] for qid in drawn})
    assert recovery_verdict(user, codes[0]) is Verdict.RIGHT


def test_without_the_command_nothing_would(people, ring):
    user, _codes = people
    ring(NEW)

    with pytest.raises(services.envelope.Unopenable):
        value_of(methods_by_proof(user.pk)[Proof.EMAIL])


def test_a_pass_that_was_issued_before_is_good_after(people, ring):
    user, _codes = people
    now = timezone.now()
    begun, over = now - timedelta(minutes=1), now + timedelta(hours=1)
    terms = Terms(starts_at=begun, ends_at=over, once=False)
    issued = access_passes.issue(user, terms, issued_by=make_admin().pk)

    rotated(ring)

    assert access_passes.spend(user, issued) is not None


def test_blind_indexes_of_former_days_are_made_anew(people, ring):
    user, _codes = people
    AuthenticationMethod.objects.filter(proof=Proof.EMAIL).update(index="f" * 64)

    rotated(ring)

    row = methods_by_proof(user.pk)[Proof.EMAIL]
    assert row.index == blind_index("minji.home@mail.example")


def test_the_history_is_still_as_it_was_written(people, ring):
    sweep()
    before = Head.objects.get().mac

    rotated(ring)

    assert Head.objects.get().mac != before
    assert list(verify()) == []


def test_a_forged_end_isnt_signed_by_it(people, ring):
    sweep()
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
        assert services.sealed("x", tenant_id=tenant_id, place="p")


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
            services._kept_open.clear()
            with in_tenant(user.tenant_id):
                assert value_of(methods_by_proof(user.pk)[Proof.EMAIL])
            services.rewrap_all()
        return True

    assert all_at_once(4, work, tenant_id=user.tenant_id) == [True] * 4
