"""Addresses that programs try without asking.

Source: W3C "A Well-Known URL for Changing Passwords"; RFC 8615.
"""

import pytest

RELIABILITY_CHECK = "resource-that-should-not-exist-whose-status-code-should-not-be-200"


def test_password_managers_find_where_passwords_are_changed(client, db):
    answer = client.get("/.well-known/change-password")

    assert answer.status_code in {302, 303, 307}
    assert answer.url == "/changepassword"


@pytest.mark.parametrize("name", [RELIABILITY_CHECK, "security.txt", "change-password/", ""])
def test_what_is_not_there_is_not_found(client, db, name):
    assert client.get(f"/.well-known/{name}").status_code == 404
