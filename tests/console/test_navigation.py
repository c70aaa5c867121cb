"""Finding one's way in the admin: where one is, and back from what isn't there."""

import re
from urllib.parse import unquote

import pytest
from django.test import Client

from isolation.scope import in_tenant
from tests.builders import make_user
from tests.console.people import without_token

BACK = '<a href="/admin/">Back to the administration</a>'


def current(page):
    return re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', page.text)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/admin/", [("/admin/", "page")]),
        ("/admin/people/", [("/admin/people/", "page")]),
        ("/admin/people/{person}/", [("/admin/people/", "true")]),
        ("/admin/people/{person}/timeline/", [("/admin/people/", "true")]),
        ("/admin/policy/passwords/", [("/admin/policy/", "true")]),
        ("/admin/texts/", [("/admin/branding/", "true")]),
        ("/admin/imports/upload/", [("/admin/imports/", "true")]),
        ("/admin/administrators/appoint/", [("/admin/administrators/", "true")]),
        ("/admin/audit/", [("/admin/audit/", "page")]),
    ],
)
def test_the_navigation_says_in_which_section_a_page_is(admin, path, expected):
    page = admin.get(path.format(person=make_user().pk))

    assert page.status_code == 200
    assert current(page) == expected


def test_what_isnt_there_in_the_admin_leads_back_to_the_admin(admin):
    page = admin.get("/admin/people/999999/")

    assert page.status_code == 404
    assert BACK in page.text
    assert "Start again" not in page.text


def test_elsewhere_it_leads_back_to_the_portal(admin):
    page = admin.get("/nowhere")

    assert page.status_code == 404
    assert "Start again" in page.text
    assert BACK not in page.text


def test_what_another_organisation_has_is_as_absent_as_what_nobody_has(admin, hanbit):
    with in_tenant(hanbit.pk):
        theirs = make_user("kim@hanbit.example")

    there = admin.get(f"/admin/people/{theirs.pk}/")
    nowhere = admin.get("/admin/people/999999/")

    assert without_token(there) == without_token(nowhere)


def test_strangers_learn_nothing_from_an_address_below_the_admin(contoso):
    person = make_user()

    there = Client().get(f"/admin/people/{person.pk}/")
    nowhere = Client().get("/admin/people/999999/")

    assert there.status_code == nowhere.status_code == 302
    assert unquote(there.url).replace(f"/{person.pk}/", "/999999/") == unquote(nowhere.url)
