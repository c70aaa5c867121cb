"""An import from the file to the end, in a browser, with a worker that really works."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import READERS, what_is_wrong

FILE = """\
user_principal_name,display_name,mobile_phone,nickname
minji@{domain},김민지,010-1234-5678,mj
joe@{domain},Joe,12345,joe
nobody@other.example,,,
"""


@pytest.mark.parametrize("reader", READERS)
def test_people_come_in_from_a_file(site, open_page, tmp_path, reader):
    organisation = people.found(site, people=3, language=reader["language"][:2])
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    page = open_page(**reader)
    admins.set_up(page, upn)
    file = tmp_path / "사람들.csv"
    file.write_text(FILE.format(domain=upn.partition("@")[2]), encoding="cp949")

    page.goto("/admin/imports/")
    wrong = what_is_wrong(page)
    page.goto("/admin/imports/upload/")
    admins.go_on(page)
    wrong += what_is_wrong(page)
    page.set_input_files("[name=file]", file)
    admins.go_on(page)
    wrong += what_is_wrong(page)
    preview = page.inner_text("#content")
    admins.go_on(page)
    page.wait_for_selector("text=other.example", timeout=30_000)
    wrong += what_is_wrong(page)
    people.follow(page, "#content a.button.primary")
    wrong += what_is_wrong(page)
    admins.go_on(page)
    page.wait_for_selector("#content .note.warn", timeout=30_000)
    wrong += what_is_wrong(page)
    page.goto("/admin/imports/")
    wrong += what_is_wrong(page)
    page.goto("/admin/people/export/")
    wrong += what_is_wrong(page)

    assert wrong == []
    assert page.get_attribute("html", "lang") == reader["language"][:2]
    assert "김민지" in preview
    assert "CP949" in preview


def test_work_that_goes_on_is_seen_and_can_be_stopped(site, open_page, tmp_path):
    organisation = people.found(site, people=3)
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    page = open_page()
    admins.set_up(page, upn)
    domain = upn.partition("@")[2]
    file = tmp_path / "people.csv"
    # With a group each: rows that are looked at one by one keep a worker busy for some seconds.
    rows = (f"p{number}@{domain},Person {number},Staff\n" for number in range(80_000))
    file.write_text("user_principal_name,display_name,groups\n" + "".join(rows))

    page.goto("/admin/imports/upload/")
    page.set_input_files("[name=file]", file)
    admins.go_on(page)
    admins.go_on(page)
    page.wait_for_selector("progress")
    wrong = what_is_wrong(page)
    page.focus("text=Cancel the import")
    page.wait_for_selector("progress:not([value='0'])", timeout=60_000)
    focused = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Cancelled. Nothing was imported.")

    assert wrong == []
    assert "Cancel the import" in focused
