from datetime import timedelta

import time_machine
from django.test import Client
from django.utils import timezone

from tenants.policy import Factor
from tests.builders import make_email, make_phone, make_user
from tests.visits import register_email, sign_in
from verification.models import Challenge, RegisteredMethod
from verification.queries import methods_by_factor, number_shown
from verification.services.calls import press
from verification.session import Session


def test_a_code_to_a_removed_method_proves_nothing(user, client, mailroom):
    make_email(user)
    make_phone(user)
    sign_in(client, user)
    client.post("/security-info/proof", {"method": "email"})
    code = mailroom.code()
    RegisteredMethod.objects.filter(kind=Factor.EMAIL).delete()
    client.post("/security-info/proof/verify", {"code": code})

    assert client.get("/ssprsetup/phone").status_code == 302


def test_a_call_to_a_removed_method_proves_nothing(user, client, mailroom):
    make_email(user)
    make_phone(user)
    sign_in(client, user)
    client.post("/security-info/proof", {"method": "mobile_call"})
    challenge = Challenge.objects.get()
    press(challenge.pk, number_shown(challenge))
    RegisteredMethod.objects.filter(kind=Factor.MOBILE_PHONE).delete()
    client.post("/security-info/proof/verify")

    assert client.get("/ssprsetup/phone").status_code == 302


def test_no_second_code_goes_to_a_method_that_was_removed(user, client, mailroom):
    make_email(user)
    make_phone(user)
    with time_machine.travel(timezone.now(), tick=False) as now:
        sign_in(client, user)
        client.post("/security-info/proof", {"method": "email"})
        mailroom.work()
        RegisteredMethod.objects.filter(kind=Factor.EMAIL).delete()
        now.shift(timedelta(minutes=2))
        page = client.post("/security-info/resend/prove")

    assert page.url == "/security-info/proof"
    assert mailroom.work() == []


def test_a_registered_address_gets_no_second_code(user, me, mailroom):
    register_email(me, mailroom)
    mailroom.work()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        me.post("/security-info/resend/register")

    assert mailroom.work() == []


def test_who_has_nothing_to_prove_with_is_not_asked(me):
    assert me.get("/security-info/proof").url == "/security-info"


def test_a_proof_is_a_use_of_the_method(user, client, mailroom):
    make_email(user)
    sign_in(client, user)
    before = client.get("/security-info").content
    client.post("/security-info/proof", {"method": "email"})
    client.post("/security-info/proof/verify", {"code": mailroom.code()})
    after = client.get("/security-info").content

    assert b"Not used yet" in before
    assert b"Not used yet" not in after


def test_ten_wrong_codes_pause_proving(user, client, mailroom):
    make_email(user)
    with time_machine.travel(timezone.now(), tick=False) as now:
        sign_in(client, user)
        for _ in range(3):
            client.post("/security-info/proof", {"method": "email"})
            for _try in range(5):
                page = client.post("/security-info/proof/verify", {"code": "00000000"}, follow=True)
            now.shift(timedelta(minutes=2))
        client.post("/security-info/proof", {"method": "email"})
        late = client.post("/security-info/proof/verify", {"code": mailroom.code()}, follow=True)

    assert b"Paused until" in page.content
    assert b"Paused until" in late.content
    assert client.get("/ssprsetup/phone").status_code == 302


def test_a_challenge_of_somebody_else_is_no_good_even_in_the_same_session(user, client, mailroom):
    other = make_user("other@contoso.example")
    sign_in(client, user)
    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    code, context = mailroom.code(), Session(client.session).context_id
    thief = Client()
    sign_in(thief, other)
    session = Session(thief.session)
    session.context_id = context
    session.save()
    thief.post("/ssprsetup/verify", {"code": code})

    assert methods_by_factor(other.pk) == {}
