"""An attempt says under which policy it began. It doesn't carry it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reset.models import ResetAttempt
from sspr.purge import purge
from tenants.models import PolicyVersion
from tenants.policy import Method, Policy, Scope, Unknown
from tenants.queries import policy_in_force
from tenants.roles import Role
from tenants.services import change_policy, policy_digest
from tests.builders import make_email, make_phone, make_user
from tests.captcha import solved

POLICY = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset({Method.EMAIL, Method.MOBILE_TEXT}),
    banned_words=frozenset(f"banned{number:04d}" for number in range(1_000)),
)


def identify(upn):
    client = Client()
    client.post("/passwordreset", solved({"username": upn}))
    return client


@pytest.fixture
def contoso_policy():
    return POLICY


@pytest.fixture
def user(user):
    """With a phone too."""
    make_phone(user)
    return user


def test_a_hundred_attempts_store_the_policy_once(user):
    stored = PolicyVersion.objects.count()
    for number in range(20):
        identify(f"nobody{number}@contoso.example")
        identify(user.upn)

    assert ResetAttempt.objects.count() == 40
    assert PolicyVersion.objects.count() == stored


def test_the_stricter_of_the_start_and_now_counts(user):
    change_policy(replace(POLICY, methods_required=2))
    client = identify(user.upn)
    change_policy(POLICY)

    assert "Step 2 of 4" in client.get("/passwordreset/verify").text
    assert "Step 2 of 3" in identify(user.upn).get("/passwordreset/verify").text


def test_what_every_user_is_shown_stays_as_it_was_at_the_start(user):
    change_policy(replace(POLICY, unknown_users=Unknown.DECOY))
    client = identify("nobody@contoso.example")
    change_policy(POLICY)

    assert client.get("/passwordreset/choose").status_code == 200


def test_the_first_reset_of_an_administrator_costs_what_any_first_one_does(user):
    admin = make_user("admin@contoso.example", role=Role.TENANT_ADMIN)
    make_email(admin, "admin.home@mail.example")
    make_phone(admin, "010-2222-3333")
    asked = []
    for one in (user, user, admin):
        ResetAttempt.objects.all().delete()
        PolicyVersion.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            identify(one.upn)
        asked.append([query["sql"].split()[0] for query in queries])

    assert asked[1] == asked[2]


def test_versions_go_when_no_attempt_began_under_them(user):
    identify(user.upn)
    first = policy_digest(policy_in_force())
    change_policy(replace(POLICY, password_min_length=20))
    identify(user.upn)
    second = policy_digest(policy_in_force())

    kept = []
    for days in (2, 89, 100):
        with time_machine.travel(timezone.now() + timedelta(days=days)):
            purge()
            kept.append(set(PolicyVersion.objects.values_list("digest", flat=True)))

    assert {first, second} <= kept[0]
    assert first not in kept[2]
    assert second in kept[2]
