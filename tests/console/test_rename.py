"""Another user ID for a person: what follows it, and what ends."""

import pytest
from django.test import Client

from audit.activities import Activity
from directory.models import DirectoryAccount, DirectoryConnection, SignInName, User
from directory.rules import DirectoryKind
from isolation.scope import in_tenant
from reset.models import AttemptOutcome, ResetAttempt
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import make_email, make_tenant, make_user, signed_in
from tests.captcha import solved
from tests.console.people import behind_both, events, make_admin, time_passes
from verification.models import RegisteredMethod, SignInLockout

LIST = "/admin/people/"
NEW = "minji.kim@contoso.example"


def rename(client, person, upn=NEW):
    return client.post(f"{LIST}{person.pk}/rename/", {"user_principal_name": upn}, follow=True)


def is_signed_in(client):
    return client.get("/security-info").status_code == 200


def test_the_new_user_id_signs_in_and_the_former_one_doesnt(admin, person):
    page = rename(admin, person, "Minji.Kim@contoso.example")

    assert "The user ID was changed." in page.text
    assert is_signed_in(signed_in(User.objects.get(pk=person.pk)))
    assert not is_signed_in(signed_in(person))


def test_methods_and_history_stay_with_the_person(admin, person):
    make_email(person)

    page = rename(admin, person)

    assert RegisteredMethod.objects.get(kind=Factor.EMAIL).user.upn == NEW
    assert [event.subject_id for event in events(Activity.USER_RENAMED)] == [person.pk]
    assert "User ID changed" in page.text
    assert "minji@contoso.example" not in admin.get(LIST).text


def test_sessions_and_a_reset_under_way_end(admin, person):
    make_email(person)
    browser, reset = signed_in(person), Client()
    reset.post("/passwordreset", solved({"username": person.upn}))
    assert is_signed_in(browser)

    rename(admin, person)

    assert not is_signed_in(browser)
    assert ResetAttempt.objects.get().outcome == AttemptOutcome.FAILED


def test_both_mailboxes_are_notified(mailroom, admin, person):
    make_email(person, "minji.home@mail.example")

    rename(admin, person)

    letters = mailroom.work()
    assert sorted(letter.destination for letter in letters) == [
        "minji.home@mail.example",
        NEW,
        "minji@contoso.example",
    ]
    assert all("sign in as minji.kim@contoso.example" in letter.text for letter in letters)


def test_the_audit_log_names_both_until_the_person_is_deleted(admin, person):
    rename(admin, person)
    record = f"/admin/audit/{events(Activity.USER_RENAMED)[0].pk}/"

    before = admin.get(record).text
    User.objects.filter(pk=person.pk).delete()
    after = admin.get(record).text

    assert "minji@contoso.example" in before
    assert NEW in before
    assert "erased with the user" in after
    assert "minji" not in after


def test_a_later_user_of_the_former_id_inherits_no_wrong_passwords(admin, person):
    signed_in(person, "wrong password")
    assert SignInLockout.objects.exists()

    rename(admin, person)

    assert not SignInLockout.objects.filter(failures__gt=0).exists()


def test_a_sign_in_name_that_is_the_new_user_id_of_another_ends(admin, person):
    SignInName.objects.create(user=make_user("ann@contoso.example"), name=NEW)

    rename(admin, person)

    assert not SignInName.objects.exists()


@pytest.mark.parametrize("here", [True, False], ids=["here", "in another organisation"])
def test_a_user_id_that_another_user_has_is_refused_in_the_same_words(admin, person, here):
    other = make_tenant("other", domains=("other.example",))
    with in_tenant(person.tenant_id if here else other.pk):
        make_user(NEW)

    page = rename(admin, person)

    person.refresh_from_db()
    assert "Another user has this user ID." in page.text
    assert person.upn == "minji@contoso.example"
    assert events(Activity.USER_RENAMED) == []


def test_a_user_id_has_to_be_in_a_domain_of_the_organisation(admin, person):
    page = rename(admin, person, "minji@mail.example")

    assert "Use one of your organisation’s domains: contoso.example" in page.text


def test_the_same_user_id_changes_nothing(admin, person):
    rename(admin, person, "MINJI@contoso.example")

    assert events(Activity.USER_RENAMED) == []


def test_a_user_id_that_a_directory_decides_on_stays(admin, person):
    connection = DirectoryConnection.objects.create(
        name="Head office", kind=DirectoryKind.LDAP, base_dn="dc=contoso", bind_dn="cn=x"
    )
    DirectoryAccount.objects.create(
        connection=connection, user=person, external_id="1", dn="uid=x,dc=contoso"
    )

    offered = admin.get(f"{LIST}{person.pk}/edit/").text
    page = rename(admin, person)

    person.refresh_from_db()
    assert f"{LIST}{person.pk}/rename/" not in offered
    assert "A directory decides on this user ID." in page.text
    assert person.upn == "minji@contoso.example"


def test_no_one_renames_themselves(admin):
    me = User.objects.get(upn="admin@contoso.example")

    assert rename(admin, me).status_code == 404


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_tenant_admins_rename(contoso, person, role):
    client = behind_both(make_admin("other@contoso.example", role=role))

    assert rename(client, person).status_code == 404


def test_renaming_takes_a_fresh_second_factor(admin, person):
    time_passes(admin, 700)

    rename(admin, person)

    person.refresh_from_db()
    assert person.upn == "minji@contoso.example"
