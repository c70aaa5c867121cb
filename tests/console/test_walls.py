"""Every address of the admin, tried with the ids of another organisation's rows.

The addresses are not listed here: they are read from the URL configuration, so that a page that is
added tomorrow is tried too.
"""

import uuid
from dataclasses import dataclass

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management.color import no_style
from django.db import connection
from django.test import Client
from django.urls import URLPattern, get_resolver

from audit.activities import Activity, Outcome
from audit.models import Event
from isolation.models import TenantOwned
from isolation.scope import in_tenant
from tenants.roles import Role
from tests.builders import make_email, make_user
from tests.console.people import behind_both, make_admin, make_operator
from tests.rows import row_of

MARKER = "zzothertenantzz"
OWNED = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
FAR = 1_000_000
PROBES = (
    "q={marker}",
    "o=1.2.3",
    "p=1",
    "all=",
    "e=1",
    "pk__in={ids}",
    "id={id}",
    "user={id}",
    "tenant_id={tenant}",
    "tenant_id__gt=0",
    "upn__startswith=zz",
    "name__regex=zz",
    "user__password__startswith=argon2",
    "user__upn__contains=zz",
    "details__contains=zz",
    "_to_field=name",
    "_to_field=password&_popup=1",
    "after={marker}",
    "before=0",
    "before={id}",
    "activity=signed_in&since=2000-01-01",
    "code=ZZZZZZZZ",
    "group={id}",
    "state=capable",
)
REFUSED = {302, 400, 404, 405}


@dataclass(frozen=True)
class Door:
    path: str
    names: tuple[str, ...]

    def __str__(self):
        return self.path


def doors():
    """Every address below /admin/, with the names of its parameters."""
    return sorted(set(_walked(get_resolver(), "/", ())), key=str)


def _walked(resolver, prefix, names):
    for entry in resolver.url_patterns:
        route = getattr(entry.pattern, "_route", None)
        if route is None:
            # The catch-all at the end of Django's own admin: any address.
            continue
        path = prefix + route
        if not path.startswith("/admin/"[: len(path)]) and not path.startswith("/admin/"):
            continue
        held = (*names, *entry.pattern.converters)
        if isinstance(entry, URLPattern):
            if path.startswith("/admin/"):
                yield Door(path, held)
        else:
            yield from _walked(entry, path, held)


def addresses(door, keys):
    """The door's addresses with each of the keys where its key hole is."""
    if not door.names:
        return [door.path]
    kinds = {
        "int": [key for key in keys if isinstance(key, int)],
        "uuid": [key for key in keys if isinstance(key, uuid.UUID)],
    }
    found = []
    for key in keys:
        path = door.path
        for kind in ("int", "uuid", "path", "str", "slug"):
            while f"<{kind}:" in path:
                start = path.index(f"<{kind}:")
                end = path.index(">", start)
                fitting = key if key in kinds.get(kind, [key]) else None
                if fitting is None:
                    path = ""
                    break
                path = f"{path[:start]}{fitting}{path[end + 1 :]}"
        if path and "<" not in path:
            found.append(path)
    return sorted(set(found))


@pytest.fixture
def theirs(hanbit):
    """Another organisation with a row of every kind, marked wherever a text can be marked."""
    with in_tenant(hanbit.pk):
        user = make_user(f"{MARKER}@hanbit.example", display_name=MARKER, role=Role.HELPDESK)
        make_email(user, f"{MARKER}@mail.example")
        rows = [row_of(model, hanbit) for model in OWNED]
        for row in rows:
            marked = {
                field.attname: MARKER
                for field in row._meta.concrete_fields
                if field.attname in {"name", "display_name", "file_name", "title"}
            }
            if marked and row._meta.label != "tenants.Domain":
                type(row).unscoped.filter(pk=row.pk).update(**marked)
        # What comes after is far away: no number of theirs is that of something of ours.
        Event.objects.create(pk=FAR, activity=Activity.SIGNED_OUT, outcome=Outcome.SUCCESS)
        # PostgreSQL's sequence doesn't follow a key that was given: SQLite's does.
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [Event]):
                cursor.execute(statement)
    return [*rows, user]


def snapshot(tenant_id):
    return {
        model._meta.label: sorted(map(str, model.unscoped.filter(tenant_id=tenant_id).values()))
        for model in OWNED
        if model._meta.label != "audit.Event"
    }


