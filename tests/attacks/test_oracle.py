"""Attempts to learn whether a user has an account, from what is said, asked, hashed, written.

Where the organisation shows everybody the same, a real person who could reset is told apart from
nobody by one thing alone: proving it.
"""

import re
from contextlib import suppress
from dataclasses import replace
from itertools import product

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from delivery.models import Outgoing
from directory.models import User
from isolation.scope import in_tenant
from reset.models import ResetAttempt
from reset.refusals import Refusal
from reset.subjects import decoy_id
from tenants.models import Branding
from tenants.policy import CallConfirmation, Method, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.visitors import EVERYTHING, KINDS, OFFERED, Visitor, person, plain, wrong
from tests.builders import ANSWERS, make_email, make_user
from tests.captcha import solved
from tests.console.people import code_now
from tests.pages import stands_in
from verification import middleware
from verification.models import Challenge
from verification.queries import drawn_questions
from verification.services.guesses import Throttled, count_a_guess

NEW = "correct horse battery staple"
OWN_HOST = "password.contoso.example"


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        *product([Method.EMAIL], KINDS),
        *product(
            [one for one in OFFERED if one is not Method.EMAIL], ["registered", "unregistered"]
        ),
    ],
)
def test_nobody_and_anybody_look_the_same_and_cost_the_same(
    organisation, hashed, site, method, kind
):
    upn = person(kind, "sobody")
    with time_machine.travel(timezone.now(), tick=False):
        Visitor(person("unknown", "first"), hashed).walk(method)  # fills what is remembered
        nobody = Visitor(person("unknown", "robody"), hashed).walk(method)
        somebody = Visitor(upn, hashed).walk(method)

    for page, of_nobody in zip(somebody.pages, nobody.pages, strict=True):
        assert same_questions(page) == same_questions(of_nobody)
    assert somebody.hashes == nobody.hashes
    for asked, of_nobody in zip(somebody.statements, nobody.statements, strict=True):
        assert asked == of_nobody


@pytest.mark.parametrize("how", [CallConfirmation.POUND, CallConfirmation.SPOKEN_CODE])
def test_calls_of_every_kind_look_the_same_for_nobody(organisation, hashed, site, how):
    change_policy(replace(EVERYTHING, call_confirmation=how))
    people = {"first": "unknown", "robody": "unknown", "sobody": "registered"}
    with time_machine.travel(timezone.now(), tick=False):
        seen = [
            Visitor(person(kind, name), hashed).walk(Method.MOBILE_CALL)
            for name, kind in people.items()
        ]

    assert seen[1].pages == seen[2].pages
    assert seen[1].statements == seen[2].statements


@pytest.mark.parametrize("kind", ["registered", "unregistered"])
@pytest.mark.parametrize("method", [Method.MOBILE_TEXT, Method.MOBILE_CALL])
def test_asking_for_the_whole_number_looks_and_costs_the_same(organisation, hashed, kind, method):
    change_policy(replace(EVERYTHING, ask_full_number=True))
    upn = person(kind, "sobody")
    with time_machine.travel(timezone.now(), tick=False):
        walk_past_the_number(person("unknown", "first"), hashed, method)
        nobody = walk_past_the_number(person("unknown", "robody"), hashed, method)
        somebody = walk_past_the_number(upn, hashed, method)

    assert somebody.pages == nobody.pages
    assert somebody.statements == nobody.statements


def walk_past_the_number(upn, hashed, method):
    """Enters a wrong number, and goes on as if it were right."""
    visitor = Visitor(upn, hashed).identify()
    page = visitor.post("/passwordreset/verify", {"method": method})
    asked = page.headers["Location"]
    assert asked.startswith(reverse("reset:number"))
    assert visitor.get(asked).status_code == 200
    visitor.post(asked, {"phone": "010-5555-4444"})
    gate = reverse("reset:call" if method.is_call else "reset:code")
    page = visitor.get(gate)
    visitor.post(gate, {"code": "11111111"})
    visitor.post("/passwordreset/resend")
    visitor.get("/passwordreset/verify")
    if method.is_call:
        visitor.poll(page)
    return visitor.seen


