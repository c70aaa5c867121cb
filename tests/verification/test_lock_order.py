"""What changes a user's methods locks the user first, so that it waits instead of deadlocking."""

import base64
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from directory.models import User
from isolation.scope import in_tenant
from tenants.policy import Factor, Method
from tests.builders import make_passkey, make_recovery_codes, make_tenant, make_user, of_kind
from tests.console.people import code_now
from tests.flow import begin_unsent
from tests.soft_authenticator import SoftAuthenticator
from verification.models import Purpose, RegisteredMethod
from verification.services import authenticators, recovery_codes
from verification.services.removal import remove


@pytest.fixture
def user(transactional_db):
    tenant = make_tenant("contoso")
    with in_tenant(tenant.pk):
        yield make_user()


@contextmanager
def connected():
    """A thread's own connection to the database, closed at the end."""
    try:
        yield
    finally:
        connection.close()


def last_code_answered(user):
    *others, last = make_recovery_codes(user)
    for code in others:
        _answer(user, code)
    return lambda: _answer(user, last)


def codes_removed(user):
    make_recovery_codes(user)
    return lambda: remove(user.pk, Q(kind=Factor.RECOVERY_CODE))


def app_paired(user):
    session = uuid.uuid4()
    key = authenticators.pairing_of(user, session, issuer="Contoso").key
    code = code_now(base64.b32decode(key).hex())
    return lambda: authenticators.finish_pairing(user, session, code, name="phone")


def app_removed(user):
    app_paired(user)()
    app = of_kind(Factor.AUTHENTICATOR).get()
    return lambda: remove(user.pk, Q(pk=app.pk))


def apps_removed(user):
    app_paired(user)()
    return lambda: remove(user.pk, Q(kind=Factor.AUTHENTICATOR))


def passkey_removed(user):
    make_passkey(user, SoftAuthenticator())
    return lambda: remove(user.pk, Q(kind=Factor.PASSKEY))


def _answer(user, code):
    session = uuid.uuid4()
    begin_unsent(user, session, Method.RECOVERY_CODE)
    return recovery_codes.answer(user.pk, Purpose.SIGN_IN, session, code)


@pytest.mark.parametrize(
    "prepared",
    [
        last_code_answered,
        codes_removed,
        app_paired,
        app_removed,
        apps_removed,
        passkey_removed,
    ],
)
def test_a_change_of_methods_waits_for_a_change_of_the_user(user, prepared):
    change = prepared(user)
    locked = threading.Event()

    def freeze():
        with connected(), in_tenant(user.tenant_id), transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)
            locked.set()
            # The other thread runs into the lock meanwhile, with or without rows in its hands.
            sleep(0.5)
            RegisteredMethod.objects.update(verified_at=timezone.now())

    def run():
        locked.wait(60)
        with connected(), in_tenant(user.tenant_id):
            change()

    with ThreadPoolExecutor(2) as pool:
        for result in [pool.submit(freeze), pool.submit(run)]:
            result.result(120)
