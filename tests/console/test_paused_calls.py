"""The person's page says that calls to a phone are paused, and the helpdesk can end that."""

import pytest

from delivery.services.gate import calls_paused_until, pause_calls
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.attacks.test_flows import choose, identify
from tests.builders import make_email, make_phone, make_prefill
from verification.queries import value_of

KOREAN = {"accept-language": "ko"}
OFFICE = "+8225550100"


def page_of(client, person, headers=None):
    return client.get(f"/admin/people/{person.pk}/", headers=headers)


@pytest.mark.parametrize("is_entered", [False, True])
def test_the_page_says_which_phone_is_not_called(helpdesk, person, is_entered, mailroom):
    number = "+821012345678"
    if is_entered:
        make_prefill(person, Factor.MOBILE_PHONE, number)
    else:
        number = value_of(make_phone(person))
    make_prefill(person, Factor.OFFICE_PHONE, "+8225550100")
    before = page_of(helpdesk, person).text

    pause_calls(number)

    page = page_of(helpdesk, person).text
    assert "no calls until" not in before
    assert page.count("no calls until") == 1
    assert "Mobile phone: no calls until" in page
    assert "전화를 걸지 않습니다" in page_of(helpdesk, person, KOREAN).text


def test_clearing_the_block_lets_calls_through(helpdesk, person, mailroom):
    number = value_of(make_phone(person))
    pause_calls(number)

    helpdesk.post(f"/admin/people/{person.pk}/do/clear/", {"note": "ticket 1"})

    assert calls_paused_until(number) is None
    assert "no calls until" not in page_of(helpdesk, person).text


@pytest.fixture
def called_at_the_office(person):
    """A user who can reset only by a call to the office phone."""
    change_policy(
        Policy(
            self_service=Scope.ALL,
            reset_methods=frozenset({Method.OFFICE_CALL, Method.EMAIL}),
            prefilled_usable=frozenset({Factor.OFFICE_PHONE}),
            new_proof_hours=0,
        )
    )
    make_prefill(person, Factor.OFFICE_PHONE, OFFICE)
    return person


def test_the_page_says_no_while_the_portal_refuses_the_only_call(
    client, helpdesk, called_at_the_office, mailroom
):
    before = page_of(helpdesk, called_at_the_office).text

    pause_calls(OFFICE)

    page = page_of(helpdesk, called_at_the_office).text
    identify(client, called_at_the_office.upn)
    refused = choose(client, Method.OFFICE_CALL)
    assert "Yes, with office phone" in before
    assert "Yes, with" not in page
    assert "Until then we don’t call: office phone" in page
    assert f"/admin/people/{called_at_the_office.pk}/do/clear/" in page.partition("What would")[2]
    assert "Calls to this phone aren’t available now" in refused.text
    assert "부터 가능합니다" in page_of(helpdesk, called_at_the_office, KOREAN).text


def test_the_page_names_what_works_beside_a_phone_that_is_not_called(
    client, helpdesk, called_at_the_office, mailroom
):
    make_email(called_at_the_office)

    pause_calls(OFFICE)

    page = page_of(helpdesk, called_at_the_office).text
    identify(client, called_at_the_office.upn)
    assert "Yes, with alternate email<" in page
    assert choose(client, Method.EMAIL).url == "/passwordreset/code"


def test_the_page_says_yes_again_once_calls_are_let_through(
    helpdesk, called_at_the_office, mailroom
):
    pause_calls(OFFICE)

    helpdesk.post(f"/admin/people/{called_at_the_office.pk}/do/clear/", {"note": "ticket 1"})

    assert "Yes, with office phone" in page_of(helpdesk, called_at_the_office).text
