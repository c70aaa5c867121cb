"""A hardware token in its user's hands: activated, used at reset and sign-in, taken away."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import hotp

from reset.models import PassedGate
from tenants.policy import Factor, Method, Policy, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import make_email, of_kind, signed_in
from tests.captcha import solved
from tests.console.people import make_admin
from verification.services import oath_tokens
from verification.services.oath_tokens import NewToken
from verification.services.second_factor import remove_second_factor

SEED = b"12345678901234567890"
PAGE = "/ssprsetup/token"
WITH_TOKEN = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset({Method.OATH_TOKEN, Method.EMAIL}),
    sign_in_methods=frozenset({Method.OATH_TOKEN}),
)
NEW = "correct horse battery staple"


@pytest.fixture
def contoso_policy():
    return WITH_TOKEN


def code(counter):
    return f"{hotp(SEED, counter):06d}"


def assign(user, serial="1001"):
    oath_tokens.assign(
        [
            NewToken(
                user_id=user.pk,
                serial=serial,
                seed=SEED,
                interval=0,
                manufacturer="Contoso",
                model="HardwareKey",
            )
        ]
    )


def activated(user):
    assign(user)
    assert oath_tokens.activate(user, code(0))


def test_an_assigned_token_is_activated_and_told_about(user, mailroom):
    assign(user)
    client = signed_in(user)
    assert "Hardware token" in client.get("/ssprsetup").text
    assert "1001" in client.get(PAGE).text

    answer = client.post(PAGE, {"code": code(3)}, follow=True)

    assert "Your hardware token is ready" in answer.text
    assert "1001 Contoso HardwareKey" in client.get("/security-info").text
    assert [mail.destination for mail in mailroom.work()] == [user.upn]


def test_a_wrong_code_activates_nothing(user):
    assign(user)

    page = signed_in(user).post(PAGE, {"code": code(500)})

    assert "This code is not correct." in page.text
    assert oath_tokens.waiting_of(user.pk)


def test_wrong_codes_are_counted(user):
    assign(user)
    client = signed_in(user)

    pages = [client.post(PAGE, {"code": code(500 + 3 * n)}).text for n in range(20)]

    assert "This code is not correct." not in pages[-1]
    assert "This code is not correct." not in client.post(PAGE, {"code": code(0)}).text
    assert oath_tokens.waiting_of(user.pk)


@pytest.mark.parametrize("assigned", [True, False])
def test_the_page_is_there_for_who_was_assigned_a_token_and_where_the_policy_has_use(
    user, assigned
):
    if assigned:
        assign(user)
        change_policy(Policy(self_service=Scope.ALL))
    client = signed_in(user)

    assert client.get(PAGE).url == "/ssprsetup"
    assert "Hardware token" not in client.get("/ssprsetup").text


def test_a_reset_is_passed_by_the_token(user):
    with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
        activated(user)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    assert "Enter a code from my hardware token" in client.get("/passwordreset/verify").text

    client.post("/passwordreset/verify", {"method": "oath_token"})
    page = client.post("/passwordreset/token", {"code": code(500)})
    assert "This code is not correct." in page.text
    assert client.post("/passwordreset/token", {"code": code(1)}).status_code == 302

    assert PassedGate.objects.get().factor == Factor.OATH_TOKEN
    client.post("/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW})
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_sign_in_asks_for_the_token(user):
    activated(user)
    change_policy(
        Policy(
            self_service=Scope.ALL,
            sign_in_methods=frozenset({Method.OATH_TOKEN}),
            sign_in_second_factor=SecondFactor.REGISTERED,
        )
    )
    client = signed_in(user)

    assert client.get("/security-info").status_code == 302
    page = client.get("/signin/second-factor/verify")
    assert "Enter the code from your hardware token" in page.text
    client.post("/signin/second-factor/verify", {"code": code(1)})
    assert client.get("/security-info").status_code == 200


def test_a_token_is_removed_by_its_user_and_its_seed_goes(user):
    make_email(user)
    activated(user)
    (row,) = of_kind(Factor.OATH_TOKEN)
    client = signed_in(user)
    client.post("/security-info/proof", {"method": "oath_token"})
    client.post("/security-info/proof/verify", {"code": code(1)})

    client.post(f"/security-info/remove/{row.pk}")

    (row,) = of_kind(Factor.OATH_TOKEN)
    assert row.removed_at
    assert not bytes(row.data)
    assert not oath_tokens.is_right(user.pk, code(2))
    assert not oath_tokens.serials_in_use(["1001"])


def test_korean_pages_speak_of_the_token(user):
    assign(user)
    client = signed_in(user)
    client.cookies["sspr_language"] = "ko"

    assert "하드웨어 토큰" in client.get(PAGE, headers={"accept-language": "ko"}).text


def test_a_token_that_is_removed_with_the_second_factor_signs_nobody_in(user, mailroom):
    activated(user)

    remove_second_factor(user, actor_id=user.pk)

    assert not oath_tokens.is_right(user.pk, code(1), knows_password=True)
    assert not oath_tokens.serials_in_use(["1001"])


def test_signing_in_with_a_token_doesnt_open_the_admin(contoso):
    admin = make_admin()
    activated(admin)
    change_policy(
        Policy(
            self_service=Scope.ALL,
            sign_in_methods=frozenset({Method.OATH_TOKEN}),
            sign_in_second_factor=SecondFactor.REGISTERED,
        )
    )
    client = signed_in(admin)
    client.get("/signin/second-factor/verify")
    client.post("/signin/second-factor/verify", {"code": code(1)})

    assert client.get("/security-info").status_code == 200
    assert "/admin/second-factor" in client.get("/admin/").url


def test_a_token_waits_for_its_user_as_long_as_that_takes(user):
    with time_machine.travel(timezone.now() - timedelta(days=400), tick=False):
        assign(user)

    call_command("purge")

    assert oath_tokens.waiting_of(user.pk)


def test_after_a_restore_used_codes_of_a_button_open_nothing(user):
    activated(user)

    call_command("after_restore", "--backup-taken-at", timezone.now().isoformat())

    assert not oath_tokens.is_right(user.pk, code(1), knows_password=True)
    user.refresh_from_db()
    assert not user.oath_token_since
