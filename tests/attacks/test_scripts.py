"""Markup and scripts in everything that a user can write, looked for wherever it is shown."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from directory.models import Membership
from tenants.models import Branding, CustomQuestion, Group, Tenant
from tenants.policy import Bank, Contact, Factor, Method, Policy, Questions, Scope
from tenants.queries.questions import questions_on_offer
from tenants.services import change_policy
from tests.attacks.test_flows import identify, set_password
from tests.builders import make_email, make_questions, make_user, of_kind, signed_in
from tests.console.people import behind_both, confirm, make_admin, with_app
from verification.services import notices, staff_notices
from verification.services.notice_words import Notice

EVIL = "\"'><img src=x onerror=evil()></script><script>evil()</script>"
SHORT = "\"'><img src=x onerror=evil()>"
IN_AN_ADDRESS = "https://x.example/?\"'><svg/onload=evil()>"
HOST = "password.contoso.example"
NO_ICON = "data:,"
RUNS = ("javascript:", "data:", "vbscript:")
POLICY = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset({Method.EMAIL, Method.AUTHENTICATOR}),
    questions=Questions.GATE,
    question_bank=Bank.CUSTOM,
    questions_to_register=3,
    require_registration=False,
    contact=Contact.URL,
    contact_url=IN_AN_ADDRESS,
)


class Look(HTMLParser):
    """What a browser would make of a page that was not meant to be there."""

    def __init__(self, text):
        super().__init__()
        self.found, self.words, self._in_script = [], "", False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        self._in_script = tag == "script"
        self.found += [f"<{tag} {name}>" for name in own if name.startswith("on")]
        self.found += [
            f"<{tag} {name}={value}>"
            for name, value in attrs
            if name in {"href", "src", "action", "formaction"}
            and (value or "").strip().lower().startswith(RUNS)
            and (tag, value) != ("link", NO_ICON)
        ]
        if (tag, own.get("src")) == ("img", "x") or (tag == "script" and not own.get("src")):
            self.found.append(f"<{tag}>")
        self.words += "".join(value or "" for value in own.values())

    def handle_data(self, data):
        if self._in_script and "evil" in data:
            self.found.append(f"<script>{data}")
        self.words += data

    def handle_endtag(self, tag):
        self._in_script = False


@pytest.fixture
def admin(contoso):
    """An administrator of the organisation whose texts all have the script in them."""
    Tenant.objects.filter(pk=contoso.pk).update(name=EVIL)
    change_policy(replace(POLICY, questions=Questions.OFF, question_bank=Bank.PREDEFINED))
    return behind_both(make_admin(display_name=EVIL))


@pytest.fixture
def written(admin):
    """All texts of the organisation, each sent by its own form."""
    saved = [
        admin.post("/admin/branding/", branding()),
        *(
            admin.post(
                "/admin/questions/add/", {"en": f"{EVIL} {number}", "ko": f"{EVIL} {number}"}
            )
            for number in range(5)
        ),
        *(
            admin.post(f"/admin/texts/{notice}/en/", {"subject": EVIL, "body": f"{EVIL} $user"})
            for notice in Notice
        ),
        admin.post("/admin/groups/add/", {"name": EVIL}),
    ]
    assert [page.status_code for page in saved] == [302] * len(saved)
    # Rows may have such numbers from before numbers were checked.
    Branding.objects.update(help_phone=SHORT)
    return admin


@pytest.fixture
def person(written):
    change_policy(POLICY)
    found = make_user(display_name=EVIL, given_name=EVIL, surname=EVIL)
    make_email(found)
    make_questions(found, {qid: f"answer {at}" for at, qid in enumerate(own_questions())})
    with_app(found)
    of_kind(Factor.AUTHENTICATOR).filter(user=found).update(label=EVIL[:60])
    Membership.objects.create(user=found, group=Group.objects.get(name=EVIL))
    return found


def branding():
    return {
        "name_en": EVIL,
        "name_ko": EVIL,
        "help_en": f"{EVIL}\n{EVIL}",
        "help_ko": EVIL,
        "help_phone": "1588-1234",
        "help_url": IN_AN_ADDRESS,
        "portal_host": HOST,
    }


def own_questions():
    own = {f"c{pk}" for pk in CustomQuestion.objects.values_list("pk", flat=True)}
    return [qid for qid in questions_on_offer() if qid in own] or sorted(questions_on_offer())


def clean(pages, *, showing):
    """No script runs on these pages, and at least so many show the text."""
    looks = {name: Look(text) for name, text in pages.items()}
    assert {name: look.found for name, look in looks.items() if look.found} == {}
    assert sum("onerror=evil()" in look.words for look in looks.values()) >= showing


def opened(client, *paths):
    pages = {path: client.get(path, follow=True) for path in paths}
    assert {path: page.status_code for path, page in pages.items() if page.status_code != 200} == {}
    return {path: page.text for path, page in pages.items()}


def test_the_look_finds_what_runs():
    for text in (EVIL, f'<input value="{SHORT}">', '<a href=" JavaScript:x">', "<b onclick=x>"):
        assert Look(text).found
    assert not Look(
        '<p title="onerror=evil()">&lt;script&gt;</p><script src="/x.js"></script>'
    ).found


@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_that_was_written_runs_in_the_portal(person, mailroom, language):
    client = Client(headers={"accept-language": language, "host": HOST})
    pages = opened(client, "/", "/signin", "/signin/pass", "/help", "/passwordreset")
    pages["choose"] = identify(client).text
    pages |= opened(client, "/passwordreset/verify")
    asked = client.post("/passwordreset/verify", {"method": "questions"}, follow=True)
    pages["questions"] = asked.text
    typed = dict.fromkeys(asked.context["form"].fields, EVIL)
    pages["wrong answers"] = client.post("/passwordreset/questions", typed).text
    pages |= opened(client, "/passwordreset/contact")
    pages["ours typed again"] = Client().post("/passwordreset", {"username": EVIL}).text

    clean(pages, showing=10)


def test_nothing_runs_on_the_way_to_a_new_password(person, mailroom):
    client = Client()
    identify(client)
    client.post("/passwordreset/verify", {"method": "email"})
    pages = {"code": client.get("/passwordreset/code").text}
    client.post("/passwordreset/code", {"code": mailroom.code()})
    pages |= opened(client, "/passwordreset/new-password")
    pages["named like it"] = set_password(client, EVIL).text
    pages |= opened(client, "/passwordreset/done")

    clean(pages, showing=4)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_that_was_written_runs_in_the_security_info(person, language):
    client = signed_in(person)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    pages = opened(
        client,
        "/security-info",
        "/security-info/remove/questions",
        "/security-info/proof",
        "/ssprsetup",
        "/ssprsetup/questions",
        "/ssprsetup/app",
        "/ssprsetup/email",
        "/changepassword",
    )

    clean(pages, showing=8)


def test_nothing_that_was_written_runs_in_the_admin(written, person, mailroom):
    acted = f"/admin/people/{person.pk}/do/sign-out/"
    confirm(written, acted, note=EVIL)
    csv = SimpleUploadedFile(
        "img src=x onerror=evil().csv", f"user_principal_name\n{EVIL}\n".encode()
    )
    imported = written.post("/admin/imports/upload/", {"file": csv}).url
    group, question = Group.objects.get(name=EVIL).pk, CustomQuestion.objects.first().pk

    pages = opened(
        written,
        "/admin/",
        "/admin/people/",
        f"/admin/people/?q={person.upn}",
        f"/admin/people/{person.pk}/",
        f"/admin/people/{person.pk}/timeline/",
        f"/admin/people/{person.pk}/contact/",
        acted,
        "/admin/policy/",
        "/admin/questions/",
        f"/admin/questions/{question}/",
        "/admin/groups/",
        f"/admin/groups/{group}/",
        "/admin/branding/",
        "/admin/texts/",
        "/admin/texts/reset/en/",
        "/admin/audit/",
        "/admin/administrators/",
        "/admin/imports/",
        imported,
    )
    pages["searched"] = written.get("/admin/people/", {"q": EVIL}).text
    pages["found"] = written.get("/admin/find/", {"code": EVIL}, follow=True).text

    clean(pages, showing=20)


@pytest.mark.parametrize("own", [True, False], ids=["own words", "the service's words"])
def test_nothing_that_was_written_runs_in_a_mail(written, person, mailroom, own):
    if not own:
        for notice in Notice:
            written.post(f"/admin/texts/{notice}/en/reset/")
    for notice in Notice:
        notices.tell(person, notice, factor=Factor.EMAIL)
    staff_notices.notify_of_freezing(person, agent="", needs_a_password=True)
    staff_notices.notify_of_guessing()
    staff_notices.notify_of_stopped_pass(person)
    client = Client()
    identify(client)
    client.post("/passwordreset/verify", {"method": "email"})

    mails = mailroom.work()

    clean({f"{at} {mail.subject}": mail.html for at, mail in enumerate(mails)}, showing=len(mails))
    assert not [mail.subject for mail in mails if "\n" in mail.subject]


@pytest.mark.parametrize(
    "address", ["javascript:evil()", "data:text/html,<script>evil()</script>", "//x.example"]
)
def test_an_address_that_would_run_is_refused(admin, address):
    page = admin.post("/admin/branding/", branding() | {"help_url": address})

    assert set(page.context["form"].errors) == {"help_url"}
    with pytest.raises(ValueError, match="contact_url"):
        Policy(contact=Contact.URL, contact_url=address)
