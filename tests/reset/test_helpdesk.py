"""Pages that send users to their IT team say how to reach it."""

import re

import pytest
from django.test import Client

from directory.models import User
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from tenants.models import Branding, Group
from tenants.policy import Contact, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_tenant, make_user
from tests.captcha import came_from, solved, without_work

DIALS = 'href="tel:+82-2-1588-0000"'
LINK = "https://help.contoso.example/"
TEXT = "Desk 3, on weekdays"
SIGNS = [DIALS, "02-1588-0000", f'href="{LINK}"', TEXT]
CODE = re.compile(r'(?<=<bdi translate="no">)[0-9A-Z]{4}-[0-9A-Z]{4}')
TOKEN = re.compile(r'name="(?:csrfmiddlewaretoken|page_ref)" value="[^"]+"')


@pytest.fixture(autouse=True)
def helpdesk(contoso):
    return Branding.objects.create(
        colour="#112233", help_phone="02-1588-0000", help_url=LINK, help_texts={"en": TEXT}
    )


@pytest.fixture
def ready(contoso, mailroom):
    user = make_user()
    make_email(user)
    return user


def identify(upn):
    client = Client()
    client.page = client.post("/passwordreset", solved({"username": upn}), follow=True)
    return client


def asks(client):
    page = client.get("/passwordreset/contact").text
    references = re.findall(r'name="page_ref" value="([^"]+)"', page)
    return client.post("/passwordreset/contact", {"message": "help", "page_ref": references[:1]})


def same_for_all(page, upn):
    text = page.text.replace(upn, "USER")
    return CODE.sub("CODE", without_work(TOKEN.sub("TOKEN", text)))


def signs(page):
    return [sign for sign in SIGNS if sign in page.text]


def test_a_password_kept_elsewhere_leads_to_the_telephone(ready):
    User.objects.filter(pk=ready.pk).update(connector="ldap")
    page = identify(ready.upn).page

    assert ">R01<" in page.text
    assert signs(page) == SIGNS
    assert f'<a class="button" {DIALS}>Call 02-1588-0000</a>' in page.text


def test_a_password_kept_elsewhere_leads_to_sign_in_where_no_helpdesk_is_named(ready, helpdesk):
    helpdesk.delete()
    User.objects.filter(pk=ready.pk).update(connector="ldap")
    page = identify(ready.upn).page

    assert ">R01<" in page.text
    assert '<a class="button" href="/signin">Go to sign-in</a>' in page.text


def test_an_account_that_is_not_enabled_is_told_of_the_helpdesk(ready):
    Group.objects.create(name="staff")
    change_policy(Policy(self_service=Scope.GROUPS, groups=frozenset({"staff"})))
    page = identify(ready.upn).page

    assert ">R02<" in page.text
    assert signs(page) == SIGNS
    assert '<a class="button " href="/passwordreset/contact">' in page.text


def test_too_many_attempts_end_with_the_helpdesk(ready):
    for _ in range(100):
        limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, str(ready.pk))
    page = identify(ready.upn).page

    assert ">R04<" in page.text
    assert signs(page) == SIGNS


def test_a_session_that_ended_is_told_of_the_helpdesk(ready):
    client = identify(ready.upn)
    User.objects.filter(pk=ready.pk).update(session_epoch=7)
    page = client.get("/passwordreset/ended", follow=True)

    assert signs(page) == SIGNS


@pytest.mark.parametrize("way", Contact)
def test_contacting_an_administrator_shows_the_helpdesk(contoso, mailroom, way):
    url = {"contact_url": "https://desk.contoso.example/"} if way is Contact.URL else {}
    address = {"contact_address": "it@contoso.example"} if way is Contact.ADDRESS else {}
    change_policy(Policy(self_service=Scope.ALL, contact=way, **url, **address))
    client = identify("nobody@contoso.example")

    assert signs(client.get("/passwordreset/contact")) == SIGNS


def test_a_request_that_was_sent_shows_the_helpdesk(contoso, mailroom):
    make_user("help@contoso.example", role=Role.HELPDESK)
    client = identify("nobody@contoso.example")
    sent = asks(client)

    assert "Support code" in sent.text
    assert signs(sent) == SIGNS


def test_refusals_are_the_same_for_every_user_id_of_a_domain(contoso, mailroom):
    make_user("help@contoso.example", role=Role.HELPDESK)
    make_user("new@contoso.example")
    make_user("gone@contoso.example", enabled=False)
    shown = {}
    for upn in ("new@contoso.example", "gone@contoso.example", "nobody@contoso.example"):
        client = identify(upn)
        contact = client.get("/passwordreset/contact")
        sent = asks(client)
        shown[upn] = [same_for_all(page, upn) for page in (client.page, contact, sent)]

    first = shown.pop("nobody@contoso.example")
    assert all(sign in page for page in first for sign in SIGNS)
    assert all(pages == first for pages in shown.values())


def test_an_unknown_domain_has_no_helpdesk(contoso, mailroom):
    client = identify("nobody@nowhere.example")
    contact = client.get("/passwordreset/contact")
    sent = asks(client)

    for page in (client.page, contact, sent):
        assert signs(page) == []


def test_another_organisations_helpdesk_is_not_named(contoso, mailroom):
    other = make_tenant("hanbit")
    with in_tenant(other.pk):
        Branding.objects.create(help_phone="1588-1234")
    page = identify("nobody@hanbit.example").page

    assert signs(page) == []
    assert 'href="tel:15881234"' in page.text


def test_a_throttled_network_is_told_of_no_helpdesk(contoso):
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST)
    page = identify("nobody@contoso.example").page

    assert ">R04<" in page.text
    assert signs(page) == []


def test_an_attempt_of_no_one_names_no_helpdesk(contoso, client):
    page = client.get("/passwordreset/ended")

    assert ">R07<" in page.text
    assert signs(page) == []


def test_who_can_prove_nothing_any_more_reads_whom_to_call(contoso, settings):
    user = make_user()
    make_phone(user)
    settings.DEMO, settings.TWILIO_ACCOUNT_SID = False, ""
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    page = client.get("/ssprsetup/email", follow=True)

    assert "You can’t use any of your registered methods here" in page.text
    assert signs(page) == SIGNS
    assert f'<a class="button" {DIALS}>Call 02-1588-0000</a>' in page.text


def test_who_stopped_their_account_reads_whom_to_call(contoso, mailroom):
    user = make_user()
    client = Client()
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    page = client.post("/security-info/wasnt-me", follow=True)

    assert page.request["PATH_INFO"] == "/wasnt-me"
    assert signs(page) == SIGNS
    assert signs(Client().get("/wasnt-me")) == []


def test_words_that_are_no_number_are_shown_as_they_are(contoso, helpdesk, mailroom):
    Branding.objects.update(help_phone="ask at desk 3")
    page = identify("nobody@contoso.example").page

    assert "ask at desk 3" in page.text
    assert "tel:" not in page.text