@pytest.mark.parametrize("upn", ["robody@elsewhere.example", "robody@hanbit.example"])
def test_on_an_organisations_own_host_other_domains_look_like_its_own(
    organisation, hanbit, hashed, upn
):
    Branding.objects.create(portal_host=OWN_HOST)
    with in_tenant(hanbit.pk):
        make_email(make_user("robody@hanbit.example"), "robody@mail.example")

    def walked(upn):
        visitor = Visitor(upn, hashed)
        visitor.client = Client(REMOTE_ADDR="192.0.2.1", headers={"host": OWN_HOST})
        return visitor.walk(Method.EMAIL)

    with time_machine.travel(timezone.now(), tick=False):
        walked(person("unknown", "first"))
        unknown, elsewhere = walked(person("unknown", "sobody")), walked(upn)

    assert elsewhere.pages == unknown.pages
    assert elsewhere.statements == unknown.statements
    assert elsewhere.hashes == unknown.hashes


def same_questions(page):
    """Which questions are asked differs from user to user, and for decoys as well."""
    lines = re.sub(r'(<label class="label" for="id_answer_).*', r"\1", page).splitlines()
    return [re.sub(r"answer_\w+", "", line.strip()) for line in lines if line.strip()]


@pytest.mark.parametrize("kind", [*KINDS[1:5], "unknown"])
def test_nothing_is_sent_to_who_couldnt_reset_and_the_history_says_why(
    organisation, mailroom, hashed, kind
):
    upn = person(kind, "sobody")
    visitor = Visitor(upn, hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "email"})

    assert mailroom.work() == []
    attempt = ResetAttempt.objects.get()
    reason = Refusal.MANAGED_ELSEWHERE if kind == "elsewhere" else Refusal.NOT_VERIFIABLE
    assert (attempt.refused, attempt.concealed) == ("", reason)
    assert Event.objects.filter(reason=reason.name.lower()).exists()
    assert {row.state for row in Outgoing.objects.all()} == {Outgoing.State.EXPIRED}


def test_a_code_of_nobody_goes_off_when_a_real_one_would(organisation, mailroom, hashed):
    ends = []
    for kind in ("unknown", "registered"):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            visitor = Visitor(person(kind, f"x{kind}"), hashed).identify()
            visitor.post("/passwordreset/verify", {"method": "email"})
            clock.shift(7)
            mailroom.work()
            ends.append(Challenge.objects.latest("created_at").expires_at - timezone.now())

    assert ends[0] == ends[1]


