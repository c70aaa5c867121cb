"""Attacks on the flows that a reviewer carried out once. Each of them worked."""

import unicodedata
from uuid import uuid4

import pytest
from django.test import Client

from audit.models import Event
from directory.models import Membership, User
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from passwords.hashing import Busy
from registration.services import enrol
from tenants.models import Branding, Group, Tenant
from tenants.policy import Contact, Factor, Method, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    ANSWERS,
    PASSWORD,
    make_email,
    make_method,
    make_phone,
    make_prefill,
    make_questions,
    make_tenant,
    make_user,
    signed_in,
)
from tests.captcha import came_from, solved
from tests.flow import confirm_contact
from tests.threads import all_at_once
from verification.models import Challenge
from verification.queries import drawn_questions, methods_by_factor
from verification.rules.verdicts import Verdict
from verification.services import questions as questions_service
from verification.session import Session

NEW = "correct horse battery staple"


@pytest.fixture
def user(user):
    """With an address, by which a reset can be proved."""
    make_email(user)
    return user


def identify(client, upn="minji@contoso.example"):
    return client.post("/passwordreset", solved({"username": upn}), follow=True)


def choose(client, method):
    return client.post("/passwordreset/verify", {"method": method})


def enter(client, code):
    return client.post("/passwordreset/code", {"code": code})


def set_password(client, password=NEW):
    typed = {"new_password": password, "confirm_password": password}
    return client.post("/passwordreset/new-password", typed)


def has(user, password):
    answer = Client().post("/signin", {"username": user.upn, "password": password})
    return answer.status_code == 302


def test_a_code_sent_to_a_mailbox_that_was_replaced_since_opens_nothing(user, mailroom):
    thief = Client()
    identify(thief)
    choose(thief, "email")
    stolen = mailroom.code()
    owner = signed_in(user)
    owner.post("/security-info/proof", {"method": "email"})
    owner.post("/security-info/proof/verify", {"code": mailroom.code()})
    owner.post("/ssprsetup/email", {"email": "safe@mail.example"})
    owner.post("/ssprsetup/verify", {"code": mailroom.code()})

    enter(thief, stolen)
    set_password(thief)

    assert not has(user, NEW)
    assert has(user, PASSWORD)


def nobody():
    change_policy(Policy(self_service=Scope.NONE))


def excluded():
    group = Group.objects.create(name="Out")
    Membership.objects.create(user=User.objects.get(upn="minji@contoso.example"), group=group)
    change_policy(Policy(self_service=Scope.ALL, excluded_groups=frozenset({"Out"})))


def organisation_off():
    Tenant.objects.update(enabled=False)


@pytest.mark.parametrize("switch_off", [nobody, excluded, organisation_off])
def test_a_reset_that_is_under_way_ends_when_it_is_switched_off(user, mailroom, switch_off):
    client = Client()
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())

    switch_off()
    set_password(client)

    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_an_administrators_reset_ends_when_it_is_switched_off(contoso, mailroom):
    boss = make_user(role=Role.TENANT_ADMIN)
    make_email(boss)
    make_phone(boss)
    client = Client()
    identify(client)
    for method in ("email", "mobile_text"):
        choose(client, method)
        enter(client, mailroom.code())

    change_policy(Policy(self_service=Scope.ALL, admin_self_reset=False))
    set_password(client)

    assert has(boss, PASSWORD)


def test_sessions_end_with_their_organisation(user):
    client = signed_in(user)

    Tenant.objects.update(enabled=False)

    assert client.get("/security-info").status_code == 302


def test_a_throttled_network_learns_nothing_about_anybody(hanbit):
    with in_tenant(hanbit.pk):
        make_user("off@hanbit.example", enabled=False)
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST)

    def page(upn):
        text = identify(Client(), upn).content.decode()
        start = text.index("<main")
        return text[start : text.index("<form")] if "<form" in text[start:] else text[start:]

    seen = {
        upn: page(upn).replace(upn, "").split("Support")[0]
        for upn in ("off@hanbit.example", "nobody@hanbit.example", "nobody@nowhere.example")
    }

    assert len(set(seen.values())) == 1
    assert "your network" in seen["off@hanbit.example"]


def test_who_spent_their_own_budget_spends_nobody_elses(user, mailroom):
    me = make_user("me@contoso.example")
    client = signed_in(me)
    for _ in range(30):
        limits.hit(Limit.CODES_FOR_A_USER, str(me.pk))
    for _ in range(6):
        for number in ("010-9999-0001", "010-9999-0002"):
            client.post(
                "/ssprsetup/phone",
                {"phone_country": "KR", "phone": number, "method": "mobile_text"},
            )
    make_method(user, Factor.MOBILE_PHONE, "+821099990001")
    victim = Client()
    identify(victim)

    choose(victim, "mobile_text")

    assert mailroom.work()


def test_three_answers_are_not_five(contoso):
    minji = make_user()
    make_questions(minji, dict(list(ANSWERS.items())[:3]))
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE, questions_to_reset=5))
    client = Client()
    identify(client)
    choose(client, "questions")
    asked = drawn_questions(minji.pk)
    typed = {f"answer_{n}": ANSWERS[qid] for n, qid in enumerate(asked, 1)}

    client.post("/passwordreset/questions", typed)
    set_password(client)

    assert has(minji, PASSWORD)


def test_a_phone_that_cant_be_called_now_still_guards_the_account(contoso, settings):
    minji = make_user()
    make_phone(minji)
    make_questions(minji)
    settings.DEMO, settings.TWILIO_ACCOUNT_SID = False, ""
    thief = signed_in(minji)

    page = thief.get("/ssprsetup/email", follow=True)

    assert page.request["PATH_INFO"] == "/security-info/proof"
    assert "contact your IT team" in page.text


