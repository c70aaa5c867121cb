from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery.models import Outgoing
from directory.models import User
from tenants.models import Group
from tenants.policy import Factor, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    ANSWERS,
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_user,
)
from tests.pages import without_random
from tests.visits import register_email, sign_in
from verification.models import Answer, Challenge, RegisteredMethod
from verification.queries import methods_by_factor, number_shown, value_of
from verification.services.calls import press
from verification.services.questions import are_right, draw


def title(page):
    return " ".join(page.text.split("<title>")[1].partition(" – ")[0].split())


def phone_form(number, method="mobile_text"):
    return {"phone_country": "KR", "phone": number, "method": method}


def test_an_address_counts_only_after_its_code(user, me, mailroom):
    me.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    before = methods_by_factor(user.pk)
    page = me.post("/ssprsetup/verify", {"code": mailroom.code()}, follow=True)

    assert before == {}
    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == "minji.home@mail.example"
    assert b"Your email address is verified: m" in page.content
    assert b"minji.home" not in page.content


def test_a_wrong_code_registers_nothing(user, me, mailroom):
    me.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    mailroom.work()
    page = me.post("/ssprsetup/verify", {"code": "00000000"})

    assert b"This code is not correct. You have 4 tries left." in page.content
    assert methods_by_factor(user.pk) == {}


def test_a_code_is_no_good_in_another_session_of_the_same_user(user, me, mailroom):
    me.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    code = mailroom.code()
    other = Client()
    sign_in(other, user)
    other.post("/ssprsetup/verify", {"code": code})

    assert methods_by_factor(user.pk) == {}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "Enter an email address"),
        ("no-address", "Enter an email address like"),
        ("minji@contoso.example", "you need this account’s password"),
        ("other@contoso.example", "Addresses at contoso.example can’t be used"),
        ('"quoted"@mail.example', "Enter an email address like"),
        ("a@mail.example\r\nBcc: b@mail.example", "Enter an email address like"),
    ],
)
def test_bad_addresses_are_said_next_to_the_field_and_mail_nobody(me, address, said):
    page = me.post("/ssprsetup/email", {"email": address})

    assert said in page.content.decode()
    assert b"id_email_error" in page.content
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize(
    ("number", "method", "said"),
    [
        ("", "mobile_text", "Enter your phone number"),
        ("call me", "mobile_text", "Enter a phone number like"),
        ("010-1234", "mobile_text", "This isn’t a valid phone number for South Korea"),
        ("02-123-4567", "mobile_text", "Choose a call instead"),
        ("1588-1234", "mobile_call", "can’t be used"),
        ("+1 212 555 0123", "mobile_call", "doesn’t allow numbers from"),
        ("+8816 1234 5678", "mobile_call", "can’t be used"),
    ],
)
def test_bad_numbers_are_said_next_to_the_field_and_call_nobody(me, number, method, said):
    page = me.post("/ssprsetup/phone", phone_form(number, method))

    assert said in page.content.decode()
    assert not Outgoing.objects.exists()


def test_a_phone_is_registered_by_text(user, me, mailroom):
    me.post("/ssprsetup/phone", phone_form("010-1234-5678"))
    me.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert value_of(methods_by_factor(user.pk)[Factor.MOBILE_PHONE]) == "+821012345678"


def test_a_phone_is_registered_by_a_call_on_which_the_number_was_typed(user, me, mailroom):
    me.post("/ssprsetup/phone", phone_form("010-1234-5678", "mobile_call"))
    challenge = Challenge.objects.get()
    early = me.post("/ssprsetup/verify")
    press(challenge.pk, number_shown(challenge))
    me.post("/ssprsetup/verify")

    assert b"We have not received the number yet" in early.content
    assert Factor.MOBILE_PHONE in methods_by_factor(user.pk)


def test_the_number_of_somebody_else_is_taken_as_any_other_is(user, me, mailroom):
    make_phone(make_user("other@contoso.example"), "010-1234-5678")

    me.post("/ssprsetup/phone", phone_form("010-1234-5678"))
    me.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert value_of(methods_by_factor(user.pk)[Factor.MOBILE_PHONE]) == "+821012345678"


def test_a_number_that_is_the_office_phone_is_no_mobile_phone(user, me):
    make_prefill(user, Factor.OFFICE_PHONE, "+821012345678")

    page = me.post("/ssprsetup/phone", phone_form("010-1234-5678"))

    assert b"You already use this number for another method" in page.content


def test_what_an_admin_entered_is_shown_masked_and_confirmed_without_being_sent_back(
    user, me, mailroom
):
    make_prefill(user, Factor.EMAIL, "entered@mail.example")
    page = me.get("/ssprsetup/email")
    me.post("/ssprsetup/entered/email", {"method": "email", "email": "evil@mail.example"})
    me.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert b"entered@mail.example" not in page.content
    assert "e•••d@m•••.example".encode() in page.content
    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == "entered@mail.example"


