"""What people read about their own account: in plain words, and nothing from inside."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor, record
from isolation.scope import in_tenant
from limits.rules import masked_network
from tenants.policy import Policy, Scope
from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.captcha import solved
from tests.console.people import behind_both, make_admin


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, require_registration=False)


def listed(client):
    return [(one.what, one.place) for one in client.get("/security-info").context["events"]]


def test_people_see_what_happened_and_about_where(user):
    make_email(user)
    Client(REMOTE_ADDR="203.0.113.77").post("/passwordreset", solved({"username": user.upn}))
    wrong = {"username": user.upn, "password": "wrong"}
    Client(REMOTE_ADDR="198.51.100.9").post("/signin", wrong)
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post("/signin", {"username": user.upn, "password": PASSWORD})

    assert listed(client) == [
        ("You signed in", "192.0.2.…"),
        ("A sign-in with a wrong password", "198.51.100.…"),
        ("A password reset was started", "203.0.113.…"),
    ]


def test_no_full_address_is_written_down(user):
    Client(REMOTE_ADDR="203.0.113.77").post("/passwordreset", solved({"username": user.upn}))

    assert "113.77" not in str(list(Event.objects.values()))


@pytest.mark.parametrize(
    ("network", "shown"),
    [
        ("203.0.113.77", "203.0.113.…"),
        ("2001:db8:0:5::/64", "2001:db8:0:…"),
        ("unknown", ""),
    ],
)
def test_a_place_is_a_network_in_part(network, shown):
    assert masked_network(network) == shown


def test_what_an_administrator_did_is_told_without_where_and_who_and_why(user):
    desk = make_admin()
    client = behind_both(desk)
    client.post(f"/admin/people/{user.pk}/do/sign-out/", {"note": "ticket 99"})

    page = signed_in(user).get("/security-info").text

    assert "An administrator signed you out everywhere" in page
    assert "ticket 99" not in page
    assert desk.upn not in page


def test_nothing_from_inside_is_told(user):
    record(
        Activity.RESET_PROGRESS, subject_id=user.pk, reason="code_wrong", actor_id=Actor.ANONYMOUS
    )
    record(Activity.CODE_SENT, subject_id=user.pk, actor_id=user.pk)

    assert listed(signed_in(user)) == [("You signed in", "127.0.0.…")]


def test_only_the_last_ten_of_the_last_ninety_days_are_told(user):
    for _ in range(12):
        record(Activity.METHOD_CHANGED, subject_id=user.pk, method="email", actor_id=user.pk)
    client = signed_in(user)
    assert len(listed(client)) == 10

    with time_machine.travel(timezone.now() + timedelta(days=91), tick=False):
        assert [what for what, _ in listed(signed_in(user))] == ["You signed in"]


def test_nobody_reads_of_anybody_else(user, hanbit):
    record(
        Activity.METHOD_CHANGED,
        subject_id=make_user("b@contoso.example").pk,
        method="email",
        actor_id=Actor.SERVICE,
    )
    with in_tenant(hanbit.pk):
        record(Activity.METHOD_CHANGED, subject_id=user.pk, method="email", actor_id=user.pk)

    assert listed(signed_in(user)) == [("You signed in", "127.0.0.…")]
