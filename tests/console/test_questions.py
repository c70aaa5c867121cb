from contextlib import suppress
from dataclasses import replace

import pytest
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from isolation.scope import current_tenant_id, in_tenant
from tenants.models import CustomQuestion, DisabledQuestion
from tenants.policy import Bank, Policy, Questions, Scope
from tenants.predefined_questions import PREDEFINED
from tenants.queries import policy_in_force
from tenants.queries.questions import enough_questions, question_texts, questions_on_offer
from tenants.roles import Role
from tenants.services import change_policy
from tenants.services import questions as services
from tests.builders import ANSWERS, PASSWORD, make_questions, make_tenant, make_user
from tests.captcha import solved
from tests.console.people import behind_both, make_admin
from tests.threads import all_at_once

LIST = "/admin/questions/"
OPEN = Policy(self_service=Scope.ALL, questions=Questions.GATE, question_bank=Bank.BOTH)


@pytest.fixture
def client(contoso):
    change_policy(OPEN)
    return behind_both(make_admin())


def on_offer():
    with in_tenant(current_tenant_id()):
        return set(questions_on_offer())


def test_all_questions_are_on_offer_until_somebody_decides_otherwise(client):
    assert on_offer() == set(PREDEFINED)
    assert client.get(LIST).text.count("checked") == len(PREDEFINED)


def test_a_question_switched_off_isnt_offered_but_still_asked(client):
    minji = make_user()
    make_questions(minji)

    client.post(f"{LIST}offer/", {"on_offer": sorted(set(PREDEFINED) - {"q01"})})

    assert "q01" not in on_offer()
    assert "q01" in question_texts()
    assert Event.objects.filter(activity=Activity.QUESTIONS_CHANGED).exists()
    person = Client()
    person.post("/passwordreset", solved({"username": minji.upn}))
    person.post("/passwordreset/verify", {"method": "questions"})
    asked = person.get("/passwordreset/questions").text
    assert sum(str(PREDEFINED[qid]) in asked for qid in ANSWERS) == 3


def test_people_always_find_as_many_questions_as_they_are_asked_for(client):
    page = client.post(f"{LIST}offer/", {"on_offer": ["q01", "q02"]})

    assert "Offer at least 5 questions" in str(page.context["form"].errors["on_offer"])
    assert page.text.count("checked") == 2
    assert on_offer() == set(PREDEFINED)


def test_a_forged_question_is_said_at_the_field_and_changes_nothing(client):
    page = client.post(f"{LIST}offer/", {"on_offer": [*PREDEFINED, "q99"]})

    assert page.context["form"].errors["on_offer"]
    assert on_offer() == set(PREDEFINED)


def test_the_record_says_which_questions_went_and_came(client):
    client.post(f"{LIST}offer/", {"on_offer": sorted(set(PREDEFINED) - {"q01", "q07"})})
    client.post(f"{LIST}offer/", {"on_offer": sorted(set(PREDEFINED) - {"q07"})})
    client.post(f"{LIST}offer/", {"on_offer": sorted(set(PREDEFINED) - {"q07"})})

    events = Event.objects.filter(activity=Activity.QUESTIONS_CHANGED).order_by("pk")
    said = [(one.details["switched_off"], one.details["switched_on"]) for one in events]
    assert said == [("q01, q07", ""), ("", "q01")]


def test_a_question_of_ones_own_is_offered_in_the_readers_language(client):
    client.post(
        f"{LIST}add/", {"en": "What did you name  your robot?", "ko": "로봇의 이름은 무엇이었나요?"}
    )
    question = CustomQuestion.objects.get()
    minji = make_user()
    person = Client()
    person.post("/signin", {"username": minji.upn, "password": PASSWORD})

    assert question.texts["en"] == "What did you name your robot?"
    assert "What did you name your robot?" in person.get("/ssprsetup/questions").text
    korean = person.get("/ssprsetup/questions", HTTP_ACCEPT_LANGUAGE="ko")
    assert "로봇의 이름은" in korean.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"en": "", "ko": ""}, "Enter the question"),
        ({"en": "ab"}, "3 to 200 characters"),
        ({"en": "a" * 201}, "200"),
        ({"en": "\ufdfa" * 100}, "3 to 200 characters"),
        ({"en": "a\u202eb c d"}, "3 to 200 characters"),
        ({"en": str(PREDEFINED["q01"])}, "This question already exists"),
    ],
)
def test_a_bad_question_is_said_at_the_field(client, typed, words):
    page = client.post(f"{LIST}add/", typed)

    assert words in page.text
    assert not CustomQuestion.objects.exists()


def test_twenty_questions_of_ones_own_are_enough(client):
    for number in range(20):
        CustomQuestion.objects.create(texts={"en": f"Question {number}?"})

    assert "up to 20 questions" in client.post(f"{LIST}add/", {"en": "One more?"}).text
    assert CustomQuestion.objects.count() == 20


