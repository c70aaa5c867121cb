from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from tenants.policy import Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_user
from tests.console.people import (
    behind_both,
    confirm,
    events,
    make_admin,
    make_operator,
    time_passes,
)
from verification.models import AccessPass

LIST = "/admin/people/"


def path_of(person):
    return f"{LIST}{person.pk}/do/access-pass/"


def issue(client, person, **more):
    values = {"minutes": "60", "once": "on", "note": "ticket 12"} | more
    typed = {name: value for name, value in values.items() if value is not None}
    return confirm(client, path_of(person), **typed)


def revoke(client, person):
    return client.post(f"{LIST}{person.pk}/do/revoke-pass/", {"note": "ticket 13"})


def enter(letters, upn="minji@contoso.example", client=None):
    """Signs in with a pass. Gives the browser that tried, and whether it got in."""
    client = client or Client()
    answer = client.post("/signin/pass", {"username": upn, "access_pass": letters})
    return client, answer.status_code == 302


def decide(**settings):
    change_policy(Policy(self_service=Scope.ALL, **settings))


def test_a_pass_is_shown_once_told_without_it_and_written_down(person, helpdesk, mailroom):
    make_email(person)
    page = issue(helpdesk, person)
    letters = page.context["letters"]
    mails = mailroom.work()

    assert letters in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert letters not in helpdesk.get(f"{LIST}{person.pk}/").text
    assert letters not in helpdesk.get(path_of(person)).text
    assert {mail.destination for mail in mails} == {"minji.home@mail.example", person.upn}
    assert all(mail.subject == "Your Temporary Access Pass for Contoso" for mail in mails)
    assert all(letters not in mail.text and letters not in mail.html for mail in mails)
    (event,) = events(Activity.ACCESS_PASS_ISSUED)
    said = {name: value for name, value in event.details.items() if name != "place"}
    assert said == {"note": "ticket 12", "minutes": 60, "once": True}
    assert event.subject_id == person.pk
    assert event.actor_id == User.objects.get(role=Role.HELPDESK).pk


def test_the_mail_says_until_when_the_pass_works(person, helpdesk, mailroom):
    with time_machine.travel("2026-11-23T01:00Z", tick=False):
        client = behind_both(make_admin("late@contoso.example"))
        issue(client, person, minutes="120")
        mail = mailroom.work()[0]

    assert "It works until 23 November 2026, 12:00 KST." in mail.text


def test_nothing_of_a_pass_is_stored_in_clear(person, helpdesk):
    letters = issue(helpdesk, person).context["letters"]

    row = str(AccessPass.objects.filter(user=person).values().get())
    told = str(list(Event.objects.values()))
    for part in (letters, letters.replace("-", "")):
        assert part not in row
        assert part not in told


def test_the_page_of_a_person_says_that_a_pass_is_live_and_it_can_be_withdrawn(
    person, helpdesk, mailroom
):
    letters = issue(helpdesk, person, once=None).context["letters"]
    client, _ = enter(letters)
    live = helpdesk.get(f"{LIST}{person.pk}/")
    revoke(helpdesk, person)
    after = helpdesk.get(f"{LIST}{person.pk}/")

    assert live.context["access_pass"] is not None
    assert "Withdraw the Temporary Access Pass" in live.text
    assert after.context["access_pass"] is None
    assert "revoke-pass" not in after.text
    assert not enter(letters)[1]
    assert client.get("/security-info").url.startswith("/signin")
    assert events(Activity.ACCESS_PASS_REVOKED)
    assert any("withdrawn" in mail.subject for mail in mailroom.work())
    assert revoke(helpdesk, person).status_code == 404


def test_a_new_pass_takes_the_place_of_the_one_before(person, helpdesk):
    first = issue(helpdesk, person, once=None).context["letters"]
    inside, _ = enter(first)
    second = issue(helpdesk, person).context["letters"]

    assert not enter(first)[1]
    assert inside.get("/ssprsetup").url.startswith("/signin")
    assert enter(second)[1]


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.HELPDESK, Role.REPORTS_READER])
def test_helpdesk_issues_none_to_who_has_a_role_but_another_tenant_admin_does(
    contoso, admin, helpdesk, role
):
    boss = make_admin("boss@contoso.example", role=role)

    assert helpdesk.get(path_of(boss)).status_code == 404
    assert issue(helpdesk, boss).status_code == 404
    assert not AccessPass.objects.exists()
    assert enter(issue(admin, boss).context["letters"], boss.upn)[1]


def test_nobody_issues_one_to_themselves(admin, helpdesk):
    for client, upn in ((admin, "admin@contoso.example"), (helpdesk, "help@contoso.example")):
        assert issue(client, User.objects.get(upn=upn)).status_code == 404


def test_readers_of_reports_issue_none(person):
    reader = behind_both(make_admin("reader@contoso.example", role=Role.REPORTS_READER))

    assert issue(reader, person).status_code == 404


