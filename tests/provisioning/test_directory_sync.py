"""People and groups of a directory, brought over by runs."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor
from console.rules import AdminAction
from console.services import erasure
from console.services.people import act
from directory.connectors.base import GroupEntry
from directory.factors import BUILTIN, DIRECTORY
from directory.models import (
    DeletedUser,
    DirectoryAccount,
    Membership,
    SignInName,
    User,
    UserIDChange,
)
from directory.queries import prefills_of
from isolation.scope import in_tenant
from provisioning import queue
from provisioning.models import SyncRun, SyncState
from provisioning.rules.problems import RowProblem
from provisioning.rules.sync import SyncIssue, renamable
from provisioning.services import directory_sync, sync_jobs
from provisioning.services.directory_sync import work
from provisioning.services.sync_jobs import LEASE
from provisioning.services.sync_report import problems_of
from tenants.models import Group, GroupNesting, Tenant
from tenants.policy import Factor, Policy, Scope
from tenants.queries import policy_in_force
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_email, make_tenant, make_user
from tests.provisioning.directory import MemoryDirectory, entry_of, make_connection

ADMIN = 7
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def connection(contoso):
    return make_connection()


@pytest.fixture
def directory():
    return MemoryDirectory()


def sync(connection, directory, **more):
    """A whole run, as the worker does it."""
    run = sync_jobs.start(connection, actor_id=ADMIN, **more)
    return worked(run, directory)


def worked(run, directory):
    work(run.pk, lambda _connection: directory)
    return SyncRun.objects.get(pk=run.pk)


def codes(run):
    return sorted(problem.code for problem in problems_of(run))


def people():
    return {user.upn: user for user in User.objects.all()}


def many(count):
    return [entry_of(f"p{number:04}") for number in range(count)]


def test_new_people_become_users_of_the_directory(connection, directory):
    connection.writeback = True
    connection.save()
    directory.put(
        entry_of("ann", given_name="Ann", surname="Lee", language="ko-KR", protected=True),
        entry_of("bob", enabled=False),
    )

    run = sync(connection, directory)

    assert (run.state, run.created, run.problems) == (SyncState.DONE, 2, 0)
    ann, bob = people()["ann@contoso.example"], people()["bob@contoso.example"]
    assert (ann.connector, ann.writeback, ann.language) == (DIRECTORY, True, "ko")
    assert (ann.given_name, ann.surname, ann.display_name) == ("Ann", "Lee", "Person ann")
    assert (ann.enabled, bob.enabled) == (True, False)
    assert not ann.has_usable_password()
    assert ann.accounts.get().protected
    assert ann.accounts.get().external_id == "ann"


def test_contact_data_arrives_as_what_administrators_enter(connection, directory):
    phones = {"mobile_phone": "010-1234-5678", "office_phone": "02-1234-5678"}
    directory.put(entry_of("ann", phones=phones, email="ann@home.example"))

    sync(connection, directory)

    entered = prefills_of(people()["ann@contoso.example"])
    assert entered[Factor.MOBILE_PHONE].value == "+821012345678"
    assert entered[Factor.OFFICE_PHONE].value == "+82212345678"
    assert entered[Factor.EMAIL].value == "ann@home.example"


def test_value_that_cannot_be_used_is_left_out_and_reported(connection, directory):
    directory.put(
        entry_of("ann", phones={"mobile_phone": "12"}, email="ann@contoso.example"),
        entry_of("bob"),
    )

    run = sync(connection, directory)

    assert (run.created, codes(run)) == (2, [RowProblem.NOT_A_PHONE])
    assert prefills_of(people()["ann@contoso.example"]) == {}


@pytest.mark.parametrize(
    ("upn", "problem"),
    [
        ("ann@other.example", RowProblem.DOMAIN_NOT_OURS),
        ("", RowProblem.UPN_MISSING),
        ("not a user id", RowProblem.UPN_MALFORMED),
    ],
    ids=["domain", "missing", "malformed"],
)
def test_user_id_that_is_not_the_organisations_makes_no_user(connection, directory, upn, problem):
    directory.put(entry_of("ann", upn=upn), entry_of("bob"))

    run = sync(connection, directory)

    assert (run.created, codes(run)) == (1, [problem])
    assert set(people()) == {"bob@contoso.example"}


def test_user_who_is_here_already_is_linked_and_keeps_the_history(connection, directory):
    user = make_user("ann@contoso.example")
    make_email(user)
    directory.put(entry_of("ann"))

    run = sync(connection, directory)

    after = people()["ann@contoso.example"]
    assert (run.created, run.linked) == (0, 1)
    assert (after.pk, after.connector) == (user.pk, DIRECTORY)
    assert not after.has_usable_password()
    assert after.session_epoch == user.session_epoch + 1
    assert Event.objects.filter(activity=Activity.USER_LINKED, subject_id=user.pk).exists()


@pytest.mark.parametrize(
    "role", [role for role in Role if role.runs_the_admin and role != "operator"]
)
def test_user_with_a_role_is_never_taken_over_by_a_name(connection, directory, role):
    boss = make_user("boss@contoso.example", role=role)
    directory.put(entry_of("boss"))

    run = sync(connection, directory)

    boss.refresh_from_db()
    assert codes(run) == [SyncIssue.ADMINISTRATOR]
    assert (boss.connector, boss.has_usable_password()) == (BUILTIN, True)
    assert not DirectoryAccount.objects.exists()


def test_rename_to_an_administrators_user_id_takes_nothing_over(connection, directory):
    boss = make_user("boss@contoso.example", role=Role.TENANT_ADMIN)
    directory.put(entry_of("ann"))
    sync(connection, directory)
    directory.change("ann", upn="boss@contoso.example")

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.OTHER_ENTRY]
    assert people()["boss@contoso.example"].pk == boss.pk
    assert "ann@contoso.example" in people()


def test_operator_and_another_organisations_user_stay_who_they_are(connection, directory):
    operator = User.unscoped.create(tenant_id=None, upn="root@contoso.example", role=Role.OPERATOR)
    directory.put(entry_of("root"), entry_of("ann"))
    sync(connection, directory)
    directory.change("ann", upn="root@contoso.example")

    run = sync(connection, directory)

    assert set(codes(run)) == {RowProblem.NAME_TAKEN}
    assert set(people()) == {"ann@contoso.example"}
    assert User.unscoped.get(pk=operator.pk).connector == BUILTIN


def test_rename_and_move_are_followed(connection, directory):
    directory.put(entry_of("ann"))
    sync(connection, directory)
    ann = people()["ann@contoso.example"]
    make_email(ann)
    dn = "uid=ann.kim,ou=managers,dc=contoso,dc=example"
    directory.change("ann", upn="ann.kim@contoso.example", dn=dn)

    run = sync(connection, directory)

    after = people()["ann.kim@contoso.example"]
    assert (run.created, run.changed, len(people())) == (0, 1, 1)
    assert (after.pk, after.session_epoch) == (ann.pk, ann.session_epoch)
    assert after.accounts.get().dn == dn
    renamed = Event.objects.get(activity=Activity.USER_RENAMED, subject_id=ann.pk)
    change = UserIDChange.objects.get(pk=renamed.details["renaming"])
    assert (change.user_id, change.old) == (ann.pk, "ann@contoso.example")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_person_who_was_deleted_here_isnt_brought_back(connection, directory, dry_run):
    directory.put(entry_of("ann"), entry_of("bob"))
    sync(connection, directory)
    erasure.delete(make_user("admin@contoso.example"), people()["ann@contoso.example"].pk, note="x")

    run = sync(connection, directory, dry_run=dry_run)

    assert codes(run) == [RowProblem.DELETED_HERE]
    assert "ann@contoso.example was deleted here." in next(iter(problems_of(run))).text
    assert "ann@contoso.example" not in people()


def test_a_person_who_was_erased_here_comes_back_as_a_new_one(connection, directory):
    directory.put(entry_of("ann"))
    sync(connection, directory)
    admin, ann = make_user("admin@contoso.example"), people()["ann@contoso.example"]
    erasure.delete(admin, ann.pk, note="x")
    erasure.erase(admin, ann.pk, note="x")

    run = sync(connection, directory)

    assert (run.created, codes(run)) == (1, [])
    assert people()["ann@contoso.example"].pk != ann.pk


def test_a_restored_person_is_linked_again(connection, directory):
    directory.put(entry_of("ann"))
    sync(connection, directory)
    admin, ann = make_user("admin@contoso.example"), people()["ann@contoso.example"]
    erasure.delete(admin, ann.pk, note="x")
    erasure.restore(admin, ann.pk, note="x")

    run = sync(connection, directory)

    again = people()["ann@contoso.example"]
    assert (run.linked, again.pk, again.connector) == (1, ann.pk, "directory")


def test_people_who_exchange_user_ids_are_followed(connection, directory):
    directory.put(entry_of("ann"), entry_of("bob"), entry_of("cho"))
    sync(connection, directory)
    ids = {upn: user.pk for upn, user in people().items()}
    directory.change("ann", upn="bob@contoso.example")
    directory.change("bob", upn="cho@contoso.example")
    directory.change("cho", upn="ann@contoso.example")

    run = sync(connection, directory)

    assert {upn: user.pk for upn, user in people().items()} == {
        "bob@contoso.example": ids["ann@contoso.example"],
        "cho@contoso.example": ids["bob@contoso.example"],
        "ann@contoso.example": ids["cho@contoso.example"],
    }
    assert run.problems == 0


@pytest.mark.parametrize("at_once", [1, 500])
def test_people_exchange_user_ids_while_others_want_what_they_cant_have(
    connection, directory, monkeypatch, at_once
):
    monkeypatch.setattr(directory_sync, "_AT_ONCE", at_once)
    directory.put(*(entry_of(name) for name in ("ann", "bob", "cho", "dan", "eve")))
    sync(connection, directory)
    ids = {upn.partition("@")[0]: user.pk for upn, user in people().items()}
    wanted = {"ann": "bob", "bob": "ann", "cho": "dan", "eve": "cho"}
    for external_id, name in wanted.items():
        directory.change(external_id, upn=f"{name}@contoso.example")

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.OTHER_ENTRY] * 2
    assert {upn.partition("@")[0]: user.pk for upn, user in people().items()} == {
        "ann": ids["bob"],
        "bob": ids["ann"],
        "cho": ids["cho"],
        "dan": ids["dan"],
        "eve": ids["eve"],
    }


def test_user_id_of_a_deleted_person_is_not_given_to_another(connection, directory):
    DeletedUser.objects.create(
        user_id=999, upn="gone@contoso.example", enabled=True, session_epoch=0, deleted_at=NOON
    )
    directory.put(entry_of("ann"), entry_of("gone"))
    run = sync(connection, directory)
    assert (codes(run), set(people())) == ([RowProblem.DELETED_HERE], {"ann@contoso.example"})
    del directory.everyone["gone"]
    directory.change("ann", upn="gone@contoso.example")

    run = sync(connection, directory)

    assert (codes(run), set(people())) == ([RowProblem.DELETED_HERE], {"ann@contoso.example"})


def test_user_id_of_an_operator_ends_an_exchange_without_a_loss(connection, directory):
    User.unscoped.create(tenant_id=None, upn="root@contoso.example", role=Role.OPERATOR)
    directory.put(*(entry_of(name) for name in ("ann", "bob", "cho", "dan")))
    sync(connection, directory)
    before = {upn: user.pk for upn, user in people().items()}
    wanted = {"ann": "root", "bob": "ann", "cho": "dan", "dan": "cho"}
    for external_id, name in wanted.items():
        directory.change(external_id, upn=f"{name}@contoso.example")

    run = sync(connection, directory)

    after = {upn: user.pk for upn, user in people().items()}
    assert sorted(codes(run)) == sorted([RowProblem.NAME_TAKEN, SyncIssue.OTHER_ENTRY])
    assert after == before | {
        "cho@contoso.example": before["dan@contoso.example"],
        "dan@contoso.example": before["cho@contoso.example"],
    }


def test_exchanges_that_are_too_many_are_reported_and_made_by_the_next_run(
    connection, directory, monkeypatch
):
    monkeypatch.setattr(directory_sync, "_AT_ONCE", 1)
    monkeypatch.setattr(directory_sync, "_MOST_DEFERRED", 2)
    directory.put(*(entry_of(name) for name in ("ann", "bob", "cho", "dan")))
    sync(connection, directory)
    ids = {upn: user.pk for upn, user in people().items()}
    for external_id, name in {"ann": "bob", "bob": "ann", "cho": "dan", "dan": "cho"}.items():
        directory.change(external_id, upn=f"{name}@contoso.example")

    first = sync(connection, directory)
    second = sync(connection, directory)

    assert codes(first) == [SyncIssue.OTHER_ENTRY] * 2
    assert (codes(second), second.is_full) == ([], True)
    after = {upn: user.pk for upn, user in people().items()}
    assert after == {
        "bob@contoso.example": ids["ann@contoso.example"],
        "ann@contoso.example": ids["bob@contoso.example"],
        "dan@contoso.example": ids["cho@contoso.example"],
        "cho@contoso.example": ids["dan@contoso.example"],
    }


@given(st.permutations(range(5)), st.lists(st.integers(0, 6), min_size=5, max_size=5))
def test_as_many_users_as_possible_get_their_new_user_ids(order, targets):
    current = {user: str(user) for user in range(5)}
    wanted = {
        user: str(targets[user])
        for user in order
        if targets[user] != user
        and str(targets[user]) not in {str(targets[u]) for u in range(user)}
    }
    outside = {"6"}

    def is_possible(moving):
        after = current | {user: wanted[user] for user in moving}
        return len(set(after.values())) == len(after) and not outside & set(after.values())

    possible = [
        set(moving)
        for size in range(len(wanted) + 1)
        for moving in combinations(wanted, size)
        if is_possible(moving)
    ]

    assert renamable(current, wanted, outside) == set().union(*possible)
    assert is_possible(renamable(current, wanted, outside))


def test_managers_are_linked_and_stay_linked_when_they_move(connection, directory):
    directory.put(
        entry_of("boss"), entry_of("ann", manager_dn="UID=boss, OU=People,dc=contoso,dc=example")
    )
    directory.put(entry_of("bob", manager_dn="cn=outside,dc=contoso,dc=example"))
    sync(connection, directory)

    def managers():
        rows = DirectoryAccount.objects.select_related("manager")
        return {row.external_id: row.manager and row.manager.upn for row in rows}

    assert managers() == {"boss": None, "ann": "boss@contoso.example", "bob": None}
    # The manager's entry moves; a report's entry often says the former place for a while.
    directory.change("boss", dn="uid=boss,ou=board,dc=contoso,dc=example")
    directory.change("bob", manager_dn="uid=boss,ou=board,dc=contoso,dc=example")
    sync(connection, directory)
    assert managers() == {
        "boss": None,
        "ann": "boss@contoso.example",
        "bob": "boss@contoso.example",
    }
    directory.change("ann", manager_dn="")
    sync(connection, directory)
    assert managers()["ann"] is None


def test_disabled_people_are_disabled_and_signed_out(connection, directory):
    directory.put(*many(5))
    sync(connection, directory)
    before = people()["p0000@contoso.example"]
    directory.change("p0000", enabled=False)

    run = sync(connection, directory)

    after = people()["p0000@contoso.example"]
    assert (run.disabled, after.enabled) == (1, False)
    assert after.session_epoch > before.session_epoch


def test_deleted_person_is_disabled_and_comes_back(connection, directory):
    directory.put(*many(5))
    sync(connection, directory)
    user = people()["p0000@contoso.example"]
    make_email(user)
    gone = directory.everyone.pop("p0000")

    run = sync(connection, directory)
    gone_user, account = people()["p0000@contoso.example"], user.accounts.get()
    assert (run.disabled, gone_user.enabled) == (1, False)
    assert account.missing_since is not None
    # It comes back as it was, without a new stamp, as after a change of a filter.
    directory.everyone["p0000"] = gone
    run = sync(connection, directory)

    back = people()["p0000@contoso.example"]
    assert (run.restored, back.pk, back.enabled) == (1, user.pk, True)
    assert user.accounts.get().missing_since is None


def test_person_whom_an_administrator_disabled_here_stays_so(connection, directory):
    directory.put(*many(2))
    sync(connection, directory)
    User.objects.filter(upn="p0000@contoso.example").update(enabled=False)
    directory.change("p0000", display_name="New")

    sync(connection, directory, full=True)

    assert not people()["p0000@contoso.example"].enabled


def test_new_entry_does_not_inherit_the_security_info_of_the_former(connection, directory):
    directory.put(entry_of("ann"), entry_of("bob"))
    sync(connection, directory)
    make_email(people()["ann@contoso.example"])
    for external_id in ("ann", "bob"):
        del directory.everyone[external_id]
    directory.put(entry_of("other"))
    sync(connection, directory)
    directory.put(
        entry_of("ann2", upn="ann@contoso.example"), entry_of("bob2", upn="bob@contoso.example")
    )

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.RECREATED]
    assert not people()["ann@contoso.example"].enabled
    assert people()["bob@contoso.example"].enabled
    assert people()["bob@contoso.example"].accounts.get().external_id == "bob2"


def test_too_many_disabled_people_wait_for_a_confirmation(connection, directory):
    directory.put(*many(30))
    sync(connection, directory)
    for number in range(12):
        del directory.everyone[f"p{number:04}"]
    directory.put(entry_of("new"))

    run = sync(connection, directory)

    assert (run.state, run.would_disable, run.of_people) == (SyncState.HELD, 12, 31)
    assert User.objects.filter(enabled=False).count() == 0
    assert "new@contoso.example" in people()
    assert not sync_jobs.confirm(run, count=11, actor_id=ADMIN)
    assert sync_jobs.confirm(run, count=12, actor_id=ADMIN)

    run = worked(run, directory)

    assert (run.state, run.disabled) == (SyncState.DONE, 12)
    assert User.objects.filter(enabled=False).count() == 12


def test_confirmation_does_not_hold_for_a_larger_number(connection, directory):
    directory.put(*many(30))
    sync(connection, directory)
    for number in range(12):
        del directory.everyone[f"p{number:04}"]
    run = sync(connection, directory)
    del directory.everyone["p0020"]
    sync_jobs.confirm(run, count=12, actor_id=ADMIN)

    run = worked(run, directory)

    assert (run.state, run.would_disable) == (SyncState.HELD, 13)
    assert User.objects.filter(enabled=False).count() == 0


def test_empty_directory_disables_no_user_without_a_confirmation(connection, directory):
    connection.brake_percent = 100
    connection.save()
    directory.put(*many(2))
    sync(connection, directory)
    directory.everyone.clear()

    run = sync(connection, directory)

    assert run.state == SyncState.HELD
    assert User.objects.filter(enabled=False).count() == 0


@pytest.mark.parametrize("after", [0, 3])
def test_unreachable_directory_ends_the_run_and_disables_no_user(connection, directory, after):
    directory.put(*many(5))
    sync(connection, directory)
    directory.fails_after = after

    run = sync(connection, directory, full=True)

    assert (run.state, run.failure) == (SyncState.FAILED, "connection_lost")
    assert User.objects.filter(enabled=False).count() == 0


def test_password_changed_elsewhere_ends_sessions(connection, directory):
    directory.put(
        entry_of("ann", password_changed_at=NOON), entry_of("bob", password_changed_at=NOON)
    )
    sync(connection, directory)
    later = NOON + timedelta(hours=2)
    # This service changed Bob's.
    User.objects.filter(upn="bob@contoso.example").update(password_changed_at=later)
    before = {upn: user.session_epoch for upn, user in people().items()}
    for external_id in ("ann", "bob"):
        directory.change(external_id, password_changed_at=later + timedelta(seconds=2))

    sync(connection, directory)

    after = {upn: user.session_epoch for upn, user in people().items()}
    assert after["ann@contoso.example"] == before["ann@contoso.example"] + 1
    assert after["bob@contoso.example"] == before["bob@contoso.example"]


def epoch():
    return people()["ann@contoso.example"].session_epoch


def test_password_that_has_to_be_changed_at_the_next_logon_ends_sessions(connection, directory):
    """Active Directory then says no time until the person changed it, as a stranger may have."""
    directory.put(entry_of("ann", password_changed_at=NOON))
    sync(connection, directory)
    before = epoch()

    directory.change("ann", password_changed_at=None)
    sync(connection, directory)
    reset = epoch()
    directory.change("ann", password_changed_at=NOON + timedelta(hours=1))
    sync(connection, directory)

    assert (reset, epoch()) == (before + 1, before + 2)


def test_temporary_password_of_this_service_ends_no_sessions_at_a_sync(connection, directory):
    directory.put(entry_of("ann", password_changed_at=NOON))
    sync(connection, directory)
    ours = NOON + timedelta(hours=1)
    User.objects.update(password_changed_at=ours, temporary_since=ours)
    before = epoch()

    directory.change("ann", password_changed_at=None)
    sync(connection, directory)

    assert epoch() == before


@pytest.mark.parametrize("by_hand", [True, False], ids=["enabled by hand", "changed and enabled"])
def test_sync_enables_no_user_whom_an_administrator_disabled_later(
    connection, directory, by_hand, mailroom
):
    directory.put(entry_of("ann", enabled=False))
    sync(connection, directory)
    ann, admin = people()["ann@contoso.example"], make_user("boss@contoso.example")
    if by_hand:
        act(AdminAction.ENABLE, admin, ann, note="back")
    directory.change("ann", enabled=True)
    if not by_hand:
        sync(connection, directory)
    act(AdminAction.DISABLE, admin, ann, note="security")
    directory.change("ann", display_name="Ann Other")

    sync(connection, directory)

    assert not people()["ann@contoso.example"].enabled


def names():
    return {row.name: row.user.upn for row in SignInName.objects.select_related("user")}


def test_sign_in_names_of_two_people_are_dropped_until_they_are_unambiguous(connection, directory):
    directory.put(
        entry_of("ann", sign_in_names=("Kim", "ann", "bob@contoso.example")),
        entry_of("bob", sign_in_names=("bob",)),
    )
    run = sync(connection, directory)
    assert codes(run) == [SyncIssue.AMBIGUOUS_NAME]
    assert names() == {
        "kim": "ann@contoso.example",
        "ann": "ann@contoso.example",
        "bob": "bob@contoso.example",
    }

    directory.change("bob", sign_in_names=("bob", "KIM"))
    run = sync(connection, directory)
    assert codes(run) == [SyncIssue.AMBIGUOUS_NAME]
    assert "kim" not in names()
    # Read again alone, the name is still not Ann's.
    directory.change("ann", given_name="Ann")
    sync(connection, directory)
    assert "kim" not in names()

    directory.change("bob", sign_in_names=())
    sync(connection, directory)
    assert names() == {"kim": "ann@contoso.example", "ann": "ann@contoso.example"}


def test_run_in_which_nothing_changed_reads_and_writes_nothing(
    connection, directory, django_assert_max_num_queries
):
    directory.put(*many(40))
    sync(connection, directory)
    directory.reads = 0

    with django_assert_max_num_queries(60):
        run = sync(connection, directory)

    assert (run.changed, run.created, run.is_full) == (0, 0, False)
    # The latest stamp is read again: something may have changed within it.
    assert directory.reads <= 1


def test_everyone_is_read_again_after_a_week_and_after_a_change_of_settings(connection, directory):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        directory.put(*many(3))
        assert sync(connection, directory).is_full
        assert not sync(connection, directory).is_full
        connection.writeback = True
        connection.save()
        run = sync(connection, directory)
        assert run.is_full
        assert all(user.writeback for user in people().values())
        clock.shift(timedelta(days=7))
        assert sync(connection, directory).is_full


def test_dry_run_says_what_would_happen_and_writes_nothing(connection, directory):
    directory.put(*many(3), entry_of("bad", upn="bad@other.example"))

    run = sync(connection, directory, dry_run=True)

    assert (run.state, run.created, codes(run)) == (SyncState.DONE, 3, [RowProblem.DOMAIN_NOT_OURS])
    assert not User.objects.exists()
    assert not DirectoryAccount.objects.exists()


def test_only_a_real_run_starts_the_schedule(connection, directory, mailroom):
    connection.sync_every_hours = 4
    connection.save()
    directory.put(*many(1))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sync(connection, directory, dry_run=True)
        clock.shift(timedelta(hours=5))
        sync_jobs.sweep()
        assert SyncRun.objects.count() == 1
        sync(connection, directory)
        sync_jobs.sweep()
        assert SyncRun.objects.count() == 2
        clock.shift(timedelta(hours=5))
        sync_jobs.sweep()

    assert SyncRun.objects.count() == 3
    assert SyncRun.objects.order_by("-created_at")[0].actor_id == Actor.SERVICE


def test_a_directory_has_one_run_at_a_time(connection, directory):
    first = sync_jobs.start(connection, actor_id=ADMIN)

    assert sync_jobs.start(connection, actor_id=ADMIN).pk == first.pk


def test_cancelled_run_writes_no_more(connection, directory):
    directory.put(*many(3))
    run = sync_jobs.start(connection, actor_id=ADMIN)

    class Cancelling(MemoryDirectory):
        def people(self, *, changed_since=""):
            sync_jobs.cancel(run, actor_id=ADMIN)
            yield from directory.people()

    run = worked(run, Cancelling())

    assert run.state == SyncState.CANCELLED
    assert not User.objects.exists()


def test_run_whose_worker_died_goes_on(connection, directory, monkeypatch):
    monkeypatch.setattr(directory_sync, "_AT_ONCE", 2)
    directory.put(*many(7))
    run = sync_jobs.start(connection, actor_id=ADMIN)

    class Dying(MemoryDirectory):
        def people(self, *, changed_since=""):
            for number, entry in enumerate(directory.people()):
                if number == 5:
                    raise MemoryError
                yield entry

    with time_machine.travel(timezone.now(), tick=False) as clock:
        with pytest.raises(MemoryError):
            worked(run, Dying())
        assert User.objects.count() == 4
        # The lease of the dead worker runs out first.
        assert worked(run, directory).state == SyncState.RUNNING
        clock.shift(LEASE)
        run = worked(run, directory)

    assert (run.state, run.created, User.objects.count()) == (SyncState.DONE, 7, 7)


def test_long_run_takes_turns_with_other_jobs(connection, directory, monkeypatch, mailroom):
    monkeypatch.setattr(directory_sync, "_AT_ONCE", 2)
    monkeypatch.setattr(directory_sync, "SLICE_S", 0.0)
    directory.put(*many(7))
    run, turns = sync_jobs.start(connection, actor_id=ADMIN), 0

    while run.state == SyncState.RUNNING:
        run, turns = worked(run, directory), turns + 1

    assert (run.state, run.created) == (SyncState.DONE, 7)
    assert turns > 1


def group_of(external_id, *members, **more):
    values = {"dn": f"cn={external_id},ou=groups,dc=contoso,dc=example", "name": external_id}
    return GroupEntry(external_id=external_id, member_dns=members, **{**values, **more})


def members():
    rows = Membership.objects.values_list("group__name", "user__upn")
    return {(group, upn.partition("@")[0]) for group, upn in rows}


@pytest.fixture
def with_groups(connection, directory):
    connection.group_filter = "(objectClass=groupOfNames)"
    connection.save()
    directory.put(entry_of("ann"), entry_of("bob"))
    dns = {external_id: entry.dn for external_id, entry in directory.everyone.items()}
    directory.all_groups = {
        "staff": group_of("staff", dns["ann"].upper(), "cn=sales,ou=groups,dc=contoso,dc=example"),
        "sales": group_of("sales", dns["bob"]),
    }
    return dns


def test_groups_come_with_members_and_the_groups_inside(connection, directory, with_groups):
    run = sync(connection, directory)

    assert run.groups >= 2
    assert members() == {("staff", "ann"), ("sales", "bob")}
    assert list(GroupNesting.objects.values_list("outer__name", "inner__name")) == [
        ("staff", "sales")
    ]


def test_member_is_recognised_however_the_name_is_escaped(connection, directory, with_groups):
    directory.change("ann", dn=r"cn=Example\, Ann,ou=people,dc=contoso,dc=example")
    member = r"CN=Example\2C Ann, OU=people,DC=contoso,DC=example"
    directory.all_groups = {"staff": group_of("staff", member)}

    sync(connection, directory)

    assert members() == {("staff", "ann")}


def test_group_is_followed_by_its_id_and_the_policy_with_it(connection, directory, with_groups):
    sync(connection, directory)
    change_policy(
        Policy(self_service=Scope.GROUPS, groups=frozenset({"sales"})), actor_id=Actor.COMMAND
    )
    directory.all_groups["sales"] = replace(
        directory.all_groups["sales"], name="Verkauf", member_dns=(with_groups["ann"],)
    )

    sync(connection, directory)

    assert members() == {("staff", "ann"), ("Verkauf", "ann")}
    assert policy_in_force().groups == {"Verkauf"}


def test_group_that_is_gone_is_deleted_unless_the_policy_names_it(
    connection, directory, with_groups
):
    sync(connection, directory)
    change_policy(
        Policy(self_service=Scope.ALL, excluded_groups=frozenset({"sales"})),
        actor_id=Actor.COMMAND,
    )
    directory.all_groups = {"other": group_of("other")}

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.GROUP_IN_POLICY]
    assert set(Group.objects.values_list("name", flat=True)) == {"sales", "other"}
    assert ("sales", "bob") in members()


def test_group_whose_new_name_cannot_be_used_keeps_its_name_and_gets_its_members(
    connection, directory, with_groups
):
    sync(connection, directory)
    directory.all_groups["sales"] = replace(
        directory.all_groups["sales"], name="", member_dns=(with_groups["ann"],)
    )

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.GROUP_NAME]
    assert members() == {("staff", "ann"), ("sales", "ann")}


def test_group_of_the_policy_does_not_become_empty(connection, directory, with_groups):
    """As when the service account loses the right to read members: excluded people stay so."""
    sync(connection, directory)
    change_policy(
        Policy(self_service=Scope.ALL, excluded_groups=frozenset({"staff"})),
        actor_id=Actor.COMMAND,
    )
    for name, group in directory.all_groups.items():
        directory.all_groups[name] = replace(group, member_dns=())

    run = sync(connection, directory)

    # The other group counts, too, because it is inside.
    assert codes(run) == [SyncIssue.GROUP_EMPTIED] * 2
    assert members() == {("staff", "ann"), ("sales", "bob")}
    assert GroupNesting.objects.count() == 1

    change_policy(Policy(self_service=Scope.ALL), actor_id=Actor.COMMAND)
    run = sync(connection, directory)

    assert (codes(run), members()) == ([], set())


def test_run_says_that_groups_are_no_longer_read(connection, directory, with_groups):
    sync(connection, directory)
    connection.group_filter = ""
    connection.save()

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.GROUPS_NOT_READ]
    assert members() == {("staff", "ann"), ("sales", "bob")}


def test_group_made_here_is_never_touched(connection, directory, with_groups):
    ours = Group.objects.create(name="Staff")
    Membership.objects.create(group=ours, user=make_user())

    run = sync(connection, directory)

    assert codes(run) == [SyncIssue.GROUP_NAME_TAKEN]
    assert members() == {("Staff", "minji"), ("sales", "bob")}


def test_second_directory_does_not_rename_or_disable(contoso, connection, directory):
    second = make_connection("Branch", position=1)
    directory.put(*many(3))
    sync(connection, directory)
    other = MemoryDirectory()
    other.put(entry_of("q1", upn="p0000@contoso.example", enabled=False, display_name="Other"))

    run = sync(second, other)

    user = people()["p0000@contoso.example"]
    assert (run.linked, run.disabled) == (1, 0)
    assert (user.enabled, user.display_name) == (True, "Person p0000")
    assert user.accounts.count() == 2


def test_person_who_moved_to_another_directory_stays_enabled(contoso, connection, directory):
    second, other = make_connection("Branch", position=1), MemoryDirectory()
    directory.put(*many(3))
    sync(connection, directory)
    other.put(entry_of("q1", upn="p0000@contoso.example"))
    sync(second, other)
    del directory.everyone["p0000"]

    sync(connection, directory)

    assert people()["p0000@contoso.example"].enabled


def test_runs_of_another_organisation_see_nothing_of_this_one(connection, directory, hanbit):
    directory.put(*many(2))
    sync(connection, directory)
    with in_tenant(hanbit.pk):
        theirs = make_connection()
        other = MemoryDirectory()
        other.put(entry_of("p0000", upn="p0000@hanbit.example"))
        run = sync(theirs, other)
        assert (run.created, run.disabled) == (1, 0)
        assert set(people()) == {"p0000@hanbit.example"}
    assert len(people()) == 2


@pytest.mark.parametrize("first_writes", [True, False])
def test_password_can_be_set_where_the_user_signs_in(contoso, connection, directory, first_writes):
    for each in (connection, second := make_connection("Branch", position=1)):
        each.writeback = (each == connection) == first_writes
        each.save()
    other = MemoryDirectory()
    other.put(entry_of("q1", upn="p0000@contoso.example"))
    sync(second, other)
    assert people()["p0000@contoso.example"].writeback != first_writes
    directory.put(*many(2))

    sync(connection, directory)
    sync(second, other, full=True)
    assert people()["p0000@contoso.example"].writeback == first_writes

    del directory.everyone["p0000"]
    sync(connection, directory)
    assert people()["p0000@contoso.example"].writeback != first_writes


def test_directory_that_is_switched_off_decides_nothing(contoso, connection, directory):
    second, other = make_connection("Branch", position=1), MemoryDirectory()
    upns = [f"p{number:04}@contoso.example" for number in range(3)]
    directory.put(*many(3))
    other.put(*(entry_of(f"q{at}", upn=upn) for at, upn in enumerate(upns)))
    sync(connection, directory)
    sync(second, other)
    connection.enabled = False
    connection.save()
    other.change("q0", enabled=False)
    other.change("q1", display_name="Renamed")
    del other.everyone["q2"]

    run = sync(second, other)

    assert run.is_full
    assert [people()[upn].enabled for upn in upns] == [False, True, False]
    assert people()[upns[1]].display_name == "Renamed"


def test_brake_compares_with_the_people_who_are_enabled(connection, directory):
    directory.put(*many(20), *(entry_of(f"old{number}", enabled=False) for number in range(80)))
    sync(connection, directory)
    for number in range(6):
        directory.change(f"p{number:04}", enabled=False)

    run = sync(connection, directory)

    assert (run.state, run.would_disable, run.of_people) == (SyncState.HELD, 6, 20)


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5), st.integers(0, 7), st.booleans()),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.just("exchange"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.just("sync"), st.sampled_from([None, 0, 1, 3]), st.booleans()),
    ),
    max_size=14,
)


@hypothesis_settings(max_examples=60)
@given(CHANGES)
@pytest.mark.django_db
def test_linked_users_equal_the_directorys_people(history):
    # All examples share one transaction, so each has an organisation of its own.
    slug = f"tenant{Tenant.objects.count()}"
    with in_tenant(make_tenant(slug).pk):
        connection, directory = make_connection(brake_percent=100), MemoryDirectory()
        for what, *details in history:
            if what == "put":
                external_id, upn = f"e{details[0]}", f"n{details[1]}@{slug}.example"
                others = [
                    e.upn for e in directory.everyone.values() if e.external_id != external_id
                ]
                if upn not in others:
                    directory.put(entry_of(external_id, upn=upn, enabled=details[2]))
            elif what == "exchange":
                first, second = (directory.everyone.get(f"e{number}") for number in details)
                if first and second and first != second:
                    directory.change(first.external_id, upn=second.upn)
                    directory.change(second.external_id, upn=first.upn)
            elif what == "delete":
                directory.everyone.pop(f"e{details[0]}", None)
            else:
                directory.fails_after, full = details
                sync(connection, directory, full=full)
        directory.fails_after = None

        run = sync(connection, directory)
        if run.state == SyncState.HELD:
            sync_jobs.confirm(run, count=run.would_disable, actor_id=ADMIN)
            run = worked(run, directory)

        linked = DirectoryAccount.objects.filter(missing_since=None).select_related("user")
        here = {(row.external_id, row.user.upn, row.user.enabled) for row in linked}
        there = {(e.external_id, e.upn, e.enabled) for e in directory.everyone.values()}
        others = User.objects.exclude(pk__in=linked.values("user_id"))
        assert run.state == SyncState.DONE
        assert here == there
        assert not others.filter(enabled=True).exists()


def test_job_of_a_run_carries_only_ids(connection, mailroom):
    run = sync_jobs.start(connection, actor_id=ADMIN)

    assert mailroom.published == [(queue.SYNC, run.tenant_id, run.pk)]


def test_long_run_ends_although_each_portion_has_an_unusable_entry(
    connection, directory, monkeypatch, mailroom
):
    monkeypatch.setattr(directory_sync, "_AT_ONCE", 2)
    monkeypatch.setattr(directory_sync, "SLICE_S", 0.0)
    # Time passes only where a portion is read, so that turns end at the same places everywhere.
    clock = iter(range(10_000))
    monkeypatch.setattr(directory_sync, "monotonic", lambda: float(next(clock)))
    for number in range(12):
        directory.put(
            entry_of(f"p{number:02}"), entry_of(f"q{number:02}", upn=f"q{number}@other.example")
        )
    run = sync_jobs.start(connection, actor_id=ADMIN)

    for _turn in range(40):
        run = worked(run, directory)

    assert (run.state, run.created, run.changed) == (SyncState.DONE, 12, 0)


@pytest.mark.parametrize(
    ("place", "dry_run"), [("people", False), ("people", True), ("groups", False)]
)
def test_run_that_always_crashes_at_the_same_place_fails(
    connection, directory, monkeypatch, place, dry_run
):
    monkeypatch.setattr(directory_sync, "_AT_ONCE", 2)
    connection.group_filter = "(objectClass=groupOfNames)"
    connection.save()
    directory.put(*many(7))
    directory.all_groups = {name: group_of(name) for name in ("sales", "staff")}
    run = sync_jobs.start(connection, actor_id=ADMIN, dry_run=dry_run)

    def dying(*_args, **_more):
        yield from list(getattr(MemoryDirectory, place)(directory))[:-1]
        raise MemoryError

    monkeypatch.setattr(directory, place, dying)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _try in range(8):
            with suppress(MemoryError):
                run = worked(run, directory)
            clock.shift(LEASE)

    assert (run.state, run.failure) == (SyncState.FAILED, "crashed")
    assert User.objects.count() == (0 if dry_run else 6 if place == "people" else 7)


def test_start_while_the_running_run_ends_starts_another_one(connection, monkeypatch):
    running = sync_jobs.start(connection, actor_id=ADMIN)
    SyncRun.objects.filter(pk=running.pk).update(state=SyncState.DONE)

    def refused(**_columns):
        # As if the other run had ended after the constraint refused this one.
        monkeypatch.undo()
        raise IntegrityError

    monkeypatch.setattr(SyncRun.objects, "create", refused)

    run = sync_jobs.start(connection, actor_id=ADMIN)

    assert (run.state, run.pk == running.pk) == (SyncState.RUNNING, False)


def test_schedule_of_a_directory_that_cannot_start_stops_no_other(
    connection, directory, monkeypatch, mailroom
):
    other = make_connection("Branch", position=1)
    for each in (connection, other):
        each.sync_every_hours = 1
        each.save()
        sync(each, directory)
    start = sync_jobs.start

    def failing(row, **more):
        if row.pk == connection.pk:
            raise RuntimeError
        return start(row, **more)

    monkeypatch.setattr(sync_jobs, "start", failing)
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        sync_jobs.sweep()

    assert SyncRun.objects.filter(connection=other).count() == 2
