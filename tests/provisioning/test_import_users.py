import io
from dataclasses import replace
from functools import partial
from io import StringIO

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from account.services.freezing import freeze, unfreeze
from audit.activities import Activity
from audit.models import Event
from audit.services import Actor
from directory.models import Membership, User
from directory.queries import in_scope, prefilled
from isolation.scope import all_tenants, in_tenant
from provisioning.rules.reports import ImportCounts, ImportProgress
from provisioning.services import batches
from provisioning.services import importing as service
from provisioning.services.contacts import Importer
from provisioning.services.files import opened
from provisioning.services.words import words
from tenants.models import Group, GroupNesting, Tenant
from tenants.policy import Factor, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_user,
)
from tests.console.people import with_app
from vault.envelope import Unopenable

import_users = partial(service.import_users, importer=Importer(actor_id=Actor.COMMAND, number="1"))

FULL = """\
user_principal_name,display_name,given_name,surname,language,office_phone,mobile_phone,\
alternate_email,groups,password
minji@contoso.example,김민지,민지,김,ko,02-1234-5678 내선 12,010-1234-5678,minji@mail.example,\
Staff;Seoul,a good long password
joe@contoso.example,Joe,,,,,,,,
"""


def sheet(text):
    return opened(io.BytesIO(text.encode()))


def load(text, **more):
    reports = []
    counts = import_users(sheet(text), report=reports.append, **more)
    refused = [row for row in reports if row.refused]
    return counts, {row.line: [reason.column for reason in row.reasons] for row in refused}


def reported(text, **more):
    """Line → codes, of every report."""
    reports = []
    import_users(sheet(text), report=reports.append, **more)
    return {row.line: [reason.problem.value for reason in row.reasons] for row in reports}


def numbers(counts):
    return counts.created, counts.updated, counts.unchanged, counts.refused


def names(user):
    return sorted(user.groups.values_list("name", flat=True))


def contacts(user):
    return {factor: row.value for factor, row in prefilled(user.pk).items()}


def everything():
    return [sorted(map(repr, model.unscoped.values_list())) for model in (User, Membership, Group)]


def test_good_row_is_written_whole(contoso):
    counts, refused = load(FULL)

    minji = User.objects.get(upn="minji@contoso.example")
    assert (numbers(counts), refused) == ((2, 0, 0, 0), {})
    assert (minji.display_name, minji.surname, minji.language) == ("김민지", "김", "ko")
    assert check_password("a good long password", minji.password)
    assert names(minji) == ["Seoul", "Staff"]
    assert contacts(minji) == {
        Factor.OFFICE_PHONE: "+82212345678#12",
        Factor.MOBILE_PHONE: "+821012345678",
        Factor.EMAIL: "minji@mail.example",
    }
    assert {p: row.sms_capable for p, row in prefilled(minji.pk).items()} == {
        Factor.OFFICE_PHONE: False,
        Factor.MOBILE_PHONE: True,
        Factor.EMAIL: False,
    }


def test_a_name_from_a_file_can_be_searched_and_so_can_its_correction(contoso):
    head = "user_principal_name,display_name,groups\n"
    for name, groups, found in (
        ("ÁNA", "", "ána"),
        ("Ánna ŁÓDŹ", "", "ánna łódź"),
        ("김 ANA", "", "김 ana"),
    ):
        load(f"{head}ana@contoso.example,{name},{groups}\nbob@contoso.example,,\n")

        assert User.objects.get(upn="ana@contoso.example").folded_name == found
    load(f"{head}eva@contoso.example,Éva,Staff\n")
    assert User.objects.get(upn="eva@contoso.example").folded_name == "éva"


def test_user_without_a_password_in_the_file_can_not_sign_in(contoso):
    load(FULL)

    assert not User.objects.get(upn="joe@contoso.example").has_usable_password()


def test_importing_the_same_file_again_changes_nothing(contoso):
    load(FULL)
    before = everything()

    counts, refused = load(FULL)

    assert (numbers(counts), refused) == ((0, 0, 2, 0), {})
    assert everything() == before


def test_empty_cells_leave_what_is_there_alone(contoso):
    load(FULL)
    before = everything()

    load("user_principal_name,display_name,mobile_phone,groups\nminji@contoso.example,,,\n")

    assert everything() == before


