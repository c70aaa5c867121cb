"""A passkey as a gate of a reset: no code travels, and nothing that was relayed is right."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from registration.services import manage
from reset.models import PassedGate, ResetAttempt
from reset.queries.eligibility import eligibility_of, is_capable
from tenants.policy import Factor, Method, Policy, Scope
from tenants.queries import policy_in_force
from tenants.services import change_policy
from tests.builders import (
    lookup_of,
    make_email,
    make_passkey,
    make_recovery_codes,
    make_user,
    of_kind,
)
from tests.captcha import solved
from tests.soft_authenticator import SoftAuthenticator, options_on

NEW = "correct horse battery staple"
PAGE = "/passwordreset/passkey"


def policy(**more):
    chosen = frozenset({Method.PASSKEY, Method.EMAIL})
    change_policy(Policy(self_service=Scope.ALL, reset_methods=chosen, **more))


@pytest.fixture
def user(contoso, mailroom):
    policy()
    return make_user()


def at_the_gate(user) -> Client:
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "passkey"})
    return client


def give(client, device, **lies):
    signed = device.sign(options_on(client.get(PAGE)), **lies)
    return client.post(PAGE, {"credential": signed}, follow=True)


def new_password(client):
    return client.post(
        "/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW}
    )


def test_a_password_is_reset_with_a_passkey_alone(user, mailroom):
    device = make_passkey(user, SoftAuthenticator())
    client = at_the_gate(user)

    gate = give(client, device)
    new_password(client)

    user.refresh_from_db()
    assert gate.redirect_chain[-1][0] == "/passwordreset/new-password"
    assert user.check_password(NEW)
    assert PassedGate.objects.get().method == Method.PASSKEY
    assert "Verified with: Passkey" in mailroom.work()[0].text


def test_only_the_passkey_that_signed_was_used(user):
    device, other = make_passkey(user, SoftAuthenticator()), make_passkey(user, SoftAuthenticator())

    give(at_the_gate(user), device)

    assert of_kind(Factor.PASSKEY).get(lookup=lookup_of(device)).last_used_at
    assert of_kind(Factor.PASSKEY).get(lookup=lookup_of(other)).last_used_at is None


def test_it_is_offered_first(user):
    make_email(user)
    make_passkey(user, SoftAuthenticator())
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))

    page = client.get("/passwordreset/verify").text

    assert page.index('value="passkey"') < page.index('value="email"')


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://passwordreset.evil.example"},
        {"rp_id": "evil.example"},
        {"verified": False},
        {"challenge": "A" * 43},
    ],
    ids=["another site", "for another host", "without a finger", "another challenge"],
)
def test_what_wasnt_signed_for_this_attempt_opens_nothing(user, lies):
    device = make_passkey(user, SoftAuthenticator())
    client = at_the_gate(user)

    answer = give(client, device, **lies)

    assert "This passkey didn’t work" in answer.text
    assert not PassedGate.objects.exists()
    assert Event.objects.filter(activity=Activity.RESET_PROGRESS, outcome="failure").exists()


def test_a_signature_for_another_attempt_opens_nothing(user):
    device = make_passkey(user, SoftAuthenticator())
    one, other = at_the_gate(user), at_the_gate(user)
    signed = device.sign(options_on(one.get(PAGE)))
    other.get(PAGE)

    other.post(PAGE, {"credential": signed})

    assert not PassedGate.objects.exists()


def test_a_colleagues_passkey_opens_nothing(user):
    make_passkey(user, SoftAuthenticator())
    theirs = make_passkey(make_user("other@contoso.example"), SoftAuthenticator())

    give(at_the_gate(user), theirs)

    assert not PassedGate.objects.exists()


def test_one_that_was_taken_away_after_the_gate_opens_nothing_further(user):
    make_email(user)
    device = make_passkey(user, SoftAuthenticator())
    client = at_the_gate(user)
    give(client, device)
    manage.remove(user, Factor.PASSKEY, of_kind(Factor.PASSKEY).get().pk)

    new_password(client)

    user.refresh_from_db()
    assert not user.check_password(NEW)


def test_two_passkeys_are_one_gate(user):
    policy(methods_required=2)
    make_passkey(user, SoftAuthenticator())
    device = make_passkey(user, SoftAuthenticator())
    assert not could(user)
    make_email(user)
    assert could(user)
    client = at_the_gate(user)

    gate = give(client, device)

    assert gate.redirect_chain[-1][0] == "/passwordreset/verify"
    assert 'value="passkey"' not in gate.text


def could(user):
    among = User.objects.filter(is_capable(policy_in_force()), pk=user.pk).exists()
    assert among == (eligibility_of(user).refusal is None)
    return among


def test_a_new_one_waits_beside_something_older(user):
    policy(new_proof_hours=24)
    with time_machine.travel(timezone.now() - timedelta(days=30)):
        make_email(user)
    make_passkey(user, SoftAuthenticator())

    client = at_the_gate(user)

    assert 'value="passkey"' not in client.get("/passwordreset/verify").text
    assert Factor.PASSKEY in eligibility_of(user).waiting


def test_the_page_belongs_to_its_turn(user):
    make_email(user)
    make_passkey(user, SoftAuthenticator())
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))

    assert client.get(PAGE)["Location"] == "/passwordreset/verify"
    assert Client().get(PAGE)["Location"] == "/passwordreset/ended"


def test_many_wrong_ones_dont_block_the_attempt(user):
    device = make_passkey(user, SoftAuthenticator())
    for _ in range(3):
        client = at_the_gate(user)
        for _try in range(5):
            give(client, device, verified=False)

    client = at_the_gate(user)

    assert give(client, device).redirect_chain[-1][0] == "/passwordreset/new-password"
    assert not ResetAttempt.objects.exclude(refused="").exists()


def test_beside_a_passkey_recovery_codes_may_stand(user):
    make_passkey(user, SoftAuthenticator())
    make_recovery_codes(user)

    manage.remove(user, Factor.PASSKEY, of_kind(Factor.PASSKEY).get().pk)

    assert not user.methods.filter(kind=Factor.RECOVERY_CODE).exists()


def test_a_passkey_that_was_taken_away_takes_along_what_it_proved(user):
    policy(new_proof_hours=0)
    lost = make_passkey(user, SoftAuthenticator())
    make_passkey(user, SoftAuthenticator())
    client = at_the_gate(user)
    give(client, lost)
    assert client.get("/passwordreset/new-password").status_code == 200

    taken = of_kind(Factor.PASSKEY).filter(lookup=lookup_of(lost))
    assert taken.update(removed_at=timezone.now()) == 1

    assert client.get("/passwordreset/new-password").status_code == 302