@pytest.mark.parametrize(
    ("factor", "value", "path", "words"),
    [
        (Factor.EMAIL, "entered@mail.example", "/ssprsetup/email", "Another address"),
        (Factor.MOBILE_PHONE, "+821012345678", "/ssprsetup/phone", "Another number"),
    ],
)
def test_beside_what_an_admin_entered_is_a_field_for_another(user, me, factor, value, path, words):
    make_prefill(user, factor, value)

    assert f"<h2>{words}</h2>" in me.get(path).text


def test_the_office_phone_is_confirmed_by_a_call_and_can_not_be_typed(user, me, mailroom):
    make_prefill(user, Factor.OFFICE_PHONE, "+82212345678#12")
    page = me.get("/ssprsetup/office")
    me.post("/ssprsetup/entered/office_phone", {"method": "office_call"})
    challenge = Challenge.objects.get()
    press(challenge.pk, number_shown(challenge))
    me.post("/ssprsetup/verify")

    assert b'type="tel"' not in page.content
    assert value_of(methods_by_factor(user.pk)[Factor.OFFICE_PHONE]) == "+82212345678#12"


@pytest.mark.parametrize("kind", ["questions", "authenticator", "nonsense", "office_phone"])
def test_what_nobody_entered_can_not_be_confirmed(me, kind):
    page = me.post(f"/ssprsetup/entered/{kind}", {"method": "email"})

    assert page.status_code in {302, 404}
    assert not Outgoing.objects.exists()


def question_form(answers=ANSWERS, **changes):
    fields = {}
    for n, (question, answer) in enumerate(answers.items(), start=1):
        fields |= {f"question_{n}": question, f"answer_{n}": answer}
    return fields | changes


@pytest.fixture
def asks_questions(contoso):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE))


def test_answers_are_kept_as_hashes_and_compared_as_people_mean_them(user, asks_questions, me):
    me.post("/ssprsetup/questions", question_form())
    drawn = draw(user.pk, 3, bank=set(ANSWERS))

    hashes = list(Answer.objects.values_list("answer_hash", flat=True))
    assert all(value.startswith("argon2$argon2id$") for value in hashes)
    assert are_right(user.pk, {question: f" {ANSWERS[question].upper()}  " for question in drawn})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"question_1": ""}, "Question 1: Select a question from the list"),
        ({"answer_2": ""}, "Answer 2: Enter your answer"),
        ({"question_2": "q01"}, "You chose this question twice"),
        ({"answer_2": "SPAGHETTO"}, "You gave this answer twice"),
        ({"answer_1": "ab"}, "Use 3 to 40 characters"),
        ({"answer_1": "a" * 41}, "Use 3 to 40 characters"),
        ({"answer_1": "child"}, "The answer repeats words of the question"),
        ({"answer_1": "kim minji"}, "The answer contains your name or user ID"),
        ({"answer_1": "900101-1234567"}, "Don’t enter an identity number"),
    ],
)
def test_bad_answers_are_said_next_to_the_field_and_nothing_is_saved(
    me, asks_questions, changes, said
):
    page = me.post("/ssprsetup/questions", question_form(**changes))

    assert said in page.content.decode()
    assert not Answer.objects.exists()


def test_the_questions_come_in_an_order_of_the_session(asks_questions, me, user):
    first = me.get("/ssprsetup/questions").content
    again = me.get("/ssprsetup/questions").content
    other = Client()
    sign_in(other, user)
    elsewhere = other.get("/ssprsetup/questions").content

    def order(page):
        return [part[:3] for part in page.decode().split('<option value="')[1:] if part[0] == "q"]

    assert order(first) == order(again)
    assert order(first) != order(elsewhere)
    assert len(set(order(first))) == 36


def test_finish_needs_enough_and_says_how_many_are_missing(user, me, mailroom):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    register_email(me, mailroom)
    early = me.post("/ssprsetup")
    me.post("/ssprsetup/phone", phone_form("010-1234-5678"))
    me.post("/ssprsetup/verify", {"code": mailroom.code()})
    page = me.post("/ssprsetup", follow=True)
    me.post("/ssprsetup")

    assert b"You need 1 more before you can finish" in early.content
    assert title(early) == "Error: More information required"
    assert page.request["PATH_INFO"] == "/ssprsetup/done"
    assert "Add one more method" in page.content.decode()
    assert User.objects.get(pk=user.pk).registered_at is not None
    assert Event.objects.filter(activity=Activity.REGISTRATION_COMPLETED).count() == 1


def test_whoever_may_not_reset_has_nothing_to_register(me):
    Group.objects.create(name="pilots")
    change_policy(Policy(self_service=Scope.GROUPS, groups=frozenset({"pilots"})))

    assert b"There is nothing to register" in me.get("/ssprsetup").content