@pytest.mark.parametrize("method", [Method.EMAIL, Method.AUTHENTICATOR, Method.QUESTIONS])
def test_who_can_reset_gets_through_all_the_same(organisation, mailroom, hashed, method):
    upn = person("registered", "minji")
    user = User.objects.get(upn=upn)
    visitor = Visitor(upn, hashed).identify()
    visitor.post("/passwordreset/verify", {"method": method})
    if method is Method.EMAIL:
        visitor.post("/passwordreset/code", {"code": mailroom.code()})
    elif method is Method.AUTHENTICATOR:
        visitor.post("/passwordreset/app", {"code": code_now()})
    else:
        page = visitor.get("/passwordreset/questions")
        asked = re.findall(r'name="answer_(\d+)"', page.text)
        answers = [ANSWERS[qid] for qid in drawn_questions(user.pk)]
        fields = {f"answer_{n}": answer for n, answer in zip(asked, answers, strict=True)}
        visitor.post("/passwordreset/questions", fields)
    visitor.post("/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW})

    user.refresh_from_db()
    assert user.check_password(NEW)


@pytest.mark.parametrize("kind", ["unknown", "registered", "unregistered"])
def test_guessing_is_paused_for_nobody_as_for_anybody(organisation, mailroom, hashed, kind):
    change_policy(replace(EVERYTHING, reset_methods=frozenset({Method.EMAIL})))
    upn = person(kind, "sobody")
    told = []
    for _ in range(2):
        visitor = Visitor(upn, hashed).identify()
        visitor.post("/passwordreset/verify", {"method": "questions"})
        page = visitor.get("/passwordreset/questions")
        for _try in range(5):
            visitor.post("/passwordreset/questions", wrong(Method.QUESTIONS, page))
        visitor.post("/passwordreset/verify", {"method": "questions"})
        visitor.post("/passwordreset/questions", wrong(Method.QUESTIONS, page))
        told.append(visitor.get("/passwordreset/ended").text)
    visitor = Visitor(upn, hashed).identify()
    told.append(visitor.get("/passwordreset/ended").text)

    assert [stands_in("R04", text) for text in told] == [False, True, True]


def test_what_can_not_be_guessed_is_offered_to_all_during_a_pause(organisation, hashed, still):
    registered = User.objects.get(upn=person("registered", "sobody"))
    nobody = person("unknown", "robody")
    for number in (registered.pk, decoy_id(nobody)):
        with suppress(Throttled):
            while True:
                count_a_guess(number)

    pages = [
        plain(Visitor(upn, hashed).identify().client.get("/passwordreset/verify"), upn)
        for upn in (registered.upn, nobody)
    ]

    assert pages[0] == pages[1]
    assert 'value="recovery_code"' in pages[0]
    assert 'value="email"' not in pages[0]


def test_who_is_disabled_on_the_way_gets_nowhere_and_looks_as_before(
    organisation, mailroom, hashed
):
    upn = person("registered", "minji")
    visitor = Visitor(upn, hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "email"})
    code = mailroom.code()
    User.objects.update(enabled=False)

    visitor.post("/passwordreset/code", {"code": code})
    visitor.post("/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW})

    assert not User.objects.get(upn=upn).check_password(NEW)
    assert visitor.client.get("/passwordreset/verify").status_code == 200


def test_a_gate_that_was_passed_before_is_worth_nothing_once_one_is_disabled(
    organisation, mailroom, hashed
):
    change_policy(replace(EVERYTHING, methods_required=1))
    upn = person("registered", "minji")
    visitor = Visitor(upn, hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "email"})
    visitor.post("/passwordreset/code", {"code": mailroom.code()})
    assert visitor.client.get("/passwordreset/new-password").status_code == 200
    User.objects.update(enabled=False)

    page = visitor.post(
        "/passwordreset/new-password", {"new_password": NEW, "confirm_password": NEW}
    )

    assert page.headers["Location"] == "/passwordreset/verify"
    assert not User.objects.get(upn=upn).check_password(NEW)


def test_one_of_two_methods_is_not_enough_and_nothing_is_sent(organisation, mailroom, hashed):
    change_policy(replace(EVERYTHING, methods_required=2))
    make_email(make_user("minji@contoso.example"))
    visitor = Visitor("minji@contoso.example", hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "email"})

    assert mailroom.work() == []
    assert ResetAttempt.objects.get().concealed == Refusal.NOT_VERIFIABLE


def test_where_self_service_is_off_everybody_is_told(organisation, hashed):
    change_policy(replace(EVERYTHING, self_service=Scope.NONE))
    pages = []
    for kind in ("unknown", "registered"):
        upn = person(kind, "sobody")
        visitor = Visitor(upn, hashed)
        visitor.post("/passwordreset", solved({"username": upn}))
        pages.append(plain(visitor.client.get("/passwordreset/ended"), upn))

    assert pages[0] == pages[1]
    assert "R02" in pages[0]


def test_texts_to_nobody_use_up_nothing_that_others_need(organisation, mailroom, hashed):
    change_policy(replace(EVERYTHING, daily_message_cap=2))
    for number in range(5):
        visitor = Visitor(person("unknown", f"nobody{number}"), hashed).identify()
        visitor.post("/passwordreset/verify", {"method": "mobile_text"})
    visitor = Visitor(person("registered", "minji"), hashed).identify()
    visitor.post("/passwordreset/verify", {"method": "mobile_text"})

    assert len(mailroom.work()) == 1


def test_the_helpdesk_reads_why(organisation, mailroom, hashed):
    make_user("help@contoso.example", role=Role.HELPDESK)
    upn = person("unregistered", "sobody")
    visitor = Visitor(upn, hashed).identify()
    visitor.post("/passwordreset/contact", {"message": ""})

    letters = [letter for letter in mailroom.work() if letter.destination.startswith("help@")]
    assert "R03" in letters[0].text


