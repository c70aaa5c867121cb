from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor
from console.rules import AdminAction
from console.services.people import act
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from tenants.models import Tenant
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import PASSWORD, make_tenant, make_user, of_kind, signed_in
from tests.console.people import (
    behind_both,
    make_admin,
    make_operator,
    time_passes,
    with_app,
)
from tests.threads import all_at_once
from verification.models import RegisteredMethod
from verification.services.roles import LastAdministrator, NotARoleHere, change_role

LIST = "/admin/administrators/"


@pytest.fixture
def client(boss):
    return behind_both(boss)


def role_of(user):
    return Role(User.unscoped.get(pk=user.pk).role)


def give(client, person, role):
    return client.post(f"{LIST}{person.pk}/role/", {"role": role, "note": "new colleague"})


def test_somebody_gets_a_role_by_user_id_and_everybody_is_told(client, mailroom):
    minji = make_user()
    typed = {"username": "Minji@contoso.example ", "role": "helpdesk", "note": "new colleague"}

    assert client.post(f"{LIST}appoint/", typed).url == LIST

    assert role_of(minji) is Role.HELPDESK
    event = Event.objects.get(activity=Activity.ROLE_CHANGED)
    assert (event.details["old"], event.details["new"]) == ("", "helpdesk")
    told = {mail.destination for mail in mailroom.work()}
    assert {"minji@contoso.example", "boss@contoso.example"} <= told
    assert "minji@contoso.example" in client.get(LIST).text


def test_the_form_begins_with_no_role_chosen_and_asks_for_one(client):
    page = client.get(f"{LIST}appoint/")
    sent = client.post(f"{LIST}appoint/", {"username": make_user().upn, "note": "x"})

    assert "checked" not in page.text
    assert "No role" not in page.text
    assert "Choose a role." in sent.text


def test_a_role_ends_the_sessions_that_were_open_without_it(client):
    minji = make_user()
    theirs = Client()
    theirs.post("/signin", {"username": minji.upn, "password": PASSWORD})

    client.post(f"{LIST}appoint/", {"username": minji.upn, "role": "helpdesk", "note": "x"})

    assert theirs.get("/security-info").status_code == 302


@pytest.mark.parametrize("role", ["operator", "root", ""])
def test_no_page_makes_an_operator(client, role):
    minji = make_user()

    typed = {"username": minji.upn, "role": role, "note": "x"}
    assert client.post(f"{LIST}appoint/", typed).status_code == 200

    assert role_of(minji) is Role.NONE
    with pytest.raises(NotARoleHere):
        change_role(minji, Role.OPERATOR, actor_id=Actor.COMMAND)


def test_a_role_is_changed_and_taken_away(client):
    other = make_admin("other@contoso.example", role=Role.HELPDESK)

    give(client, other, "reports_reader")
    assert role_of(other) is Role.REPORTS_READER
    give(client, other, "")
    assert role_of(other) is Role.NONE


def test_nobody_changes_their_own_role(client, boss):
    make_admin("other@contoso.example")

    assert give(client, boss, "helpdesk").status_code == 404
    typed = {"username": boss.upn, "role": "helpdesk", "note": "x"}
    assert "another administrator" in client.post(f"{LIST}appoint/", typed).text
    assert role_of(boss) is Role.TENANT_ADMIN


def test_the_last_tenant_admin_stays(boss, hanbit):
    operator = behind_both(make_operator())
    operator.post(f"/admin/organisations/{boss.tenant_id}/enter/")

    page = give(operator, boss, "")

    assert "last tenant admin" in page.text
    assert role_of(boss) is Role.TENANT_ADMIN
    with pytest.raises(LastAdministrator):
        change_role(boss, Role.NONE, actor_id=Actor.COMMAND)


def test_without_a_fresh_second_factor_nothing_is_given(client):
    minji = make_user()
    time_passes(client, 601)

    typed = {"username": minji.upn, "role": "helpdesk", "note": "x"}
    assert client.post(f"{LIST}appoint/", typed).url == "/admin/second-factor/"
    assert role_of(minji) is Role.NONE


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_such_page(contoso, role):
    make_admin("boss@contoso.example")
    minji = make_user()
    client = behind_both(make_admin("other@contoso.example", role=role))

    for path in (LIST, f"{LIST}appoint/", f"{LIST}{minji.pk}/role/"):
        assert client.get(path).status_code == 404
        assert client.post(path, {"role": "tenant_admin", "note": "x"}).status_code in {404, 405}
    assert role_of(minji) is Role.NONE


def test_people_of_another_organisation_get_no_role_here(client, hanbit):
    with in_tenant(hanbit.pk):
        theirs = make_user("kim@hanbit.example", role=Role.HELPDESK)

    typed = {"username": theirs.upn, "role": "tenant_admin", "note": "x"}
    page = client.post(f"{LIST}appoint/", typed)

    assert "No user in this organisation has this user ID" in page.text
    assert give(client, theirs, "tenant_admin").status_code == 404
    assert client.post(f"{LIST}{theirs.pk}/second-factor/", {"note": "x"}).status_code == 404
    assert role_of(theirs) is Role.HELPDESK


