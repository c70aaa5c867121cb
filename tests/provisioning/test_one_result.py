"""The same file gives the same result on the administrators' pages and by the command."""

import csv
import io
import re

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import models

from account.services.freezing import freeze
from audit.activities import Activity
from audit.models import Event
from directory.models import Membership, User
from directory.queries import prefills_of
from isolation.scope import in_tenant
from provisioning.models import Import
from tenants.models import Group
from tenants.policy import Factor, Policy, Scope
from tests.builders import PASSWORD, make_email, make_phone, make_prefill, make_tenant, make_user
from tests.console.people import behind_both, make_admin
from verification.models import ContactNotice

FIRST_PASSWORD = "eight words or more"
AWKWARD = f"""\
user_principal_name;display_name;office_phone;mobile_phone;alternate_email;groups;password;shoe
minji@SLUG.example;김민지;02-1234-5678 내선 12;010-1234-5678;minji@mail.example;Staff;;250
joe@SLUG.example;'=HYPERLINK("x");="031-123-4567";1098765432;;Staff;{FIRST_PASSWORD};
MINJI@SLUG.EXAMPLE;다시;;;;;;
ann@SLUG.example;Ann;;12;;;;
excel@SLUG.example;박엑셀;;8.21012E+11;;;;
abroad@SLUG.example;Lars;;+46 70 123 45 67;;;;
someone@other.example;이름;;;;;;
many@SLUG.example;a;;;;;;;more;cells
"broken@SLUG.example;x;;;;;;
short@SLUG.example;최소;;;;;tiny;
no address;정;;;not an address;;;
a’b@SLUG.example;조;;;;;;
;;;;;;;

known@SLUG.example;강;;010-2222-3333;new@mail.example;Misspelt;{FIRST_PASSWORD};
told@SLUG.example;윤;;;new@mail.example;;;
frozen@SLUG.example;임;;010-4444-5555;;;;
same@SLUG.example;한;02-555-1234;;;;;
plain@SLUG.example;서하은;;01055556666;plain@mail.example;;;
plain2@SLUG.example;Doyun;;010 5555 7777;;;;
"""
CODES = {
    *("e02", "e03", "e04", "e05", "e06", "e08", "e12", "e13", "e18", "e20"),
    *("w01", "w02", "w03", "w04", "w05", "w06", "w08"),
    "c01",
}
"""What is reported about the file, so that it stays awkward."""
POLICY = Policy(
    self_service=Scope.GROUPS,
    groups=frozenset({"Staff"}),
    prefilled_usable=frozenset({Factor.EMAIL}),
)


def organisation(slug):
    """One of two that differ in nothing but their names, and the browser of its administrator."""
    tenant = make_tenant(slug, policy=POLICY)
    with in_tenant(tenant.pk):
        known = make_user(f"known@{slug}.example", display_name="Known", password=None)
        make_email(known, "known@mail.example")
        make_phone(known, "010-9999-8888")
        told = make_user(f"told@{slug}.example")
        make_prefill(told, Factor.EMAIL, "old@mail.example")
        freeze(make_user(f"frozen@{slug}.example", display_name="Frozen"), reason="notice")
        make_prefill(make_user(f"same@{slug}.example"), Factor.OFFICE_PHONE, "+8225551234")
        User.objects.filter(upn=known.upn).update(password=make_password(None))
        admin = behind_both(make_admin(f"admin@{slug}.example"))
    return tenant, admin


def file_for(slug):
    """As a spreadsheet of a Korean Windows saves it."""
    return AWKWARD.replace("SLUG", slug).encode("cp949")


def by_the_command(tenant, _admin, file, tmp_path, mailroom):
    """The reports of a trial and of the import, and the numbers at the end."""
    path = tmp_path / "people.csv"
    path.write_bytes(file)
    said = []
    for options in (["--dry-run"], []):
        out, err = io.StringIO(), io.StringIO()
        with pytest.raises(CommandError, match="rows were refused"):
            call_command(
                "import_users", str(path), "--tenant", tenant.slug, *options, stdout=out, stderr=err
            )
        said.append([line for line in err.getvalue().splitlines() if line.startswith("Row ")])
        numbers = [int(number) for number in re.findall(r"\d+", out.getvalue())]
    mailroom.work()
    return {"trial": said[0], "report": said[1], "numbers": numbers}


