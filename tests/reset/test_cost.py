"""What a reset costs the database, in statements: they don't depend on how busy the machine is."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.builders import make_email, make_user
from tests.captcha import solved

NEW = "correct horse battery staple"
MOST = 99
"""The design wants 30 (section 11). Nearly half ask, page by page, for the attempt, its
organisation's policy and look, its user, its challenges and what the user holds: rows of rooms that
know nothing of each other, read again under lock by whoever changes something. A fifth look at
counters or count. A code is counted for its mailbox, its user and the organisation's day together,
in three statements: more than two upserts took, but all or none, and in any 24 hours.
The rest writes what happened."""
_NO_DATA = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@pytest.mark.django_db
def test_a_whole_reset_by_mail_takes_no_more_statements_than_it_did(contoso, mailroom):
    user = make_user()
    make_email(user)
    browser = Client()
    asked = []

    def count(go):
        with CaptureQueriesContext(connection) as found:
            go()
        asked.extend(one["sql"].rpartition("sspr.tenant")[2] for one in found.captured_queries)

    count(lambda: browser.get("/passwordreset"))
    identity = solved({"username": user.upn})
    count(lambda: browser.post("/passwordreset", identity, follow=True))
    count(lambda: browser.post("/passwordreset/verify", {"method": "email"}, follow=True))
    typed = {"code": mailroom.code()}
    count(lambda: browser.post("/passwordreset/code", typed, follow=True))
    typed = {"new_password": NEW, "confirm_password": NEW}
    count(lambda: browser.post("/passwordreset/new-password", typed, follow=True))

    user.refresh_from_db()
    assert user.check_password(NEW)
    assert len([sql for sql in asked if not any(word in sql for word in _NO_DATA)]) <= MOST