def test_a_lost_phone_is_replaced_by_another_administrator(client, mailroom):
    other, _third = (make_admin(f"{name}@contoso.example") for name in ("other", "third"))
    with_app(other)
    theirs = signed_in(other)

    client.post(f"{LIST}{other.pk}/second-factor/", {"note": "lost phone"})

    assert not RegisteredMethod.objects.filter(
        kind=Factor.AUTHENTICATOR, user=other, removed_at=None
    ).exists()
    assert theirs.get("/security-info").status_code == 302
    assert signed_in(other).get("/admin/", follow=True).request["PATH_INFO"].endswith("/set-up/")
    told = {mail.destination for mail in mailroom.work()}
    assert told >= {"boss@contoso.example", "other@contoso.example", "third@contoso.example"}


def test_nobody_removes_their_own_second_factor_here(client, boss):
    assert client.post(f"{LIST}{boss.pk}/second-factor/", {"note": "x"}).status_code == 404


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_first_administrator_comes_from_the_command_line(contoso):
    minji = make_user()

    assert "tenant_admin" in run("grant_role", minji.upn, "tenant_admin")

    assert role_of(minji) is Role.TENANT_ADMIN
    assert Event.objects.get(activity=Activity.ROLE_CHANGED).details["source"] == "command"
    assert "already" in run("grant_role", minji.upn, "tenant_admin")
    with pytest.raises(CommandError, match="last tenant admin"):
        run("grant_role", minji.upn, "none")


@pytest.mark.parametrize("upn", ["nobody@contoso.example", "kim@nowhere.example"])
def test_a_role_for_nobody_is_refused(contoso, upn):
    with pytest.raises(CommandError):
        run("grant_role", upn, "helpdesk")


def test_an_operator_is_made_with_a_password_that_no_command_line_shows(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("correct horse battery\n"))

    run("create_operator", "ops@service.example", "--password-stdin")

    client = Client()
    typed = {"username": "ops@service.example", "password": "correct horse battery"}
    assert client.post("/signin", typed).url == "/admin/"


def test_a_password_is_typed_twice_alike(db, monkeypatch):
    typed = iter(["correct horse battery", "correct horse batterie"])
    monkeypatch.setattr(
        "directory.management.commands.create_operator.getpass", lambda _prompt: next(typed)
    )

    with pytest.raises(CommandError, match="not the same twice"):
        run("create_operator", "ops@service.example")

    assert not User.unscoped.exists()


def test_no_operator_is_of_an_organisation_that_is_switched_off(contoso, monkeypatch):
    Tenant.objects.update(enabled=False)
    make_user("ops@contoso.example")
    monkeypatch.setattr("sys.stdin", StringIO("correct horse battery\n"))

    for upn in ("ops@contoso.example", "new@contoso.example"):
        with pytest.raises(CommandError, match="belongs to an organisation"):
            run("create_operator", upn, "--password-stdin")


@pytest.mark.parametrize(
    ("upn", "password"),
    [
        ("ops@service.example", "short"),
        ("ops@contoso.example", "correct horse battery"),
        ("ops", "correct horse battery"),
    ],
)
def test_a_weak_operator_isnt_made(contoso, monkeypatch, upn, password):
    monkeypatch.setattr("sys.stdin", StringIO(f"{password}\n"))

    with pytest.raises(CommandError):
        run("create_operator", upn, "--password-stdin")

    assert not User.unscoped.filter(upn=upn).exists()


def test_an_operator_who_lost_the_phone_is_helped_from_the_command_line(db):
    operator = make_operator()
    with_app(operator)

    run("remove_second_factor", operator.upn)

    with in_tenant(NO_TENANT):
        assert not of_kind(Factor.AUTHENTICATOR).filter(user=operator, removed_at=None).exists()
        assert Event.objects.filter(activity=Activity.SECOND_FACTOR_REMOVED).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_dismiss_each_other_one_stays():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        people = [make_admin(f"{name}@race.example") for name in ("one", "two")]

    def dismiss():
        with suppress(LastAdministrator):
            return change_role(people.pop(), Role.NONE, actor_id=Actor.COMMAND) is not None
        return False

    outcomes = all_at_once(2, dismiss, tenant_id=tenant.pk)

    assert sorted(outcomes) == [False, True]
    with in_tenant(tenant.pk):
        assert User.objects.filter(role=Role.TENANT_ADMIN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_disable_each_other_one_stays():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        one, two = (make_admin(f"{name}@race.example") for name in ("one", "two"))
    pairs = [(one, two), (two, one)]

    def disable():
        admin, other = pairs.pop()
        with suppress(LastAdministrator):
            act(AdminAction.DISABLE, admin, other, note="a quarrel")
            return True
        return False

    outcomes = all_at_once(2, disable, tenant_id=tenant.pk)

    assert sorted(outcomes) == [False, True]
    with in_tenant(tenant.pk):
        assert User.objects.filter(role=Role.TENANT_ADMIN, enabled=True).count() == 1


def test_the_last_administrator_is_not_disabled(contoso, mailroom):
    last = make_admin("last@contoso.example")
    operator = behind_both(make_operator())
    operator.post(f"/admin/organisations/{contoso.pk}/enter/")

    page = operator.post(f"/admin/people/{last.pk}/do/disable/", {"note": "left"}, follow=True)

    assert "The last administrator can’t be disabled." in page.text
    assert User.objects.get(pk=last.pk).enabled
