"""The chained history: whatever is done to it in the database, the verifier says so."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.utils import timezone
from structlog.testing import capture_logs

from audit.activities import Activity
from audit.chain import BEGINNING, digest
from audit.models import NEVER, Event, Head, Link
from audit.services import record, sealing, signing, verifying
from audit.services.sealing import overdue, seal
from audit.services.signing import Flaw
from audit.services.verifying import verify
from isolation.scope import NO_TENANT, in_tenant
from tenants.queries import tenant_ids
from tests.builders import make_tenant
from tests.statements import data_statements
from tests.threads import all_at_once
from vault.keyring import purpose_key


def write(count, *, reason="chosen"):
    for number in range(count):
        record(Activity.SIGNED_IN, subject_id=number, reason=reason, actor_id=number)


def sweep():
    return sealing.sweep(tenant_ids())


def flaws():
    return [finding.flaw for finding in verify()]


@pytest.fixture
def tamper(contoso):
    """SQL of an attacker who has the database and removed the triggers."""
    tables = ("audit_event", "audit_link")
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            else:
                cursor.execute(f"DROP TRIGGER {table}_append_only")
        yield cursor.execute


def test_an_untouched_history_is_as_it_was_written(contoso):
    write(7)
    sweep()
    write(3)
    sweep()

    assert flaws() == []
    numbers = list(Link.objects.order_by("number").values_list("number", flat=True))
    assert numbers == [*range(1, Event.objects.count() + 1)]


def test_each_event_is_chained_once_however_often_is_swept(contoso):
    write(3)
    for _ in range(3):
        sweep()

    assert Link.objects.count() == Event.objects.count()


def test_every_organisation_has_a_chain_of_its_own(contoso, hanbit):
    write(2)
    with in_tenant(hanbit.pk):
        write(3)
    with in_tenant(NO_TENANT):
        write(1)
    sweep()

    assert Head.objects.get().number == Link.objects.count()
    for tenant_id, count in ((hanbit.pk, 3), (NO_TENANT, 1)):
        with in_tenant(tenant_id):
            assert Head.objects.get().number >= count
            assert flaws() == []


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ("UPDATE audit_event SET reason = 'rewritten' WHERE id = {id}", Flaw.CHANGED),
        ("UPDATE audit_event SET subject_id = 99 WHERE id = {id}", Flaw.CHANGED),
        ("UPDATE audit_event SET details = '{{\"a\": 1}}' WHERE id = {id}", Flaw.CHANGED),
        ("UPDATE audit_event SET outcome = 'failure' WHERE id = {id}", Flaw.CHANGED),
        ("DELETE FROM audit_event WHERE id = {id}", Flaw.REMOVED),
        ("DELETE FROM audit_link WHERE event_id = {id}", Flaw.CHAIN_BROKEN),
        ("UPDATE audit_link SET digest = 'ff' WHERE event_id = {id}", Flaw.CHANGED),
        ("UPDATE audit_link SET number = number + 100 WHERE event_id = {id}", Flaw.CHAIN_BROKEN),
        ("UPDATE audit_head SET number = number - 1", Flaw.END_FORGED),
        ("UPDATE audit_head SET mac = 'ff'", Flaw.END_FORGED),
        ("UPDATE audit_head SET settled_at = '2026-01-01 00:00:00+00:00'", Flaw.END_FORGED),
    ],
)
def test_whatever_is_rewritten_is_found(tamper, statement, flaw):
    write(5)
    sweep()
    middle = Event.objects.order_by("pk")[2].pk

    tamper(statement.format(id=middle))

    assert flaw in flaws()


def test_the_end_cant_be_cut_off(tamper):
    write(5)
    sweep()
    last = Event.objects.order_by("-pk").first()
    assert last is not None

    tamper(f"DELETE FROM audit_link WHERE event_id = {last.pk}")
    tamper(f"DELETE FROM audit_event WHERE id = {last.pk}")

    assert flaws() == [Flaw.END_MISSING]


def rewrite(sql):
    """All that can be done without a key: an event gone, the others reworded, all chained anew."""
    victim = Event.objects.order_by("pk")[2].pk
    sql(f"DELETE FROM audit_event WHERE id = {victim}")
    sql("UPDATE audit_event SET reason = 'forged'")
    sql("DELETE FROM audit_link")
    number, last = 0, BEGINNING
    for number, event in enumerate(Event.objects.order_by("pk"), start=1):
        last = digest(last, number, verifying.entry_of(event))
        Link.objects.create(number=number, event_id=event.pk, digest=last)
    sql(f"UPDATE audit_head SET number = {number}, digest = '{last}'")


def cut_off(sql):
    """The last event is deleted without a trace."""
    last, before = Link.objects.order_by("-number")[:2]
    sql(f"DELETE FROM audit_link WHERE event_id = {last.event_id}")
    sql(f"DELETE FROM audit_event WHERE id = {last.event_id}")
    sql(f"UPDATE audit_head SET number = {before.number}, digest = '{before.digest}'")


def wipe(sql):
    """All events are deleted, as in a new organisation."""
    for table in ("audit_link", "audit_event", "audit_head"):
        sql(f"DELETE FROM {table}")


def behead(sql):
    sql("DELETE FROM audit_head")


@pytest.mark.parametrize(
    ("deed", "mac", "flaw"),
    [
        (rewrite, "", Flaw.END_FORGED),
        (rewrite, "ff", Flaw.END_FORGED),
        (cut_off, None, Flaw.END_FORGED),
        (wipe, None, Flaw.END_MISSING),
        (behead, None, Flaw.END_MISSING),
    ],
    ids=["rewritten, unsigned", "rewritten, signed wrongly", "cut off", "wiped", "beheaded"],
)
def test_the_sealer_makes_no_forgery_good(tamper, deed, mac, flaw):
    write(5)
    sweep()
    deed(tamper)
    if mac is not None:
        tamper(f"UPDATE audit_head SET mac = '{mac}'")
    assert flaws() == [flaw]

    for _ in range(2):
        write(1)
        sweep()

    assert flaws() == [flaw]


def test_an_end_that_lost_its_signature_is_forged(tamper):
    write(1)
    sweep()

    tamper("UPDATE audit_head SET mac = ''")

    assert flaws() == [Flaw.END_FORGED]


def test_a_forged_end_stops_no_other_organisation_and_is_an_error_in_the_log(tamper, hanbit):
    sweep()
    Head.objects.update(mac="ff")
    write(1)
    with in_tenant(hanbit.pk):
        write(1)

    with capture_logs() as lines:
        sweep()

    refused = [line for line in lines if line["log_level"] == "error"]
    assert [(line["event"], line["flaw"]) for line in refused] == [
        ("audit_not_sealed", Flaw.END_FORGED)
    ]
    with in_tenant(hanbit.pk):
        assert Head.objects.get().number == Event.objects.count()
        assert flaws() == []


def test_a_link_planted_behind_the_end_stops_no_other_organisation(tamper, hanbit):
    sweep()
    number = Head.objects.get().number
    Link.objects.create(number=number + 1, event_id=-1, digest="ff")
    write(1)
    with in_tenant(hanbit.pk):
        write(1)

    sweep()

    assert set(flaws()) == {Flaw.REMOVED, Flaw.END_MISSING}
    with in_tenant(hanbit.pk):
        assert Head.objects.get().number == Event.objects.count()


def test_a_new_organisation_has_a_signed_end_before_anything_is_sealed(contoso):
    assert Head.objects.get().number == 0
    assert flaws() == []


def test_the_services_own_chain_begins_by_itself_and_once_only(db):
    with in_tenant(NO_TENANT):
        write(2)
        sweep()
        assert flaws() == []
    contoso = make_tenant()
    with in_tenant(NO_TENANT):
        Head.objects.all().delete()
        write(1)
        sweep()

        assert flaws() == [Flaw.END_MISSING]
    with in_tenant(contoso.pk):
        assert flaws() == []


def test_two_events_cant_change_places(tamper):
    write(5)
    sweep()
    one, other = Event.objects.order_by("pk")[1:3]

    tamper(f"UPDATE audit_link SET event_id = -1 WHERE event_id = {one.pk}")
    tamper(f"UPDATE audit_link SET event_id = {one.pk} WHERE event_id = {other.pk}")
    tamper(f"UPDATE audit_link SET event_id = {other.pk} WHERE event_id = -1")

    assert flaws().count(Flaw.CHANGED) == 2


def test_an_event_inserted_before_the_sealed_time_is_reported(contoso):
    write(1)
    sweep()
    with time_machine.travel(timezone.now() - timedelta(hours=2)):
        write(1)

    sweep()

    assert flaws() == [Flaw.SLIPPED_IN]


def test_an_older_state_that_was_put_back_differs_from_what_was_logged(tamper):
    write(2)
    sweep()
    before = Head.objects.values().get()
    write(2)
    sweep()
    number, digest = Head.objects.values_list("number", "digest").get()
    for link in Link.objects.filter(number__gt=before["number"]):
        tamper(f"DELETE FROM audit_event WHERE id = {link.event_id}")
        tamper(f"DELETE FROM audit_link WHERE id = {link.pk}")
    Head.objects.update(**{k: before[k] for k in ("number", "digest", "mac", "settled_at")})

    assert flaws() == []
    assert [one.flaw for one in verify(anchor=(number, digest))] == [Flaw.END_MISSING]


def test_an_anchor_that_differs_is_found(contoso):
    write(2)
    sweep()

    found = list(verify(anchor=(1, "f" * 64)))

    assert [one.flaw for one in found] == [Flaw.ANCHOR_DIFFERS]


def test_an_event_committed_late_is_chained_late(contoso):
    now = timezone.now()
    write(1)
    sweep()
    with time_machine.travel(now - timedelta(minutes=50)):
        write(2)
    sweep()

    assert Link.objects.count() == Event.objects.count()
    with time_machine.travel(now + timedelta(hours=3)):
        write(1)
        sweep()

        assert Head.objects.get().settled_at > now
        assert flaws() == []


def test_the_end_is_signed_anew_after_the_keys_were_rotated(contoso, settings):
    write(1)
    sweep()
    old = settings.ENCRYPTION_KEYS
    purpose_key.cache_clear()
    with override_settings(ENCRYPTION_KEYS=["a-newer-key-for-tests-" * 2, *old]):
        assert flaws() == []
        before = Head.objects.get().mac
        seal()
        assert Head.objects.get().mac != before
        assert flaws() == []
    purpose_key.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_two_sealers_and_many_writers_make_one_chain(contoso):
    write(5)

    def work():
        write(3)
        seal()
        write(2)
        seal()

    all_at_once(4, work, tenant_id=contoso.pk)
    sweep()

    assert flaws() == []
    assert Link.objects.count() == Event.objects.count()


@pytest.mark.parametrize("statement", ["UPDATE audit_link SET digest = 'ff'"])
def test_links_are_never_changed_by_the_service(contoso, statement):
    write(1)
    sweep()

    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_command_says_what_is_wrong_and_fails(tamper, capsys):
    write(3)
    call_command("verify_audit")
    assert "as it was written" in capsys.readouterr().out
    bad = Event.objects.order_by("pk")[1].pk

    tamper(f"UPDATE audit_event SET reason = 'rewritten' WHERE id = {bad}")

    with pytest.raises(CommandError, match="1 findings"):
        call_command("verify_audit", tenant="contoso")
    assert f"contoso: changed at link {bad - Event.objects.order_by('pk')[0].pk + 1}" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("anchor", ["1", "x:y", "1:"])
def test_the_command_wants_an_anchor_as_it_was_logged(contoso, anchor):
    with pytest.raises(CommandError):
        call_command("verify_audit", tenant="contoso", anchor=anchor)
    with pytest.raises(CommandError):
        call_command("verify_audit", anchor="1:ff")
    with pytest.raises(CommandError):
        call_command("verify_audit", tenant="nobody")


def test_an_operator_who_looked_into_it_lets_the_sealer_go_on_and_that_is_on_record(tamper, capsys):
    write(5)
    sweep()
    rewrite(tamper)

    call_command("verify_audit", tenant="contoso", trust_from_here=True)

    assert "end forged" in capsys.readouterr().err
    sweep()
    assert flaws() == []
    said = Event.objects.get(activity=Activity.HISTORY_TRUSTED)
    assert said.details == {"number": 5, "findings": 1}
    assert Link.objects.filter(event_id=said.pk).exists()


def test_an_accepted_chain_still_shows_its_findings(tamper):
    write(5)
    sweep()
    tamper(f"DELETE FROM audit_event WHERE id = {Event.objects.order_by('pk')[2].pk}")
    behead(tamper)

    call_command("verify_audit", tenant="contoso", trust_from_here=True)
    sweep()

    assert flaws() == [Flaw.REMOVED]


@pytest.fixture
def accepted(tamper, capsys):
    """A chain of four with the third event reworded, which an operator accepted."""
    write(4)
    sweep()
    reword(tamper, 2)
    call_command("verify_audit", tenant="contoso", trust_from_here=True)
    sweep()
    capsys.readouterr()
    return tamper


def reword(sql, place, reason="reworded"):
    event = Event.objects.order_by("pk")[place]
    sql(f"UPDATE audit_event SET reason = '{reason}' WHERE id = {event.pk}")


def test_accepted_findings_are_listed_and_no_error_any_more(accepted, capsys):
    write(2)

    call_command("verify_audit", tenant="contoso")

    said = capsys.readouterr()
    assert "changed at link 3" in said.err
    assert "accepted before" in said.err
    assert "1 findings" in said.out


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(lambda sql: reword(sql, 1), id="another event before it"),
        pytest.param(lambda sql: reword(sql, 2, "once more"), id="the same event again"),
        pytest.param(lambda sql: reword(sql, 5), id="an event after it"),
        pytest.param(
            lambda sql: sql("UPDATE audit_link SET digest = 'f' WHERE number = 5"), id="its end"
        ),
        pytest.param(
            lambda sql: sql("DELETE FROM audit_link WHERE number = 5"), id="its end removed"
        ),
        pytest.param(
            lambda sql: sql("UPDATE audit_head SET accepted_number = 6"), id="more accepted"
        ),
        pytest.param(
            lambda sql: sql("UPDATE audit_head SET accepted_digest = 'f'"), id="others accepted"
        ),
    ],
)
def test_whatever_is_changed_after_something_was_accepted_is_an_error(accepted, deed):
    write(2)
    sweep()

    deed(accepted)

    with pytest.raises(CommandError, match="isn't as it was written"):
        call_command("verify_audit", tenant="contoso")


def test_findings_stay_accepted_after_the_keys_were_rotated(accepted, settings):
    old = settings.ENCRYPTION_KEYS
    new = "a-newer-key-for-tests-" * 2
    purpose_key.cache_clear()
    with override_settings(ENCRYPTION_KEYS=[new, *old]):
        assert sealing.sign_anew() == 1
        assert sealing.sign_anew() == 0
    purpose_key.cache_clear()
    with override_settings(ENCRYPTION_KEYS=[new]):
        assert {finding.accepted for finding in verify()} == {True}
    purpose_key.cache_clear()


def test_a_version_that_knows_of_no_acceptance_goes_on_sealing(accepted):
    head = Head.objects.get()

    assert head.mac == signing.mac_of(
        Head(**{name: getattr(head, name) for name in ("number", "digest", "settled_at")})
    )


def test_a_chain_without_findings_isnt_accepted_again(contoso):
    call_command("verify_audit", tenant="contoso", trust_from_here=True)

    assert not Event.objects.filter(activity=Activity.HISTORY_TRUSTED).exists()
    with pytest.raises(CommandError, match="say of which"):
        call_command("verify_audit", trust_from_here=True)


def errors_of(act):
    with capture_logs() as lines:
        act()
    return {(line["tenant"], line["flaw"]) for line in lines if line["log_level"] == "error"}


@pytest.mark.parametrize("value", ["2999-01-01", "1971-01-01"])
def test_no_value_of_a_column_lets_the_sealer_skip_an_organisation_in_silence(
    contoso, hanbit, value
):
    sweep()
    Head.objects.update(settled_at=f"{value} 00:00:00+00:00")
    write(1)
    with in_tenant(hanbit.pk):
        write(1)

    assert errors_of(sweep) == {(contoso.pk, Flaw.END_FORGED)}
    with in_tenant(hanbit.pk):
        assert Link.objects.filter(event_id=Event.objects.latest("pk").pk).exists()


def test_a_chain_without_an_end_is_an_error_even_if_nothing_new_waits(contoso):
    sweep()
    Head.objects.all().delete()

    assert errors_of(sweep) == {(contoso.pk, Flaw.END_MISSING)}


def test_an_event_with_a_number_far_ahead_stops_no_sealing(contoso):
    write(1)
    sweep()
    ahead = 10**15
    Event.objects.create(
        pk=ahead, activity=Activity.SIGNED_IN, outcome="success", at=timezone.now()
    )
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        sweep()
        sweep()
        Event.objects.create(pk=ahead - 1, activity=Activity.SIGNED_IN, outcome="success")

        assert sweep() == 1
        assert flaws() == []


@pytest.mark.parametrize(
    "hours", [50_000, 1, -0.5], ids=["in another year", "an hour ahead", "half an hour behind"]
)
def test_an_event_of_a_clock_that_goes_wrong_is_sealed_like_all_others(contoso, hours):
    write(1)
    sweep()
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        write(1)

    assert sweep() == 1
    assert flaws() == []


def test_events_that_wait_for_more_than_some_minutes_are_reported_and_raise_the_alarm(contoso):
    sweep()
    write(2)
    assert overdue(tenant_ids()) == 0
    assert flaws() == []

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert overdue(tenant_ids()) == 1
        assert flaws() == [Flaw.NOT_SEALED] * 2
        sweep()

        assert overdue(tenant_ids()) == 0
        assert flaws() == []


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(lambda: Head.objects.all().delete(), id="without an end"),
        pytest.param(lambda: Head.objects.update(settled_at="2999-01-01T00:00Z"), id="forged"),
    ],
)
def test_a_chain_that_cant_be_gone_on_from_raises_the_alarm(contoso, deed):
    sweep()

    deed()

    assert overdue(tenant_ids()) == 1


@pytest.mark.parametrize("number", [-1, 0, 1, 10**15])
def test_no_link_is_planted_out_of_its_turn(contoso, number):
    write(2)
    sweep()

    with pytest.raises(DatabaseError, match="no gaps"), transaction.atomic():
        Link.objects.create(number=number, event_id=-1, digest="ff")


@pytest.mark.parametrize("number", [-1, 10**15])
def test_a_link_planted_out_of_its_turn_without_the_trigger_hides_no_event(contoso, number):
    sweep()
    write(1)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_link DISABLE TRIGGER audit_link_without_gaps")
        else:
            cursor.execute("DROP TRIGGER audit_link_without_gaps")
    Link.objects.create(number=number, event_id=Event.objects.latest("pk").pk, digest="ff")

    assert errors_of(sweep) == {(contoso.pk, Flaw.CHAIN_BROKEN)}
    assert Flaw.CHAIN_BROKEN in flaws()


@pytest.mark.parametrize("model", [Event, Head])
@pytest.mark.parametrize("value", ["infinity", "-infinity", "9999-12-31 00:00:00", "nonsense"])
def test_a_time_that_cant_be_read_is_refused_by_the_database(contoso, model, value):
    write(1)
    statement = f"UPDATE audit_head SET settled_at = '{value}'"
    if model is Event:
        names = "tenant_id, activity, outcome, support_code, reason, details, at"
        row = f"{contoso.pk}, 'signed_in', 'success', '', '', '{{}}', '{value}'"
        statement = f"INSERT INTO audit_event ({names}) VALUES ({row})"

    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(statement)


def test_a_chain_that_fails_stops_no_other(contoso, hanbit, monkeypatch):
    for tenant_id in (contoso.pk, hanbit.pk):
        with in_tenant(tenant_id):
            write(1)
    entry = verifying.entry_of

    def fail(event):
        if event.tenant_id == contoso.pk:
            raise ValueError
        return entry(event)

    monkeypatch.setattr(sealing, "entry_of", fail)

    assert errors_of(sweep) == {(contoso.pk, "error")}
    with in_tenant(hanbit.pk):
        assert Link.objects.count() == Event.objects.count()


def test_a_run_is_bounded_and_the_next_goes_on(contoso, monkeypatch):
    monkeypatch.setattr(sealing, "_AT_ONCE", 3)
    monkeypatch.setattr(sealing, "_A_RUN_S", 0)
    write(7)
    total = Event.unscoped.count()

    counts = [sweep() for _ in range(total)]

    assert sum(counts) == total
    assert max(counts) == 3
    assert flaws() == []


def test_a_history_of_any_length_is_looked_through_in_parts_and_the_place_is_saved(
    contoso, monkeypatch
):
    """As after an upgrade, or when an operator trusts the history again."""
    monkeypatch.setattr(sealing, "_LOOKED_THROUGH", 3)
    monkeypatch.setattr(sealing, "_A_RUN_S", 0)
    past = timezone.now() - timedelta(days=9)
    with time_machine.travel(past, tick=False):
        write(5)  # of one moment
    with time_machine.travel(past + timedelta(days=1)):
        write(8)
        sweep()
        sealed = Link.objects.count()
    Head.objects.update(settled_at=NEVER)
    again(Head.objects.get())
    write(1)

    assert overdue(tenant_ids()) == 1
    places = [Head.objects.get().settled_at for _ in range(12) if sweep() >= 0]

    assert len(set(places)) > 3
    assert places == sorted(places)
    assert Link.objects.count() > sealed
    assert Event.objects.count() == Link.objects.count()
    assert overdue(tenant_ids()) == 0
    assert flaws() == []


def again(head):
    signing.sign(head)
    head.save()


def test_finding_what_waits_takes_as_many_statements_for_many_organisations_as_for_few(contoso):
    for number in range(5):
        make_tenant(f"other{number}")
    sweep()
    ids = tenant_ids()

    assert len(data_statements(lambda: overdue(ids))) == 1
    assert len(data_statements(lambda: sealing.sweep(ids))) == 2


NONSENSE = {
    "id": 10**12,
    "tenant_id": 10**12,
    "number": 10**12,
    "digest": "ff",
    "settled_at": "2999-01-01T00:00Z",
    "mac": "ff",
    "accepted_number": 10**12,
    "accepted_digest": "ff",
    "accepted_mac": "ff",
    "deleted_number": 10**12,
    "deleted_digest": "ff",
    "deleted_mac": "ff",
    "cleared_number": 10**12,
    "verified_at": "2999-01-01T00:00Z",
    "verified_findings": 10**6,
}


@pytest.mark.parametrize("column", [field.attname for field in Head._meta.concrete_fields])
def test_nonsense_in_any_column_of_an_end_leaves_no_event_unsealed_in_silence(
    contoso, hanbit, column
):
    write(1)
    sweep()
    Head.unscoped.filter(tenant_id=contoso.pk).update(**{column: NONSENSE[column]})
    write(1)
    with in_tenant(hanbit.pk):
        write(1)

    errors = errors_of(sweep)

    is_sealed = Link.objects.filter(event_id=Event.objects.latest("pk").pk).exists()
    assert is_sealed == (not errors)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert bool(overdue(tenant_ids())) == bool(errors)
        found = flaws()
    assert is_sealed or Flaw.NOT_SEALED in found
    with in_tenant(hanbit.pk):
        assert Link.objects.count() == Event.objects.count()
