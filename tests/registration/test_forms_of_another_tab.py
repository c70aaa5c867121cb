"""Two tabs of one browser while registering, proving and signing in: each form is for its page."""

import pytest
import time_machine
from django.utils import timezone

from tenants.policy import Factor, Method, Policy, Questions, Scope, SecondFactor
from tenants.services import change_policy
from tests.attacks.visitors import poll_address
from tests.builders import (
    ANSWERS,
    make_email,
    make_passkey,
    make_phone,
    make_questions,
    make_recovery_codes,
    make_user,
    signed_in,
)
from tests.console.people import code_now, with_app
from tests.forms import FIELD, reference_on
from tests.rows import everything
from tests.soft_authenticator import SoftAuthenticator, options_on
from tests.visits import sign_in
from verification.models import Challenge
from verification.queries import drawn_questions, methods_by_factor, number_shown, value_of
from verification.services.calls import press

ADDRESS = "minji.home@mail.example"
PHONE = {"phone_country": "KR", "phone": "010-1234-5678", "method": "mobile_text"}
METHODS = ["email", "mobile_text", "mobile_call", "authenticator", "passkey", "recovery_code"]
PAGES = {
    "step-up": ("/security-info/proof", "/security-info/proof/verify"),
    "sign-in": ("/signin/second-factor", "/signin/second-factor/verify"),
}


def holds_everything(user):
    make_email(user, f"{user.pk}@mail.example")
    make_phone(user, "010-1234-5678")
    make_questions(user)
    with_app(user)
    device = make_passkey(user, SoftAuthenticator())
    return device, make_recovery_codes(user)


def asks_for_everything(second_factor=SecondFactor.REGISTERED):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            questions=Questions.GATE,
            require_registration=False,
            new_proof_hours=0,
            sign_in_second_factor=second_factor,
            sign_in_methods=frozenset(Method) - {Method.ALTERNATE_TEXT, Method.ALTERNATE_CALL},
        )
    )


def right(user, method, page, held, mailroom):
    """What the user would rightly enter on the page of this method."""
    device, codes = held
    if method == "passkey":
        return {"credential": device.sign(options_on(page))}
    if method == "mobile_call":
        call = Challenge.objects.filter(user_id=user.pk).latest("created_at")
        press(call.pk, number_shown(call))
        return {}
    if method == "questions":
        drawn = drawn_questions(user.pk)
        return {f"answer_{n}": ANSWERS[qid] for n, qid in enumerate(drawn, start=1)}
    return {
        "authenticator": lambda: {"code": code_now()},
        "recovery_code": lambda: {"code": codes[0]},
    }.get(method, lambda: {"code": mailroom.code()})()


@pytest.mark.parametrize("reference", ["of another sign-in", "missing"])
@pytest.mark.parametrize("method", METHODS)
def test_the_second_factor_of_another_sign_in_changes_nothing(
    user, client, mailroom, method, reference
):
    asks_for_everything()
    other = make_user("robert@contoso.example")
    held = {one.pk: holds_everything(one) for one in (user, other)}
    choose, verify = PAGES["sign-in"]
    sign_in(client, user)
    hers = client.post(choose, {"method": method}, follow=True)
    sign_in(client, other)
    his = client.post(choose, {"method": method}, follow=True)
    assert his.request["PATH_INFO"] == verify
    fields = right(other, method, his, held[other.pk], mailroom)
    before = everything()

    sent = reference_on(hers) if reference == "of another sign-in" else ""
    answer = client.post(verify, fields | {FIELD: sent})
    chosen = client.post(choose, {"method": "email", FIELD: sent})
    resent = client.post(f"{choose}/resend", {FIELD: sent})

    assert everything() == before
    assert answer.url == chosen.url == resent.url == choose
    told = client.get(choose).text
    assert ("m•••i@c•••.example" in told) == bool(sent)
    assert client.post(verify, fields | {FIELD: reference_on(his)}).url != choose