def test_filled_cells_take_the_place_of_what_was_there(contoso):
    load(FULL)

    counts, _ = load(
        "user_principal_name,display_name,mobile_phone,groups\n"
        "minji@contoso.example,Minji,010-9999-8888,Staff;Busan\n"
    )

    minji = User.objects.get(upn="minji@contoso.example")
    assert numbers(counts) == (0, 1, 0, 0)
    assert (minji.display_name, minji.surname) == ("Minji", "김")
    assert contacts(minji)[Factor.MOBILE_PHONE] == "+821099998888"
    assert names(minji) == ["Busan", "Staff"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("surname", "Park"),
        ("language", "en"),
        ("office_phone", "02-1234-5678 내선 13"),
        ("alternate_email", "other@mail.example"),
        ("groups", "Staff"),
    ],
)
def test_any_one_changed_cell_counts_as_an_update(contoso, column, cell):
    load(FULL)

    counts, _ = load(f"user_principal_name,{column}\nminji@contoso.example,{cell}\n")

    assert numbers(counts) == (0, 1, 0, 0)


def test_password_that_exists_is_not_replaced(contoso):
    user = make_user("joe@contoso.example", password="chosen by joe")

    counts, _ = load("user_principal_name,password\njoe@contoso.example,set by the admin\n")

    user.refresh_from_db()
    assert check_password("chosen by joe", user.password)
    assert numbers(counts) == (0, 0, 1, 0)


def test_password_is_set_for_a_user_who_has_none(contoso):
    load("user_principal_name\njoe@contoso.example\n")

    counts, _ = load("user_principal_name,password\njoe@contoso.example,set by the admin\n")

    user = User.objects.get()
    assert check_password("set by the admin", user.password)
    assert user.password_changed_at is not None
    assert numbers(counts) == (0, 1, 0, 0)


@pytest.mark.parametrize("prove", [make_email, make_questions, make_recovery_codes, with_app])
def test_password_is_not_set_for_a_user_who_verified_something(contoso, prove):
    user = make_user("joe@contoso.example", display_name="Joe")
    user.set_unusable_password()
    user.save()
    prove(user)
    text = (
        "user_principal_name,display_name,password\n"
        "joe@contoso.example,Joe Kim,set by the admin\n"
        "new@contoso.example,New,set by the admin\n"
    )

    checked, _ = load(text, dry_run=True)
    reports = []
    counts = import_users(sheet(text), report=reports.append)

    user.refresh_from_db()
    assert not user.has_usable_password()
    assert user.display_name == "Joe Kim"
    assert User.objects.get(upn="new@contoso.example").has_usable_password()
    assert numbers(counts) == numbers(checked) == (1, 1, 0, 0)
    (row,) = reports
    assert (row.line, row.refused) == (2, False)
    assert words(row.reasons[0], row.line) == (
        "Row 2: the password was not set, because Joe Kim already registered security info."
        " Issue a temporary password on the person’s page instead."
    )
    with translation.override("ko"):
        assert "임시 비밀번호를 발급하세요" in words(row.reasons[0], row.line)


def test_password_that_a_freeze_withdrew_is_not_set_by_a_file(contoso, mailroom):
    user = make_user("joe@contoso.example", must_change_password=True)
    make_email(user)
    freeze(user, reason="notice")
    unfreeze(user)

    load("user_principal_name,password\njoe@contoso.example,set by the admin\n")

    user.refresh_from_db()
    assert user.frozen_at is None
    assert not user.has_usable_password()


def test_password_of_a_user_of_another_directory_is_left_alone(contoso):
    user = make_user("joe@contoso.example", connector="ldap")
    user.set_unusable_password()
    user.save()

    counts, _ = load("user_principal_name,password\njoe@contoso.example,set by the admin\n")

    assert not User.objects.get().has_usable_password()
    assert numbers(counts) == (0, 0, 1, 0)


def test_every_bad_row_is_reported_with_its_line_and_the_good_ones_are_written(contoso):
    counts, refused = load(
        "user_principal_name,mobile_phone,language\n"
        "a@contoso.example,010-1234-5678,ko\n"
        "b@contoso.example,1.01E+10,fr\n"
        "\n"
        'c@contoso.example,"010,\n'
        "d@contoso.example,,,\n"
        "e@contoso.example,,,surplus\n"
        "f@fabrikam.example\n"
        "A@Contoso.example\n"
        ",,\n"
        "g@contoso.example\n"
    )

    assert refused == {
        3: ["language", "mobile_phone"],
        5: [""],
        7: [""],
        8: ["user_principal_name"],
        9: ["user_principal_name"],
    }
    assert sorted(User.objects.values_list("upn", flat=True)) == [
        "a@contoso.example",
        "d@contoso.example",
        "g@contoso.example",
    ]
    assert (counts.read, numbers(counts)) == (8, (3, 0, 0, 5))


