"""Synchronising a real directory in the admin, with a worker that really works."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import READERS, what_is_wrong
from tests.services.processes import wait_until

_CONNECT = """
from directory.models import DirectoryConnection
from isolation.scope import in_tenant
from tenants.models import Tenant
from vault.services import seal_column
with in_tenant(Tenant.objects.get(slug={slug!r}).pk):
    row = DirectoryConnection.objects.create(
        name="Headquarters", kind="ldap", servers={servers!r}, ca_certificates={pem!r},
        base_dn={base!r}, bind_dn={dn!r}, brake_percent=10, attributes={{"upn": "mail"}},
        people_filter={filter!r},
    )
    row.bind_password = seal_column(row, "bind_password", {password!r})
    row.save()
"""


@pytest.mark.parametrize("reader", READERS)
def test_people_come_from_a_directory(site, openldap, open_page, reader):
    organisation = people.found(site, people=2, language=reader["language"][:2])
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    there = [openldap.add_person(mail=f"sync{number}@{organisation.domain}") for number in range(8)]
    openldap.add_person(mail=f"nine@{organisation.domain}", mobile="12")
    site.manage(
        "shell",
        "--no-imports",
        "-c",
        _CONNECT.format(
            slug=organisation.slug,
            servers=openldap.url,
            pem=openldap.authority.pem,
            base=openldap.people_dn,
            dn=openldap.service.dn,
            password=openldap.service.password,
            filter=f"(mail=*@{organisation.domain})",
        ),
    )
    page = open_page(**reader)
    admins.set_up(page, upn)

    def ended():
        page.wait_for_selector("#content .note", timeout=60_000)
        return what_is_wrong(page)

    page.goto("/admin/directories/")
    wrong = what_is_wrong(page)
    people.follow(page, "#content a[href$='/runs/']")
    runs = page.url
    wrong += what_is_wrong(page)
    admins.go_on(page)
    wrong += ended()
    admins.go_on(page)
    wrong += ended()
    problems = page.inner_text("#content table")
    for person in there[:6]:
        openldap.delete(person.dn)
    page.goto(runs)
    wrong += what_is_wrong(page)
    admins.go_on(page)
    wrong += ended()
    held = page.inner_text("#content .note")
    people.follow(page, "#content button.danger")
    wait_until(
        lambda: page.reload() and not page.locator("#content button.danger").count(),
        what="The confirmed run goes on",
        timeout=60,
    )
    wrong += ended()
    page.goto("/admin/people/expiry/")
    wrong += what_is_wrong(page)

    assert wrong == []
    assert f"nine@{organisation.domain}" in problems
    assert "6" in held
    assert "9" in held
