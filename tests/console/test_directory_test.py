"""The page “Test connection”, as an administrator meets it in a browser."""

import pytest

from audit.activities import Activity
from console.views.directory_commands import rights_commands
from console.views.directory_words import _WORDS, finding_words
from directory.connectors.ldap.rootdse import Flavour
from directory.models import DirectoryConnection
from directory.rules import DirectoryKind
from directory.services.preflight.report import (
    PreflightCode,
    PreflightFinding,
    PreflightReport,
    Severity,
)
from isolation.scope import in_tenant
from limits.rules import Limit
from tenants.roles import Role
from tests.console.people import behind_both, events, make_admin, time_passes
from tests.directory.directories import connected

LIST = "/admin/directories/"


def page_of(row):
    return f"{LIST}{row.pk}/test/"


def test_the_report_says_what_it_found_and_what_to_do(admin, openldap):
    row = connected(openldap, writeback=True)
    assert "Test connection" in admin.get(f"{LIST}{row.pk}/").text

    page = admin.post(page_of(row), {"sample": openldap.people["minji"].dn})

    assert "The service account signs in" in page.text
    assert "OpenLDAP" in page.text
    assert f"to dn.subtree=&quot;{openldap.base_dn}&quot; attrs=userPassword" in page.text
    assert f"by dn.exact=&quot;{openldap.service.dn}&quot; =w" in page.text
    assert "What the directory says of this user" in page.text
    assert "Wrong passwords until it locks: 5" in page.text
    assert openldap.service.password not in page.text
    (event,) = events(Activity.DIRECTORY_TESTED)
    assert event.details["directory"] == row.name
    assert event.details["change"] == "tested"


def test_without_a_user_only_the_connection_is_tested(admin, openldap):
    page = admin.post(page_of(connected(openldap)), {"sample": ""})

    assert "Result of the test" in page.text
    assert "What the directory says of this user" not in page.text


def test_opening_the_page_tests_nothing(admin, openldap):
    page = admin.get(page_of(connected(openldap)))

    assert "Result of the test" not in page.text
    assert not events(Activity.DIRECTORY_TESTED)


def test_what_a_user_typed_and_a_server_said_is_escaped(admin, openldap):
    page = admin.post(page_of(connected(openldap)), {"sample": "<script>x</script>"})

    assert "<script>x" not in page.text
    assert "&lt;script&gt;x" in page.text


def test_in_a_service_for_others_no_server_on_this_computer_is_asked(admin, openldap, settings):
    settings.LOCAL_DIRECTORIES = False

    page = admin.post(page_of(connected(openldap)), {"sample": ""})

    assert "leads to the service’s own computer" in page.text
    assert "The service account signs in" not in page.text


def test_tests_are_few(admin, openldap):
    row = connected(openldap, servers="ldaps://127.0.0.1:1")
    for _ in range(Limit.DIRECTORY_TESTS_OF_A_TENANT.value.times):
        assert "Result of the test" in admin.post(page_of(row), {"sample": ""}).text

    assert "Too many tests." in admin.post(page_of(row), {"sample": ""}).text


def test_a_test_accounts_password_is_set_after_a_confirmation(admin, openldap):
    row, account = connected(openldap), openldap.add_person()
    path = f"{page_of(row)}account/"

    page = admin.post(path, {"account": account.dn})
    assert "Confirm that you understand this." in page.text
    assert openldap.bind_ok(account.dn, account.password)

    page = admin.post(path, {"account": account.dn, "understood": "on"})
    assert "The service account may reset passwords." in page.text
    assert not openldap.bind_ok(account.dn, account.password)
    assert events(Activity.DIRECTORY_TESTED)[0].details["change"] == "password_set"


def test_an_account_that_may_not_be_reset_says_why(admin, openldap):
    row, account = connected(openldap, service=openldap.reader), openldap.add_person()

    typed = {"account": account.dn, "understood": "on"}
    page = admin.post(f"{page_of(row)}account/", typed)

    assert "The directory refused:" in page.text
    assert openldap.bind_ok(account.dn, account.password)


def test_an_unknown_test_account_says_so(admin, openldap):
    typed = {"account": "there-is-no-such-user@example.test", "understood": "on"}

    page = admin.post(f"{page_of(connected(openldap))}account/", typed)

    assert "There is no such account" in page.text


def test_testing_needs_a_fresh_second_factor(admin, openldap):
    row = connected(openldap)
    time_passes(admin, 11 * 60)

    assert admin.get(page_of(row)).url.startswith("/admin/second-factor/")
    assert admin.post(page_of(row), {}).url.startswith("/admin/second-factor/")
    assert admin.post(f"{page_of(row)}account/", {}).url.startswith("/admin/second-factor/")


def test_others_cannot_test(contoso, hanbit, openldap):
    row = connected(openldap)
    helpdesk = behind_both(make_admin("help@contoso.example", role=Role.HELPDESK))
    with in_tenant(hanbit.pk):
        theirs = behind_both(make_admin("boss@hanbit.example"))

    for client in (helpdesk, theirs):
        for path in (page_of(row), f"{page_of(row)}account/"):
            assert client.post(path, {"sample": ""}).status_code == 404
    assert not events(Activity.DIRECTORY_TESTED)


def test_every_finding_has_words():
    assert _WORDS.keys() == set(PreflightCode)


@pytest.mark.parametrize("flavour", Flavour)
def test_commands_name_the_administrators_own_entries(flavour):
    row = DirectoryConnection(
        tenant_id=1,
        kind=DirectoryKind.LDAP,
        base_dn="OU=Staff,DC=corp,DC=example",
        bind_dn="svc@corp.example",
    )
    report = PreflightReport(flavour=flavour, service_sid="S-1-5-21-1-2-3-1104")
    finding = PreflightFinding(PreflightCode.MAY_NOT_RESET, Severity.ERROR)

    commands = finding_words(finding, report, row).commands

    assert "OU=Staff,DC=corp,DC=example" in commands
    service = "S-1-5-21-1-2-3-1104" if flavour is Flavour.SAMBA else "svc"
    assert service in commands


def test_commands_for_a_domain_give_three_rights_and_no_more():
    row = DirectoryConnection(tenant_id=1, base_dn='OU="Staff",DC=corp', bind_dn="CN=svc,DC=corp")
    report = PreflightReport(flavour=Flavour.WINDOWS, service_name="svc")

    assert rights_commands(row, report).splitlines() == [
        'dsacls "OU=Staff,DC=corp" /I:S /G "svc:CA;Reset Password;user"',
        'dsacls "OU=Staff,DC=corp" /I:S /G "svc:RPWP;lockoutTime;user"',
        'dsacls "OU=Staff,DC=corp" /I:S /G "svc:RPWP;pwdLastSet;user"',
    ]
