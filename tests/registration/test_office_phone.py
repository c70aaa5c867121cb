import pytest
from django.utils import timezone

from tenants.policy import Factor, Method, OfficeEditor, Policy, Scope
from tenants.services import change_policy
from tests.builders import make_phone, make_prefill, signed_in
from verification.models import Challenge
from verification.queries import methods_by_factor, number_shown, value_of
from verification.services.calls import press
from verification.session import Session

PAGE = "/ssprsetup/office"


def decide(editor):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            reset_methods=frozenset({Method.OFFICE_CALL, Method.MOBILE_TEXT}),
            office_phone_editor=editor,
        )
    )


@pytest.fixture
def contoso(contoso):
    decide(OfficeEditor.USER)
    return contoso


def enter(client, number):
    typed = {"phone_country": "KR", "phone": number, "method": "office_call"}
    return client.post(PAGE, typed)


def confirm(client):
    challenge = Challenge.objects.latest("created_at")
    press(challenge.pk, number_shown(challenge))
    return client.post("/ssprsetup/verify")


def office_of(user):
    found = methods_by_factor(user.pk).get(Factor.OFFICE_PHONE)
    return value_of(found) if found else ""


def test_where_the_policy_says_so_people_enter_their_office_phone(user):
    client = signed_in(user)
    assert PAGE in client.get("/ssprsetup").text

    assert enter(client, "070-1234-5678 내선 12").url == "/ssprsetup/verify"
    confirm(client)

    assert office_of(user) == "+827012345678#12"


def test_another_number_takes_the_place_of_the_one_that_was_entered(user):
    make_prefill(user, Factor.OFFICE_PHONE, "+82212340001")
    client = signed_in(user)

    page = client.get(PAGE).text
    assert "Call this number now" in page
    assert "You can’t change it here" not in page
    enter(client, "02-1234-0002")
    confirm(client)

    assert office_of(user) == "+82212340002"


@pytest.mark.parametrize("number", ["02-12", "060-123-4567", "+1 202 555 0123", ""])
def test_a_bad_number_is_said_at_the_field(user, number):
    page = enter(signed_in(user), number)

    assert page.context["form"].errors["phone"]
    assert not Challenge.objects.exists()


def test_ones_own_mobile_phone_is_no_office_phone(user):
    make_phone(user)
    client = signed_in(user)
    session = Session(client.session)
    session.proved_at = timezone.now()
    session.save()

    page = enter(client, "010-1234-5678")

    assert "You already use this number for another method" in page.text
    assert not Challenge.objects.exists()


def test_elsewhere_only_administrators_enter_it(user):
    client = signed_in(user)
    decide(OfficeEditor.ADMINS)

    assert PAGE not in client.get("/ssprsetup").text
    page = enter(client, "02-1234-0002")

    assert "has not entered an office phone" in page.text
    assert not Challenge.objects.exists()
