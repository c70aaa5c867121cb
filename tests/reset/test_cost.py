"""What a reset costs the database, in statements: they don't depend on how busy the machine is."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.builders import make_email, make_user
from tests.captcha import solved

NEW = "correct horse battery staple"
MOST = 63
"""Statements that read or write data, in a whole reset. The design wants 30 (section 11)."""
_CARRIED = re.compile(r"^(?:\s*SET LOCAL [^;]*;)+")
_NO_DATA = re.compile(r"BEGIN|COMMIT|(RELEASE )?SAVEPOINT")


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
        sql = [_CARRIED.sub("", query["sql"]).strip() for query in captured]
        self.pages.append((f"{verb} {path}", [one for one in sql if not _NO_DATA.match(one)]))
        return self.get(page.headers["Location"]) if page.status_code == 302 else page

    @property
    def total(self):
        return sum(len(statements) for _page, statements in self.pages)

    def __str__(self):
        """Each page with its statements, as a failed test shows them."""
        lines = []
        for page, statements in self.pages:
            lines.append(f"{len(statements):3} {page}")
            lines += [f"      {_brief(sql)}" for sql in statements]
        return "\n".join([f"{self.total} statements with data", *lines])


def _brief(sql):
    """Verb, tables and conditions of a statement, without its columns."""
    short = re.sub(r"^(?:SELECT .*? FROM|INSERT.*?INTO)", _verb, " ".join(sql.split()), count=1)
    return short[:150]


def _verb(found):
    return found[0].split()[0]


@pytest.mark.django_db
def test_a_whole_reset_by_mail_takes_no_more_statements_than_it_did(contoso, mailroom):
    user = make_user()
    make_email(user)
    counted = Counted()

    counted.get("/passwordreset")
    counted.post("/passwordreset", solved({"username": user.upn}))
    counted.post("/passwordreset/verify", {"method": "email"})
    counted.post("/passwordreset/code", {"code": mailroom.code()})
    typed = {"new_password": NEW, "confirm_password": NEW}
    counted.post("/passwordreset/new-password", typed)

    user.refresh_from_db()
    assert user.check_password(NEW)
    assert counted.total <= MOST, str(counted)
