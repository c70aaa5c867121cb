"""An authenticator app as a way back: paired, used at reset, taken away."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from reset.models import PassedGate
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.builders import make_email, make_phone, make_user, of_kind, signed_in
from tests.captcha import solved
from tests.console.people import code_now, code_shown, seed_shown, with_app, wrong_code
from verification.services.removal import remove

WITH_APP = Policy(
    self_service=Scope.ALL, reset_methods=frozenset({Method.AUTHENTICATOR, Method.EMAIL})
)
NEW = "correct horse battery staple"


@pytest.fixture
def contoso_policy():
    return WITH_APP


def at_the_app(user) -> Client:
    """In front of the field for the app's code, in a reset."""
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "authenticator"})
    return client


def test_an_app_is_paired_and_told_about(user, mailroom):
    client = signed_in(user)
    page = client.get("/ssprsetup/app")

    answer = client.post("/ssprsetup/app", {"code": code_shown(page), "name": "work phone"})

    assert answer.status_code == 302
    assert "work phone" in client.get("/security-info").text
    assert [mail.destination for mail in mailroom.work()] == [user.upn]


def test_wrong_first_code_pairs_nothing_and_keeps_the_same_key(user):
    client = signed_in(user)
    before = seed_shown(client.get("/ssprsetup/app"))

    page = client.post("/ssprsetup/app", {"code": wrong_code(before)})

    assert "This code is not correct" in page.text
    assert seed_shown(page) == before
    assert not of_kind(Factor.AUTHENTICATOR).exclude(verified_at=None).exists()


def test_app_isnt_offered_where_the_policy_has_no_use_for_it(user):
    change_policy(Policy(self_service=Scope.ALL))

    assert signed_in(user).get("/ssprsetup/app").url == "/ssprsetup"


def test_sixth_app_is_refused_with_the_reason(user):
    for _ in range(5):
        with_app(user)
    client = signed_in(user)
    client.post("/security-info/proof", {"method": "authenticator"})
    client.post("/security-info/proof/verify", {"code": code_now()})

    page = client.get("/ssprsetup/app", follow=True)

    assert "You can register up to 5 apps" in page.text


def test_who_has_an_app_proves_it_before_anything_is_changed(user):
    with_app(user)
    client = signed_in(user)
    assert client.get("/ssprsetup/email").url == "/security-info/proof"

    client.post("/security-info/proof", {"method": "authenticator"})
    wrong = client.post("/security-info/proof/verify", {"code": wrong_code()})
    right = client.post("/security-info/proof/verify", {"code": code_now()})

    assert wrong.status_code == 200
    assert right.url == "/ssprsetup/email"
    assert client.get("/ssprsetup/email").status_code == 200


def test_the_app_resets_a_password(user):
    with_app(user)
    client = at_the_app(user)
    page = client.post("/passwordreset/app", {"code": code_now()}, follow=True)
    assert page.request["PATH_INFO"] == "/passwordreset/new-password"

    client.post("/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW})

    again = Client().post("/signin", {"username": user.upn, "password": NEW})
    assert again.status_code == 302


def test_a_code_seen_once_opens_no_second_reset(user):
    with_app(user)
    code = code_now()
    first, second = at_the_app(user), at_the_app(user)

    assert first.post("/passwordreset/app", {"code": code}).status_code == 302
    assert second.post("/passwordreset/app", {"code": code}).status_code == 200
    assert PassedGate.objects.count() == 1


def test_fifth_wrong_code_ends_the_challenge_and_the_right_one_comes_too_late(user):
    with_app(user)
    client = at_the_app(user)
    for _ in range(5):
        client.post("/passwordreset/app", {"code": wrong_code()})

    page = client.post("/passwordreset/app", {"code": code_now()})

    assert "Too many attempts" in page.text
    assert not PassedGate.objects.exists()


def test_code_of_the_step_before_still_counts_and_older_ones_dont(user):
    with_app(user)
    with time_machine.travel(timezone.now(), tick=False) as now:
        code = code_now()
        now.shift(timedelta(seconds=30))
        client = at_the_app(user)
        first = client.post("/passwordreset/app", {"code": code})
        now.shift(timedelta(seconds=90))
        while (old := code_now(steps=-3)) in {code_now(steps=step) for step in (-2, -1, 0, 1)}:
            now.shift(timedelta(seconds=30))
        late = at_the_app(user).post("/passwordreset/app", {"code": old})

    assert first.status_code == 302
    assert late.status_code == 200


def test_what_an_app_proved_dies_with_it_even_if_another_is_left(user):
    lost = with_app(user)
    client = at_the_app(user)
    client.post("/passwordreset/app", {"code": code_now()})
    with_app(user)
    remove(user.pk, Q(pk=lost.pk))

    assert client.get("/passwordreset/new-password").url == "/passwordreset/verify"


def test_only_this_app_is_taken_away(user, mailroom):
    kept, lost = with_app(user), with_app(user)
    client = signed_in(user)
    client.post("/security-info/proof", {"method": "authenticator"})
    client.post("/security-info/proof/verify", {"code": code_now()})

    client.post(f"/security-info/remove/{lost.pk}")

    lost.refresh_from_db()
    kept.refresh_from_db()
    assert bytes(lost.data) == b""
    assert kept.removed_at is None
    assert mailroom.work()


def test_somebody_elses_app_cant_be_taken_away(user):
    theirs = with_app(make_user("other@contoso.example"))
    make_email(user)
    client = signed_in(user)

    client.post(f"/security-info/remove/{theirs.pk}")

    theirs.refresh_from_db()
    assert theirs.removed_at is None


def test_app_and_phone_are_two_gates(user):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            methods_required=2,
            reset_methods=frozenset({Method.AUTHENTICATOR, Method.MOBILE_TEXT}),
        )
    )
    with_app(user)
    make_phone(user)
    client = at_the_app(user)
    client.post("/passwordreset/app", {"code": code_now()})

    page = client.get("/passwordreset/verify")

    assert "mobile_text" in page.text
    assert "authenticator" not in page.text
