"""The key of an authenticator app: shown while it is being paired, and never again."""

import base64
import re

import pytest

from audit.models import Event
from tenants.policy import Factor, Method, Policy, Scope
from tests.attacks.test_headers import SIGNS_OUT, addresses
from tests.builders import of_kind, signed_in
from tests.console.people import behind_both, code_shown, make_admin
from verification.models import RegisteredMethod

APP = "/ssprsetup/app"
ADMIN_APP = "/admin/second-factor/set-up/"


@pytest.fixture
def contoso_policy():
    methods = frozenset({Method.AUTHENTICATOR, Method.EMAIL})
    return Policy(self_service=Scope.ALL, reset_methods=methods, require_registration=False)


def key_on(page):
    """In base 32, as people type it."""
    found = re.search(r'class="key"[^>]*>([A-Z2-7 ]+)<', page.text)
    return found[1].replace(" ", "") if found else ""


def forms_of(key):
    """How a key could be written somewhere."""
    raw = base64.b32decode(key)
    fours = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    return [key, fours, raw.hex(), base64.b64encode(raw).decode()]


def seen(text, key):
    return [one for one in forms_of(key) if one in text or one.lower() in text]


def test_once_it_counts_no_page_shows_it_to_anybody(user):
    client = signed_in(user)
    page = client.get(APP)
    key = key_on(page)
    client.post(APP, {"code": code_shown(page), "name": "phone"})
    administrator = behind_both(make_admin())
    paths = [path for path in addresses() if not SIGNS_OUT.search(path)]
    paths += [f"/admin/people/{user.pk}/", f"/admin/people/{user.pk}/timeline/"]

    shown = {
        path: found
        for who in (client, administrator, signed_in(user))
        for path in paths
        if (found := seen(who.get(path).getvalue().decode(errors="replace"), key))
    }

    assert seen(page.text, key)
    assert RegisteredMethod.objects.filter(
        kind=Factor.AUTHENTICATOR, user=user, verified_at__isnull=False
    ).exists()
    assert shown == {}


def test_going_back_asks_anew_and_shows_the_key_of_another_app(user):
    client = signed_in(user)
    page = client.get(APP)
    client.post(APP, {"code": code_shown(page), "name": "phone"})

    again = client.get(APP)

    assert "no-store" in page.headers["Cache-Control"]
    assert key_on(again) != key_on(page)


def test_until_it_counts_another_session_is_shown_another(user):
    """Otherwise a thief of the password reads the key first and shares the owner's app."""
    thief, owner = signed_in(user), signed_in(user)
    stolen, own = thief.get(APP), owner.get(APP)

    owner.post(APP, {"code": code_shown(own), "name": "phone"})

    assert key_on(stolen) != key_on(own)
    assert not seen(thief.get("/security-info", follow=True).text, key_on(own))


def test_an_administrators_second_factor_is_shown_once_too(user):
    admin = make_admin()
    client = signed_in(admin)
    page = client.get(ADMIN_APP)
    client.post(ADMIN_APP, {"code": code_shown(page)})

    assert "no-store" in page.headers["Cache-Control"]
    assert not seen(client.get(ADMIN_APP, follow=True).text, key_on(page))


def test_what_is_stored_and_written_down_of_it_is_nothing_that_can_be_read(user):
    client = signed_in(user)
    page = client.get(APP)
    key = key_on(page)
    client.post(APP, {"code": code_shown(page), "name": "phone"})

    stored = bytes(of_kind(Factor.AUTHENTICATOR).get(user=user).data)

    raw = base64.b32decode(key)
    assert raw not in stored
    assert key.encode() not in stored
    assert raw.hex().encode() not in stored
    assert not seen(str(list(Event.objects.values())), key)
    assert not seen(str(dict(client.session)), key)
