"""Strangers at the portal of an organisation that shows everybody the same."""

import re
from dataclasses import dataclass
from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tenants.policy import Factor, Method, Policy, Questions, Scope, Unknown
from tenants.roles import Role
from tests.builders import (
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_user,
)
from tests.captcha import solved, without_work
from tests.console.people import behind_both, make_admin, with_app, wrong_code

EVERYTHING = Policy(
    self_service=Scope.ALL,
    reset_methods=frozenset(Method)
    - {Method.QUESTIONS, Method.ALTERNATE_TEXT, Method.ALTERNATE_CALL},
    questions=Questions.GATE,
    unknown_users=Unknown.DECOY,
    require_registration=False,
    new_proof_hours=0,
)
KINDS = ["registered", "unregistered", "disabled", "frozen", "elsewhere", "administrator", "locked"]
SPOKEN = re.compile(
    r"[0-9A-Z]{4}-[0-9A-Z]{4}|translate=.no.>\d{4}<|\b\d \d \d \d\b"
    r"|quot;challenge&quot;: &quot;[^&]*|data-(?:now|until)=\"[^\"]*\""
)


@dataclass
class Seen:
    """The answers that an outsider sees, and their cost."""

    pages: list[str]
    statements: list[list[str]]
    hashes: list[int]


def anonymous(_user):
    """A browser in which no user is signed in."""
    return Client()


def administrator(_user):
    """The browser of an administrator of the user's tenant."""
    return behind_both(make_admin())


def person(kind, name):
    """A user of this kind, or an unknown user ID."""
    upn = f"{name}@contoso.example"
    if kind == "unknown":
        return upn
    user = make_user(
        upn,
        enabled=kind != "disabled",
        frozen_at=timezone.now() if kind == "frozen" else None,
        connector="ldap" if kind == "elsewhere" else "builtin",
        role=Role.HELPDESK if kind == "administrator" else Role.NONE,
        locked_until=timezone.now() + timezone.timedelta(days=1) if kind == "locked" else None,
    )
    if kind == "unregistered":
        return upn
    make_email(user, f"{name}@mail.example")
    # From 010-5970 to 010-5999 there are no numbers.
    make_phone(user, f"010-{6000 + user.pk % 4000}-1234")
    make_prefill(user, Factor.OFFICE_PHONE, "+8221112222")
    make_questions(user)
    make_recovery_codes(user)
    with_app(user)
    return upn


def plain(page, upn):
    text = without_work(page.text).replace(upn, "").replace(upn.partition("@")[0], "")
    return SPOKEN.sub("", text)


def normal(query):
    """The statement without its values: no numbers, texts, bytes or NULL."""
    literal = r"'(?:[^']|'')*'(?:::\w+)?|X'[^']*'|\b-?\d+\b|\b(?:NULL|true|false)\b"
    sql = re.sub(literal, "?", query["sql"])
    sql = re.sub(r'"s\d+_x\d+"|SAVEPOINT .*|RELEASE .*', "savepoint", sql)
    sql = re.sub(r"\s+", " ", sql.replace("-?", "?")).replace("( ", "(")
    return re.sub(r"\(\?(?:, \?)*\)", "?", sql)


class Visitor:
    def __init__(self, upn, hashed):
        self.upn, self.client, self._hashed = upn, Client(REMOTE_ADDR="192.0.2.1"), hashed
        self.seen = Seen([], [], [])

    def get(self, path):
        return self._keep(lambda: self.client.get(path))

    def post(self, path, fields=None):
        return self._keep(lambda: self.client.post(path, fields or {}))

    def _keep(self, ask):
        before = len(self._hashed)
        with CaptureQueriesContext(connection) as asked:
            page = ask()
        told = f"{page.status_code} {page.headers.get('Location', '')} {plain(page, self.upn)}"
        self.seen.pages.append(told)
        self.seen.statements.append([normal(query) for query in asked])
        self.seen.hashes.append(len(self._hashed) - before)
        return page

    def identify(self):
        self.post("/passwordreset", solved({"username": self.upn}))
        self.get("/passwordreset/choose")
        self.post("/passwordreset/choose", {"reason": "forgot"})
        self.get("/passwordreset/verify")
        return self

    def poll(self, page):
        """As the script of this page of a call does."""
        answer = self.get(poll_address(page))
        assert answer.status_code == 200
        return answer.json()

    def walk(self, method):
        """Chooses a method and gets it wrong, asks again, tries another time, looks back."""
        self.identify()
        page = self.post("/passwordreset/verify", {"method": method})
        gate = page.headers["Location"]
        page = self.get(gate)
        for _ in range(2):
            self.post(gate, wrong(method, page))
        self.post("/passwordreset/resend")
        self.get("/passwordreset/verify")
        self.get("/passwordreset/new-password")
        self.get("/passwordreset/ended")
        self.get("/passwordreset/contact")
        if method.is_call:
            self.poll(page)
        return self.seen


def poll_address(page):
    """Where the page of a call asks what the phone is doing."""
    found = re.search(r'data-poll="([^"]*)"', page.text)
    return unescape(found[1]) if found else reverse("reset:call-state")


def wrong(method, page):
    if method is Method.QUESTIONS:
        names = re.findall(r'name="(answer_\d+)"', page.text)
        assert len(names) == 3
        return dict.fromkeys(names, "not that")
    if method is Method.PASSKEY:
        return {"credential": "{}"}
    if method is Method.AUTHENTICATOR:
        return {"code": wrong_code()}
    return {"code": "AAAAA-BBBBB-CCCCC-DDDDD" if method is Method.RECOVERY_CODE else "1" * 8}


OFFERED = [
    Method.AUTHENTICATOR,
    Method.EMAIL,
    Method.MOBILE_TEXT,
    Method.MOBILE_CALL,
    Method.OFFICE_CALL,
    Method.QUESTIONS,
    Method.RECOVERY_CODE,
    Method.PASSKEY,
]