@pytest.mark.parametrize("method", [*METHODS, "questions"])
def test_a_proof_for_another_session_changes_nothing(user, client, mailroom, method):
    asks_for_everything(SecondFactor.OFF)
    choose, verify = PAGES["step-up"]
    if method == "questions":
        held = (None, [])
        make_questions(user)
    else:
        held = holds_everything(user)
    elsewhere = signed_in(user).post(choose, {"method": method}, follow=True)
    sign_in(client, user)
    shown = client.post(choose, {"method": method}, follow=True)
    fields = right(user, method, shown, held, mailroom)
    before = everything()

    for sent in (reference_on(elsewhere), ""):
        answer = client.post(verify, fields | {FIELD: sent})
        chosen = client.post(choose, {"method": method, FIELD: sent})
        resent = client.post("/security-info/resend/prove", {FIELD: sent})
        assert answer.url == chosen.url == resent.url == choose

    assert everything() == before
    assert "no longer current" in client.get(choose).text
    passed = client.post(verify, fields | {FIELD: reference_on(shown)})
    assert passed.url == "/security-info"


def test_codes_of_two_kinds_are_each_right_in_their_own_tab(user, client, mailroom):
    sign_in(client, user)
    mail_page = client.post("/ssprsetup/email", {"email": ADDRESS}, follow=True)
    mailed = mailroom.code()
    text_page = client.post("/ssprsetup/phone", PHONE, follow=True)
    texted = mailroom.code()

    for page, code in [(mail_page, mailed), (text_page, texted)]:
        answer = client.post("/ssprsetup/verify", {"code": code, FIELD: reference_on(page)})
        assert answer.url == "/ssprsetup"

    assert set(methods_by_factor(user.pk)) == {Factor.EMAIL, Factor.MOBILE_PHONE}
    assert not Challenge.objects.filter(tries__gt=1).exists()


def test_a_code_to_another_address_asked_for_since_is_no_wrong_try(user, client, mailroom):
    sign_in(client, user)
    older = client.post("/ssprsetup/email", {"email": ADDRESS}, follow=True)
    code = mailroom.code()
    client.post("/ssprsetup/email", {"email": "another@mail.example"}, follow=True)
    before = everything()

    answer = client.post("/ssprsetup/verify", {"code": code, FIELD: reference_on(older)})

    assert everything() == before
    assert answer.url == "/ssprsetup"
    assert "because something else was requested since" in client.get("/ssprsetup").text


def test_the_newer_code_to_the_same_address_is_right_in_the_older_tab(user, client, mailroom):
    sign_in(client, user)
    older = client.post("/ssprsetup/email", {"email": ADDRESS}, follow=True)
    mailroom.code()
    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=40)):
        client.post("/security-info/resend/register", {FIELD: reference_on(older)})
        typed = {"code": mailroom.code(), FIELD: reference_on(older)}
        client.post("/ssprsetup/verify", typed)

    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == ADDRESS


def test_resend_in_a_tab_goes_where_its_page_says(user, client, mailroom):
    sign_in(client, user)
    mail_page = client.post("/ssprsetup/email", {"email": ADDRESS}, follow=True)
    client.post("/ssprsetup/phone", PHONE, follow=True)
    mailroom.work()

    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=40)):
        again = client.post(
            "/security-info/resend/register", {FIELD: reference_on(mail_page)}, follow=True
        )
        left = mailroom.work()

    assert [message.destination for message in left] == [ADDRESS]
    assert "we emailed you" in again.text


def test_a_form_without_a_reference_registers_nothing(user, client, mailroom):
    sign_in(client, user)
    client.post("/ssprsetup/email", {"email": ADDRESS}, follow=True)
    code = mailroom.code()
    before = everything()

    answer = client.post("/ssprsetup/verify", {"code": code, FIELD: ""})
    resent = client.post("/security-info/resend/register", {FIELD: ""})

    assert answer.url == resent.url == "/ssprsetup"
    assert everything() == before


def test_what_another_tab_registered_already_leads_on(user, client, mailroom):
    sign_in(client, user)
    page = client.post("/ssprsetup/email", {"email": ADDRESS}, follow=True)
    typed = {"code": mailroom.code(), FIELD: reference_on(page)}
    client.post("/ssprsetup/verify", typed)
    client.get("/ssprsetup")

    again = client.post("/ssprsetup/verify", typed, follow=True)

    assert again.request["PATH_INFO"] == "/ssprsetup"
    assert "no longer current" not in again.text
    assert Factor.EMAIL in methods_by_factor(user.pk)


def test_a_page_asks_about_its_own_call_alone(user, client):
    sign_in(client, user)
    first = client.post("/ssprsetup/phone", PHONE | {"method": "mobile_call"}, follow=True)
    own = client.get(poll_address(first)).json()
    elsewhere = signed_in(user).get(poll_address(first)).json()

    assert own["state"] == "queued"
    assert elsewhere == {"state": "", "text": "This page is no longer current.", "done": False}
