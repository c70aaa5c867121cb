"""The way of a file: kept, checked, imported in slices, cancelled, resumed, thrown away."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery import queue as broker
from directory.models import Membership, User
from isolation.scope import in_tenant
from provisioning import queue
from provisioning.models import Import, ImportPart
from provisioning.rules.problems import UnusableFile
from provisioning.services import batches, export, slices, store
from provisioning.services.export import EXPORTED, export_people
from provisioning.services.jobs import (
    MOST_OPEN,
    REPORT_KEPT,
    TooManyOpen,
    cancel,
    check,
    preview,
    read_as,
    start,
    sweep,
    take,
)
from provisioning.services.report import report
from provisioning.services.slices import LEASE, work
from provisioning.services.store import report_of
from tenants.policy import Factor
from tests.builders import make_phone, make_prefill, make_tenant, make_user
from tests.threads import all_at_once
from vault.envelope import Unopenable

State = Import.State
HEAD = "user_principal_name,display_name,mobile_phone,groups,password\n"
GOOD = HEAD + "minji@contoso.example,김민지,010-1234-5678,Staff,\njoe@contoso.example,Joe,,,\n"
BAD = GOOD + "nobody@other.example,,,,\nann@contoso.example,Ann,12,,secret-of-ann\n"
ADMIN = 7


def many(rows):
    return HEAD + "".join(f"p{n:05}@contoso.example,Person {n},,Staff,\n" for n in range(rows))


def kept(text, *, encoding="utf-8"):
    file = text if isinstance(text, bytes) else text.encode(encoding)
    taken = take(io.BytesIO(file), name="people.csv", size=len(file), actor_id=ADMIN)
    return again(taken)


def again(one):
    return Import.objects.get(pk=one.pk)


def checked(text, room):
    one = kept(text)
    check(one)
    room.work()
    return again(one)


def counts(one):
    return one.read, one.created, one.updated, one.unchanged, one.refused


def parts(one, kind):
    return ImportPart.objects.filter(whole=one, kind=kind)


def lines(pieces):
    text = "".join(pieces)
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def remarks(one):
    """Line, whether the row is refused, and code."""
    return [
        (row.line, row.refused, reason.problem.value)
        for row in report_of(one)
        for reason in row.reasons
    ]


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 10)


@pytest.fixture
def one_batch_a_slice(monkeypatch, small_batches):
    monkeypatch.setattr(slices, "SLICE_S", 0)
    monkeypatch.setattr(slices, "monotonic", lambda: 1.0)


def test_file_is_kept_in_sealed_parts_and_read_again_whole(contoso, monkeypatch):
    monkeypatch.setattr(store, "PART_BYTES", 100)

    one = kept(many(50))

    rows = parts(one, "file")
    assert rows.count() > 10
    assert b"contoso" not in b"".join(bytes(row.data) for row in rows)
    with store.file_of(one) as file:
        assert file.read() == many(50).encode()
        file.seek(0)
        assert file.readline() == HEAD.encode()
    assert (one.state, one.lines, one.encoding) == (State.LOADED, 51, "utf-8")


def test_parts_open_for_their_own_place_only(contoso):
    one, other = kept(GOOD), kept(GOOD)
    stolen = parts(one, "file").get()
    parts(other, "file").update(data=stolen.data)

    with pytest.raises(Unopenable), store.file_of(other) as file:
        file.read()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04rest", b"name\nJoe\n", HEAD.replace("groups", "password").encode()],
    ids=["empty", "Excel", "no user principal name", "column twice"],
)
def test_file_without_usable_rows_is_refused_and_not_kept(contoso, content):
    with pytest.raises(UnusableFile):
        kept(content)

    assert not Import.objects.exists()


def test_only_so_many_files_wait_at_once(contoso):
    for _ in range(MOST_OPEN):
        kept(GOOD)

    with pytest.raises(TooManyOpen):
        kept(GOOD)

    cancel(Import.objects.first(), actor_id=ADMIN)
    assert kept(GOOD)


def test_preview_shows_rows_as_they_would_be_read_and_no_password(contoso):
    shown = preview(kept(BAD))

    assert shown.headers[0] == "user_principal_name"
    assert shown.rows[0][:3] == ["minji@contoso.example", "김민지", "010-1234-5678"]
    assert "secret-of-ann" not in str(shown.rows)


def test_preview_covers_a_row_in_which_the_password_may_be_anywhere(contoso):
    shown = preview(kept(HEAD + "ann@contoso.example,Ann,,secret-of-ann\n"))

    assert shown.rows[0][0] == "ann@contoso.example"
    assert "secret-of-ann" not in str(shown.rows)


def test_file_can_be_read_in_another_encoding(contoso):
    one = kept(GOOD)
    Import.objects.update(encoding="cp949")
    assert preview(again(one)).rows[0][1] != "김민지"

    read_as(one, "utf-8-sig")

    assert preview(again(one)).rows[0][1] == "김민지"
    with pytest.raises(UnusableFile):
        read_as(again(one), "utf-16")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949", "utf-16", "utf-16-le"])
def test_every_encoding_that_can_be_chosen_can_be_read_and_imported(contoso, mailroom, encoding):
    one = kept(GOOD, encoding="utf-8" if encoding == "utf-16-le" else encoding)
    if encoding == "utf-16-le":
        # Without its mark, which no file from a spreadsheet lacks.
        parts(one, "file").delete()
        store.keep_file(one, io.BytesIO(GOOD.encode(encoding)))

    read_as(one, encoding.removesuffix("-le"))
    check(one)
    mailroom.work()
    start(again(one), actor_id=ADMIN)
    mailroom.work()

    assert User.objects.get(upn="minji@contoso.example").display_name == "김민지"


def test_check_counts_and_reports_everything_and_writes_nothing(contoso, mailroom):
    make_user("joe@contoso.example", display_name="Joe")

    one = checked(BAD, mailroom)

    assert (one.state, one.rows, counts(one)) == (State.CHECKED, 4, (4, 1, 0, 1, 2))
    assert remarks(one) == [
        (2, False, "w08"),
        (4, True, "e03"),
        (5, True, "e05"),
    ]
    assert User.objects.count() == 1
    assert not User.objects.exclude(prefill=None).exists()
    assert not Membership.objects.exists()


def test_import_writes_the_good_rows_and_throws_the_file_away(contoso, mailroom):
    one = checked(BAD, mailroom)

    start(one, actor_id=ADMIN)
    mailroom.work()

    one = again(one)
    assert (one.state, counts(one)) == (State.DONE, (4, 2, 0, 0, 2))
    assert set(User.objects.values_list("upn", flat=True)) == {
        "minji@contoso.example",
        "joe@contoso.example",
    }
    assert not parts(one, "file").exists()
    started = Event.objects.get(activity=Activity.IMPORT_STARTED)
    assert (started.actor_id, started.details["rows"]) == (ADMIN, 4)


def test_report_has_every_refused_row_and_never_a_password(contoso, mailroom):
    one = checked(BAD, mailroom)
    start(one, actor_id=ADMIN)
    mailroom.work()

    rows = lines(report(again(one), "en"))

    assert [row[0] for row in rows[1:]] == ["2", "4", "5"]
    assert "other.example" in rows[2][4]
    assert "secret-of-ann" not in str(rows)
    assert b"other.example" not in bytes(parts(one, "report").get().data)


def test_report_is_bounded(contoso, mailroom, monkeypatch):
    monkeypatch.setattr(slices, "MOST_REPORTED", 3)

    one = checked(HEAD + "nobody@other.example,,,,\n" * 10, mailroom)

    assert (one.refused, one.reported) == (10, 3)
    assert len(lines(report(one, "en"))) == 4


def test_what_was_verified_otherwise_is_said_in_the_report(contoso, mailroom):
    user = make_user("minji@contoso.example")
    make_phone(user, "010-9999-8888")

    one = checked(GOOD, mailroom)

    assert [code for _, _, code in remarks(one)] == ["w02", "w08", "c01", "c01"]


def test_an_import_is_of_who_started_it_whoever_uploaded_the_file(contoso, mailroom):
    make_user("minji@contoso.example")
    one = checked(GOOD, mailroom)

    start(one, actor_id=8)
    mailroom.work()

    assert Event.objects.get(activity=Activity.USERS_IMPORTED).actor_id == 8
    assert Event.objects.get(activity=Activity.CONTACT_ENTERED).actor_id == 8


def test_pressing_twice_does_it_once(contoso, mailroom):
    one = kept(GOOD)

    check(one)
    check(one)
    assert len(mailroom.published) == 1
    mailroom.work()
    start(again(one), actor_id=ADMIN)
    start(again(one), actor_id=ADMIN)

    assert len(mailroom.published) == 1
    assert Event.objects.filter(activity=Activity.IMPORT_STARTED).count() == 1


def test_nothing_starts_before_it_was_checked(contoso, mailroom):
    one = kept(GOOD)

    start(one, actor_id=ADMIN)

    assert again(one).state == State.LOADED
    assert mailroom.published == []


def test_long_import_is_done_slice_by_slice(contoso, mailroom, one_batch_a_slice):
    one = checked(many(35), mailroom)
    assert (one.state, one.turn, counts(one)) == (State.CHECKED, 5, (35, 35, 0, 0, 0))

    start(one, actor_id=ADMIN)
    mailroom.work()

    one = again(one)
    assert (one.state, counts(one)) == (State.DONE, (35, 35, 0, 0, 0))
    assert one.resumed_at_line is None
    assert User.objects.count() == Membership.objects.count() == 35


@pytest.mark.parametrize(
    ("batch_s", "lines"),
    [pytest.param(30, 21, id="twice that"), pytest.param(130, 11, id="not too long")],
)
def test_slice_lasts_as_long_as_it_took_to_get_there(
    contoso, mailroom, monkeypatch, small_batches, batch_s, lines
):
    clock = iter(range(0, 10_000, batch_s))
    monkeypatch.setattr(slices, "monotonic", lambda: next(clock))
    one = kept(many(45))
    check(one)
    mailroom.published.clear()

    work(one.pk)

    assert again(one).line == lines
    assert [published[0] for published in mailroom.published] == [queue.IMPORT]


def test_cancelling_ends_it_at_once_and_throws_the_file_away(contoso, mailroom, one_batch_a_slice):
    one = checked(many(35), mailroom)
    start(one, actor_id=ADMIN)
    work(one.pk)

    cancel(again(one), actor_id=ADMIN)
    mailroom.work()

    one = again(one)
    assert (one.state, one.line, one.created) == (State.CANCELLED, 11, 10)
    assert User.objects.count() == 10
    assert not parts(one, "file").exists()
    assert Event.objects.get(activity=Activity.IMPORT_CANCELLED).actor_id == ADMIN


def test_worker_that_finds_its_import_cancelled_writes_nothing_more(
    contoso, mailroom, one_batch_a_slice, monkeypatch
):
    one = checked(many(35), mailroom)
    start(one, actor_id=ADMIN)
    work(one.pk)
    claim = slices.claim

    def claimed_just_before(pk):
        found = claim(pk)
        cancel(found, actor_id=ADMIN)
        return found

    monkeypatch.setattr(slices, "claim", claimed_just_before)
    work(one.pk)

    assert again(one).state == State.CANCELLED
    assert User.objects.count() == 10


def test_of_two_workers_one_gets_it(contoso, mailroom):
    one = kept(GOOD)
    check(one)
    slices.claim(one.pk)

    assert slices.claim(one.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_racing_workers_one_gets_it(mailroom):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        one = kept(GOOD)
        check(one)

    got = all_at_once(4, lambda: slices.claim(one.pk), tenant_id=tenant.pk)

    assert len([claimed for claimed in got if claimed]) == 1


def test_worker_whose_lease_ran_out_changes_nothing(contoso, mailroom, monkeypatch):
    one = checked(GOOD, mailroom)
    start(one, actor_id=ADMIN)
    slow = slices.claim(one.pk)
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    slices.claim(one.pk)

    monkeypatch.setattr(slices, "claim", lambda _pk: slow)
    work(one.pk)

    assert not User.objects.exists()
    assert counts(again(one)) == (0, 0, 0, 0, 0)


def test_what_a_dead_worker_left_is_resumed_behind_its_last_batch(
    contoso, mailroom, one_batch_a_slice
):
    one = checked(many(35), mailroom)
    start(one, actor_id=ADMIN)
    work(one.pk)
    slices.claim(one.pk)
    mailroom.published.clear()
    Import.objects.update(lease_until=timezone.now(), due_at=timezone.now())

    assert sweep() == 1
    mailroom.work()

    one = again(one)
    assert (one.state, counts(one)) == (State.DONE, (35, 35, 0, 0, 0))
    assert one.resumed_at_line == 12
    assert User.objects.count() == 35


def test_slow_worker_is_given_more_time_and_a_deadly_file_is_given_up(contoso, mailroom):
    one = checked(GOOD, mailroom)
    start(one, actor_id=ADMIN)
    leases = []
    for _ in range(5):
        before = timezone.now()
        slices.claim(one.pk)
        leases.append(round((again(one).lease_until - before) / LEASE))
        Import.objects.update(lease_until=timezone.now())

    work(one.pk)

    one = again(one)
    assert leases == [1, 2, 4, 8, 16]
    assert one.state == State.FAILED
    assert not parts(one, "file").exists()


def test_lost_broker_is_made_up_for_by_the_sweeper(contoso, mailroom, monkeypatch):
    one = kept(GOOD)
    check(one)
    mailroom.published.clear()

    assert sweep() == 0
    Import.objects.update(due_at=timezone.now())
    assert sweep() == 1
    mailroom.work()

    assert again(one).state == State.CHECKED


def test_file_that_is_not_imported_is_deleted_and_its_report_later(contoso, mailroom):
    one = checked(BAD, mailroom)
    assert again(one).due_at <= timezone.now() + timedelta(days=1)
    Import.objects.update(due_at=timezone.now())

    sweep()

    assert again(one).state == State.CANCELLED
    assert not parts(one, "file").exists()
    assert parts(one, "report").exists()
    assert again(one).due_at - timezone.now() > REPORT_KEPT - timedelta(minutes=1)
    Import.objects.update(due_at=timezone.now())

    sweep()

    assert not ImportPart.objects.exists()
    assert sweep() == 0


def test_sweeper_looks_after_every_organisation(contoso, hanbit, mailroom):
    with in_tenant(hanbit.pk):
        kept(GOOD.replace("contoso", "hanbit"))
        Import.objects.update(due_at=timezone.now())

    sweep()

    with in_tenant(hanbit.pk):
        assert Import.objects.get().state == State.CANCELLED
        assert Event.objects.filter(activity=Activity.IMPORT_CANCELLED).exists()


def test_no_secret_and_no_person_goes_through_the_broker(contoso, mailroom, monkeypatch):
    sent = []
    monkeypatch.setattr(broker.current_app, "send_task", lambda *a, **k: sent.append((a, k)))
    one = kept(BAD)
    monkeypatch.undo()

    check(one)

    assert "contoso" not in str(sent)


def test_export_can_be_imported_again_and_changes_nothing(contoso, mailroom):
    user = make_user("minji@contoso.example", display_name="=cmd|' /C calc'!A0", surname="김")
    make_prefill(user, Factor.OFFICE_PHONE, "+82212345678#12")
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)
    make_prefill(user, Factor.EMAIL, "minji@mail.example")

    text = "".join(export_people(EXPORTED, note="ticket 1", actor_id=ADMIN))
    one = checked(text, mailroom)

    assert counts(one) == (1, 0, 0, 1, 0)
    rows = lines([text])
    assert rows[1][EXPORTED.index("display_name")] == "'=cmd|' /C calc'!A0"
    assert rows[1][EXPORTED.index("office_phone")] == "'+82212345678#12"
    assert user.password not in text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", " ="])
def test_no_cell_of_an_export_begins_like_a_formula(contoso, first):
    make_user(display_name=f"{first}1+1")

    text = "".join(export_people(EXPORTED, note="ticket 1", actor_id=ADMIN))

    assert f'"\'{first}1+1"' in text


def test_export_holds_what_was_asked_for_and_is_written_down(contoso):
    make_user("minji@contoso.example")

    rows = lines(export_people(["display_name"], note="ticket 1", actor_id=ADMIN))

    assert rows[0] == ["user_principal_name", "display_name"]
    event = Event.objects.get(activity=Activity.PEOPLE_EXPORTED)
    assert (event.actor_id, event.details["note"]) == (ADMIN, "ticket 1")


def test_export_goes_on_when_the_request_is_over_and_stays_with_its_tenant(db, monkeypatch):
    monkeypatch.setattr(export, "_AT_ONCE", 3)
    mine, other = make_tenant("mine"), make_tenant("other")
    for tenant in (mine, other):
        with in_tenant(tenant.pk):
            for number in range(7):
                make_user(f"p{number}@{tenant.slug}.example")
    with in_tenant(mine.pk):
        pieces = export_people(["display_name"], note="ticket 1", actor_id=ADMIN)

    with in_tenant(other.pk):
        rows = lines(pieces)

    assert [row[0] for row in rows[1:]] == [f"p{number}@mine.example" for number in range(7)]