def test_same_user_twice_is_reported_with_both_lines_even_far_apart(contoso, monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    reports = []

    import_users(sheet(numbered(5) + "U1@contoso.example,Other\n"), report=reports.append)

    (row,) = reports
    assert (row.line, row.reasons[0].values) == (7, {"other": 3})
    assert User.objects.get(upn="u1@contoso.example").display_name == "Number 1"


def test_file_can_not_touch_another_tenants_users(contoso, hanbit):
    with in_tenant(hanbit.pk):
        stranger = make_user("kim@hanbit.example", display_name="Kim")

    counts, _ = load("user_principal_name,display_name\nkim@hanbit.example,Taken over\n")

    with all_tenants():
        stranger.refresh_from_db()
    assert stranger.display_name == "Kim"
    assert numbers(counts) == (0, 0, 0, 1)


def test_name_that_an_operator_has_is_refused_and_the_operator_stays_as_they_are(contoso):
    operator = User.unscoped.create(
        upn="root@contoso.example", role=Role.OPERATOR, display_name="Root"
    )

    counts, refused = load(
        "user_principal_name,display_name,groups,mobile_phone\n"
        "root@contoso.example,Mine,Staff,010-1234-5678\njoe@contoso.example,Joe,,\n"
    )

    with all_tenants():
        operator.refresh_from_db()
    assert (operator.display_name, operator.tenant_id) == ("Root", None)
    assert operator.password == ""
    assert refused == {2: ["user_principal_name"]}
    assert numbers(counts) == (1, 0, 0, 1)
    assert operator.prefill is None


@pytest.mark.parametrize("name", ["Sales; Seoul", "Sales  Seoul", ";Sales;", " Sales"])
def test_what_was_exported_of_an_older_group_comes_back_as_the_same_group(contoso, name):
    group = Group.objects.create(name=name)
    make_user()

    for groups in (name, f"Staff;{name}"):
        load(f'user_principal_name,groups\nminji@contoso.example,"{groups}"\n')

        assert Membership.objects.filter(group=group).count() == 1
    assert set(Group.objects.values_list("name", flat=True)) == {name, "Staff"}


def test_groups_that_are_there_by_their_names_are_meant_before_an_older_one(contoso):
    Group.objects.bulk_create([Group(name="Sales"), Group(name="Seoul"), Group(name="Sales;Seoul")])
    user = make_user()

    load("user_principal_name,groups\nminji@contoso.example,Sales;Seoul;New\n")

    assert names(user) == ["New", "Sales", "Seoul"]


def test_group_in_another_case_is_the_same_and_keeps_people_in_scope(contoso):
    Group.objects.create(name="Staff")
    policy = Policy(self_service=Scope.GROUPS, groups=frozenset({"Staff"}))
    change_policy(policy)
    user = make_user()

    reports = reported("user_principal_name,groups\nminji@contoso.example,ｓtaff;STAFF\n")

    assert names(user) == ["Staff"]
    assert in_scope(user.pk, policy)
    assert reports == {}


def test_two_spellings_in_one_file_make_one_group(contoso):
    load("user_principal_name,groups\na@contoso.example,Sales\nb@contoso.example,SALES;sales\n")

    assert list(Group.objects.values_list("name", flat=True)) == ["Sales"]
    assert Membership.objects.count() == 2


@pytest.mark.parametrize("dry_run", [True, False])
def test_group_that_the_policy_does_not_name_is_reported_once(contoso, dry_run):
    staff, inner = Group.objects.create(name="Staff"), Group.objects.create(name="Inner")
    GroupNesting.objects.create(outer=staff, inner=inner)
    change_policy(Policy(self_service=Scope.GROUPS, groups=frozenset({"Staff"})))
    rows = [f"u{n}@contoso.example,{group}" for n, group in enumerate(["staff", "inner", "Staf"])]
    text = "\n".join(["user_principal_name,groups", *rows, "x@contoso.example,STAF", ""])

    assert reported(text, dry_run=dry_run) == {4: ["w03"]}


def test_where_the_policy_names_no_group_none_is_reported(contoso):
    assert reported("user_principal_name,groups\na@contoso.example,Any\n") == {2: ["w08"]}


def test_groups_of_the_same_name_stay_apart(contoso, hanbit):
    with in_tenant(hanbit.pk):
        theirs = Group.objects.create(name="Staff")

    load(FULL)

    assert not Membership.unscoped.filter(group=theirs).exists()


@pytest.mark.parametrize("column", ["role", "enabled", "tenant_id", "connector", "is_staff"])
def test_role_and_state_can_not_be_imported(contoso, column):
    load(f"user_principal_name,{column}\njoe@contoso.example,1\n")

    joe = User.objects.get()
    assert (joe.role, joe.enabled, joe.tenant_id) == ("", True, contoso.pk)
    assert joe.connector == "builtin"


def test_dry_run_counts_the_same_and_writes_nothing(contoso):
    make_user("joe@contoso.example", display_name="Old")
    before = everything()

    counts, _ = load(FULL, dry_run=True)

    assert numbers(counts) == (1, 1, 0, 0)
    assert everything() == before
    assert not Event.objects.filter(activity=Activity.USERS_IMPORTED).exists()
    assert load(FULL)[0] == counts


def test_import_is_written_down_with_its_counts(contoso):
    load(FULL + "bad\n")

    event = Event.objects.get(activity=Activity.USERS_IMPORTED)
    assert event.actor_id == Actor.COMMAND
    assert event.details == {
        "file": "1",
        "read": 3,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "refused": 1,
    }


def test_contact_data_that_the_file_does_not_know_stays(contoso):
    user = make_user("joe@contoso.example")
    make_prefill(user, Factor.EMAIL, "joe@mail.example")

    load("user_principal_name,mobile_phone\njoe@contoso.example,010-1234-5678\n")

    assert contacts(user) == {
        Factor.EMAIL: "joe@mail.example",
        Factor.MOBILE_PHONE: "+821012345678",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_file_is_read_in_any_of_the_encodings_that_spreadsheets_write(contoso, tmp_path, encoding):
    file = tmp_path / "users.csv"
    file.write_text(FULL, encoding=encoding)
    out = StringIO()

    call_command("import_users", str(file), "--tenant", "contoso", stdout=out)

    assert User.objects.get(upn="minji@contoso.example").display_name == "김민지"
    assert out.getvalue() == "read 2, created 2, updated 0, unchanged 0, refused 0\n"


WESTERN = "user_principal_name,display_name\nasa@contoso.example,Åsa Berg\n"


def command(path, content, *options):
    path.write_bytes(content)
    err = StringIO()
    call_command(
        "import_users", str(path), "--tenant", "contoso", *options, stdout=StringIO(), stderr=err
    )
    return err.getvalue()


def test_code_page_of_the_organisations_country_is_taken_and_said(contoso, tmp_path):
    Tenant.objects.filter(pk=contoso.pk).update(country="SE", language="en")

    said = command(tmp_path / "users.csv", WESTERN.encode("cp1252"))

    assert User.objects.get().display_name == "Åsa Berg"
    assert said == "Read as cp1252: Åsa Berg\n"


def test_two_code_pages_that_fit_are_shown_and_nothing_is_written(contoso, tmp_path):
    Tenant.objects.filter(pk=contoso.pk).update(country="PL", language="en")
    file = tmp_path / "users.csv"

    with pytest.raises(CommandError) as refused:
        command(file, WESTERN.encode("cp1252"))
    assert "--encoding cp1250: Ĺsa Berg\n  --encoding cp1252: Åsa Berg" in str(refused.value)
    assert not User.objects.exists()

    command(file, WESTERN.encode("cp1252"), "--encoding", "Windows-1252")
    assert User.objects.get().display_name == "Åsa Berg"


def test_text_in_no_code_page_is_refused_by_the_command(contoso, tmp_path):
    with pytest.raises(CommandError, match="in every code page"):
        command(
            tmp_path / "users.csv", b"user_principal_name\na@contoso.example,\x80\x81\x98\xff\n"
        )
    with pytest.raises(CommandError, match="--encoding: hex is not known"):
        command(tmp_path / "users.csv", b"user_principal_name\n", "--encoding", "hex")


def test_password_is_never_an_example_of_a_name(contoso, tmp_path):
    text = "user_principal_name,password\njoe@contoso.example,pässwörd-of-joe\n"

    assert "pässw" not in command(tmp_path / "users.csv", text.encode("cp1252"))


def test_file_may_come_from_the_standard_input_with_windows_line_ends(contoso, monkeypatch):
    sent = io.TextIOWrapper(io.BytesIO(FULL.replace("\n", "\r\n").encode()))
    monkeypatch.setattr("sys.stdin", sent)

    call_command("import_users", "-", "--tenant", "contoso", stdout=StringIO())

    assert User.objects.count() == 2


def test_refused_rows_go_to_stderr_and_fail_the_command_after_the_good_ones(contoso, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("user_principal_name,language\njoe@contoso.example,\nbad,fr\n")
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match="1 of 2 rows were refused"):
        call_command("import_users", str(file), "--tenant", "contoso", stdout=out, stderr=err)

    assert err.getvalue() == (
        "Row 3: “bad” is not a valid user principal name\n"
        "Row 3: unknown language “fr”. Use a code such as ko or en.\n"
    )
    assert "refused 1" in out.getvalue()
    assert User.objects.count() == 1


def test_unusable_file_is_refused_with_the_reason(contoso, tmp_path):
    file = tmp_path / "users.csv"
    file.write_bytes(b"PK\x03\x04 and so on")

    with pytest.raises(CommandError, match=r"save it as \.xlsx, or as “CSV UTF-8”"):
        call_command("import_users", str(file), "--tenant", "contoso")


def test_unknown_columns_are_named_and_ignored(contoso, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("user_principal_name,notes,role\njoe@contoso.example,x,operator\n")
    out, err = StringIO(), StringIO()

    call_command("import_users", str(file), "--tenant", "contoso", stdout=out, stderr=err)

    assert err.getvalue() == "Unknown columns: notes, role. They are ignored.\n"
    assert User.objects.get().role == ""


def test_missing_file_and_unknown_tenant_are_refused(contoso, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_users", str(tmp_path / "none.csv"), "--tenant", "contoso")
    with pytest.raises(CommandError, match="--tenant"):
        call_command("import_users", "-", "--tenant", "nobody")


def test_import_that_breaks_off_is_written_down_as_far_as_it_came(contoso, monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 1)
    whole = sheet(FULL)

    def broken():
        yield from whole.lines
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  (which one doesn't matter)
        import_users(replace(whole, lines=broken()), report=print)

    event = Event.objects.get(activity=Activity.USERS_IMPORTED)
    assert event.details["created"] == User.objects.count() == 2
    counts, _ = load(FULL)
    assert numbers(counts) == (0, 0, 2, 0)


def numbered(count, bad=()):
    rows = (f"{'' if n in bad else f'u{n}@contoso.example'},Number {n}\n" for n in range(count))
    return "user_principal_name,display_name\n" + "".join(rows)


def test_stopped_between_batches_what_is_written_stays_and_no_more_comes(contoso, monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    seen = []

    def stop_at_the_second(progress):
        seen.append(progress)
        return len(seen) < 2

    counts = import_users(sheet(numbered(6)), report=print, between=stop_at_the_second)

    assert [progress.line for progress in seen] == [3, 5]
    assert seen[-1].counts == counts == ImportCounts(read=4, created=4)
    assert User.objects.count() == 4


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4])
def test_resumed_import_ends_like_one_that_was_never_stopped(contoso, monkeypatch, stop_after):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    text = numbered(7, bad={1, 4}) + "u0@contoso.example,Again\n\nu6@contoso.example,Again\n"
    kept, reports = [], []

    def stop(progress):
        kept.append(progress)
        return len(kept) < stop_after

    import_users(sheet(text), report=reports.append, between=stop)
    counts = import_users(sheet(text), report=reports.append, after=kept[-1])

    assert counts == ImportCounts(read=9, created=5, refused=4)
    assert [(row.line, row.reasons[0].problem.value) for row in reports] == [
        *((3, "e01"), (6, "e01")),
        *((9, "e04"), (11, "e04")),
    ]
    assert User.objects.get(upn="u0@contoso.example").display_name == "Number 0"


def test_import_in_slices_is_written_down_once_at_its_end(contoso, monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    kept = []

    import_users(sheet(numbered(5)), report=print, between=lambda at: kept.append(at) is not None)
    import_users(sheet(numbered(5)), report=print, after=kept[-1])

    event = Event.objects.get(activity=Activity.USERS_IMPORTED)
    assert (event.details["read"], event.details["created"]) == (5, 5)


def test_crash_between_batches_loses_and_doubles_nothing(contoso, monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    cursor = [ImportProgress(1, ImportCounts())]

    def crash_in_the_second(progress):
        if progress.line > 3:
            raise KeyboardInterrupt
        cursor[0] = progress
        return True

    with pytest.raises(KeyboardInterrupt):
        import_users(sheet(numbered(5)), report=print, between=crash_in_the_second)
    assert User.objects.count() == cursor[0].counts.created == 2

    counts = import_users(sheet(numbered(5)), report=print, after=cursor[0])
    assert counts == ImportCounts(read=5, created=5)


def test_rows_are_reported_in_the_transaction_of_their_batch(contoso, monkeypatch):
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 1)
    written = []

    import_users(
        sheet("user_principal_name,mobile_phone\nbad,\njoe@contoso.example,1012345678\n"),
        report=lambda row: written.append((row.line, row.refused, User.objects.count())),
        between=lambda progress: written.append(progress.line) is None,
    )

    assert written == [(2, True, 0), 2, (3, False, 1), 3]


def test_dry_run_reports_and_keeps_what_is_written_between(contoso):
    def note(progress):
        Group.objects.create(name=f"line {progress.line}")
        return True

    counts, _ = load(FULL, dry_run=True, between=note)

    assert numbers(counts) == (2, 0, 0, 0)
    assert list(Group.objects.values_list("name", flat=True)) == ["line 3"]
    assert not User.objects.exists()


def test_zero_that_a_spreadsheet_took_away_is_put_back_and_reported(contoso):
    reports = reported(
        "user_principal_name,office_phone,mobile_phone\njoe@contoso.example,212345678,1012345678\n"
    )

    assert reports == {2: ["w01", "w01"]}
    assert contacts(User.objects.get()) == {
        Factor.OFFICE_PHONE: "+82212345678",
        Factor.MOBILE_PHONE: "+821012345678",
    }


def test_what_a_user_verified_is_reported_and_stays_as_it_is(contoso):
    joe = make_user("joe@contoso.example", display_name="Joe")
    make_prefill(joe, Factor.MOBILE_PHONE, "+821099998888")
    make_phone(joe, "010-7777-8888")

    reports = reported(
        "user_principal_name,mobile_phone,alternate_email\n"
        "joe@contoso.example,010-1234-5678,joe@mail.example\n"
        "new@contoso.example,010-1234-5678,\n"
    )

    assert reports == {2: ["w02"]}
    assert contacts(joe) == {Factor.MOBILE_PHONE: "+821099998888", Factor.EMAIL: "joe@mail.example"}


def test_contact_data_of_a_frozen_user_is_reported_and_stays_as_it_is(contoso):
    joe = make_user("joe@contoso.example", display_name="Joe", frozen_at=timezone.now())
    make_prefill(joe, Factor.MOBILE_PHONE, "+821099998888")

    reports = reported(
        "user_principal_name,surname,mobile_phone,office_phone\n"
        "joe@contoso.example,Park,010-1234-5678,02-1234-5678\n"
    )

    assert reports == {2: ["w04", "w04"]}
    assert contacts(joe) == {Factor.MOBILE_PHONE: "+821099998888"}
    joe.refresh_from_db()
    assert joe.surname == "Park"


def test_contact_data_of_a_frozen_user_that_is_the_same_is_not_reported(contoso):
    joe = make_user("joe@contoso.example", frozen_at=timezone.now())
    make_prefill(joe, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)

    reports = reported("user_principal_name,mobile_phone\njoe@contoso.example,010-1234-5678\n")

    assert reports == {}


def test_new_and_known_people_may_be_in_one_batch(contoso):
    load("user_principal_name,display_name\njoe@contoso.example,Joe\n")

    counts, _ = load(
        "user_principal_name,surname\njoe@contoso.example,Park\nann@contoso.example,\n"
    )

    assert numbers(counts) == (1, 1, 0, 0)
    assert User.objects.get(upn="joe@contoso.example").surname == "Park"


def test_what_was_entered_of_one_person_opens_for_no_other_user(contoso):
    load(FULL)
    minji = User.objects.exclude(prefill=None).get()
    joe = make_user("other@contoso.example")

    User.objects.filter(pk=joe.pk).update(prefill=minji.prefill, prefill_kinds=7)

    assert contacts(minji)
    with pytest.raises(Unopenable):
        contacts(joe)


def test_a_name_that_an_operator_has_is_no_obstacle(contoso):
    """Its row is in the middle of others that are new, and seen by no look beforehand."""
    User.unscoped.create(upn="p3@contoso.example", tenant_id=None, role=Role.OPERATOR)
    names = "".join(f"p{number}@contoso.example\n" for number in range(9))

    counts, refused = load(f"user_principal_name\n{names}")

    assert numbers(counts) == (8, 0, 0, 1)
    assert refused == {5: ["user_principal_name"]}