@pytest.mark.parametrize(("verb", "beat_s"), [("post", 0.2), ("get", 0.05)])
@pytest.mark.parametrize("took_s", [0.001, 0.0734, 0.0999, 0.25])
def test_answers_about_a_user_id_leave_at_a_beat(monkeypatch, rf, took_s, verb, beat_s):
    now = [5.0]
    monkeypatch.setattr(middleware, "monotonic", lambda: now[0])
    monkeypatch.setattr(middleware, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))

    def answer(request):
        middleware.answer_at_a_beat(request)
        now[0] += took_s
        return HttpResponse()

    middleware.SteadyAnswers(answer)(getattr(rf, verb)("/passwordreset"))

    beats = (now[0] - 5) / beat_s
    assert beats == pytest.approx(round(beats))
    assert now[0] - 5 >= took_s


@pytest.fixture
def waited(monkeypatch):
    """Every wait for a beat, in seconds."""
    waits = []
    monkeypatch.setattr(middleware, "sleep", waits.append)
    return waits


@pytest.mark.parametrize("kind", ["unknown", "registered", "unregistered"])
def test_every_answer_past_the_checks_waits_for_the_beat(organisation, hashed, waited, kind):
    upn = person(kind, "sobody")
    client = Client()
    steps = [
        ("/passwordreset", solved({"username": upn})),
        ("/passwordreset/choose", {"reason": "forgot"}),
        ("/passwordreset/verify", None),
        ("/passwordreset/verify", {"method": "email"}),
        ("/passwordreset/code", {"code": "11111111"}),
        ("/passwordreset/resend", {}),
        ("/passwordreset/ended", None),
        ("/passwordreset/again", {}),
        ("/signin", {"username": upn, "password": "not that one"}),
        ("/signin/pass", {"username": upn, "access_pass": "not that one"}),
    ]
    for path, fields in steps:
        # As a browser does before it shows the next form.
        if led_to := getattr(client, "led_to", ""):
            client.get(led_to, follow=True)
        waited.clear()
        client.get(path) if fields is None else client.post(path, fields)
        assert len(waited) == 1, path


def test_who_passed_the_gates_waits_for_nothing_more(contoso, mailroom, waited):
    user = make_user()
    make_email(user)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    client.get("/passwordreset/new-password")
    client.post("/passwordreset/code", {"code": mailroom.code()})
    assert waited
    waited.clear()

    new = {"new_password": "correct horse battery", "confirm_password": "correct horse battery"}
    client.get("/passwordreset/new-password")
    client.post("/passwordreset/new-password", {**new, "confirm_password": "another"})
    client.post("/passwordreset/new-password", new)
    page = client.get("/passwordreset/done")

    assert page.status_code == 200
    assert waited == []


def test_what_a_stranger_gets_without_the_checks_waits_for_nothing(organisation, waited):
    upn = person("registered", "sobody")
    strict, client = Client(enforce_csrf_checks=True), Client()
    for path in ("/passwordreset", "/signin", "/signin/pass", "/passwordreset/code"):
        assert strict.post(path).status_code == 403
        client.get(path)
        client.post(path)
    for work in ({}, {"altcha": "e30="}, {"altcha": "x"}, {"ticket": "x"}):
        client.post("/passwordreset", {"username": upn, **work})
    for path in ("/", "/help", "/passwordreset/nothing", "/passwordreset/ended", "/signin?out"):
        client.get(path)

    assert waited == []


def test_without_work_nothing_is_looked_up(organisation):
    """Otherwise an answer that leaves at once would tell who is known, or whose domain is."""
    asked = []
    for upn in (person("registered", "sobody"), "robody@elsewhere.example"):
        with CaptureQueriesContext(connection) as queries:
            Client().post("/passwordreset", {"username": upn})
        asked.append([re.sub(r"\d{4}-\S+ [\d:.+]+", "", one["sql"]) for one in queries])

    assert asked[0] == asked[1]
    assert not any("directory_user" in one or "tenants_" in one for one in asked[0])


def test_a_network_that_failed_often_is_refused_without_work_before_anything_is_looked_up(
    organisation, waited
):
    for number in range(5):
        Client().post("/signin", {"username": f"x{number}@contoso.example", "password": "wrong"})
    waited.clear()

    for upn in (person("registered", "sobody"), "robody@elsewhere.example"):
        page = Client().post("/signin", {"username": upn, "password": "wrong"})
        assert b'role="alert"' in page.content

    assert waited == []
