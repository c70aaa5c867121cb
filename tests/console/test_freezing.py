"""What administrators see and do about a user who said "this wasn't me"."""

import pytest
from django.test import Client

from account.services import freezing
from audit.activities import Activity
from audit.models import Event
from console.queries.people import Wanted, people
from console.rules import PersonState
from directory.models import User
from tenants.roles import Role
from tests.attacks.test_flows import identify
from tests.builders import make_email, make_user
from tests.console.people import behind_both, make_admin
from tests.pages import stands_in


@pytest.fixture
def ann(contoso):
    user = make_user("ann@contoso.example")
    make_email(user)
    freezing.freeze(user, reason="notice")
    return User.objects.get(pk=user.pk)


def unfreeze(client, person, note="ticket 7"):
    return client.post(f"/admin/people/{person.pk}/do/unfreeze/", {"note": note})


def is_frozen(person):
    return User.objects.get(pk=person.pk).frozen_at is not None


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN, Role.HELPDESK])
def test_the_page_says_so_and_since_when_and_what_would_help(ann, role):
    client = behind_both(make_admin(role=role))

    page = client.get(f"/admin/people/{ann.pk}/")

    assert "Self-service is frozen" in page.text
    assert "Frozen since" in page.text
    urls = [remedy.url for remedy in page.context["remedies"]]
    assert urls == [f"/admin/people/{ann.pk}/do/unfreeze/"]


def test_the_list_finds_frozen_people_and_counts_them_nowhere_else(ann):
    make_email(make_user("bob@contoso.example"))

    found = {state: {one.upn for one in people(Wanted(state=state))[0]} for state in PersonState}

    assert found[PersonState.FROZEN] == {ann.upn}
    assert not any(
        ann.upn in found[state] for state in PersonState if state is not PersonState.FROZEN
    )
    assert {one.upn: one.state for one in people(Wanted())[0]}[ann.upn] is PersonState.FROZEN


def test_helpdesk_unfreezes_and_the_person_is_told(ann, mailroom):
    desk = make_admin("desk@contoso.example", Role.HELPDESK)
    client = behind_both(desk)
    assert "Unfreeze" in client.get(f"/admin/people/{ann.pk}/do/unfreeze/").text
    assert is_frozen(ann)

    unfreeze(client, ann)

    assert not is_frozen(ann)
    event = Event.objects.get(activity=Activity.SELF_SERVICE_UNFROZEN)
    assert (event.subject_id, event.actor_id) == (ann.pk, desk.pk)
    assert event.details["note"] == "ticket 7"
    assert any("works again" in mail.subject for mail in mailroom.work())
    assert not stands_in("R03", identify(Client(), ann.upn).text)


def test_a_reason_is_needed(ann):
    unfreeze(behind_both(make_admin()), ann, note="")

    assert is_frozen(ann)


def test_reports_readers_and_the_person_themselves_dont_unfreeze(ann):
    reader = behind_both(make_admin("reader@contoso.example", Role.REPORTS_READER))
    frozen_admin = make_admin("frozen@contoso.example")
    freezing.freeze(frozen_admin, reason="notice")

    assert unfreeze(reader, ann).status_code in {403, 404}
    assert unfreeze(behind_both(frozen_admin), frozen_admin).status_code == 404
    assert is_frozen(ann)
    assert is_frozen(frozen_admin)


def test_unfreezing_isnt_offered_for_who_isnt_frozen(contoso):
    bob = make_user("bob@contoso.example")

    page = behind_both(make_admin()).get(f"/admin/people/{bob.pk}/")

    assert "/do/unfreeze/" not in page.text
