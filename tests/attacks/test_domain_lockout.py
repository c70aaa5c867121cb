"""A stranger tries to lock an account of the domain through this service.

The directories are real ones. Each locks an account at five wrong passwords, and counts for itself.
"""

import secrets

import pytest
from django.conf import settings
from django.test import Client

from directory.factors import DIRECTORY
from isolation.scope import evict
from tests.builders import make_email, make_user
from tests.captcha import solved
from tests.directory.directories import connected, row_of
from tests.services.ldap import LOCKOUT, new_password
from verification.rules.captcha import Action

TRIES = 2 * LOCKOUT
PAGES = ("/signin", "/signin?next=/admin/", "/signin?next=/changepassword")


@pytest.fixture(params=["openldap", "ds389", "samba"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def person(server):
    """In the directory."""
    return server.add_person()


@pytest.fixture
def user(contoso, server, person):
    """The same person in this service. Nothing is known yet of when the directory locks."""
    connection = connected(server, writeback=True, unlocks=True)
    evict("directories")
    user = make_user(connector=DIRECTORY, writeback=True)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    row = row_of(server, person)
    row.connection, row.user = connection, user
    row.save()
    make_email(user)
    return user


def sign_in(client, user, password, page="/signin"):
    """In a browser that may be known, and where no session is open."""
    client.cookies.pop(settings.SESSION_COOKIE_NAME, None)
    fields = {"username": user.upn, "password": password}
    return client.post(page, solved(fields, action=Action.SIGN_IN))


def guess(user, tries=TRIES):
    """From another browser and another network each time."""
    answers = []
    for number in range(tries):
        stranger = Client(REMOTE_ADDR=f"198.51.100.{number}")
        page = PAGES[number % len(PAGES)]
        answers.append(sign_in(stranger, user, f"wrong {secrets.token_hex(8)}", page).status_code)
    return answers


def change(client, old, new):
    fields = {"password": old, "new_password": new, "confirm_password": new}
    return client.post("/changepassword", fields)


def assert_open(server, person):
    assert server.failures(person) < LOCKOUT
    assert not server.is_locked(person)


def test_strangers_lock_no_account_of_the_domain(server, person, user):
    answers = guess(user)

    # Until its rules are known, a directory is taken to lock after 3.
    assert answers == [200] + [429] * (TRIES - 1)
    assert server.failures(person) == 1
    assert_open(server, person)
    assert server.bind_ok(person.dn, person.password)


def test_nor_after_the_owner_signed_in_between(server, person, user):
    owner = Client()
    sign_in(owner, user, person.password)

    for _ in range(3):
        guess(user, LOCKOUT)
        assert server.failures(person) < LOCKOUT
        assert sign_in(owner, user, person.password).status_code == 302

    guess(user)
    assert_open(server, person)


@pytest.mark.parametrize("end", ["must_change", "expire"])
def test_nor_when_the_owner_came_with_a_password_that_has_ended(server, person, user, end):
    owner = Client()
    sign_in(owner, user, person.password)
    getattr(server, end)(person)

    for _ in range(3):
        guess(user, LOCKOUT)
        sign_in(owner, user, person.password)

    assert_open(server, person)


@pytest.mark.parametrize("end", ["must_change", "expire"])
def test_nor_when_the_owner_changed_a_password_that_had_ended(server, person, user, end):
    owner = Client()
    sign_in(owner, user, person.password)
    getattr(server, end)(person)
    guess(user, LOCKOUT)
    assert sign_in(owner, user, person.password).url == "/changepassword"

    page = change(owner, person.password, new_password())
    guess(user)

    assert page.url == "/security-info"
    assert_open(server, person)


def test_nor_together_with_the_page_that_asks_for_the_old_password(server, person, user):
    owner = Client()
    sign_in(owner, user, person.password)

    guess(user)
    for number in range(TRIES):
        change(owner, f"old {number}", new_password())

    assert_open(server, person)


def test_new_passwords_that_are_refused_keep_the_owner_out_of_nothing(server, person, user):
    owner = Client()
    sign_in(owner, user, person.password)

    new = new_password()
    assert change(owner, person.password, new).url == "/security-info"

    for _ in range(LOCKOUT):
        assert change(owner, new, person.password).status_code == 200

    assert change(owner, new, new_password()).url == "/security-info"
