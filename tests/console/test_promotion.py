"""What the helpdesk could plant in an account ends when its owner becomes an administrator."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from console.rules import AdminAction
from console.services import people
from directory.models import User
from registration.services import manage
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Permission, Role
from tenants.services import change_policy
from tests.attacks.test_flows import choose, enter, identify, set_password
from tests.builders import PASSWORD, make_email, make_phone, make_prefill, make_user, signed_in
from tests.console.people import behind_both, code_shown, make_admin
from tests.console.test_access_pass import enter as enter_pass
from tests.console.test_access_pass import issue as issue_pass
from tests.console.test_veto import OWNERS, THIEFS, change_to, gets_in, temporary_password
from tests.visits import register_email
from verification.queries import methods_by_factor, methods_of_kind
from verification.services.roles import change_role
from verification.services.trust import RoleChanged


def by_the_page(person, role=Role.TENANT_ADMIN):
    boss = behind_both(make_admin("boss@contoso.example"))
    typed = {"username": person.upn, "role": role.value, "note": "x", "understood": "on"}
    return boss.post("/admin/administrators/appoint/", typed, follow=True).text


def by_the_command(person, role=Role.TENANT_ADMIN):
    out = StringIO()
    call_command("grant_role", person.upn, role.value, stdout=out)
    return out.getvalue()


DOORS = pytest.mark.parametrize("promote", [by_the_page, by_the_command])
ROLES = pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.HELPDESK, Role.REPORTS_READER])


@DOORS
@ROLES
def test_a_temporary_password_from_before_opens_nothing(person, helpdesk, promote, role, mailroom):
    password = temporary_password(helpdesk, person)
    mailroom.work()

    said = promote(person, role)

    assert User.objects.get(pk=person.pk).role == role
    assert "temporary password" in said
    assert "no longer works" in said
    assert not gets_in(person, password)
    assert any("no longer works" in mail.subject for mail in mailroom.work())
    event = Event.objects.get(activity=Activity.PASSWORD_WITHDRAWN)
    assert (event.subject_id, event.reason) == (person.pk, "role")


def register_app(browser):
    page = browser.get("/ssprsetup/app")
    browser.post("/ssprsetup/app", {"code": code_shown(page)})


@pytest.fixture
def apps_allowed(contoso):
    methods = frozenset({Method.EMAIL, Method.AUTHENTICATOR, Method.MOBILE_TEXT})
    change_policy(Policy(self_service=Scope.ALL, reset_methods=methods))


@DOORS
def test_what_was_registered_with_a_pass_goes(person, helpdesk, promote, mailroom, apps_allowed):
    letters = issue_pass(helpdesk, person, once=None).context["letters"]
    browser, _ = enter_pass(letters, person.upn)
    register_email(browser, mailroom, "planted@mail.example")
    register_app(browser)
    assert Factor.EMAIL in methods_by_factor(person.pk)
    assert methods_of_kind(person.pk, Factor.AUTHENTICATOR).exists()
    mailroom.work()
    before = len(mailroom.sent)

    said = promote(person)

    assert not methods_by_factor(person.pk)
    assert not methods_of_kind(person.pk, Factor.AUTHENTICATOR).exists()
    assert "registered" in said
    assert not enter_pass(letters, person.upn)[1]
    mailroom.work()
    told = mailroom.sent[before:]
    assert "planted@mail.example" not in {mail.destination for mail in told}
    assert any("was removed" in mail.subject for mail in told)


@DOORS
def test_what_was_registered_after_a_temporary_password_goes(
    person, helpdesk, promote, mailroom, apps_allowed
):
    password = temporary_password(helpdesk, person)
    browser = signed_in(person, password)
    change_to(browser, password, THIEFS)
    register_email(browser, mailroom, "planted@mail.example")
    register_app(browser)
    assert Factor.EMAIL in methods_by_factor(person.pk)

    promote(person)

    assert not methods_by_factor(person.pk)
    assert not methods_of_kind(person.pk, Factor.AUTHENTICATOR).exists()
    assert browser.get("/security-info").url.startswith("/signin")


def choose_after_temporary(browser, person, new, mailroom):
    """A user signs in with a temporary password and chooses another one."""
    password = temporary_password(browser, person)
    inside = signed_in(person, password)
    change_to(inside, password, new)
    mailroom.work()
    return inside


@DOORS
def test_a_password_chosen_after_a_temporary_one_goes_with_what_it_registered(
    person, helpdesk, promote, mailroom, apps_allowed
):
    choose_after_temporary(helpdesk, person, THIEFS, mailroom)
    again = signed_in(person, THIEFS)
    change_to(again, THIEFS, "another " + THIEFS)
    third = signed_in(person, "another " + THIEFS)
    register_email(third, mailroom, "planted@mail.example")
    register_app(third)
    assert methods_of_kind(person.pk, Factor.AUTHENTICATOR).exists()

    said = promote(person)

    assert "no longer works" in said
    assert not gets_in(person, "another " + THIEFS)
    assert not methods_by_factor(person.pk)
    assert not methods_of_kind(person.pk, Factor.AUTHENTICATOR).exists()


@pytest.mark.parametrize("planted", [True, False], ids=["with a planted method", "with their own"])
def test_a_reset_clears_a_password_from_the_helpdesk_only_with_the_persons_own_method(
    person, helpdesk, mailroom, apps_allowed, planted
):
    if not planted:
        make_email(person, "own@mail.example")
    inside = choose_after_temporary(helpdesk, person, THIEFS, mailroom)
    if planted:
        register_email(inside, mailroom, "planted@mail.example")
    browser = Client()
    identify(browser, person.upn)
    choose(browser, Method.EMAIL)
    enter(browser, mailroom.code())
    set_password(browser, OWNERS)
    assert gets_in(person, OWNERS)

    by_the_page(person)

    assert gets_in(person, OWNERS) is not planted


def test_a_method_planted_by_a_pass_marks_the_password_it_resets(
    person, helpdesk, mailroom, apps_allowed
):
    browser, _ = enter_pass(issue_pass(helpdesk, person, once=None).context["letters"], person.upn)
    register_email(browser, mailroom, "planted@mail.example")
    thief = Client()
    identify(thief, person.upn)
    choose(thief, Method.EMAIL)
    enter(thief, mailroom.code())
    set_password(thief, THIEFS)
    assert gets_in(person, THIEFS)

    by_the_page(person)

    assert not gets_in(person, THIEFS)


def test_removing_the_planted_method_after_its_gate_doesnt_clear_the_password(
    person, helpdesk, mailroom
):
    """What an administrator entered is there in its place, and was never asked."""
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.EMAIL})))
    make_prefill(person, Factor.EMAIL, "own@mail.example")
    browser, _ = enter_pass(issue_pass(helpdesk, person, once=None).context["letters"], person.upn)
    register_email(browser, mailroom, "planted@mail.example")
    thief = Client()
    identify(thief, person.upn)
    choose(thief, Method.EMAIL)
    enter(thief, mailroom.code())
    manage.remove(User.objects.get(pk=person.pk), Factor.EMAIL)
    set_password(thief, THIEFS)
    assert gets_in(person, THIEFS)

    by_the_page(person)

    assert not gets_in(person, THIEFS)


def test_all_who_may_import_initial_passwords_may_give_roles():
    """A role doesn't end these passwords: they can't be set with less than this permission."""
    importers = [role for role in Role if Permission.IMPORT_PEOPLE in role.permissions]

    assert all(Permission.MANAGE_ADMINS in role.permissions for role in importers)


@DOORS
def test_what_an_administrator_issued_stays(person, admin, promote, mailroom, apps_allowed):
    inside = choose_after_temporary(admin, person, OWNERS, mailroom)
    register_email(inside, mailroom, "own@mail.example")
    browser, _ = enter_pass(issue_pass(admin, person, once=None).context["letters"], person.upn)
    register_app(browser)

    said = promote(person)

    assert gets_in(person, OWNERS)
    assert set(methods_by_factor(person.pk)) == {Factor.EMAIL}
    assert methods_of_kind(person.pk, Factor.AUTHENTICATOR).count() == 1
    assert "no longer works" not in said


def test_an_administrators_temporary_password_replaces_one_of_the_helpdesk(
    person, helpdesk, admin, mailroom, apps_allowed
):
    choose_after_temporary(helpdesk, person, THIEFS, mailroom)
    inside = choose_after_temporary(admin, person, OWNERS, mailroom)
    register_app(inside)

    by_the_page(person)

    assert gets_in(person, OWNERS)
    assert methods_of_kind(person.pk, Factor.AUTHENTICATOR).count() == 1


def test_the_page_says_what_would_end_before_it_gives_the_role(
    person, helpdesk, mailroom, apps_allowed
):
    inside = choose_after_temporary(helpdesk, person, THIEFS, mailroom)
    register_app(inside)
    boss = behind_both(make_admin("boss@contoso.example"))
    typed = {"username": person.upn, "role": Role.TENANT_ADMIN.value, "note": "x"}

    page = boss.post("/admin/administrators/appoint/", typed)

    assert User.objects.get(pk=person.pk).role == Role.NONE
    assert gets_in(person, THIEFS)
    assert "the helpdesk issued" in page.text
    assert "Authenticator app" in page.text
    assert 'type="checkbox" name="understood"' in page.text


def test_the_page_asks_nothing_where_nothing_would_end(person, mailroom):
    boss = behind_both(make_admin("boss@contoso.example"))
    typed = {"username": person.upn, "role": Role.HELPDESK.value, "note": "x"}

    page = boss.get("/admin/administrators/appoint/")
    boss.post("/admin/administrators/appoint/", typed)

    assert 'type="checkbox" name="understood"' not in page.text
    assert User.objects.get(pk=person.pk).role == Role.HELPDESK


@DOORS
def test_a_password_and_methods_of_ones_own_stay(person, promote, mailroom, apps_allowed):
    browser = signed_in(person)
    register_email(browser, mailroom, "own@mail.example")
    register_app(browser)
    make_phone(person)

    said = promote(person)

    assert gets_in(person, PASSWORD)
    assert set(methods_by_factor(person.pk)) == {Factor.EMAIL, Factor.MOBILE_PHONE}
    assert methods_of_kind(person.pk, Factor.AUTHENTICATOR).count() == 1
    assert "no longer works" not in said
    assert "removed" not in said


def test_taking_a_role_away_removes_nothing(contoso, helpdesk, mailroom):
    reader = make_admin("reader@contoso.example", Role.REPORTS_READER)
    make_email(reader)
    User.objects.filter(pk=reader.pk).update(password_ends_with_role=True)
    reader.methods.update(temporary_access=True)

    call_command("grant_role", reader.upn, "none", stdout=StringIO())

    assert gets_in(reader, PASSWORD)
    assert Factor.EMAIL in methods_by_factor(reader.pk)


def test_a_temporary_password_asked_for_before_the_promotion_isnt_issued_after_it(contoso):
    """The agent's page was opened while the person had no role."""
    agent = make_admin("agent@contoso.example", Role.HELPDESK)
    as_the_page_saw_it = make_user()
    change_role(User.objects.get(pk=as_the_page_saw_it.pk), Role.HELPDESK, actor_id=agent.pk)

    with pytest.raises(RoleChanged):
        people.act(AdminAction.TEMPORARY_PASSWORD, agent, as_the_page_saw_it, note="x")

    assert gets_in(as_the_page_saw_it, PASSWORD)
