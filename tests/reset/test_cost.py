"""What a reset costs the database, in statements: they don't depend on how busy the machine is."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.policy import Policy, Questions, Scope
from tenants.services import change_policy
from tests.builders import ANSWERS, make_email, make_phone, make_questions, make_user
from tests.captcha import solved
from verification.queries import drawn_questions

NEW = "correct horse battery staple"


@dataclass(frozen=True)
class Most:
    """What a flow may cost at most.

    Args:
        data: statements of PostgreSQL that read or write data. The design wants 30 for a reset by
            one gate (section 11).
        on_sqlite: the same of SQLite, which takes each new row by itself.
        every: with what begins and ends transactions and tells PostgreSQL whose rows it may show.
            The design wants 60.
        transactions: the design wants at most two in a request: one that reads, one that writes.
    """

    data: int
    on_sqlite: int
    every: int
    transactions: int


BY_MAIL = Most(data=28, on_sqlite=37, every=58, transactions=7)
BY_TEXT_AND_QUESTIONS = Most(data=52, on_sqlite=63, every=105, transactions=13)
UNLOCK = Most(data=32, on_sqlite=40, every=64, transactions=7)
_TELL = r"SELECT (?:set_config\('[^']*', '[^']*', true\)(?:, )?)+"
_TELLS = re.compile(rf"(BEGIN)?(?:; )?({_TELL})(?:; )?")
_NO_DATA = re.compile(rf"BEGIN|COMMIT|(RELEASE )?SAVEPOINT|{_TELL}$")


class Counted:
    """The statements of each request of a browser that follows where it is sent."""

    def __init__(self):
        self.browser, self.pages = Client(), []

    def get(self, path):
        return self._follow("GET", path, lambda: self.browser.get(path))

    def post(self, path, fields):
        return self._follow("POST", path, lambda: self.browser.post(path, fields))

    def _follow(self, verb, path, ask):
        with CaptureQueriesContext(connection) as captured:
            page = ask()
        sql = [statement for query in captured for statement in _sent(query["sql"])]
        self.pages.append((f"{verb} {path}", sql))
        return self.get(page.headers["Location"]) if page.status_code == 302 else page

    @property
    def every(self):
        return [sql for _page, statements in self.pages for sql in statements]

    @property
    def data(self):
        return [sql for sql in self.every if not _NO_DATA.match(sql)]

    @property
    def transactions(self):
        return [sql for sql in self.every if sql.startswith("BEGIN")]

    def __str__(self):
        """Each page with its statements, as a failed test shows them."""
        lines = []
        for page, statements in self.pages:
            lines.append(f"{len(statements):3} {page}")
            lines += [f"      {_brief(sql)}" for sql in statements]
        counts = f"{len(self.data)} with data, {len(self.transactions)} transactions"
        return "\n".join([f"{len(self.every)} statements, {counts}", *lines])


def _sent(logged):
    """The statements of one message."""
    tells = _TELLS.match(logged)
    if tells is None:
        return [logged]
    return [sql for sql in (tells[1], tells[2], logged[tells.end() :].strip()) if sql]


def _brief(sql):
    """Verb, tables and conditions of a statement, without its columns."""
    short = re.sub(r"^(?:SELECT .*? FROM|INSERT.*?INTO)", _verb, " ".join(sql.split()), count=1)
    return short[:150]


def _verb(found):
    return found[0].split()[0]


def _is_at_most(counted, most):
    data = most.data if connection.vendor == "postgresql" else most.on_sqlite
    assert len(counted.data) <= data, str(counted)
    assert len(counted.every) <= most.every, str(counted)
    assert len(counted.transactions) <= most.transactions, str(counted)
    _is_steady(counted)


def _is_steady(counted):
    """A page begins one transaction, a form two; three where answers are hashed in between.

    Failed sign-ins are locked before their user. A wrong password at sign-in locks them in this
    order, too: else the one could wait for the other for good.
    """
    for page, statements in counted.pages:
        begun = [sql for sql in statements if sql.startswith("BEGIN")]
        most = 1 if page.startswith("GET") else 3 if page.endswith("/questions") else 2
        assert len(begun) <= most, str(counted)
    of_failures = [at for at, sql in enumerate(counted.every) if "signinlockout" in sql]
    of_user = [at for at, sql in enumerate(counted.every) if "FOR UPDATE OF account" in sql]
    assert of_failures
    assert not of_user or max(of_failures) < min(of_user)


def _set_password(counted, user):
    typed = {"new_password": NEW, "confirm_password": NEW}
    counted.post("/passwordreset/new-password", typed)
    user.refresh_from_db()
    assert user.check_password(NEW)


@pytest.mark.django_db(transaction=True)
def test_a_whole_reset_by_mail_takes_no_more_statements_than_it_did(contoso, mailroom):
    user = make_user()
    make_email(user)
    counted = Counted()

    counted.get("/passwordreset")
    counted.post("/passwordreset", solved({"username": user.upn}))
    counted.post("/passwordreset/verify", {"method": "email"})
    counted.post("/passwordreset/code", {"code": mailroom.code()})
    _set_password(counted, user)

    _is_at_most(counted, BY_MAIL)


@pytest.mark.django_db(transaction=True)
def test_two_gates_take_no_more_statements_than_they_did(contoso, mailroom):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2, questions=Questions.SECOND))
    user = make_user()
    make_phone(user)
    make_questions(user)
    counted = Counted()

    counted.get("/passwordreset")
    counted.post("/passwordreset", solved({"username": user.upn}))
    counted.post("/passwordreset/verify", {"method": "mobile_text"})
    counted.post("/passwordreset/code", {"code": mailroom.code()})
    counted.post("/passwordreset/verify", {"method": "questions"})
    drawn = drawn_questions(user.pk)
    answers = {f"answer_{n}": ANSWERS[question] for n, question in enumerate(drawn, 1)}
    counted.post("/passwordreset/questions", answers)
    _set_password(counted, user)

    _is_at_most(counted, BY_TEXT_AND_QUESTIONS)


@pytest.mark.django_db(transaction=True)
def test_an_unlock_takes_no_more_statements_than_it_did(contoso, mailroom):
    user = make_user(locked_until=timezone.now() + timedelta(hours=1))
    make_email(user)
    counted = Counted()

    counted.get("/passwordreset")
    counted.post("/passwordreset", solved({"username": user.upn}))
    counted.post("/passwordreset/choose", {"reason": "unlock"})
    counted.post("/passwordreset/verify", {"method": "email"})
    counted.post("/passwordreset/code", {"code": mailroom.code()})
    counted.post("/passwordreset/unlock", {})

    user.refresh_from_db()
    assert not user.is_locked
    _is_at_most(counted, UNLOCK)