def test_questions_that_were_given_up_leave_room_for_others(client):
    for number in range(20):
        CustomQuestion.objects.create(texts={"en": f"Question {number}?"}, enabled=False)

    client.post(f"{LIST}add/", {"en": "One more?"})

    assert CustomQuestion.objects.count() == 21
    ids = [*PREDEFINED, *(f"c{one.pk}" for one in CustomQuestion.objects.all())]
    page = client.post(f"{LIST}offer/", {"on_offer": ids})
    assert "up to 20 questions of your own" in page.text
    assert CustomQuestion.objects.filter(enabled=True).count() == 1


def test_words_are_mended_and_the_question_stays_the_same(client):
    question = CustomQuestion.objects.create(texts={"en": "Robots name?"})

    client.post(f"{LIST}{question.pk}/", {"en": "Which robot?"})

    question.refresh_from_db()
    assert question.texts == {"en": "Which robot?"}


@pytest.fixture
def answered(client):
    """A question of the organisation's own that a user answered."""
    question = CustomQuestion.objects.create(texts={"en": "Which robot?"})
    make_questions(make_user(), {**ANSWERS, f"c{question.pk}": "marvin"})
    return question


def test_other_words_for_what_people_answered_make_another_question(client, answered):
    assert "it becomes a new question" in client.get(f"{LIST}{answered.pk}/").text

    client.post(f"{LIST}{answered.pk}/", {"en": "What is your password?"})

    new = CustomQuestion.objects.exclude(pk=answered.pk).get()
    assert question_texts()[f"c{answered.pk}"] == "Which robot?"
    assert f"c{answered.pk}" not in on_offer()
    assert f"c{new.pk}" in on_offer()


def test_a_language_more_is_no_other_question(client, answered):
    client.post(f"{LIST}{answered.pk}/", {"en": "Which robot?", "ko": "어떤 로봇이었나요?"})

    answered.refresh_from_db()
    assert answered.texts == {"en": "Which robot?", "ko": "어떤 로봇이었나요?"}
    assert f"c{answered.pk}" in on_offer()


def test_a_language_less_is_another_question(client, answered):
    CustomQuestion.objects.update(texts={"en": "Which robot?", "ko": "어떤 로봇이었나요?"})

    client.post(f"{LIST}{answered.pk}/", {"en": "Which robot?", "ko": ""})

    assert CustomQuestion.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_who_save_the_bank_at_once_everybody_gets_an_answer():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        admin = make_admin("one@race.example")
    ids = set(PREDEFINED) - {"q01", "q02"}

    all_at_once(4, lambda: services.offer_questions(ids, actor_id=admin.pk), tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        assert set(DisabledQuestion.objects.values_list("question_id", flat=True)) == {"q01", "q02"}
        assert Event.objects.filter(activity=Activity.QUESTIONS_CHANGED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_write_the_last_question_at_once_one_does():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        admin = make_admin("one@race.example")
        for number in range(19):
            CustomQuestion.objects.create(texts={"en": f"Question {number}?"})

    def write():
        with suppress(services.TooManyQuestions):
            services.add_question({"en": "One more?"}, actor_id=admin.pk)

    all_at_once(4, write, tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        assert CustomQuestion.objects.filter(texts={"en": "One more?"}).count() == 1


@pytest.mark.django_db(transaction=True)
def test_policy_and_bank_changed_at_once_leave_enough_questions():
    tenant = make_tenant("race", policy=replace(OPEN, questions_to_register=3))
    with in_tenant(tenant.pk):
        admin = make_admin("one@race.example")
    work = [
        lambda: services.offer_questions(["q01", "q02", "q03"], actor_id=admin.pk),
        lambda: change_policy(replace(OPEN, questions_to_register=5)),
    ]

    def act():
        with suppress(services.TooFewQuestions, ValueError):
            work.pop()()

    all_at_once(2, act, tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        assert enough_questions(policy_in_force())


def test_another_organisations_questions_stay_out(client, hanbit):
    with in_tenant(hanbit.pk):
        theirs = CustomQuestion.objects.create(texts={"en": "Theirs?"})

    assert client.get(f"{LIST}{theirs.pk}/").status_code == 404
    assert client.post(f"{LIST}{theirs.pk}/", {"en": "Mine?"}).status_code == 404
    client.post(f"{LIST}offer/", {"on_offer": [*PREDEFINED, f"c{theirs.pk}"]})
    with in_tenant(hanbit.pk):
        theirs.refresh_from_db()
    assert theirs.texts == {"en": "Theirs?"}
    assert not DisabledQuestion.unscoped.filter(tenant_id=hanbit.pk).exists()


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_question_bank(contoso, role):
    client = behind_both(make_admin("other@contoso.example", role=role))

    for path in (LIST, f"{LIST}add/", f"{LIST}offer/"):
        assert client.get(path).status_code in {404, 405}
        assert client.post(path).status_code in {404, 405}