@pytest.mark.parametrize("way", [Contact.OFF, Contact.URL])
def test_nobody_is_mailed_where_the_policy_offers_no_mail(user, mailroom, way):
    make_user("desk@contoso.example", role=Role.HELPDESK)
    change_policy(Policy(self_service=Scope.ALL, contact=way, contact_url="https://help.example/"))
    client = Client()
    identify(client, "nobody@contoso.example")

    client.post("/passwordreset/contact", {"message": "x"})

    assert not mailroom.work()


def test_unknown_domains_dont_share_a_budget_that_known_ones_dont(user):
    def ask(upn):
        client = Client()
        identify(client, upn)
        return client.post("/passwordreset/contact", {"message": "x"}).text

    for number in range(20):
        ask(f"u{number}@nowhere.example")

    assert ask("x@elsewhere.example").split("Support")[0].count("already") == ask(
        "x@contoso.example"
    ).split("Support")[0].count("already")


def test_length_is_counted_in_letters_not_in_their_parts(user, mailroom):
    short = unicodedata.normalize("NFD", "각난닫랄")
    assert len(short) == 12
    client = Client()
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())

    page = set_password(client, short)

    assert "Use at least 12 characters" in page.text


def test_a_session_cookie_with_a_nul_in_it_is_no_error(db):
    client = Client(raise_request_exception=False)
    client.cookies["session"] = "abcdefghijkl\x00"

    assert client.get("/signin").status_code == 200


def test_refusals_wear_no_brand(hanbit):
    with in_tenant(hanbit.pk):
        Branding.objects.create(colour="#112233")

    known = identify(Client(), "nobody@hanbit.example").text
    unknown = identify(Client(), "nobody@nowhere.example").text

    assert "/brand/" not in known
    assert "/brand/" not in unknown


def test_a_page_of_the_admin_that_there_isnt_keeps_no_session_alive(user):
    client = signed_in(user)
    before = Session(client.session).ends_at

    client.get("/admin/nothing")

    assert Session(client.session).ends_at == before


@pytest.mark.parametrize("address", ["minji@contoso.example", "boss@contoso.example"])
def test_a_mailbox_behind_the_forgotten_password_isnt_confirmed_because_it_was_entered(
    contoso, address
):
    change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.EMAIL})))
    make_prefill(make_user(), Factor.EMAIL, address)
    client = signed_in(User.objects.get())

    assert "c•••" not in client.get("/ssprsetup").text
    client.post("/ssprsetup/entered/email", {"method": "email"})

    assert not Challenge.objects.exists()


def test_answers_to_questions_that_were_passed_cost_no_more_hashing(contoso, monkeypatch):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE, methods_required=2))
    person = make_user()
    make_email(person)
    make_questions(person)
    client = Client()
    identify(client)
    choose(client, "questions")
    drawn = drawn_questions(person.pk)
    typed = {f"answer_{number}": ANSWERS[qid] for number, qid in enumerate(drawn, start=1)}
    assert "once more" in client.post("/passwordreset/questions", typed, follow=True).text
    compared = []
    monkeypatch.setattr(questions_service, "are_right", lambda *given: compared.append(given))

    client.post("/passwordreset/questions", typed)

    assert not compared


def test_a_machine_that_is_too_busy_to_compare_uses_up_no_guess(contoso, monkeypatch):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE))
    person = make_user()
    make_questions(person)
    client = Client()
    identify(client)
    choose(client, "questions")
    drawn = drawn_questions(person.pk)
    typed = {f"answer_{number}": "wrong" for number in range(1, len(drawn) + 1)}

    def busy(*_given):
        raise Busy

    monkeypatch.setattr(questions_service, "are_right", busy)
    for _ in range(30):
        assert client.post("/passwordreset/questions", typed).status_code == 503

    assert not limits.blocked_until(Limit.WRONG_GUESSES, str(person.pk))


@pytest.mark.django_db(transaction=True)
def test_two_sessions_that_confirm_one_address_at_once_both_get_an_answer(mailroom):
    tenant = make_tenant("race", policy=Policy(self_service=Scope.ALL))
    contexts = [uuid4(), uuid4()]
    with in_tenant(tenant.pk):
        person = make_user("one@race.example")
        work = []
        for context in contexts:
            enrol.start_email(person, context, "one@mail.example", Method.EMAIL)
            work.append((Challenge.objects.get(context=context), mailroom.code()))

    answers = all_at_once(2, lambda: confirm_contact(person, *work.pop()), tenant_id=tenant.pk)

    assert {answer.verdict for answer in answers} == {Verdict.RIGHT}
    with in_tenant(tenant.pk):
        assert len(methods_by_factor(person.pk)) == 1


def test_what_a_stranger_does_in_somebodys_name_is_not_that_persons_deed(user, mailroom):
    client = Client()
    identify(client)
    choose(client, "email")
    code = mailroom.code()
    enter(client, "00000000" if code != "00000000" else "00000001")
    client.post("/passwordreset/contact", {"message": "Please"})
    for _ in range(3):
        signed_in(user, "not that")

    done = Event.objects.filter(subject_id=user.pk)
    assert {event.activity for event in done} >= {
        "reset_flow_progress",
        "code_sent",
        "sign_in_failed",
    }
    assert not done.filter(actor_id__isnull=False).exists()

    enter(client, code)

    assert done.get(actor_id=user.pk).reason == "gate_passed"
