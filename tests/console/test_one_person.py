"""Adding a person, and editing what is known of one."""

import pytest

from audit.activities import Activity
from directory.models import DirectoryAccount, DirectoryConnection, User
from directory.rules import DirectoryKind
from isolation.scope import in_tenant
from tenants.roles import Role
from tests.builders import make_tenant, make_user
from tests.console.people import behind_both, events, make_admin, time_passes

LIST, ADD = "/admin/people/", "/admin/people/add/"
ANN = {
    "user_principal_name": "Ann@Contoso.example",
    "display_name": "Ann Lee",
    "given_name": "Ann",
    "surname": "Lee",
    "language": "ko",
}


def edit(client, person, **typed):
    path = f"{LIST}{person.pk}/edit/"
    return client.post(path, client.get(path).context["form"].initial | typed)


def in_directory(user, **more):
    connection = DirectoryConnection.objects.create(
        name="Head office", kind=DirectoryKind.LDAP, base_dn="dc=contoso", bind_dn="cn=x", **more
    )
    User.objects.filter(pk=user.pk).update(connector="directory")
    DirectoryAccount.objects.create(
        connection=connection, user=user, external_id="1", dn="uid=x,dc=contoso"
    )


def test_a_person_is_added_without_a_password_and_put_on_record(admin):
    page = admin.post(ADD, ANN, follow=True)

    user = User.objects.get(upn="ann@contoso.example")
    assert page.redirect_chain == [(f"{LIST}{user.pk}/", 302)]
    assert (user.display_name, user.given_name, user.surname) == ("Ann Lee", "Ann", "Lee")
    assert (user.language, user.connector, user.enabled) == ("ko", "builtin", True)
    assert not user.has_usable_password()
    assert [event.subject_id for event in events(Activity.USER_ADDED)] == [user.pk]
    assert "ann@contoso.example" in admin.get(f"{LIST}?q=ann lee").text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter a user ID"),
        ("ann", "Enter a user ID like name@example.com"),
        ("ann@hanbit.example", "Use one of your organisation’s domains: contoso.example"),
        ("a b@contoso.example", "Enter a user ID like name@example.com"),
    ],
)
def test_a_user_id_has_to_be_one_of_the_organisation(admin, typed, words):
    page = admin.post(ADD, ANN | {"user_principal_name": typed})

    assert words in page.text
    assert not User.objects.filter(display_name="Ann Lee").exists()


def test_a_user_id_that_exists_is_refused_and_that_user_stays_as_it_is(admin):
    ann = make_user("ann@contoso.example", display_name="Another Ann")

    page = admin.post(ADD, ANN)

    ann.refresh_from_db()
    assert "Another user has this user ID." in page.text
    assert (ann.display_name, ann.given_name, ann.language) == ("Another Ann", "", "")
    assert events(Activity.USER_ADDED) == []


def test_a_user_id_of_another_organisation_is_refused_in_the_same_words(admin, contoso):
    other = make_tenant("other", domains=("other.example",))
    with in_tenant(other.pk):
        make_user("ann@contoso.example")

    page = admin.post(ADD, ANN)

    assert "Another user has this user ID." in page.text


def test_names_and_language_are_edited_and_emptied(admin, person):
    edit(admin, person, display_name="Minji K", given_name="Minji", surname="", language="ko")
    edit(admin, person, given_name="")

    person.refresh_from_db()
    assert (person.display_name, person.given_name, person.language) == ("Minji K", "", "ko")
    assert sorted(event.details["fields"] for event in events(Activity.USER_CHANGED)) == [
        "display_name, given_name, language",
        "given_name",
    ]
    assert "minji@contoso.example" in admin.get(f"{LIST}?q=minji k").text


def test_the_audit_log_says_which_fields_changed_but_not_their_values(admin, person):
    edit(admin, person, display_name="Secret Name")
    event = events(Activity.USER_CHANGED)[0]

    page = admin.get(f"/admin/audit/{event.pk}/")

    assert "Display name" in page.text
    assert "Secret Name" not in page.text


def test_nothing_is_recorded_where_nothing_changed(admin, person):
    edit(admin, person)

    assert events(Activity.USER_CHANGED) == []


@pytest.mark.parametrize("name", ["x" * 201, "a\u202eb", "a\nb"])
def test_a_name_that_is_too_long_or_has_control_characters_is_refused(admin, person, name):
    page = edit(admin, person, display_name=name)

    person.refresh_from_db()
    assert page.status_code == 200
    assert person.display_name == "Kim Minji"


def test_what_a_directory_decides_on_is_named_and_cant_be_edited(admin, person):
    in_directory(person, attributes={"language": "", "given_name": ""})

    page = admin.get(f"{LIST}{person.pk}/edit/")
    edit(admin, person, display_name="Forged", given_name="Minji", language="ko")

    person.refresh_from_db()
    assert "The directory Head office decides on: User ID, Display name, Last name." in page.text
    assert (person.display_name, person.given_name, person.language) == ("Kim Minji", "Minji", "ko")


def test_there_is_no_form_where_the_directory_decides_on_everything(admin, person):
    in_directory(person)

    page = admin.get(f"{LIST}{person.pk}/edit/")
    admin.post(f"{LIST}{person.pk}/edit/", {"display_name": "Forged"})

    person.refresh_from_db()
    assert 'name="display_name"' not in page.text
    assert person.display_name == "Kim Minji"


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_tenant_admins_add_and_edit(contoso, person, role):
    client = behind_both(make_admin("other@contoso.example", role=role))

    for path in (ADD, f"{LIST}{person.pk}/edit/"):
        assert client.get(path).status_code == 404
        assert client.post(path, ANN).status_code == 404
    assert "/people/add/" not in client.get(LIST).text


def test_adding_takes_a_fresh_second_factor(admin):
    time_passes(admin, 700)

    answer = admin.post(ADD, ANN)

    assert answer.url == "/admin/second-factor/"
    assert not User.objects.filter(upn="ann@contoso.example").exists()