@pytest.mark.parametrize("door", doors(), ids=str)
def test_another_organisations_keys_open_nothing(theirs, hanbit, contoso, door):
    client = behind_both(make_admin(pk=FAR))
    keys = list(dict.fromkeys(row.pk for row in theirs))
    keys += [str(key) for key in keys]
    before = snapshot(hanbit.pk)

    for path in addresses(door, keys):
        for answer in (client.get(path), client.post(path, forged(theirs))):
            assert MARKER not in answer.getvalue().decode(errors="replace")
            if door.names:
                assert answer.status_code in REFUSED, f"{path}: {answer.status_code}"
    assert snapshot(hanbit.pk) == before


@pytest.mark.parametrize("door", [door for door in doors() if not door.names], ids=str)
def test_no_question_in_an_address_is_answered_with_another_organisations_rows(
    theirs, hanbit, contoso, door
):
    client = behind_both(make_admin())
    facts = {
        "marker": MARKER,
        "ids": ",".join(str(row.pk) for row in theirs),
        "id": theirs[-1].pk,
        "tenant": hanbit.pk,
    }

    for probe in PROBES:
        asked = probe.format(**facts)
        text = client.get(f"{door.path}?{asked}").getvalue().decode(errors="replace")
        echoed = text.replace(f'value="{MARKER}"', "").replace(f"q={MARKER}", "")
        echoed = echoed.replace(f"after={MARKER}", "").replace(f"“{MARKER}”", "")
        assert MARKER not in echoed, probe
        assert f"{MARKER}@" not in text, probe


def forged(theirs):
    """Their keys in every field that could take one, and columns that no form may set."""
    keys = [str(row.pk) for row in theirs][-8:]
    return {
        "_selected_action": keys,
        "select_across": "1",
        "action": "delete_selected",
        "tenant_id": "1",
        "is_staff": "1",
        "role": "operator",
        "upn": f"{MARKER}@hanbit.example",
        "users": keys,
        "user": keys[-1],
        "group": keys[0],
        "inner": keys[0],
        "outer": keys[0],
        "name": "forged",
        "reason": "forged",
        "confirm": "yes",
        "post": "yes",
        "holds-TOTAL_FORMS": "1",
        "holds-INITIAL_FORMS": "1",
        "holds-0-id": keys[0],
        "holds-0-outer": keys[0],
        "holds-0-inner": keys[0],
    }


@pytest.mark.parametrize("door", doors(), ids=str)
@pytest.mark.parametrize("who", ["nobody", "no role", "password only"])
def test_nobody_comes_in_without_role_and_second_factor(contoso, door, who):
    client = Client()
    if who != "nobody":
        role = Role.NONE if who == "no role" else Role.TENANT_ADMIN
        user = make_user("first@contoso.example", role=role)
        client.force_login(user)
    path = addresses(door, [1, uuid.uuid4(), "x"])[0]

    for answer in (client.get(path), client.post(path)):
        at_the_door = path.startswith("/admin/second-factor/") and who == "password only"
        assert answer.status_code in REFUSED or at_the_door, answer.status_code


@pytest.mark.parametrize("door", [door for door in doors() if not door.names], ids=str)
def test_operator_without_an_organisation_sees_no_rows(theirs, door):
    client = behind_both(make_operator())

    answer = client.get(door.path)

    assert MARKER not in answer.getvalue().decode(errors="replace")
    assert answer.status_code in {200, *REFUSED}


def test_no_model_has_one_of_djangos_own_pages():
    """Those ask past the wall, in a dozen ways: filters, look-ups, choices of related rows."""
    assert admin.site._registry == {}

    for model in OWNED:
        with pytest.raises(TypeError):
            admin.site.register(model)
        with pytest.raises(TypeError):
            admin.site.register(model, type("Page", (admin.ModelAdmin,), {"__module__": "ours"}))


def test_their_own_administrator_does_see_what_nobody_else_may(theirs, hanbit):
    """Otherwise the tests above would pass on empty pages."""
    with in_tenant(hanbit.pk):
        admin = make_admin("boss@hanbit.example")
    client = behind_both(admin)

    lists = ("people", "groups", "directories", "administrators")
    for path in (f"/admin/{name}/" for name in lists):
        assert MARKER in client.get(path).text
