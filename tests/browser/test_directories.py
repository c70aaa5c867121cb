"""Connecting a directory in the admin: entered, tested and found, small and wide."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import what_is_wrong
from tests.services.ldap import WRONG

READERS = [
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 1280, "dark": True}, id="English 1280 dark"),
]


@pytest.mark.parametrize("reader", READERS)
def test_a_directory_is_entered_and_tested(site, openldap, open_page, reader):
    organisation = people.found(site, people=1, language=reader["language"][:2])
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    page = open_page(**reader)
    admins.set_up(page, upn)

    page.goto("/admin/directories/")
    wrong = what_is_wrong(page)
    page.goto("/admin/directories/add/ldap/")
    wrong += what_is_wrong(page)
    page.fill("[name=name]", "본사" if reader["language"] == "ko-KR" else "Corp")
    page.fill("[name=servers]", f"ldaps://127.0.0.1:3269\n{openldap.url}")
    page.fill("[name=ca_certificates]", openldap.authority.pem)
    page.fill("[name=bind_dn]", openldap.service.dn)
    page.fill("[name=bind_password]", WRONG)
    page.fill("[name=base_dn]", openldap.base_dn)
    admins.go_on(page)
    wrong += what_is_wrong(page)
    assert page.locator("#id_servers_error").is_visible()

    page.fill("[name=servers]", openldap.url)
    page.fill("[name=bind_password]", openldap.service.password)
    admins.go_on(page)
    wrong += what_is_wrong(page)
    admins.go_on(page, "#content a[href$='/test/']")
    wrong += what_is_wrong(page)
    page.fill("[name=sample]", openldap.people["minji"].dn)
    admins.go_on(page)
    wrong += what_is_wrong(page)

    assert wrong == []
    assert page.locator(".findings li").count() > 5
    assert openldap.people["minji"].dn in page.inner_text("dl.facts")
    commands = "\n".join(page.locator(".findings pre").all_inner_texts())
    assert f'by dn.exact="{openldap.service.dn}" =w' in commands
    assert openldap.service.password not in page.content()
