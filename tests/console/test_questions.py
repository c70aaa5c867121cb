import pytest
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from isolation.scope import current_tenant_id, in_tenant
from tenants.models import CustomQuestion, SwitchedOff
from tenants.policy import Bank, Policy, Questions, Scope
from tenants.predefined_questions import PREDEFINED
from tenants.queries import questions, questions_on_offer
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import ANSWERS, PASSWORD, make_questions, make_user
from tests.console.people import behind_both, make_admin

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
    assert "q01" in questions()
    assert Event.objects.filter(activity=Activity.QUESTIONS_CHANGED).exists()
    person = Client()
    person.post("/passwordreset", {"username": minji.upn})
    person.post("/passwordreset/verify", {"method": "questions"})
    asked = person.get("/passwordreset/questions").text
    assert sum(str(PREDEFINED[qid]) in asked for qid in ANSWERS) == 3


def test_people_always_find_as_many_questions_as_they_are_asked_for(client):
    page = client.post(f"{LIST}offer/", {"on_offer": ["q01", "q02"]}, follow=True)

    assert "Offer at least 5 questions" in page.text
    assert on_offer() == set(PREDEFINED)


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
        ({"en": "a\u202eb c d"}, "3 to 200 characters"),
        ({"en": str(PREDEFINED["q01"])}, "This question is there already"),
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


def test_words_are_mended_and_the_question_stays_the_same(client):
    question = CustomQuestion.objects.create(texts={"en": "Robots name?"})

    client.post(f"{LIST}{question.pk}/", {"en": "Which robot?"})

    question.refresh_from_db()
    assert question.texts == {"en": "Which robot?"}


def test_another_organisations_questions_stay_out(client, hanbit):
    with in_tenant(hanbit.pk):
        theirs = CustomQuestion.objects.create(texts={"en": "Theirs?"})

    assert client.get(f"{LIST}{theirs.pk}/").status_code == 404
    assert client.post(f"{LIST}{theirs.pk}/", {"en": "Mine?"}).status_code == 404
    client.post(f"{LIST}offer/", {"on_offer": [*PREDEFINED, f"c{theirs.pk}"]})
    theirs.refresh_from_db()
    assert theirs.texts == {"en": "Theirs?"}
    assert not SwitchedOff.unscoped.filter(tenant_id=hanbit.pk).exists()


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_question_bank(contoso, role):
    client = behind_both(make_admin("other@contoso.example", role=role))

    for path in (LIST, f"{LIST}add/", f"{LIST}offer/"):
        assert client.get(path).status_code in {404, 405}
        assert client.post(path).status_code in {404, 405}
