"""Numbers on the pages of the admin: for people with separators, for programs without."""

import re
import uuid

import pytest
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor, record
from directory.models import Membership
from provisioning.models import Import
from tenants.models import Group
from tests.builders import make_user

MANY = 1_234_567


def an_import(state, **more):
    return Import.objects.create(
        id=uuid.uuid4(),
        actor_id=1,
        file_name="people.csv",
        size=MANY,
        encoding="utf-8",
        state=state,
        **more,
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "1,234,567 rows: 1,000,000 new, 234,560 changed, 0 unchanged, 7 with errors"),
        ("ko", "전체 1,234,567행"),
    ],
)
def test_what_people_read_is_grouped_by_thousands(admin, language, words):
    tally = {"read": MANY, "created": 1_000_000, "updated": 234_560, "refused": 7}
    one = an_import(Import.State.DONE, started_at=timezone.now(), **tally)

    page = admin.get(f"/admin/imports/{one.pk}/", {"lng": language}, follow=True)

    assert words in page.text


def test_what_an_import_did_is_grouped_in_the_audit_log_too(admin):
    record(Activity.IMPORT_STARTED, file=str(uuid.uuid4()), rows=MANY, actor_id=Actor.SERVICE)

    event = Event.objects.get(activity=Activity.IMPORT_STARTED)

    assert "1,234,567" in admin.get(f"/admin/audit/{event.pk}/").text


def test_a_row_of_a_file_is_called_as_a_spreadsheet_calls_it(admin):
    one = an_import(Import.State.CANCELLED, started_at=timezone.now(), line=MANY)

    assert "after row 1234567." in admin.get(f"/admin/imports/{one.pk}/").text


def test_a_progress_bar_is_told_plain_numbers(admin):
    one = an_import(Import.State.RUNNING, read=1_000, rows=MANY)

    page = admin.get(f"/admin/imports/{one.pk}/").text

    assert "Importing: 1,000 of 1,234,567" in page
    assert 'max="1234567" value="1000"' in page


def test_somebody_with_a_large_number_is_chosen_and_taken_out_of_a_group(admin):
    person = make_user(pk=MANY)
    group = Group.objects.create(name="Staff")
    Membership.objects.create(user=person, group=group)

    offered = re.findall(r'name="person" value="([^"]+)"', admin.get("/admin/people/").text)
    taken_out = re.search(
        r'name="user" value="([^"]+)"', admin.get(f"/admin/groups/{group.pk}/").text
    )
    admin.post(f"/admin/groups/{group.pk}/members/remove/", {"user": taken_out[1]})

    assert "1234567" in offered
    assert not Membership.objects.exists()


def test_a_long_timeline_goes_on_after_a_large_number(admin):
    person = make_user()
    for number in range(51):
        Event.objects.create(
            pk=MANY + number, activity="signed_in", outcome="success", subject_id=person.pk
        )

    page = admin.get(f"/admin/people/{person.pk}/timeline/")

    assert 'href="?before=1234568"' in page.text
