import pytest

from limits import services as limits
from limits.rules import Limit
from tenants.policy import Policy, Questions, Scope
from tenants.services import change_policy
from tests.builders import make_phone
from tests.visits import register_email
from verification.models import Challenge
from verification.queries import number_shown
from verification.services.calls import press


@pytest.mark.parametrize(
    "path",
    [
        "/ssprsetup",
        "/ssprsetup/phone",
        "/ssprsetup/alternate",
        "/ssprsetup/email",
        "/ssprsetup/office",
        "/ssprsetup/questions",
        "/ssprsetup/verify",
        "/security-info",
        "/security-info/remove/email",
        "/security-info/proof",
    ],
)
def test_every_page_says_when_its_time_is_over(user, me, mailroom, path):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE))
    register_email(me, mailroom)
    make_phone(user, "010-2222-3333")
    me.post(
        "/ssprsetup/phone", {"phone_country": "KR", "phone": "01012345678", "method": "mobile_text"}
    )

    page = me.get(path)

    assert page.status_code == 200
    assert b"data-session-until" in page.content


def test_the_page_of_a_confirmed_call_stops_asking(user, me):
    me.post(
        "/ssprsetup/phone", {"phone_country": "KR", "phone": "01012345678", "method": "mobile_call"}
    )
    waiting = me.get("/ssprsetup/verify").content
    challenge = Challenge.objects.get()
    press(challenge.pk, number_shown(challenge))
    confirmed = me.get("/ssprsetup/verify").content

    assert b"data-poll" in waiting
    assert b"data-poll" not in confirmed
    assert b"Confirmed" in confirmed


def test_times_are_those_of_the_organisation(user, me, mailroom):
    for _ in range(10):
        limits.hit(Limit.CODES_TO_AN_EMAIL, "register:minji.home@mail.example")

    page = me.post("/ssprsetup/email", {"email": "minji.home@mail.example"})

    assert b" KST, or use another method" in page.content
