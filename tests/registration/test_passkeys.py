"""Passkeys as people meet them: made, named, used for a fresh proof and at sign-in, taken away."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor
from isolation.scope import in_tenant
from tenants.policy import Factor, Method, Policy, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import (
    PASSWORD,
    lookup_of,
    make_email,
    make_passkey,
    make_user,
    of_kind,
    signed_in,
)
from tests.soft_authenticator import SoftAuthenticator, challenge_of, options_on
from tests.threads import all_at_once
from verification.models import Challenge, RegisteredMethod
from verification.queries import methods_of_kind
from verification.rules.passkeys import MOST, MOST_ANSWER, Site, can_be_made_for
from verification.services import passkeys
from verification.services.guesses import throttle_of
from verification.services.second_factor import remove_second_factor

PAGE, PROOF, VERIFY = "/ssprsetup/passkey", "/security-info/proof", "/security-info/proof/verify"
SIGN_IN_VERIFY = "/signin/second-factor/verify"
WITH_PASSKEYS = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset({Method.PASSKEY, Method.EMAIL}),
    require_registration=False,
)


@pytest.fixture
def contoso_policy():
    return WITH_PASSKEYS


def add(client, device, *, name="", **lies):
    options = options_on(client.get(PAGE))
    made = device.create(options, **lies)
    return client.post(PAGE, {"credential": made, "name": name}, follow=True)


def at_the_proof(user, client=None):
    """In front of the page that asks for the passkey before anything is changed."""
    client = client or signed_in(user)
    client.post(PROOF, {"method": "passkey"})
    return client


def prove(client, device, path=VERIFY, **lies):
    signed = device.sign(options_on(client.get(path)), **lies)
    return client.post(path, {"credential": signed})


def test_a_passkey_is_made_named_and_told(user, mailroom):
    client = signed_in(user)

    answer = add(client, SoftAuthenticator(), name="work laptop")

    assert "Your passkey is ready" in answer.text
    assert "work laptop" in client.get("/security-info").text
    assert [mail.destination for mail in mailroom.work()] == [user.upn]
    assert Event.objects.get(activity=Activity.METHOD_REGISTERED).details["method"] == "passkey"


def test_opening_the_page_again_asks_for_the_same_passkey(user):
    client = signed_in(user)

    first, again = options_on(client.get(PAGE)), options_on(client.get(PAGE))

    assert first == again
    assert len(challenge_of(first)) == 32
    assert Challenge.objects.count() == 1


def test_the_authenticator_is_told_nothing_that_names_the_user(user):
    asked = json.loads(options_on(signed_in(user).get(PAGE)))

    assert user.upn not in asked["user"]["id"]
    assert asked["rp"]["id"] == "testserver"
    assert asked["attestation"] == "none"
    assert asked["authenticatorSelection"]["userVerification"] == "required"


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://testserver.evil.example"},
        {"origin": "https://testserver"},
        {"rp_id": "evil.example"},
        {"verified": False},
        {"kind": "webauthn.get"},
    ],
    ids=["another site", "another scheme", "for another host", "without a finger", "signed"],
)
def test_what_wasnt_made_for_this_page_isnt_kept(user, lies):
    answer = add(signed_in(user), SoftAuthenticator(), **lies)

    assert "This passkey didn’t work" in answer.text
    assert not of_kind(Factor.PASSKEY).exists()


def test_one_that_was_made_for_another_session_isnt_kept(user):
    mine, theirs = signed_in(user), signed_in(make_user("other@contoso.example"))
    made = SoftAuthenticator().create(options_on(theirs.get(PAGE)))
    mine.get(PAGE)

    answer = mine.post(PAGE, {"credential": made})

    assert "This passkey didn’t work" in answer.text
    assert not of_kind(Factor.PASSKEY).exists()


def test_the_same_answer_is_good_for_once(user):
    client, device = signed_in(user), SoftAuthenticator()
    made = device.create(options_on(client.get(PAGE)))

    client.post(PAGE, {"credential": made})
    client.post(PAGE, {"credential": made})

    assert of_kind(Factor.PASSKEY).count() == 1


def test_the_passkey_of_a_colleague_isnt_taken_over(user):
    device = SoftAuthenticator()
    make_passkey(make_user("other@contoso.example"), device)

    answer = add(signed_in(user), device)

    assert "This passkey didn’t work" in answer.text
    assert not methods_of_kind(user.pk, Factor.PASSKEY).exists()


def test_another_organisation_may_know_the_same_passkey(user, hanbit):
    device = SoftAuthenticator()
    with in_tenant(hanbit.pk):
        make_passkey(make_user("kim@hanbit.example"), device)

    add(signed_in(user), device)

    assert methods_of_kind(user.pk, Factor.PASSKEY).count() == 1


def test_there_are_no_more_than_ten(user):
    for _ in range(MOST - 1):
        make_passkey(user, SoftAuthenticator())
    device = make_passkey(user, SoftAuthenticator())
    client = at_the_proof(user)
    prove(client, device)

    answer = client.get(PAGE, follow=True)

    assert "You can register up to 10 passkeys" in answer.text


@pytest.mark.django_db(transaction=True)
def test_two_sessions_that_add_the_last_one_add_one(user):
    for _ in range(MOST - 2):
        make_passkey(user, SoftAuthenticator())
    device = make_passkey(user, SoftAuthenticator())
    clients = [at_the_proof(user) for _ in range(2)]
    for client in clients:
        prove(client, device)
    made = [SoftAuthenticator().create(options_on(client.get(PAGE))) for client in clients]

    answers = iter(zip(clients, made, strict=True))

    def give():
        client, one = next(answers)
        return client.post(PAGE, {"credential": one})

    all_at_once(2, give)

    assert methods_of_kind(user.pk, Factor.PASSKEY).count() == MOST


def test_without_a_script_it_is_said_what_is_missing(user):
    client = signed_in(user)

    answer = client.post(PAGE, {"credential": ""})

    assert "Passkeys need scripts to be turned on" in answer.text


@pytest.mark.parametrize("long", ["x" * MOST_ANSWER, "[" * MOST_ANSWER, "x" * (MOST_ANSWER + 1)])
def test_what_no_browser_answers_is_wrong_and_nothing_else(user, long):
    client = signed_in(user)
    client.get(PAGE)

    assert "This passkey didn’t work" in client.post(PAGE, {"credential": long}).text


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_mutilated_answer_is_right_or_breaks_anything(data):
    device = SoftAuthenticator()
    options = json.dumps({"challenge": "A" * 43, "rp": {"id": "testserver"}, "rpId": "testserver"})
    answer = json.loads(data.draw(st.sampled_from([device.create, device.sign]))(options))
    values = st.none() | st.integers() | st.text(max_size=40) | st.lists(st.integers(), max_size=2)
    place = data.draw(st.sampled_from(["id", "rawId", "type", "response", *answer["response"]]))
    (answer["response"] if place in answer["response"] else answer)[place] = data.draw(values)
    challenge = Challenge(tenant_id=1)

    with in_tenant(1):
        found = passkeys.made(None, challenge, json.dumps(answer), Site("http://testserver"))

    assert found is None


def test_who_has_one_proves_it_before_anything_is_changed(user):
    device = make_passkey(user, SoftAuthenticator())
    client = signed_in(user)
    assert client.get(PAGE)["Location"] == PROOF

    answer = prove(at_the_proof(user, client), device)

    assert answer.status_code == 302
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://testserver.evil.example"},
        {"rp_id": "evil.example"},
        {"verified": False},
        {"kind": "webauthn.create"},
        {"challenge": "A" * 43},
    ],
    ids=["another site", "for another host", "without a finger", "made", "another challenge"],
)
def test_what_wasnt_signed_for_this_page_proves_nothing(user, lies):
    device = make_passkey(user, SoftAuthenticator())
    client = at_the_proof(user)

    answer = prove(client, device, **lies)

    assert "This passkey didn’t work" in answer.text
    assert client.get(PAGE)["Location"] == PROOF


def test_a_strangers_passkey_proves_nothing(user):
    make_passkey(user, SoftAuthenticator())
    other = make_passkey(make_user("other@contoso.example"), SoftAuthenticator())

    answer = prove(at_the_proof(user), other)

    assert "This passkey didn’t work" in answer.text


def test_a_signature_is_good_for_one_challenge(user):
    device = make_passkey(user, SoftAuthenticator(counts=False))
    client = at_the_proof(user)
    signed = device.sign(options_on(client.get(VERIFY)))
    client.post(VERIFY, {"credential": signed})

    later = at_the_proof(user)

    assert "This passkey didn’t work" in later.post(VERIFY, {"credential": signed}).text


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_with_one_signature_one_is_right(user):
    device = make_passkey(user, SoftAuthenticator(counts=False))
    client = at_the_proof(user)
    signed = device.sign(options_on(client.get(VERIFY)))
    cookies = client.cookies

    def give():
        another = Client()
        another.cookies = cookies
        return another.post(VERIFY, {"credential": signed})

    answers = all_at_once(2, give)

    proved = Event.objects.filter(activity=Activity.IDENTITY_PROVED, outcome="success")
    assert len(answers) == 2
    assert proved.count() == 1


def test_a_copied_key_whose_counter_stands_still_is_refused(user):
    device = make_passkey(user, SoftAuthenticator())
    prove(at_the_proof(user), device)
    device.count -= 1

    answer = prove(at_the_proof(user), device)

    assert "This passkey didn’t work" in answer.text


def test_wrong_signatures_use_the_challenge_up_but_pause_nobody(user):
    device = make_passkey(user, SoftAuthenticator(counts=False))
    client = at_the_proof(user)
    options = options_on(client.get(VERIFY))
    for _ in range(5):
        client.post(VERIFY, {"credential": device.sign(options, verified=False)})

    answer = client.post(VERIFY, {"credential": device.sign(options)})

    assert "Too many attempts" in answer.text
    assert throttle_of(user.pk) is None
    assert prove(at_the_proof(user), device).status_code == 302


def test_a_page_that_was_open_for_too_long_proves_nothing(user):
    device = make_passkey(user, SoftAuthenticator())
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = at_the_proof(user)
        options = options_on(client.get(VERIFY))
        clock.shift(timedelta(minutes=14, seconds=59))
        assert client.get(VERIFY).status_code == 200
        Challenge.objects.update(expires_at=timezone.now())

        answer = client.post(VERIFY, {"credential": device.sign(options)})

    assert "open for too long" in answer.text


def test_on_another_host_it_is_said_where_the_passkeys_work(user):
    make_passkey(user, SoftAuthenticator(), rp_id="id.contoso.example")

    page = at_the_proof(user).get(VERIFY)

    assert "Your passkeys work at id.contoso.example" in page.text
    assert json.loads(options_on(page)).get("allowCredentials", []) == []


def test_it_passes_the_second_factor_and_is_asked_for_at_once(user):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            require_registration=False,
            sign_in_second_factor=SecondFactor.REGISTERED,
            sign_in_methods=frozenset({Method.PASSKEY}),
        )
    )
    device = make_passkey(user, SoftAuthenticator())
    client = Client()

    answer = client.post("/signin", {"username": user.upn, "password": PASSWORD})
    assert answer["Location"] == SIGN_IN_VERIFY
    assert client.get("/security-info").status_code == 302
    prove(client, device, SIGN_IN_VERIFY)

    assert client.get("/security-info").status_code == 200


def test_a_removed_one_proves_nothing_any_more(user, mailroom):
    make_email(user)
    gone, kept = (make_passkey(user, SoftAuthenticator()) for _ in range(2))
    client = at_the_proof(user)
    prove(client, kept)
    key = methods_of_kind(user.pk, Factor.PASSKEY).get(lookup=lookup_of(gone))

    page = client.get(f"/security-info/remove/{key.pk}")
    client.post(f"/security-info/remove/{key.pk}")

    assert "Passkey" in page.text
    assert "This passkey didn’t work" in prove(at_the_proof(user), gone).text
    assert "minji.home@mail.example" in {mail.destination for mail in mailroom.work()}
    assert RegisteredMethod.objects.get(pk=key.pk).details == {}


def test_nobody_removes_a_colleagues(user):
    make_passkey(make_user("other@contoso.example"), SoftAuthenticator())
    device = make_passkey(user, SoftAuthenticator())
    client = at_the_proof(user)
    prove(client, device)
    key = of_kind(Factor.PASSKEY).exclude(user=user).get()

    assert client.post(f"/security-info/remove/{key.pk}").status_code == 404
    assert of_kind(Factor.PASSKEY).filter(removed_at=None).count() == 2


def test_taking_the_second_factor_away_takes_passkeys_too(user):
    make_passkey(user, SoftAuthenticator())

    remove_second_factor(user, actor_id=Actor.COMMAND)

    assert not methods_of_kind(user.pk, Factor.PASSKEY).exists()


def test_where_the_service_has_no_name_none_is_offered(user):
    with override_settings(BASE_URL="http://127.0.0.1:8000"):
        client = signed_in(user)

        assert "passkey" not in client.get("/ssprsetup").text
        assert client.get(PAGE)["Location"] == "/ssprsetup"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "", "a b", "Ü.example"])
def test_hosts_that_no_browser_makes_passkeys_for(host):
    assert not can_be_made_for(host)
