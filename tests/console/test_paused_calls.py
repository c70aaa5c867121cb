"""The person's page says that calls to a phone are paused, and the helpdesk can end that."""

import pytest

from delivery.services.gate import calls_paused_until, pause_calls
from tenants.policy import Proof
from tests.builders import make_phone, make_prefill
from verification.queries import value_of

KOREAN = {"accept-language": "ko"}


def page_of(client, person, headers=None):
    return client.get(f"/admin/people/{person.pk}/", headers=headers)


@pytest.mark.parametrize("is_entered", [False, True])
def test_the_page_says_which_phone_is_not_called(helpdesk, person, is_entered, mailroom):
    number = "+821012345678"
    if is_entered:
        make_prefill(person, Proof.MOBILE_PHONE, number)
    else:
        number = value_of(make_phone(person))
    make_prefill(person, Proof.OFFICE_PHONE, "+8225550100")
    before = page_of(helpdesk, person).text

    pause_calls(number)

    page = page_of(helpdesk, person).text
    assert "not called until" not in before
    assert page.count("not called until") == 1
    assert "Mobile phone: not called until" in page
    assert "전화를 걸지 않습니다" in page_of(helpdesk, person, KOREAN).text


def test_clearing_the_block_lets_calls_through(helpdesk, person, mailroom):
    number = value_of(make_phone(person))
    pause_calls(number)

    helpdesk.post(f"/admin/people/{person.pk}/do/clear/", {"note": "ticket 1"})

    assert calls_paused_until(number) is None
    assert "not called until" not in page_of(helpdesk, person).text
