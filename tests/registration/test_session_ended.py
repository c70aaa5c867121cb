"""A request that was under way when its session ended registers and removes nothing."""

import base64
import threading
import uuid

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from audit.services import Actor
from console.services import step_up
from directory.models import User
from registration.services import enrol, manage
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tests.builders import make_email
from tests.console.people import code_now, make_admin
from tests.flow import confirm_contact
from tests.threads import all_at_once
from verification.methods import REGISTRATIONS
from verification.models import Purpose
from verification.queries import methods_by_factor, methods_of_kind, newest
from verification.services.roles import change_role
from verification.session import Session


def give_a_role(user):
    change_role(user, Role.TENANT_ADMIN, actor_id=Actor.COMMAND)


def sign_out(user):
    manage.sign_out_everywhere(User.objects.get(pk=user.pk))


ENDINGS = pytest.mark.parametrize("end", [give_a_role, sign_out])


@pytest.fixture
def contoso_policy():
    methods = frozenset({Method.EMAIL, Method.AUTHENTICATOR})
    return Policy(self_service=Scope.ALL, reset_methods=methods)


def code_of(pairing):
    return code_now(base64.b32decode(pairing.key).hex())


@ENDINGS
def test_no_address_is_registered_after_it(user, mailroom, end):
    context = uuid.uuid4()
    enrol.start_email(user, context, "planted@mail.example", Method.EMAIL)
    code, challenge = mailroom.code(), newest(Purpose.REGISTER, context)
    end(User.objects.get(pk=user.pk))

    with pytest.raises(manage.Frozen):
        confirm_contact(user, challenge, code)

    assert not methods_by_factor(user.pk)


@ENDINGS
def test_no_answers_are_kept_after_it(user, mailroom, end, monkeypatch):
    """It ends while the answers are hashed."""
    hashed = enrol.questions.hashed

    def end_meanwhile(*given):
        end(User.objects.get(pk=user.pk))
        return hashed(*given)

    monkeypatch.setattr(enrol.questions, "hashed", end_meanwhile)

    with pytest.raises(manage.Frozen):
        enrol.save_questions(user, {"pet": "rex", "town": "busan", "car": "pony"})

    assert not methods_by_factor(user.pk)


@ENDINGS
def test_no_app_is_paired_after_it(user, mailroom, end):
    context = uuid.uuid4()
    by_code = REGISTRATIONS[Factor.AUTHENTICATOR].by_code
    entered = {"code": code_of(by_code.shown(user, context)["pairing"]), "name": ""}
    end(User.objects.get(pk=user.pk))

    with pytest.raises(manage.Frozen):
        enrol.activate_device(user, context, Factor.AUTHENTICATOR, entered)

    assert not methods_of_kind(user.pk, Factor.AUTHENTICATOR).exists()


def test_no_first_app_is_paired_at_the_door_of_the_admin_after_it(contoso, mailroom):
    boss, session = make_admin(), Session(SessionStore())
    code = code_of(step_up.pairing(boss, session.context()))
    sign_out(boss)

    assert not step_up.confirm(session, boss, code)

    assert not methods_of_kind(boss.pk, Factor.AUTHENTICATOR).exists()


@ENDINGS
def test_nothing_is_removed_after_it(user, mailroom, end):
    make_email(user)
    end(User.objects.get(pk=user.pk))

    with pytest.raises(manage.Frozen):
        manage.remove(user, Factor.EMAIL)

    assert Factor.EMAIL in methods_by_factor(user.pk)


@pytest.mark.django_db(transaction=True)
@ENDINGS
def test_a_request_that_waits_for_the_lock_registers_nothing(user, mailroom, contoso, end):
    context = uuid.uuid4()
    enrol.start_email(user, context, "planted@mail.example", Method.EMAIL)
    code, challenge = mailroom.code(), newest(Purpose.REGISTER, context)
    is_locked, turns = threading.Event(), iter([True, False])

    def act():
        if next(turns):
            with transaction.atomic():
                end(User.objects.get(pk=user.pk))
                is_locked.set()
                # The other one comes as far as the lock meanwhile.
                threading.Event().wait(1)
            return True
        assert is_locked.wait(10)
        with pytest.raises(manage.Frozen):
            confirm_contact(user, challenge, code)
        return True

    assert all(all_at_once(2, act, tenant_id=contoso.pk))

    assert not methods_by_factor(user.pk)
