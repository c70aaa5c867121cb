"""One thing done for everyone who matches a filter, by a worker."""

import re
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from audit.activities import Activity
from console.services import bulk
from directory.models import User
from isolation.scope import in_tenant
from provisioning.models import BulkPass, BulkRun, BulkState
from sspr.purge import purge
from tenants.models import Group
from tenants.policy import Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_user
from tests.console.people import behind_both, block, events, make_admin, time_passes
from verification.models import AccessPass
from verification.services.guesses import throttle_of

ALL = "/admin/people/all/"
FILTER = "?q=bulk"


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, access_passes=True)


@pytest.fixture
def three(contoso, mailroom):
    return [
        make_user(f"{name}@contoso.example", display_name=f"Bulk {name}")
        for name in ("ann", "ben", "cho")
    ]


def confirm(client, action, query=FILTER, **typed):
    """Opens the page that names the number and sends its form, as a browser does."""
    path = f"{ALL}{action}/{query}"
    initial = client.get(path).context["form"].initial
    fields = {name: value for name, value in initial.items() if value is not None}
    return client.post(path, fields | {"note": "ticket 9"} | typed)


def run_of(answer):
    return BulkRun.objects.get(pk=answer.url.rstrip("/").rpartition("/")[2])


def refreshed(users):
    return [User.objects.get(pk=user.pk) for user in users]


def test_the_list_leads_to_everyone_who_matches_its_filter(admin, three):
    listed = admin.get(f"/admin/people/{FILTER}").text
    page = admin.get(f"{ALL}{FILTER}").text

    assert f'href="{ALL}?q=bulk"' in listed
    assert "3 people match." in page
    for action in ("clear", "reregister", "sign-out", "disable", "access-pass", "add-to-group"):
        assert f'href="{ALL}{action}/?q=bulk"' in page


def test_one_confirmation_names_the_number_and_a_worker_does_it(admin, three, mailroom):
    other = make_user("other@contoso.example")
    page = admin.get(f"{ALL}sign-out/{FILTER}").text

    answer = confirm(admin, "sign-out")
    before = refreshed(three)
    mailroom.work()

    run = run_of(answer)
    assert "This is for 3 people." in page
    assert [user.session_epoch for user in before] == [0, 0, 0]
    assert [user.session_epoch for user in refreshed([*three, other])] == [1, 1, 1, 0]
    assert (run.state, run.done, run.skipped) == (BulkState.DONE, 3, 0)
    assert len(events(Activity.SIGNED_OUT_BY_ADMIN)) == 3
    started = events(Activity.BULK_STARTED)[0]
    assert started.details == {"note": "ticket 9", "action": "sign-out", "people": 3} | (
        {"place": started.details["place"]} if "place" in started.details else {}
    )
    assert "Finished" in admin.get(answer.url).text


def test_each_action_does_what_it_does_for_one_person(admin, three, mailroom, staff):
    block(three[0])

    for action, typed in (
        ("clear", {}),
        ("reregister", {}),
        ("add-to-group", {"group": "staff"}),
        ("disable", {}),
    ):
        confirm(admin, action, **typed)
        mailroom.work()

    users = refreshed(three)
    assert throttle_of(three[0].pk) is None
    assert all(user.must_register_at for user in users)
    assert [user.enabled for user in users] == [False, False, False]
    assert [group.name for user in users for group in user.groups.all()] == ["Staff"] * 3


def test_another_number_than_the_confirmed_one_starts_nothing(admin, three):
    answer = confirm(admin, "disable", count=2)

    assert answer.url == f"{ALL}disable/{FILTER}"
    assert "The number has changed meanwhile." in admin.get(answer.url).text
    assert not BulkRun.objects.exists()


def test_someone_who_matches_after_the_confirmation_is_left_alone(admin, three, mailroom):
    confirm(admin, "disable")
    late = make_user("late@contoso.example", display_name="Bulk late")
    mailroom.work()

    assert refreshed([late])[0].enabled


def test_a_form_that_is_sent_twice_starts_one_run(admin, three):
    path = f"{ALL}sign-out/{FILTER}"
    fields = admin.get(path).context["form"].initial | {"note": "x"}

    admin.post(path, fields)
    again = admin.post(path, fields, follow=True)

    assert BulkRun.objects.count() == 1
    assert "It was started already." in again.text