def test_administrators_are_asked_for_two_and_never_for_questions(user, asks_questions, me):
    User.objects.filter(pk=user.pk).update(role=Role.HELPDESK)

    page = me.get("/ssprsetup").content

    assert b"0 of 2 methods" in page
    assert b"/ssprsetup/questions" not in page


def test_a_password_alone_changes_no_proof_that_exists(user, mailroom, client):
    make_email(user)
    sign_in(client, user)
    page = client.get("/ssprsetup/phone", follow=True)
    client.post("/ssprsetup/phone", phone_form("010-9999-0000"))
    client.post("/security-info/remove/email")

    assert page.request["PATH_INFO"] == "/security-info/proof"
    assert set(methods_by_factor(user.pk)) == {Factor.EMAIL}
    assert not Outgoing.objects.exists()


def test_whoever_holds_questions_only_answers_them_before_adding_a_phone(
    user, asks_questions, mailroom, client
):
    make_questions(user)
    sign_in(client, user)
    asked = client.get("/ssprsetup/phone", follow=True)
    client.post("/security-info/proof", {"method": "questions"})
    drawn = draw(user.pk, 3, bank=set(ANSWERS))
    right = {f"answer_{n}": ANSWERS[question] for n, question in enumerate(drawn, start=1)}
    wrong = client.post("/security-info/proof/verify", right | {"answer_1": "nonsense"})
    refused = client.get("/ssprsetup/phone")
    back = client.post("/security-info/proof/verify", right)

    assert asked.request["PATH_INFO"] == "/security-info/proof"
    assert b"One or more answers are not correct" in wrong.content
    assert refused.url == "/security-info/proof"
    assert back.url == "/ssprsetup/phone"
    assert client.get("/ssprsetup/phone").status_code == 200


def test_a_registered_method_opens_changes_for_ten_minutes(user, mailroom, client):
    make_email(user)
    with time_machine.travel(timezone.now(), tick=False) as now:
        sign_in(client, user)
        client.get("/ssprsetup/phone")
        client.post("/security-info/proof", {"method": "email"})
        back = client.post("/security-info/proof/verify", {"code": mailroom.code()})
        within = client.get("/ssprsetup/phone")
        now.shift(timedelta(minutes=10))
        after = client.get("/ssprsetup/phone")

    assert back.url == "/ssprsetup/phone"
    assert within.status_code == 200
    assert after.url == "/security-info/proof"


def test_other_addresses_hear_of_every_change_and_the_removed_one_too(user, me, mailroom):
    register_email(me, mailroom)
    mailroom.sent.clear()
    me.post("/ssprsetup/email", {"email": "new.home@mail.example"})
    me.post("/ssprsetup/verify", {"code": mailroom.code()})
    changed = {m.destination for m in mailroom.work() if "changed" in m.subject}
    me.post("/security-info/remove/email")
    removed = {m.destination for m in mailroom.work() if "removed" in m.subject}

    assert changed == {user.upn, "minji.home@mail.example"}
    assert removed == {user.upn, "new.home@mail.example"}


def test_removing_says_what_it_costs_and_acts_on_post_only(user, me, mailroom):
    register_email(me, mailroom)
    asked = me.get("/security-info/remove/email")
    still = Factor.EMAIL in methods_by_factor(user.pk)
    page = me.post("/security-info/remove/email", follow=True)

    assert b"you can\xe2\x80\x99t reset your password yourself" in asked.content
    assert still
    assert b"Method removed: Alternate email" in page.content
    assert not RegisteredMethod.objects.exists()


def test_the_list_shows_masks_only(user, mailroom, client):
    make_email(user)
    make_phone(user)
    make_questions(user)
    sign_in(client, user)

    page = client.get("/security-info").content.decode()

    assert "m•••e@m•••.example" in page
    assert "••• ••• ••78" in page
    assert "minji.home" not in page
    assert "5678" not in without_random(page)
    assert "spaghetto" not in page


def test_sign_out_everywhere_spares_this_browser_only(user, me):
    other = Client()
    sign_in(other, user)
    me.post("/security-info/sign-out-everywhere")

    assert me.get("/security-info").status_code == 200
    assert other.get("/security-info").status_code == 302


@pytest.mark.parametrize(
    "path",
    ["/ssprsetup", "/ssprsetup/phone", "/ssprsetup/done", "/security-info", "/security-info/proof"],
)
def test_nobody_sees_these_pages_without_signing_in(contoso, client, path):
    assert client.get(path).url.startswith("/signin?next=")


def test_ten_wrong_codes_pause_registering_too(user, me, mailroom):
    for n in range(3):
        me.post("/ssprsetup/email", {"email": f"home{n}@mail.example"})
        for _try in range(5):
            page = me.post("/ssprsetup/verify", {"code": "00000000"}, follow=True)

    assert b"Paused until" in page.content
