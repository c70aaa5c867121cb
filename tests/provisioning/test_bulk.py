from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from directory.models import User
from isolation.scope import all_tenants, current_tenant_id, in_tenant
from provisioning import bulk
from tenants.models import Group
from tests.builders import make_tenant, make_user
from tests.threads import all_at_once
from typed.rules import folded

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ODD = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


def add(*names, **more):
    columns = {name: list(names) for name in ("upn", "display_name")}
    return bulk.add(User, columns | {"password": ["!"] * len(names)} | more, key="upn")


def test_rows_are_added_with_the_defaults_of_their_fields(contoso):
    added = add("a@contoso.example", password_changed_at=[NOON])

    user = User.objects.get()
    assert added == {"a@contoso.example": user.pk}
    assert (user.tenant_id, user.connector, user.enabled, user.role) == (
        contoso.pk,
        "builtin",
        True,
        "",
    )
    assert (user.password_changed_at, user.locked_until) == (NOON, None)


def test_row_whose_name_is_taken_is_left_out_in_any_tenant(contoso, hanbit):
    ours = make_user("a@contoso.example", display_name="Before")
    with in_tenant(hanbit.pk):
        theirs = make_user("b@contoso.example", display_name="Theirs")

    added = add("a@contoso.example", "b@contoso.example", "c@contoso.example")

    assert list(added) == ["c@contoso.example"]
    for user, name in ((ours, "Before"), (theirs, "Theirs")):
        with all_tenants():
            user.refresh_from_db()
        assert user.display_name == name


def test_no_rows_are_no_trouble(contoso):
    assert add() == {}


def test_nothing_of_it_is_left_behind(contoso):
    add("a@contoso.example")

    assert "coming_in" not in connection.introspection.table_names()


class BothWays(TestCase):
    """The bulk statements of this database write the same rows as the ORM."""

    @settings(max_examples=25, deadline=None)
    @given(st.dictionaries(ODD.filter(bool), st.tuples(ODD, st.booleans()), max_size=6))
    def test_rows_are_the_same_whichever_way_they_came(self, people):
        rows = [(upn, name, folded(name), on) for upn, (name, on) in people.items()]
        names = ("upn", "display_name", "folded_name", "enabled")
        columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
        fields = [f.attname for f in User._meta.concrete_fields if f.attname != "id"]

        with in_tenant(make_tenant().pk):
            bulk.add(User, columns, key="upn")
            one_way = list(User.objects.order_by("upn").values(*fields))
            User.objects.all().delete()
            User.objects.bulk_create(
                [
                    User(**dict(zip(names, row, strict=True)), tenant_id=current_tenant_id())
                    for row in rows
                ]
            )

            assert list(User.objects.order_by("upn").values(*fields)) == one_way


def portion(*names):
    return {"name": list(names), "key": list(names)}


def test_all_of_many_are_added_whatever_their_letters(contoso):
    odd = ["a\tb", "c\\d", "\\N", "e\\tf", "김 민지", "it's", '"', "", "\\.", "f\ng", "h\r"]

    assert bulk.add_all(Group, iter([portion("plain"), portion(*odd)]), key="name")

    assert set(Group.objects.values_list("name", flat=True)) == {"plain", *odd}


def test_none_is_added_if_one_is_there(contoso):
    Group.objects.create(name="here")

    assert not bulk.add_all(
        Group, iter([portion("one", "two"), portion("three", "here")]), key="name"
    )

    Group.objects.create(name="afterwards")
    assert set(Group.objects.values_list("name", flat=True)) == {"here", "afterwards"}


def test_none_is_added_if_making_them_fails(contoso):
    def portions():
        yield portion("one")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        bulk.add_all(Group, portions(), key="name")

    assert not Group.objects.exists()


def test_nothing_to_add_is_no_trouble(contoso):
    assert bulk.add_all(Group, [], key="name")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["add", "add_all"])
def test_two_that_add_the_same_users_in_another_order_never_wait_for_each_other(method):
    names = [f"user{number:04}@contoso.example" for number in range(2_000)]
    orders = iter([names, names[::-1]])

    def adds():
        upns = next(orders)
        columns = {"upn": upns, "password": ["!"] * len(upns)}
        with transaction.atomic():
            if method == "add":
                return len(bulk.add(User, columns, key="upn"))
            return len(names) if bulk.add_all(User, [columns], key="upn") else 0

    added = all_at_once(2, adds, tenant_id=make_tenant("contoso").pk)

    assert sum(added) == len(names)