@pytest.mark.parametrize("action", ["disable", "sign-out"])
def test_no_administrator_is_among_those_it_is_done_to(admin, three, mailroom, action):
    me = User.objects.get(upn="admin@contoso.example")
    User.objects.filter(pk=me.pk).update(folded_name="bulk admin")

    answer = confirm(admin, action)
    mailroom.work()

    after = User.objects.get(pk=me.pk)
    assert (after.enabled, after.session_epoch) == (True, me.session_epoch)
    assert (run_of(answer).done, run_of(answer).skipped) == (3, 1)


def test_a_run_is_cancelled_and_what_was_done_stays(admin, three, mailroom, monkeypatch):
    monkeypatch.setattr(bulk, "_AT_ONCE", 1)
    answer = confirm(admin, "disable")
    run = run_of(answer)
    act = bulk.act

    def then_cancel(*args, **more):
        result = act(*args, **more)
        admin.post(f"{answer.url}cancel/")
        return result

    monkeypatch.setattr(bulk, "act", then_cancel)
    mailroom.work()

    run.refresh_from_db()
    assert run.state == BulkState.CANCELLED
    assert [user.enabled for user in refreshed(three)] == [False, True, True]
    assert len(events(Activity.BULK_CANCELLED)) == 1
    assert "Cancelled. What was done before stays." in admin.get(answer.url).text


def test_a_run_whose_worker_died_goes_on(admin, three, mailroom):
    run = run_of(confirm(admin, "disable"))
    mailroom.published.clear()
    past = timezone.now() - timedelta(seconds=1)
    BulkRun.objects.update(lease_until=past, due_at=past, position=1, done=1)

    bulk.sweep()
    mailroom.work()

    run.refresh_from_db()
    assert (run.state, run.done) == (BulkState.DONE, 3)
    assert [user.enabled for user in refreshed(three)] == [True, False, False]


def test_a_slice_ends_and_the_next_one_goes_on(admin, three, mailroom, monkeypatch):
    monkeypatch.setattr(bulk, "_AT_ONCE", 1)
    monkeypatch.setattr(bulk, "_SLICE_S", -1)
    answer = confirm(admin, "disable")
    job = mailroom.published.pop()
    bulk.work(job[2])
    waiting = run_of(answer)
    monkeypatch.setattr(bulk, "_SLICE_S", 20.0)
    mailroom.work()

    assert (waiting.state, waiting.position) == (BulkState.RUNNING, 0)
    assert (run_of(answer).state, run_of(answer).done) == (BulkState.DONE, 3)


def test_an_administrator_who_lost_the_role_does_nothing_any_more(admin, three, mailroom):
    answer = confirm(admin, "disable")
    User.objects.filter(upn="admin@contoso.example").update(role=Role.HELPDESK)
    mailroom.work()

    assert all(user.enabled for user in refreshed(three))
    assert run_of(answer).state == BulkState.FAILED


@pytest.mark.parametrize(
    "stopped",
    [{"session_epoch": F("session_epoch") + 1}, {"frozen_at": timezone.now()}, {"enabled": False}],
    ids=["signed out everywhere", "frozen", "disabled"],
)
def test_a_run_ends_with_its_administrator(admin, three, mailroom, monkeypatch, stopped):
    monkeypatch.setattr(bulk, "_AT_ONCE", 1)
    answer, act = confirm(admin, "disable"), bulk.act

    def act_and_be_stopped(action, actor, person, *, note):
        act(action, actor, person, note=note)
        User.objects.filter(pk=actor.pk).update(**stopped)

    monkeypatch.setattr(bulk, "act", act_and_be_stopped)
    mailroom.work()

    assert run_of(answer).state == BulkState.FAILED
    assert [user.enabled for user in refreshed(three)] == [False, True, True]


