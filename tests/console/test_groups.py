import pytest

from audit.activities import Activity
from audit.models import Event
from directory.models import Membership, User
from isolation.scope import current_tenant_id, in_tenant
from tenants.models import Group, GroupNesting
from tenants.policy import Policy, Scope
from tenants.queries import policy_in_force
from tenants.roles import Role
from tenants.services import change_policy
from tenants.services import groups as services
from tests.builders import make_user
from tests.console.people import behind_both, make_admin

LIST = "/admin/groups/"


def in_force():
    with in_tenant(current_tenant_id()):
        return policy_in_force()


def save(admin, group, name=None, inner=""):
    return admin.post(f"{LIST}{group.pk}/", {"name": name or group.name, "inner": inner})


def test_a_group_is_added_and_on_record(admin):
    admin.post(f"{LIST}add/", {"name": " Seoul, office "})

    assert Group.objects.filter(name="Seoul, office").exists()
    assert Event.objects.filter(activity=Activity.GROUP_CHANGED).exists()
    assert "Seoul, office" in admin.get(LIST).text


@pytest.mark.parametrize(
    "name", ["", "Staff", "a" * 101, "\u0958" * 100, "a\x00b", "a;b", "a\u037eb"]
)
def test_a_bad_name_is_said_at_the_field(admin, staff, name):
    page = admin.post(f"{LIST}add/", {"name": name})

    assert page.context["form"].errors["name"]
    assert Group.objects.count() == 1


def test_spaces_make_no_second_group_of_the_same_name(admin, staff):
    save(admin, staff, name="새 그룹")

    page = admin.post(f"{LIST}add/", {"name": " 새  그룹"})

    assert page.context["form"].errors["name"]
    assert Group.objects.get().name == "새 그룹"


@pytest.mark.parametrize("name", ["Sales; Seoul", "Sales  Seoul"])
def test_a_name_from_before_the_rule_stays_while_other_things_change(admin, staff, name):
    older = Group.objects.create(name=name)

    save(admin, older, inner="Staff")

    assert Group.objects.get(pk=older.pk).name == name
    assert GroupNesting.objects.filter(outer=older, inner=staff).exists()


def test_the_policy_follows_a_new_name(admin, staff):
    change_policy(Policy(self_service=Scope.GROUPS, groups=frozenset({"Staff"})))

    save(admin, staff, name="Everybody here")

    assert in_force().groups == {"Everybody here"}


def test_a_new_name_keeps_what_somebody_else_just_decided(admin, staff):
    admin, policy = (
        User.objects.get(),
        Policy(self_service=Scope.GROUPS, groups=frozenset({"Staff"})),
    )
    policy_in_force()
    with in_tenant(current_tenant_id()):
        change_policy(policy)

    services.change_group(staff.pk, name="Everybody here", inner=[], actor_id=admin.pk)

    assert in_force().self_service is Scope.GROUPS
    assert in_force().groups == {"Everybody here"}


def test_a_group_that_the_policy_names_since_isnt_deleted(admin, staff):
    policy_in_force()
    with in_tenant(current_tenant_id()):
        change_policy(Policy(self_service=Scope.ALL, excluded_groups=frozenset({"Staff"})))

    with pytest.raises(services.GroupInPolicy):
        services.delete_group(staff.pk, actor_id=User.objects.get().pk)


def test_who_deletes_or_changes_what_is_gone_hears_so(admin, staff):
    admin = User.objects.get()
    services.delete_group(staff.pk, actor_id=admin.pk)

    with pytest.raises(Group.DoesNotExist):
        services.delete_group(staff.pk, actor_id=admin.pk)
    with pytest.raises(Group.DoesNotExist):
        services.change_group(staff.pk, name="Staff", inner=[], actor_id=admin.pk)
    assert Event.objects.filter(activity=Activity.GROUP_CHANGED).count() == 1


def test_a_name_that_is_taken_changes_nothing(admin, staff):
    Group.objects.create(name="Other")

    page = save(admin, staff, name="Other")

    assert "Another group has this name" in page.text
    assert Group.objects.filter(name="Staff").exists()


def test_a_group_that_the_policy_names_isnt_deleted(admin, staff):
    change_policy(Policy(self_service=Scope.ALL, excluded_groups=frozenset({"Staff"})))

    page = admin.post(f"{LIST}{staff.pk}/delete/", follow=True)

    assert "The policy names this group" in page.text
    assert Group.objects.filter(pk=staff.pk).exists()


def test_deleting_a_group_leaves_its_people(admin, staff):
    minji = make_user()
    Membership.objects.create(user=minji, group=staff)

    admin.post(f"{LIST}{staff.pk}/delete/")

    minji.refresh_from_db()
    assert not Group.objects.filter(pk=staff.pk).exists()