def by_the_page(_tenant, admin, file, _tmp_path, mailroom):
    address = uploaded(admin, file)
    admin.post(f"{address}check/")
    mailroom.work()
    trial = report_at(admin, address)
    admin.post(f"{address}start/")
    mailroom.work()
    done = Import.objects.get()
    return {
        "trial": [words for _code, words in trial],
        "report": [words for _code, words in report_at(admin, address)],
        "numbers": [done.read, done.created, done.updated, done.unchanged, done.refused],
    }


def uploaded(admin, file):
    sent = {"file": SimpleUploadedFile("people.csv", file)}
    return admin.post("/admin/imports/upload/", sent).url


def report_at(admin, address):
    """Code and words of each remark."""
    text = b"".join(admin.get(f"{address}report.csv").streaming_content).decode()
    return [row[3:] for row in csv.reader(io.StringIO(text[1:]))][1:]


def what_there_is(tenant, mailroom):
    """All that an import can change, without what names the organisation or the import."""
    users = {user.pk: user for user in User.objects.order_by("upn")}
    names = {pk: user.upn for pk, user in users.items()}
    events = [
        event
        for event in Event.objects.order_by("pk")
        if event.activity in {Activity.USERS_IMPORTED, Activity.CONTACT_ENTERED}
    ]
    return {
        "users": [row_of(user) for user in users.values()],
        "groups": sorted(Membership.objects.values_list("user__upn", "group__name")),
        "all groups": sorted(Group.objects.values_list("name", flat=True)),
        "waiting notices": ContactNotice.objects.count(),
        "messages": sorted(
            (message.destination, message.subject)
            for message in mailroom.sent
            if message.destination.endswith((f"@{tenant.slug}.example", "@mail.example"))
        ),
        "events": [
            (
                event.activity,
                names.get(event.subject_id),
                {**event.details, "file": bool(event.details["file"])},
            )
            for event in events
        ],
        "imports told apart": len({event.details["file"] for event in events}),
    }


def row_of(user):
    """Every column; of times and ciphers only whether they are there, and what was sealed."""
    row = {}
    for field in User._meta.concrete_fields:
        value = getattr(user, field.attname)
        is_other_each_time = isinstance(field, models.DateTimeField | models.BinaryField)
        row[field.attname] = value is not None if is_other_each_time else value
    for name in ("id", "tenant_id"):
        del row[name]
    row["password"] = [check_password(word, user.password) for word in (PASSWORD, FIRST_PASSWORD)]
    row["prefill"] = {kind: one.key for kind, one in prefills_of(user).items()}
    return row


def in_the_same_words(result, slug):
    """Without the organisation's name."""
    return {
        name: repr(part).replace(slug, "SLUG").replace(slug.title(), "NAME")
        for name, part in result.items()
    }


def test_page_and_command_make_the_same_of_an_awkward_file(db, mailroom, tmp_path):
    results = []
    for slug, door in (("contoso", by_the_page), ("hanbits", by_the_command)):
        tenant, admin = organisation(slug)
        mailroom.work()
        mailroom.sent.clear()
        with in_tenant(tenant.pk):
            said = door(tenant, admin, file_for(slug), tmp_path, mailroom)
            result = said | what_there_is(tenant, mailroom)
        results.append(in_the_same_words(result, slug))

    page, command = results

    assert page == command


def test_the_file_is_awkward(db, mailroom):
    tenant, admin = organisation("contoso")
    with in_tenant(tenant.pk):
        address = uploaded(admin, file_for("contoso"))
        admin.post(f"{address}check/")
        mailroom.work()

        assert {code for code, _words in report_at(admin, address)} == CODES