def test_passes_are_downloaded_once_and_work(admin, three, mailroom, client):
    User.objects.filter(pk=three[2].pk).update(enabled=False)
    answer = confirm(admin, "access-pass")
    mailroom.work()
    stored = [bytes(row.data) for row in BulkPass.objects.order_by("pk")]

    page = admin.get(answer.url).text
    file = admin.post(f"{answer.url}passes.csv")
    again = admin.post(f"{answer.url}passes.csv")

    text = b"".join(file.streaming_content).decode()
    issued = re.findall(r'"([^"]+@contoso\.example)","[^"]*","([^"]+)"', text)
    assert "Download the passes (once)" in page
    assert [upn for upn, _pass in issued] == [user.upn for user in three[:2]]
    assert not any(letters.encode() in data for _upn, letters in issued for data in stored)
    assert "no-store" in file["Cache-Control"]
    assert again.status_code == 404
    assert not BulkPass.objects.exists()
    assert AccessPass.objects.filter(revoked_at=None).count() == 2
    assert len(events(Activity.BULK_PASSES_TAKEN)) == 1
    assert issued[0][1] not in str([event.details for event in events(Activity.BULK_PASSES_TAKEN)])


def test_only_who_started_the_run_downloads_its_passes(admin, boss, three, mailroom):
    answer = confirm(admin, "access-pass")
    mailroom.work()
    other = behind_both(boss)

    assert "Download the passes" not in other.get(answer.url).text
    assert other.post(f"{answer.url}passes.csv").status_code == 404
    assert BulkPass.objects.count() == 3


def test_passes_that_no_one_downloaded_go_after_a_day(admin, three, mailroom):
    run = run_of(confirm(admin, "access-pass"))
    mailroom.work()
    BulkRun.objects.filter(pk=run.pk).update(ended_at=timezone.now() - timedelta(hours=25))

    purge()

    assert not BulkPass.objects.exists()


def test_no_passes_where_the_policy_has_none(admin, three):
    change_policy(Policy(self_service=Scope.ALL, access_passes=False))

    assert "access-pass" not in admin.get(f"{ALL}{FILTER}").text
    assert admin.get(f"{ALL}access-pass/{FILTER}").status_code == 404


@pytest.mark.parametrize("typed", ["Nowhere", ""])
def test_a_group_has_to_exist_and_not_be_a_directorys(admin, three, typed):
    Group.objects.create(name="Theirs", directory_id=1, external_id="1")

    page = confirm(admin, "add-to-group", group=typed)
    theirs = confirm(admin, "add-to-group", group="Theirs")

    assert (page.status_code, theirs.status_code) == (200, 200)
    assert not BulkRun.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["?state=bogus&role=helpdesk", "?role=helpdesks", f"?q={'x' * 201}", "?q=bulk&rolle=helpdesk"],
    ids=["one of two", "former value", "too long", "no such filter"],
)
def test_a_filter_that_cant_be_read_never_means_everyone(admin, three, query):
    count = User.objects.count()
    typed = {"note": "x", "count": count if "bulk" not in query else 3}

    answers = [
        admin.get(f"{ALL}{query}"),
        admin.get(f"{ALL}disable/{query}"),
        admin.post(f"{ALL}disable/{query}", typed),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert f'href="{ALL}' not in admin.get(f"/admin/people/{query.replace('rolle', 'role')}").text
    assert not BulkRun.objects.exists()


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_tenant_admins_act_for_everyone(contoso, three, role):
    client = behind_both(make_admin("other@contoso.example", role=role))

    assert client.get(f"{ALL}{FILTER}").status_code == 404
    assert client.get(f"{ALL}clear/{FILTER}").status_code == 404
    assert client.post(f"{ALL}clear/{FILTER}", {"note": "x", "count": 3}).status_code == 404
    assert ALL not in client.get("/admin/people/").text


def test_it_takes_a_fresh_second_factor(admin, three):
    time_passes(admin, 700)

    answer = admin.post(f"{ALL}disable/{FILTER}", {"note": "x", "count": 3})

    assert answer.url == "/admin/second-factor/"
    assert not BulkRun.objects.exists()


def test_a_run_of_another_organisation_is_not_there(admin, three, hanbit):
    with in_tenant(hanbit.pk):
        run = BulkRun.objects.create(actor_id=1, action="clear", note="x", people=[])

    for path in (f"/admin/people/runs/{run.pk}/", f"/admin/people/runs/{run.pk}/passes.csv"):
        assert admin.get(path).status_code in {404, 405}
        assert admin.post(path).status_code in {404, 405}
