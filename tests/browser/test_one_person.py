"""One person from the first day to the last, as an administrator does it in a browser."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import what_is_wrong

READERS = [
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 1280}, id="English 1280"),
]


@pytest.mark.parametrize("reader", READERS)
def test_a_person_is_added_renamed_grouped_deleted_and_restored(site, open_page, reader):
    organisation = people.found(site, people=2, language=reader["language"][:2])
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    page, wrong = open_page(**reader), []
    admins.set_up(page, upn)
    first, second = organisation.upn("new"), organisation.upn("renamed")

    def fill_in(address, button="#content button.primary", **fields):
        page.goto(address)
        wrong.extend(what_is_wrong(page))
        for name, value in fields.items():
            page.fill(f"[name={name}]", value)
        people.follow(page, button)

    fill_in("/admin/people/add/", user_principal_name=first, display_name="Han Bora")
    person = page.url
    fill_in(f"{person}edit/", given_name="Bora")
    fill_in(f"{person}rename/", user_principal_name=second)
    renamed = page.inner_text("#content h1")
    page.goto(f"{person}groups/")
    wrong += what_is_wrong(page)
    fill_in(f"{person}delete/", "#content button.danger", note="left")
    page.goto("/admin/people/")
    listed = page.inner_text("#content")
    page.goto("/admin/people/deleted/")
    wrong += what_is_wrong(page)
    deleted = page.inner_text("#content")
    number = person.rstrip("/").rpartition("/")[2]
    fill_in(f"/admin/people/deleted/{number}/restore/", note="came back")

    assert wrong == []
    assert renamed == second
    assert second not in listed
    assert second in deleted
    assert page.url == person
    assert "Han Bora" in page.inner_text("#content")


@pytest.mark.parametrize("reader", READERS)
def test_everyone_who_matches_is_signed_out_by_a_worker(site, open_page, reader):
    organisation = people.found(site, people=4, language=reader["language"][:2])
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    page = open_page(**reader)
    admins.set_up(page, upn)

    page.goto("/admin/people/all/?q=user")
    wrong = what_is_wrong(page)
    page.goto("/admin/people/all/reregister/?q=user")
    wrong += what_is_wrong(page)
    page.fill("[name=note]", "leaver")
    people.follow(page, "#content button.primary")
    page.wait_for_selector('[data-live="done"]', timeout=60_000)
    wrong += what_is_wrong(page)

    assert wrong == []
    assert page.locator("dl.facts dd").all_inner_texts()[1:] == ["4", "3", "1"]
