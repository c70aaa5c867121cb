"""Trying a password out: what the policy says, and that nothing is kept of it."""

import pytest
from django.test import Client

from audit.models import Event
from tenants.policy import Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_user
from tests.console.people import behind_both, make_admin

PAGE = "/admin/policy/passwords/"


@pytest.fixture
def admin(contoso):
    change_policy(Policy(self_service=Scope.ALL, banned_words=frozenset({"skyscraper"})))
    return behind_both(make_admin())


def tried(client, password, **more):
    return client.post(PAGE, {"new_password": password, **more})


def test_it_says_what_speaks_against_a_password_and_how_it_counts(admin):
    page = tried(admin, "Skyscr4per-2024")

    assert "too close to “skyscraper”" in page.text
    assert "3, at least 5 are needed" in page.text
    assert "2024" in page.text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("aaaaaaaaaaaa", "aaaa"),
        ("444444444444", "4444"),
        ("Skyscr4per", "Skyscr4per (counts as skyscraper)"),
        ("skyscrapor", "skyscrapor (close to skyscraper)"),
    ],
)
def test_what_is_easy_to_guess_is_shown_as_it_was_typed(admin, typed, shown):
    verdict = tried(admin, typed).text.partition('id="verdict"')[2].partition("</dl>")[0]

    assert shown in verdict
    assert {"aaaa": "4444", "4444": "aaaa"}.get(shown, "lll") not in verdict


def test_in_korean_too_it_says_what_a_word_counts_as(admin):
    page = admin.post(PAGE, {"new_password": "Skyscr4per"}, headers={"accept-language": "ko"})

    assert "Skyscr4per (같은 단어: skyscraper)" in page.text
    assert "한글은 입력할 때 누르는 자판 키로" in page.text


def test_a_good_one_is_accepted_with_its_points(admin):
    page = tried(admin, "correct horse battery staple")

    assert "Accepted" in page.text
    assert "at least 5 are needed" in page.text


def test_names_of_a_person_count_if_the_person_is_named(admin):
    make_user("minji@contoso.example", given_name="Minji")

    assert "Accepted" in tried(admin, "it is minji who sings").text
    page = tried(admin, "it is minji who sings", username="minji@contoso.example")
    assert "it contains your name" in page.text


def test_people_of_other_organisations_are_unknown(admin, hanbit):
    page = tried(admin, "it is minji who sings", username="kim@hanbit.example")

    assert "No user has this user ID." in page.text


def test_nothing_of_it_is_kept_or_shown_again(admin):
    before = Event.objects.count()

    page = tried(admin, "quite a secret sentence")

    assert "quite a secret" not in page.text
    assert Event.objects.count() == before
    assert "quite a secret" not in str(dict(admin.session))


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_it_belongs_to_whoever_sets_the_policy(contoso, role):
    client = behind_both(make_admin("helper@contoso.example", role=role))

    assert client.get(PAGE).status_code == 404
    assert Client().get(PAGE).status_code == 302


def test_the_policy_page_leads_there(admin):
    assert PAGE in admin.get("/admin/policy/").text
