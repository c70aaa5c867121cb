"""Old events are deleted in portions, and what stays can still be verified."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.utils import timezone
from structlog.testing import capture_logs

from audit.activities import Activity, Outcome
from audit.models import NEVER, Event, Head, Link
from audit.services import retention, sealing
from audit.services.retention import delete_portion
from audit.services.sealing import sign_anew, trust_from_here
from audit.services.signing import Flaw
from audit.services.verifying import verify
from isolation.scope import NO_TENANT, current_tenant_id, in_tenant
from sspr import audit_retention
from sspr.audit_retention import days_kept, delete_old
from tenants.policy.values import with_changes
from tenants.queries import policy_in_force
from tenants.services import change_policy
from tests.audit.test_chain import flaws, reword, sweep, tamper
from tests.builders import make_tenant
from vault.keyring import purpose_key

__all__ = ["tamper"]
ON_POSTGRESQL = connection.vendor == "postgresql"
DROP_TRIGGER = "DROP TRIGGER audit_link_without_gaps"
HISTORY_DELETED = Activity.HISTORY_DELETED


def happened(days_ago, count=1):
    """Events of that day, which are sealed as if the service had been off since."""
    at = timezone.now() - timedelta(days=days_ago)
    Event.objects.bulk_create(
        Event(
            activity=Activity.SIGNED_IN,
            outcome=Outcome.SUCCESS,
            subject_id=number,
            at=at + timedelta(seconds=number),
        )
        for number in range(count)
    )


def sealed():
    Head.objects.update(settled_at=NEVER)
    sealing.sign(head := Head.objects.get())
    head.save()
    sweep()


@pytest.fixture
def aged(contoso):
    """Events of 1000, 200 and 100 days ago, and of today."""
    happened(1_000, 7)
    happened(200, 5)
    happened(100, 3)
    sealed()
    assert flaws() == []
    return contoso


def delete(days):
    while delete_portion(timezone.now() - timedelta(days=days)):
        pass


def days_of_events():
    now = timezone.now()
    ages = [(now - event.at).days for event in Event.objects.order_by("at")]
    return sorted(set(ages), reverse=True)


def test_older_events_go_and_the_rest_still_verifies(aged, monkeypatch):
    monkeypatch.setattr(retention, "_DELETED_AT_ONCE", 2)
    monkeypatch.setattr(retention, "_VERIFIED_AT_ONCE", 3)

    delete(150)
    sweep()

    assert flaws() == []
    assert max(days_of_events()) < 150
    assert Head.objects.get().deleted_number == 12
    assert Link.objects.order_by("number").first().number == 13


def test_every_portion_leaves_a_chain_that_verifies(aged, monkeypatch):
    monkeypatch.setattr(retention, "_DELETED_AT_ONCE", 2)
    monkeypatch.setattr(retention, "_VERIFIED_AT_ONCE", 3)
    before = timezone.now() - timedelta(days=150)

    while delete_portion(before):
        assert [flaw for flaw in flaws() if flaw is not Flaw.NOT_SEALED] == []


def test_an_error_of_one_chain_holds_up_no_other(aged, monkeypatch):
    other = make_tenant("other")
    with in_tenant(other.pk):
        happened(1_000, 2)
        sealed()

    def broken_for_the_first(before):
        if current_tenant_id() == aged.pk:
            raise DatabaseError
        return delete_portion(before)

    monkeypatch.setattr(audit_retention, "delete_portion", broken_for_the_first)
    with capture_logs() as logs:
        assert delete_old(0, seconds=60) is None

    assert [entry["tenant"] for entry in logs if entry["event"] == "audit_not_deleted"] == [aged.pk]
    assert Head.objects.get().deleted_number == 0
    with in_tenant(other.pk):
        assert max(days_of_events()) < 1_000


def test_the_deletion_is_a_record_itself(aged):
    delete(150)

    event = Event.objects.get(activity=HISTORY_DELETED)
    cutoff = timezone.now() - timedelta(days=150)
    assert event.details == {"deleted": 12, "number": 12, "before": cutoff.date().isoformat()}


def test_nothing_is_recorded_where_nothing_is_old(aged):
    delete(2_000)

    assert not Event.objects.filter(activity=HISTORY_DELETED).exists()
    assert Event.objects.count() == 16


def test_the_end_of_the_chain_stays_though_all_is_old(contoso, tamper):
    happened(200, 4)
    sealed()
    delete(-1)
    sweep()

    assert flaws() == []
    assert Head.objects.get().number > 4


def test_a_link_planted_in_front_of_the_beginning_hides_no_event(aged, tamper):
    delete(150)
    happened(0)
    tamper("ALTER TABLE audit_link DISABLE TRIGGER USER" if ON_POSTGRESQL else DROP_TRIGGER)

    Link.objects.create(number=7, event_id=Event.objects.latest("pk").pk, digest="ff")

    assert Flaw.CHAIN_BROKEN in flaws()
    with capture_logs() as lines:
        sweep()
    assert [line["flaw"] for line in lines if line["event"] == "audit_not_sealed"] == [
        Flaw.CHAIN_BROKEN
    ]


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ("UPDATE audit_head SET deleted_number = deleted_number + 1", Flaw.BEGINNING_FORGED),
        ("UPDATE audit_head SET deleted_digest = 'ff'", Flaw.BEGINNING_FORGED),
        ("UPDATE audit_head SET deleted_mac = ''", Flaw.BEGINNING_FORGED),
        ("UPDATE audit_head SET deleted_number = 0", Flaw.BEGINNING_FORGED),
        ("UPDATE audit_head SET cleared_number = 0", Flaw.BEGINNING_FORGED),
        (
            "UPDATE audit_head SET deleted_number = 0, cleared_number = 0, deleted_mac = ''",
            Flaw.CHAIN_BROKEN,
        ),
        ("DELETE FROM audit_event WHERE id IN (SELECT min(id) FROM audit_event)", Flaw.REMOVED),
    ],
)
def test_no_one_else_moves_the_beginning(aged, tamper, statement, flaw):
    delete(150)
    sweep()

    tamper(statement)

    assert flaw in flaws()
    before = Event.objects.count()
    delete(90)
    if flaw is Flaw.BEGINNING_FORGED:
        assert Event.objects.count() == before


def test_a_finding_stops_the_deletion_and_is_an_error_in_the_log(aged, tamper):
    reword(tamper, 3)
    number = Link.objects.get(event_id=Event.objects.order_by("pk")[3].pk).number

    with capture_logs() as lines:
        delete(150)

    refused = [line for line in lines if line["event"] == "audit_not_deleted"]
    assert {(line["flaw"], line["number"]) for line in refused} == {(Flaw.CHANGED, number)}
    assert Head.objects.get().deleted_number == number - 1
    assert Flaw.CHANGED in flaws()


def test_what_an_operator_accepted_goes_as_a_whole_once_all_of_it_is_old(aged, tamper):
    reword(tamper, 3)
    trust_from_here(findings=1)
    sweep()

    delete(150)
    assert Head.objects.get().deleted_number == 0
    accepted = Head.objects.get().accepted_number
    delete(-1)
    sweep()

    assert Head.objects.get().deleted_number >= accepted > 0
    assert flaws() == []


def test_an_anchor_in_front_of_the_beginning_cant_be_compared_and_at_it_can(aged):
    anchor = Link.objects.values_list("number", "digest").get(number=12)
    delete(150)
    sweep()

    assert list(verify(anchor=(3, "f" * 64))) == []
    assert list(verify(anchor=anchor)) == []
    assert [one.flaw for one in verify(anchor=(12, "f" * 64))] == [Flaw.ANCHOR_DIFFERS]


def test_the_beginning_is_signed_anew_after_the_keys_were_rotated(aged, settings):
    delete(150)
    sweep()
    old = settings.ENCRYPTION_KEYS
    purpose_key.cache_clear()
    with override_settings(ENCRYPTION_KEYS=["a-newer-key-for-tests-" * 2, *old]):
        assert sign_anew() == 1
        assert sign_anew() == 0
    purpose_key.cache_clear()
    with override_settings(ENCRYPTION_KEYS=["a-newer-key-for-tests-" * 2]):
        assert flaws() == []
    purpose_key.cache_clear()


def test_after_a_forged_beginning_an_operator_can_go_on(aged, tamper):
    delete(150)
    sweep()
    tamper("UPDATE audit_head SET deleted_mac = 'ff'")
    assert Flaw.BEGINNING_FORGED in flaws()

    trust_from_here(findings=1)
    sweep()

    assert {finding.accepted for finding in verify()} <= {True}


# Django empties SQLite with DELETE between tests, so that only PostgreSQL can refuse it.
if ON_POSTGRESQL:

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM audit_event WHERE activity = 'signed_in'",
            "DELETE FROM audit_link",
            "UPDATE audit_head SET deleted_number = 16; DELETE FROM audit_link",
            "UPDATE audit_head SET deleted_number = 0; DELETE FROM audit_event",
        ],
    )
    def test_the_database_deletes_only_what_is_old_and_in_front_of_the_beginning(aged, statement):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

    def test_the_database_deletes_no_event_of_less_than_ninety_days(contoso):
        happened(80, 2)
        sealed()

        with pytest.raises(DatabaseError, match="append-only"):
            delete(70)


def test_each_organisation_keeps_its_log_as_long_as_it_says(aged):
    hanbit = make_tenant("hanbit")
    with in_tenant(hanbit.pk):
        happened(200, 2)
        sealed()
    with in_tenant(NO_TENANT):
        happened(1_000, 2)
        sealed()
    changed = with_changes(policy_in_force(), ["audit_days=120"])
    change_policy(changed, actor_id=1)

    # The default of two years still holds for seven days.
    assert days_kept() == 730
    assert delete_old(0, seconds=60) is None
    assert max(days_of_events()) < 730
    assert 200 in days_of_events()
    with in_tenant(hanbit.pk):
        assert 200 in days_of_events()
    with in_tenant(NO_TENANT):
        assert 1_000 in days_of_events()


def test_a_shorter_time_takes_effect_after_seven_days_and_a_longer_one_at_once(contoso):
    change_policy(with_changes(policy_in_force(), ["audit_days=90"]))
    assert days_kept() == 730
    change_policy(with_changes(policy_in_force(), ["audit_days=1000"]))
    assert days_kept() == 1_000


def test_a_run_ends_in_time_and_says_where_to_go_on(aged, monkeypatch):
    monkeypatch.setattr(retention, "_VERIFIED_AT_ONCE", 1)
    following, runs = 0, 0
    while following is not None:
        following, runs = delete_old(following, seconds=0), runs + 1

    assert max(days_of_events()) < 730
    assert runs > 7
