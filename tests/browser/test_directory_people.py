"""The main job for people whose passwords are in a directory outside, in a real browser."""

import itertools
import json
from dataclasses import dataclass

import pytest

from directory.rules import DirectoryKind
from tests.browser import people
from tests.services.codes import code_in
from tests.services.smtp import Mailbox
from tests.services.twilio import Twilio

NEW = "Correct horse 7 battery!"
OTHER = "Another horse 8 staple!"
READERS = [
    pytest.param("openldap", {"language": "en-US", "width": 375}, id="OpenLDAP-English"),
    pytest.param("samba", {"language": "ko-KR", "width": 1280}, id="AD-Korean"),
]
OTHER_READERS = [
    pytest.param("openldap", {"language": "ko-KR", "width": 1280}, id="OpenLDAP-Korean"),
    pytest.param("samba", {"language": "en-US", "width": 375}, id="AD-English"),
]
_CONNECT = """
import json, pathlib
from directory.models import DirectoryConnection
from isolation.scope import in_tenant
from tenants.queries import tenant_by_slug
from vault.services import seal_column
given = json.loads(pathlib.Path({path!r}).read_text())
with in_tenant(tenant_by_slug({slug!r}).pk):
    row = DirectoryConnection.objects.create(**given["row"])
    row.bind_password = seal_column(row, "bind_password", given["password"])
    row.save()
"""
_phones = itertools.count(3000)


@dataclass(frozen=True)
class Gates:
    """A mailbox and a phone of a person's own."""

    mailbox: Mailbox
    twilio: Twilio
    typed: str
    e164: str

    def register(self, page, upn, password, address):
        people.sign_in(page, upn, password)
        assert page.url.endswith("/ssprsetup")
        people.register_email(page, self.mailbox, address)
        people.register_phone(page, self.twilio, self.typed, self.e164)
        people.sign_out(page)

    def verify(self, page, address):
        people.choose(page, "email")
        people.type_code(page, people.mailed_code(self.mailbox, address))
        people.choose(page, "mobile_text")
        people.type_code(page, code_in(self.twilio.wait_for_text(self.e164)))


@pytest.fixture
def gates(mailbox, twilio):
    number = next(_phones)
    return Gates(mailbox, twilio, f"010-5556-{number}", f"+82105556{number}")


@pytest.fixture
def person_of(request, site):
    """Adds a person to a directory and brings them over into an organisation of their own."""

    def add(name, reader, **policy):
        server = request.getfixturevalue(name)
        organisation = people.found(
            site, people=1, language=reader["language"][:2], methods_required=2, **policy
        )
        upn = organisation.upn("person")
        is_ad = server.kind is DirectoryKind.ACTIVE_DIRECTORY
        attribute = "userPrincipalName" if is_ad else "mail"
        person = server.add_person(**{attribute: upn, "preferredLanguage": reader["language"][:2]})
        path = site.var / f"{organisation.slug}.json"
        row = {
            "name": "Directory",
            "kind": server.kind,
            "servers": server.url,
            "ca_certificates": server.authority.pem,
            "base_dn": server.base_dn,
            "bind_dn": server.service.dn,
            "writeback": True,
            "unlocks": True,
            "people_filter": f"({attribute}=*@{organisation.domain})",
        }
        path.write_text(json.dumps({"row": row, "password": server.service.password}))
        connect = _CONNECT.format(path=str(path), slug=organisation.slug)
        site.manage("shell", "--command", connect)
        site.manage("sync_directory", "--tenant", organisation.slug, "--directory", "Directory")
        return server, person, upn, f"home@{organisation.slug}.mail.example"

    return add


@pytest.mark.parametrize(("name", "reader"), READERS + OTHER_READERS)
def test_a_person_of_a_directory_registers_resets_and_signs_in(
    name, reader, person_of, open_page, gates
):
    server, person, upn, address = person_of(name, reader)
    page = open_page(**reader)
    gates.register(page, upn, person.password, address)

    people.begin_reset(page, upn)
    gates.verify(page, address)
    people.looks_right(page, reader)
    people.new_password(page, NEW)

    assert page.url.endswith("/passwordreset/done")
    people.looks_right(page, reader)
    assert server.bind_ok(person.dn, NEW)
    assert not server.bind_ok(person.dn, person.password)
    people.sign_in(page, upn, person.password)
    assert page.url.endswith("/signin")
    people.sign_in(page, upn, NEW)
    assert page.url.endswith("/security-info")


@pytest.mark.parametrize(("name", "reader"), READERS)
def test_a_locked_person_is_unlocked_and_keeps_the_password(
    name, reader, person_of, open_page, gates
):
    server, person, upn, address = person_of(name, reader, unlock_without_reset="true")
    page = open_page(**reader)
    gates.register(page, upn, person.password, address)
    server.lock(person)
    assert server.is_locked(person)

    people.begin_reset(page, upn)
    people.looks_right(page, reader)
    page.check("[name=reason][value=unlock]")
    people.go_on(page)
    gates.verify(page, address)
    people.looks_right(page, reader)
    people.go_on(page)

    assert page.url.endswith("/passwordreset/done")
    people.looks_right(page, reader)
    assert not server.is_locked(person)
    people.sign_in(page, upn, person.password)
    assert page.url.endswith("/security-info")


@pytest.mark.parametrize(("name", "reader"), READERS)
def test_a_person_whose_password_expired_changes_it_at_sign_in(name, reader, person_of, open_page):
    server, person, upn, _address = person_of(name, reader)
    server.expire(person)
    page = open_page(**reader)

    people.sign_in(page, upn, person.password)
    assert page.url.endswith("/changepassword")
    people.looks_right(page, reader)
    page.fill("[name=password]", person.password)
    people.new_password(page, OTHER)

    assert page.url.endswith("/ssprsetup")
    assert server.bind_ok(person.dn, OTHER)
