"""The first page of the admin: remaining steps, figures, and the search for people."""

import re

import pytest

from directory.models import DirectoryConnection
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_email, make_prefill, make_user
from tests.console.people import behind_both, make_admin
from tests.directory.directories import connected
from verification.services import notices
from verification.services.notice_words import Notice

HOME = "/admin/"
DEFAULT = Policy()
DIRECTORY = "Connect your directory and test it, if it keeps the passwords"


def is_done(client, words):
    (found,) = [step for step in client.get(HOME).context["steps"] if step["words"] == words]
    return found["done"]


def links(client):
    return dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', client.get(HOME).text))


def test_a_mail_that_left_for_somebody_is_no_test_email(admin, mailroom):
    notices.tell(make_user(), Notice.ENABLED)
    assert mailroom.work()

    assert not is_done(admin, "Send a test email")

    admin.post("/admin/texts/reset/en/test/")

    assert is_done(admin, "Send a test email")


@pytest.mark.parametrize(
    ("policy", "decided"),
    [
        (Policy(code_digits=6, self_service=Scope.ALL), False),
        (Policy(methods_required=2), True),
        (Policy(reset_methods=frozenset({Method.EMAIL})), True),
    ],
    ids=["something else", "how many", "which"],
)
def test_methods_are_chosen_when_these_and_nothing_else_were_decided(admin, policy, decided):
    change_policy(policy)

    assert is_done(admin, "Choose methods and how many are required") is decided


def test_methods_that_were_changed_back_stay_chosen(admin):
    change_policy(Policy(reset_methods=frozenset({Method.EMAIL})))
    change_policy(DEFAULT)

    assert is_done(admin, "Choose methods and how many are required")


def test_the_directory_is_a_step_until_its_test_found_no_error(admin, openldap):
    assert not is_done(admin, DIRECTORY)
    row = connected(openldap, people_filter="(cn=there is no such person)")
    place = f"/admin/directories/{row.pk}/test/"
    admin.post(place, {"sample": ""})
    assert not is_done(admin, DIRECTORY)

    DirectoryConnection.objects.update(people_filter="", attributes={"upn": "title"})
    for name in ("minji", "other"):
        openldap.add_person(f"step-{name}", title=f"{name}@contoso.example")
    admin.post(place, {"sample": ""})

    assert is_done(admin, DIRECTORY)
    DirectoryConnection.objects.create(name="Another", kind="ldap", servers="ldaps://d.example")
    assert not is_done(admin, DIRECTORY)


def test_an_organisation_whose_passwords_are_here_needs_no_directory(admin):
    make_user()

    assert DIRECTORY not in [step["words"] for step in admin.get(HOME).context["steps"]]


def test_every_step_that_is_left_leads_to_the_part_of_the_page_where_it_is_done(admin):
    page = admin.get(HOME)

    left = [step for step in page.context["steps"] if not step["done"]]
    assert len(left) > 4
    for step in left:
        path, _, part = step["url"].partition("#")
        answer = admin.get(path)
        assert answer.status_code == 200
        assert not part or f'id="{part}"' in answer.text
        assert f'<a href="{step["url"]}">{step["words"]}</a>' in page.text


def test_who_can_reset_is_told_apart_by_whose_doing_it_is(admin):
    change_policy(Policy(self_service=Scope.ALL))
    make_email(make_user("one@contoso.example"))
    for name in ("two", "three"):
        make_prefill(make_user(f"{name}@contoso.example"), Factor.OFFICE_PHONE, "+82212345678")
    make_user("four@contoso.example")

    english = admin.get(HOME).text
    korean = admin.get(HOME, headers={"accept-language": "ko"}).text

    # The administrator has an app, which resets nothing.
    assert "3 of 5 people in scope" in english
    for words in (
        "Registered themselves: 2",
        "Only entered by an administrator: 2",
        "No security info: 1",
    ):
        assert words in english
    for words in ("직접 등록: 2명", "관리자 입력만 있음: 2명", "정보 없음: 1명"):
        assert words in korean
    assert links(admin)["/admin/people/?state=none"] == "People who haven’t registered"


def test_tiles_lead_to_what_they_count(admin):
    shown = links(admin)

    assert shown["/admin/people/?state=capable"] == "People who can reset"
    assert shown["/admin/audit/?activity=password_reset"] == "Resets in the last 7 days"


def test_helpdesk_begins_with_finding_people_and_attempts(helpdesk):
    page = helpdesk.get(HOME)

    assert "User ID or name" in page.text
    assert 'action="/admin/people/"' in page.text
    assert "Find by support code" in page.text
    assert 'action="/admin/find/"' in page.text


def test_who_may_not_see_people_is_offered_no_search_and_no_link_to_them(contoso):
    reader = behind_both(make_admin("reader@contoso.example", role=Role.REPORTS_READER))

    page = reader.get(HOME)

    assert "People who can reset" in page.text
    assert "/admin/people/" not in page.text
    assert "/admin/find/" not in page.text
