"""One thing done for several people at once."""

import pytest
from django.utils.http import urlencode

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from tenants.roles import Role
from tests.builders import make_user
from tests.console.people import behind_both, block, make_admin
from verification.services.guesses import throttle_of

LIST = "/admin/people/"


@pytest.fixture
def three(contoso):
    return [make_user(f"{name}@contoso.example") for name in ("ann", "ben", "cho")]


def address(action, *ids):
    return f"{LIST}do/{action}/?{urlencode({'person': ids}, doseq=True)}"


def people_in(page):
    return [person.upn.partition("@")[0] for person in page.context["chosen"]["people"]]


def test_the_list_offers_a_box_for_everybody_and_a_button_for_every_action(three, helpdesk):
    text = helpdesk.get(LIST).text

    assert text.count('type="checkbox" name="person"') == 4
    for action in ("clear", "reregister", "sign-out"):
        assert f'formaction="/admin/people/do/{action}/"' in text
    assert "temporary-password" not in text
    assert " checked" not in text


def test_everybody_on_the_page_is_chosen_without_a_script(three, helpdesk):
    page = helpdesk.get(f"{LIST}?{helpdesk.get(LIST).context['with_everybody']}")

    assert page.text.count(" checked") == 4


def test_nothing_happens_before_a_reason_is_given(three, helpdesk):
    block(three[0])
    here = address("clear", *(person.pk for person in three))

    looked = helpdesk.get(here)
    nothing = helpdesk.post(here, {"note": " "})

    assert people_in(looked) == people_in(nothing) == ["ann", "ben", "cho"]
    assert "ann@contoso.example" in looked.text
    assert "Enter a reason" in nothing.text
    assert throttle_of(three[0].pk) is not None


def test_each_person_is_helped_told_and_on_record(three, helpdesk, mailroom):
    for person in three:
        block(person)

    answer = helpdesk.post(
        address("clear", three[0].pk, three[2].pk), {"note": "ticket 12"}, follow=True
    )

    assert "People: 2." in answer.text
    assert [throttle_of(person.pk) is None for person in three] == [True, False, True]
    events = Event.objects.filter(activity=Activity.BLOCK_CLEARED)
    assert {event.subject_id for event in events} == {three[0].pk, three[2].pk}
    assert {event.details["note"] for event in events} == {"ticket 12"}
    assert {mail.destination for mail in mailroom.work()} == {three[0].upn, three[2].upn}


def test_helpdesk_leaves_out_who_has_a_role(three, helpdesk):
    boss = make_admin("boss@contoso.example")
    here = address("sign-out", three[0].pk, boss.pk)

    page = helpdesk.get(here)
    helpdesk.post(here, {"note": "x"})

    assert people_in(page) == ["ann"]
    assert [person.upn for person in page.context["chosen"]["left_out"]] == [boss.upn]
    assert User.objects.get(pk=boss.pk).session_epoch == 0
    assert User.objects.get(pk=three[0].pk).session_epoch == 1


def test_nobody_clears_their_own_block_among_others(three, admin):
    me = User.objects.get(upn="admin@contoso.example")
    block(me)

    admin.post(address("clear", me.pk, three[0].pk), {"note": "x"})

    assert throttle_of(me.pk) is not None


def test_people_of_another_organisation_arent_there(three, admin, hanbit):
    with in_tenant(hanbit.pk):
        theirs = make_user("kim@hanbit.example")
    here = address("sign-out", three[0].pk, theirs.pk)

    page = admin.get(here)
    admin.post(here, {"note": "x"})

    assert people_in(page) == ["ann"]
    assert "kim@" not in page.text
    with in_tenant(hanbit.pk):
        assert User.objects.get(pk=theirs.pk).session_epoch == 0
    assert admin.get(address("sign-out", theirs.pk)).url == LIST


@pytest.mark.parametrize("action", ["temporary-password", "disable", "enable", "delete"])
def test_what_isnt_for_many_isnt_there(three, admin, action):
    here = address(action, three[0].pk)

    assert admin.get(here).status_code == 404
    assert admin.post(here, {"note": "x"}).status_code == 404
    assert User.objects.get(pk=three[0].pk).enabled


@pytest.mark.parametrize("chosen", [(), ("x",), ("²",), ("-1",), ("9" * 5000,), ("\0",)])
def test_who_chooses_nobody_is_sent_back_to_choose(admin, chosen):
    answer = admin.get(address("clear", *chosen), follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    assert "Select people you can do this for" in answer.text


def test_no_more_than_a_page_is_done_at_once(admin):
    ids = [make_user(f"p{number:03d}@contoso.example").pk for number in range(60)]

    assert len(people_in(admin.get(address("clear", *ids)))) == 50


def test_reports_readers_do_nothing_for_anybody(three):
    reader = behind_both(make_admin("reports@contoso.example", role=Role.REPORTS_READER))
    here = address("sign-out", three[0].pk)

    assert reader.get(here).status_code == 404
    assert reader.post(here, {"note": "x"}).status_code == 404
    assert User.objects.get(pk=three[0].pk).session_epoch == 0
