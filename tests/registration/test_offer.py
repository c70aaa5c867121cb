import re

from delivery import channels
from delivery.models import Outgoing
from directory.models import User
from limits import services as limits
from limits.rules import Limit
from tenants.policy import Factor, Method, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_phone, make_prefill
from verification.models import Challenge
from verification.queries import methods_by_factor, value_of


def test_what_the_policy_does_not_allow_is_not_registered(user, me):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_TEXT})))

    page = me.post("/ssprsetup/email", {"email": "minji.home@mail.example"})

    assert page.url == "/ssprsetup"
    assert not Outgoing.objects.exists()


def test_what_can_not_be_delivered_is_not_on_offer(user, me, monkeypatch):
    monkeypatch.setattr(channels, "_module", lambda kind: "email" if kind == "email" else None)

    page = me.get("/ssprsetup").content.decode()

    assert "/ssprsetup/email" in page
    assert "/ssprsetup/phone" not in page
    assert "Mobile phone" not in page
    assert me.get("/ssprsetup/phone").url == "/ssprsetup"


def test_administrators_see_no_questions_even_where_nothing_else_makes_two(user, me):
    only = frozenset({Method.EMAIL})
    change_policy(Policy(self_service=Scope.ALL, reset_methods=only, questions=Questions.GATE))
    User.objects.filter(pk=user.pk).update(role=Role.TENANT_ADMIN)

    page = me.get("/ssprsetup").content

    assert b"/ssprsetup/questions" not in page
    assert b"0 of 2 methods set up" in page


def test_one_number_serves_one_method_only_whoever_entered_it(user, me, mailroom):
    make_phone(user, "010-1234-5678")
    make_prefill(user, Factor.OFFICE_PHONE, "+821012345678#3")
    me.post("/security-info/proof", {"method": "mobile_text"})
    me.post("/security-info/proof/verify", {"code": mailroom.code()})
    page = me.post("/ssprsetup/entered/office_phone", {"method": "office_call"}, follow=True)

    assert b"You already use this number for another method" in page.content
    assert Factor.OFFICE_PHONE not in methods_by_factor(user.pk)
    assert not Challenge.objects.filter(method=Method.OFFICE_CALL).exists()


def test_a_mobile_number_that_an_admin_entered_as_office_phone_too_is_refused(user, me, mailroom):
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)
    make_prefill(user, Factor.OFFICE_PHONE, "+821012345678")
    page = me.post("/ssprsetup/entered/mobile_phone", {"method": "mobile_text"}, follow=True)

    assert b"You already use this number for another method" in page.content
    assert not Outgoing.objects.exists()


def test_who_may_get_no_more_codes_is_told_why(user, me, mailroom):
    make_prefill(user, Factor.EMAIL, "entered@mail.example")
    for _ in range(10):
        limits.hit(Limit.CODES_TO_AN_EMAIL, "register:entered@mail.example")
    page = me.post("/ssprsetup/entered/email", {"method": "email"}, follow=True)

    assert b"Too many codes were sent to this phone or address" in page.content


def test_an_address_that_looks_mistyped_is_taken_when_it_is_meant(user, me, mailroom):
    page = me.post("/ssprsetup/email", {"email": "minji@gmial.com"}, follow=True)
    meant = {"meant": "minji@gmial.com"}
    me.post("/ssprsetup/email", {"email": "other@gmial.com"} | meant)
    before = mailroom.work()
    me.post("/ssprsetup/email", {"email": "minji@gmial.com"} | meant)
    me.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert 'value="minji@gmial.com"' in page.text
    assert before == []
    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == "minji@gmial.com"


def test_nothing_that_may_cost_the_user_is_chosen_beforehand(user, me):
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)
    page = me.get("/ssprsetup/phone")
    unchosen = me.post("/ssprsetup/entered/mobile_phone", follow=True)

    assert page.context["form"]["method"].value() is None
    assert page.context["entered_form"]["method"].value() is None
    assert b"Select a method" in unchosen.content
    assert not Outgoing.objects.exists()


def test_two_forms_on_a_page_have_ids_of_their_own(user, me):
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)

    ids = re.findall(r' id="([^"]+)"', me.get("/ssprsetup/phone").content.decode())

    assert len(ids) == len(set(ids))
