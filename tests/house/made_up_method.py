"""What users and administrators see of a made-up method. Run by `test_made_up_method`, in a copy
of the service in which the method was added; it is no test of the service itself.
"""

import pytest

from tenants.policy import Method, Policy, Scope
from tests.attacks.test_flows import identify
from tests.builders import make_email, make_phone
from tests.console.people import behind_both, make_admin
from tests.visits import sign_in

MESSENGER = "messenger"
LABEL, OPTION, SEND = "Message to the mobile phone", "Message my mobile", "Message me a code"


@pytest.fixture
def contoso_policy():
    methods = frozenset({Method(MESSENGER), Method.EMAIL})
    return Policy(self_service=Scope.ALL, reset_methods=methods, sign_in_second_factor="registered")


def test_the_policy_page_and_the_person_page_list_it(user):
    make_phone(user)
    admin = behind_both(make_admin())

    assert LABEL in admin.get("/admin/policy/").text
    person = admin.get(f"/admin/people/{user.pk}/").text
    assert "Mobile phone" in person
    assert "Mobile phone" in admin.get("/admin/people/").text


def test_the_wizard_offers_to_register_with_it(me):
    assert "Mobile phone" in me.get("/ssprsetup").text
    assert SEND in me.get("/ssprsetup/phone").text


def test_it_is_registered_and_listed(me, mailroom):
    fields = {"phone_country": "KR", "phone": "010-1234-5678", "method": MESSENGER}
    page = me.post("/ssprsetup/phone", fields, follow=True)
    assert page.redirect_chain[-1][0] == "/ssprsetup/verify"

    answer = me.post("/ssprsetup/verify", {"code": mailroom.code()}, follow=True)

    assert "Your phone is verified" in answer.text
    assert "Mobile phone" in me.get("/security-info").text


def test_sign_in_and_reset_offer_it(user, client):
    make_phone(user)
    make_email(user)

    sign_in(client, user)
    assert OPTION in client.get("/signin/second-factor").text
    client.logout()
    identify(client, user.upn)
    assert OPTION in client.get("/passwordreset/verify").text
