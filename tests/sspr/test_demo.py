"""The demo's page in place of a phone network."""

import mailbox

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from delivery.channels import channel
from delivery.models import DemoMessage
from tenants.policy import CallConfirmation, Policy, Scope
from tenants.services import change_policy
from tests.builders import make_email, make_phone, make_user
from tests.captcha import solved


@pytest.fixture
def demo(contoso, mailroom, monkeypatch):
    """Texts and calls go where the demo sends them; mail stays with the mailroom."""
    monkeypatch.setattr(
        "delivery.services.outbox.channel",
        lambda kind: mailroom if kind == "email" else channel(kind),
    )
    user = make_user()
    make_email(user)
    make_phone(user)
    return mailroom


def begin(client, method):
    client.post("/passwordreset", solved({"username": "minji@contoso.example"}))
    return client.post("/passwordreset/verify", {"method": method}, follow=True)


def test_a_text_is_shown_on_the_outbox_page(demo, client):
    begin(client, "mobile_text")
    demo.work()

    shown = Client().get("/demo/outbox").content.decode()

    assert "+821012345678" in shown
    assert "@localhost #" in shown


def test_a_call_is_answered_on_the_outbox_page(demo, client):
    page = begin(client, "mobile_call")
    demo.work()
    number = page.context["number"]
    call = DemoMessage.unscoped.get()
    Client().post(f"/demo/outbox/{call.pk}/answer", {"digits": number})

    assert (
        client.post("/passwordreset/call", follow=True)
        .request["PATH_INFO"]
        .endswith("/new-password")
    )


@pytest.mark.parametrize("how", [CallConfirmation.POUND, CallConfirmation.SPOKEN_CODE])
def test_calls_of_every_kind_are_answered_on_the_outbox_page(demo, client, how):
    change_policy(Policy(self_service=Scope.ALL, call_confirmation=how))
    page = begin(client, "mobile_call")
    demo.work()
    call = DemoMessage.unscoped.get()
    keys, path = {"pound": ("#", "call"), "spoken_code": ("1", "code")}[how.value]
    Client().post(f"/demo/outbox/{call.pk}/answer", {"digits": keys})
    call.refresh_from_db()

    after = client.post(f"/passwordreset/{path}", {"code": call.text}, follow=True)

    assert page.request["PATH_INFO"].endswith(path)
    assert after.request["PATH_INFO"].endswith("/new-password")


def test_a_mail_is_shown_on_the_outbox_page(demo, client, settings, tmp_path):
    settings.VAR = tmp_path
    begin(client, "email")
    code = demo.code()
    mail = EmailMultiAlternatives("Your code", demo.sent[-1].text, to=["minji@mail.example"])
    mailbox.Maildir(tmp_path / "mail").add(mail.message().as_bytes())

    shown = Client().get("/demo/outbox").content.decode()

    assert code in shown
    assert "minji@mail.example" in shown
