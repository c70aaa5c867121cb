"""The groups of one person: search, add, remove."""

import pytest

from audit.activities import Activity
from directory.models import Membership
from isolation.scope import in_tenant
from tenants.models import Group
from tenants.roles import Role
from tests.console.people import behind_both, events, make_admin


def address(person, step=""):
    return f"/admin/people/{person.pk}/groups/{step}"


def groups_of(person):
    return sorted(person.groups.values_list("name", flat=True))


def test_a_group_is_found_by_part_of_its_name_and_joined(admin, person, staff):
    Group.objects.create(name="Sales")

    offered = admin.get(address(person), {"q": "ＳTAF"}).text
    page = admin.post(address(person, "join/"), {"group": staff.pk}, follow=True)

    assert "Staff" in offered
    assert "Sales" not in offered
    assert "Added to the group “Staff”." in page.text
    assert groups_of(person) == ["Staff"]
    event = events(Activity.GROUP_MEMBERS_CHANGED)[0]
    assert (event.subject_id, event.details["group"]) == (person.pk, "Staff")


def test_a_group_that_the_person_is_in_isnt_offered_again_but_can_be_left(admin, person, staff):
    Membership.objects.create(user=person, group=staff)

    page = admin.get(address(person), {"q": "staff"})
    admin.post(address(person, "leave/"), {"group": staff.pk})

    assert "No group matches." in page.text
    assert address(person, "leave/") in page.text
    assert groups_of(person) == []


def test_a_group_of_a_directory_is_neither_joined_nor_left_here(admin, person):
    mine, other = (
        Group.objects.create(name=name, directory_id=1, external_id=name) for name in ("A", "B")
    )
    Membership.objects.create(user=person, group=mine)

    page = admin.get(address(person), {"q": "B"})
    left = admin.post(address(person, "leave/"), {"group": mine.pk})
    joined = admin.post(address(person, "join/"), {"group": other.pk})

    assert "Decided by a directory" in page.text
    assert "No group matches." in page.text
    assert (left.status_code, joined.status_code) == (404, 404)
    assert groups_of(person) == ["A"]


@pytest.mark.parametrize("typed", ["", "x", "0", "9" * 30])
def test_what_is_no_group_is_not_there(admin, person, typed):
    assert admin.post(address(person, "join/"), {"group": typed}).status_code == 404


def test_a_group_of_another_organisation_is_not_there(admin, person, hanbit):
    with in_tenant(hanbit.pk):
        theirs = Group.objects.create(name="Theirs")

    assert admin.post(address(person, "join/"), {"group": theirs.pk}).status_code == 404
    assert "Theirs" not in admin.get(address(person), {"q": "Their"}).text
    assert groups_of(person) == []


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_who_sets_the_policy_changes_groups(contoso, person, staff, role):
    client = behind_both(make_admin("other@contoso.example", role=role))

    assert client.get(address(person)).status_code == 404
    assert client.post(address(person, "join/"), {"group": staff.pk}).status_code == 404
    assert "Change groups" not in client.get(f"/admin/people/{person.pk}/").text