def test_who_became_an_administrator_needs_a_pass_from_who_may_give_it(person, helpdesk):
    letters = issue(helpdesk, person, once=None).context["letters"]
    inside, _ = enter(letters)
    User.objects.filter(pk=person.pk).update(role=Role.TENANT_ADMIN)

    assert not enter(letters)[1]
    assert inside.get("/ssprsetup").url.startswith("/signin")


def test_an_operator_issues_one_in_the_organisation_they_act_in(contoso, person):
    client = behind_both(make_operator())
    client.post(f"/admin/organisations/{contoso.pk}/enter/")
    boss = make_admin("boss@contoso.example")

    assert enter(issue(client, person).context["letters"])[1]
    assert enter(issue(client, boss).context["letters"], boss.upn)[1]


def test_people_of_another_organisation_arent_there(hanbit, admin):
    with in_tenant(hanbit.pk):
        theirs = make_user("yuna@hanbit.example")

    assert issue(admin, theirs).status_code == 404
    assert revoke(admin, theirs).status_code == 404
    with in_tenant(hanbit.pk):
        assert not AccessPass.objects.exists()


def test_it_needs_a_fresh_second_factor_and_a_reason(person, admin):
    without_reason = issue(admin, person, note=" ")
    time_passes(admin, 601)
    late = issue(admin, person)

    assert "Enter a reason" in without_reason.text
    assert late.url == "/admin/second-factor/"
    assert not AccessPass.objects.exists()


@pytest.mark.parametrize(
    ("minutes", "fits"), [("9", False), ("10", True), ("480", True), ("481", False), ("", False)]
)
def test_a_pass_lives_as_long_as_the_policy_lets_it(person, admin, minutes, fits):
    page = issue(admin, person, minutes=minutes)

    assert ("letters" in page.context) == fits
    assert ("Enter a whole number from 10 to 480." in page.text) != fits


def test_thirty_days_are_the_most_that_any_policy_allows(person, admin):
    decide(access_pass_most_minutes=43_200)

    page = issue(admin, person, minutes="43200")
    ends_at = AccessPass.objects.get().ends_at

    assert "letters" in page.context
    assert ends_at - timezone.now() > timedelta(days=29, hours=23)
    with pytest.raises(ValueError, match="access_pass_most_minutes"):
        Policy(access_pass_most_minutes=43_201)
    with pytest.raises(ValueError, match="access_pass_minutes"):
        Policy(access_pass_minutes=481)


def test_the_policy_decides_length_and_whether_it_works_once(person, admin):
    decide(access_pass_length=20, access_pass_once=True)

    page = issue(admin, person, once=None)

    assert len(page.context["letters"].replace("-", "")) == 20
    assert 'name="once"' not in admin.get(path_of(person)).text
    assert enter(page.context["letters"])[1]
    assert not enter(page.context["letters"])[1]


def test_where_the_policy_says_no_there_are_none_and_those_there_were_are_dead(person, admin):
    letters = issue(admin, person, once=None).context["letters"]
    inside, _ = enter(letters)
    decide(access_passes=False)

    assert issue(admin, person).status_code == 404
    assert "Temporary Access Pass" not in admin.get(f"{LIST}{person.pk}/").context["actions"]
    assert not enter(letters)[1]
    assert inside.get("/ssprsetup").url.startswith("/signin")


@pytest.mark.parametrize(
    ("starts_at", "words"),
    [
        ("2026-11-22T09:00", "in the future"),
        ("2027-01-22T09:00", "At most 30 days"),
        ("whenever", "Enter a date and a time"),
    ],
)
def test_a_beginning_lies_ahead_but_not_far(contoso, person, starts_at, words):
    with time_machine.travel("2026-11-23T00:00Z", tick=False):
        client = behind_both(make_admin())
        page = issue(client, person, starts_at=starts_at)

    assert words in page.text
    assert not AccessPass.objects.exists()


def test_a_pass_for_later_is_told_in_the_organisations_time_and_works_from_then(contoso, person):
    with time_machine.travel("2026-11-23T00:00Z", tick=False) as now:
        client = behind_both(make_admin())
        page = issue(client, person, starts_at="2026-11-24T09:00", once=None)
        letters = page.context["letters"]
        early = enter(letters)[1]
        now.move_to("2026-11-24T00:00Z")
        begun = enter(letters)[1]
        now.move_to("2026-11-24T01:00Z")
        late = enter(letters)[1]

    assert (early, begun, late) == (False, True, False)


def test_disabling_takes_the_pass_along(person, admin):
    letters = issue(admin, person).context["letters"]
    for action in ("disable", "enable"):
        admin.post(f"{LIST}{person.pk}/do/{action}/", {"note": "left"})

    assert not enter(letters)[1]
    assert "Issue a Temporary Access Pass" in admin.get(f"{LIST}{person.pk}/").text


def test_nobody_disabled_is_given_one(contoso, admin):
    gone = make_user("gone@contoso.example", enabled=False)

    assert issue(admin, gone).status_code == 404


def test_the_password_stays_what_it_was(person, admin):
    issue(admin, person)

    answer = Client().post("/signin", {"username": person.upn, "password": PASSWORD})

    assert answer.status_code == 302
