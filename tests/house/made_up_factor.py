"""What users and administrators see of a made-up factor. Run by `test_made_up_method`, in a copy
of the service in which the factor was added; it is no test of the service itself.
"""

import re
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from console.queries.overview import reach
from sspr.restoring import RestoreOptions, end_what_may_be_over
from tenants.policy import Factor, Method, Policy, Scope
from tests.attacks.test_flows import identify
from tests.builders import make_user, of_kind, signed_in
from tests.console.people import behind_both, make_admin
from verification.services.second_factor import remove_second_factor

WRISTBAND, NAME, CODE = "wristband", "Wristband", "271828"
OPTION = "Enter a code from my wristband"


@pytest.fixture
def contoso_policy():
    methods = frozenset({Method(WRISTBAND), Method.EMAIL})
    return Policy(
        self_service=Scope.ALL,
        reset_methods=methods,
        sign_in_methods=frozenset({Method(WRISTBAND)}),
        sign_in_second_factor="registered",
    )


@pytest.fixture
def wristbands():
    """The service of the made-up factor, which the service itself doesn't have."""
    return import_module("verification.services.wristbands")


@pytest.fixture
def wearer(user, wristbands):
    """A user whose wristband is older than every hold period."""
    with time_machine.travel(timezone.now() - timedelta(days=9), tick=False):
        wristbands.register(user, CODE)
    return user


def test_the_wizard_registers_it_and_security_info_lists_it(me):
    assert NAME in me.get("/ssprsetup").text
    page = me.get("/ssprsetup/wristband").text
    assert "Set up a wristband" in page
    assert "Put the wristband on." in page
    wrong = me.post("/ssprsetup/wristband", {"code": "314159"})
    assert "The wristband shows another code." in wrong.text

    answer = me.post("/ssprsetup/wristband", {"code": CODE}, follow=True)

    assert "Your wristband is ready" in answer.text
    assert NAME in me.get("/security-info").text


def test_a_reset_offers_it_and_is_passed_by_it(wearer, client):
    identify(client, wearer.upn)
    assert OPTION in client.get("/passwordreset/verify").text
    client.post("/passwordreset/verify", {"method": WRISTBAND})
    assert "Enter the code from your wristband" in client.get("/passwordreset/wristband").text

    assert client.post("/passwordreset/wristband", {"code": CODE}).status_code == 302

    assert client.get("/passwordreset/new-password").status_code == 200


def test_a_sign_in_asks_for_it(wearer):
    client = signed_in(wearer)

    page = client.get("/signin/second-factor", follow=True).text

    assert "Enter the code from your wristband" in page or OPTION in page


def test_the_admin_knows_it(wearer):
    admin = behind_both(make_admin())

    assert NAME in admin.get("/admin/policy/").text
    assert NAME in admin.get(f"/admin/people/{wearer.pk}/").text
    people = admin.get("/admin/people/").text
    assert NAME in re.search(rf"{wearer.upn}.*?</tr>", people, re.DOTALL)[0]


def test_reports_count_its_users(wearer):
    make_user("jisoo@contoso.example")

    coverage = reach()

    assert (coverage.able, coverage.registered, coverage.in_scope) == (1, 1, 2)


def test_the_summary_of_the_user_says_since_when(wearer):
    wearer.refresh_from_db()

    assert wearer.wristband_since < timezone.now() - timedelta(days=8)


def test_it_goes_with_the_second_factor_with_a_purge_and_with_a_restore(wearer, wristbands):
    remove_second_factor(wearer, actor_id=wearer.pk)
    assert not of_kind(Factor(WRISTBAND)).filter(removed_at=None).exists()
    with time_machine.travel(timezone.now() + timedelta(days=40), tick=False):
        call_command("purge")
    assert not of_kind(Factor(WRISTBAND)).exists()

    wristbands.register(wearer, CODE)
    ended = end_what_may_be_over(timezone.now() + timedelta(days=1), RestoreOptions())
    assert ended["wristbands"] == 1
    assert not of_kind(Factor(WRISTBAND)).exists()