def test_groups_hold_groups_but_never_themselves(admin, staff):
    seoul, gangnam = (Group.objects.create(name=name) for name in ("Seoul", "Gangnam"))
    save(admin, staff, inner="Seoul")
    save(admin, seoul, inner="Gangnam")

    loop = save(admin, gangnam, inner="Staff")
    itself = save(admin, staff, inner="Staff")

    assert "already contains this group" in loop.text
    assert "already contains this group" in itself.text
    pairs = set(GroupNesting.objects.values_list("outer__name", "inner__name"))
    assert pairs == {("Staff", "Seoul"), ("Seoul", "Gangnam")}
    save(admin, staff, inner="")
    assert GroupNesting.objects.count() == 1


def test_a_group_that_there_isnt_is_named(admin, staff):
    assert "The group “Nowhere” doesn’t exist." in save(admin, staff, inner="Nowhere").text


def test_people_are_put_in_and_taken_out(admin, staff):
    minji, juno = make_user(), make_user("juno@contoso.example")

    admin.post(f"{LIST}{staff.pk}/members/", {"users": f"MINJI@contoso.example\n{juno.upn}"})
    admin.post(f"{LIST}{staff.pk}/members/remove/", {"user": minji.pk})

    assert list(Membership.objects.values_list("user__upn", flat=True)) == [juno.upn]
    changes = Event.objects.filter(activity=Activity.GROUP_MEMBERS_CHANGED)
    assert changes.count() == 3
    assert juno.upn in admin.get(f"{LIST}{staff.pk}/").text


def test_unknown_people_are_named_and_nobody_is_put_in(admin, staff):
    make_user()

    page = admin.post(
        f"{LIST}{staff.pk}/members/", {"users": "minji@contoso.example\nnobody@contoso.example"}
    )

    assert "No user in this organisation has the user ID “nobody@contoso.example”." in page.text
    assert not Membership.objects.exists()


def test_somebody_typed_twice_is_put_in_once(admin, staff):
    make_user()

    admin.post(
        f"{LIST}{staff.pk}/members/", {"users": "MINJI@contoso.example\nminji@contoso.example"}
    )

    assert Membership.objects.count() == 1


@pytest.mark.parametrize("query", ["?q=%00", "?after=%00", "?q=a%00b&after=c%00"])
def test_what_no_database_takes_finds_nothing(admin, staff, query):
    assert admin.get(f"{LIST}{query}").status_code == 200
    assert admin.get(f"{LIST}{staff.pk}/{query}").status_code == 200
    assert admin.get("/admin/find/?code=%00").status_code == 302


def test_another_organisations_people_and_groups_stay_out(admin, staff, hanbit):
    with in_tenant(hanbit.pk):
        theirs = make_user("kim@hanbit.example")
        their_group = Group.objects.create(name="Theirs")

    assert "The group “Theirs” doesn’t exist" in save(admin, staff, inner="Theirs").text
    page = admin.post(f"{LIST}{staff.pk}/members/", {"users": theirs.upn})
    assert "No user in this organisation has the user ID" in page.text
    for path in ("", "delete/", "members/", "members/remove/"):
        answer = admin.post(f"{LIST}{their_group.pk}/{path}", {"users": "x", "user": theirs.pk})
        assert answer.status_code == 404
    assert admin.post(f"{LIST}{staff.pk}/members/remove/", {"user": theirs.pk}).status_code == 404


def test_members_are_paged(admin, staff):
    for number in range(60):
        user = make_user(f"p{number:03d}@contoso.example")
        Membership.objects.create(user=user, group=staff)

    first = admin.get(f"{LIST}{staff.pk}/")
    second = admin.get(f"{LIST}{staff.pk}/?{first.context['next']}")

    assert len(first.context["members"]) == 50
    assert len(second.context["members"]) == 10
    refused = admin.post(f"{LIST}{staff.pk}/members/", {"users": "nobody@contoso.example"})
    assert f'href="{LIST}{staff.pk}/?after=' in refused.text
    found = admin.get(f"{LIST}{staff.pk}/", {"q": "p007"})
    assert [user.upn for user in found.context["members"]] == ["p007@contoso.example"]


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_other_roles_have_no_groups(contoso, staff, role):
    other = behind_both(make_admin("other@contoso.example", role=role))

    assert other.get(LIST).status_code == 404
    assert other.post(f"{LIST}{staff.pk}/delete/").status_code == 404


@pytest.mark.parametrize("name", ["STAFF", "ｓtaff", " staff\u200b"])
def test_name_that_differs_in_case_or_width_only_is_taken(admin, staff, name):
    page = admin.post(f"{LIST}add/", {"name": name})

    assert page.context["form"].errors["name"]
    assert [group.name for group in Group.objects.all()] == ["Staff"]


def test_renamed_group_is_found_by_its_new_name(admin, staff):
    save(admin, staff, name="Crew")

    assert "Crew" in admin.get(LIST, {"q": "crew"}).text
    assert admin.post(f"{LIST}add/", {"name": "STAFF"}).status_code == 302


def test_group_is_found_in_any_case(admin, contoso):
    Group.objects.create(name="Örtliche Verwaltung")

    assert "Örtliche" in admin.get(LIST, {"q": "öRTL"}).text
