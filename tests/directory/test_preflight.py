"""“Test connection” against real servers: each finding is caused, and nothing is changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from ldap3 import MODIFY_ADD

from console.views.directory_commands import rights_commands
from directory.connectors.ldap import account_connector_of, generic, wire
from directory.connectors.ldap.rights import may_reset
from directory.connectors.ldap.rootdse import Flavour, RootDse
from directory.connectors.ldap.wire import Attributes, LdapEntry
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure, DirectoryKind
from directory.services.preflight.checks import preflight
from directory.services.preflight.report import (
    OwnRules,
    PreflightCode,
    PreflightReport,
    Severity,
)
from directory.services.preflight.sample import tries_within
from directory.services.preflight.server import say_controls
from tests.directory.directories import connected, row_of
from tests.services.certificates import authority
from tests.services.faults import Fault, Operation, faults
from tests.services.ldap import new_password
from tests.services.slapd import RELAX
from vault.services import seal_column

OWN = OwnRules(
    domains=frozenset({"example.test"}),
    lockout_threshold=4,
    lockout_s=18_000,
)
Code = PreflightCode


def codes(report, severity=None):
    wanted = report.findings if severity is None else of(report, severity)
    return [finding.code for finding in wanted]


def of(report, severity):
    return [finding for finding in report.findings if finding.severity is severity]


def one(report, code):
    (finding,) = [each for each in report.findings if each.code is code]
    return finding


@pytest.fixture(params=["openldap", "ds389", "samba"])
def server(request):
    return request.getfixturevalue(request.param)


def test_a_good_connection_has_no_errors(server, contoso):
    report = preflight(connected(server), "", OWN)

    assert codes(report, Severity.ERROR) == []
    found = one(report, Code.SERVER)
    assert found.facts["tls"] in {"TLSv1.2", "TLSv1.3"}
    assert found.facts["expires_at"]
    assert {Code.SERVICE_ACCOUNT, Code.KIND, Code.PEOPLE} <= set(codes(report))


def test_no_password_is_in_a_finding(server, contoso):
    report = preflight(connected(server), "", OWN)

    assert server.service.password not in repr(report)


def test_a_server_with_another_authority_is_shown_with_its_certificate(server, contoso):
    row = connected(server, ca_certificates=authority().pem)

    report = preflight(row, "", OWN)

    found = one(report, Code.SERVER_FAILED)
    assert found.facts["failure"] == DirectoryFailure.CERTIFICATE_UNTRUSTED
    assert found.facts["issuer"]
    assert codes(report) == [Code.SERVER_FAILED]


def test_of_several_servers_each_is_tried(server, contoso):
    row = connected(server, servers=f"ldaps://127.0.0.1:1\n{server.url}\n{server.starttls_url}")

    report = preflight(row, "", OWN)

    assert one(report, Code.SERVER_FAILED).facts["failure"] == DirectoryFailure.NO_CONNECTION
    assert codes(report).count(Code.SERVER) == 2
    signed_in = [each for each in report.findings if each.code is Code.SERVICE_ACCOUNT]
    assert [each.facts["server"] for each in signed_in] == [server.url, server.starttls_url]


def test_a_server_on_this_computer_is_refused(server, contoso, settings):
    settings.LOCAL_DIRECTORIES = False

    report = preflight(connected(server), "", OWN)

    assert one(report, Code.SERVER_FAILED).facts["failure"] == DirectoryFailure.OWN_NETWORK
    assert codes(report) == [Code.SERVER_FAILED]


def test_a_wrong_password_of_the_service_account_is_tried_once(server, contoso):
    account = server.add_person()
    row = connected(server, service=account)
    row.bind_password = seal_column(row, "bind_password", "wrong")
    row.save()

    for _ in range(3):
        report = preflight(row, "", OWN)
        assert codes(report, Severity.ERROR) == [Code.SERVICE_ACCOUNT_REFUSED]
    assert server.failures(account) == 1


def test_a_wrong_kind_is_an_error_and_ends_the_test(server, contoso):
    other = {
        DirectoryKind.LDAP: DirectoryKind.ACTIVE_DIRECTORY,
        DirectoryKind.ACTIVE_DIRECTORY: DirectoryKind.LDAP,
    }
    row = connected(server, kind=other[server.kind])

    report = preflight(row, "minji", OWN)

    assert codes(report, Severity.ERROR) == [Code.WRONG_KIND]
    assert report.sample is None


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"base_dn": "ou=nowhere,dc=example,dc=test"}, Code.BASE_MISSING),
        ({"people_filter": "(cn=there is no such person)"}, Code.NO_PEOPLE),
        ({"attributes": {"upn": "employeeNumber"}}, Code.NO_USER_ID),
    ],
)
def test_what_finds_no_people_is_an_error(openldap, contoso, settings, code):
    report = preflight(connected(openldap, **settings), "", OWN)

    assert code in codes(report, Severity.ERROR)


def test_user_ids_of_other_domains_are_told(server, contoso):
    report = preflight(connected(server), "", replace(OWN, domains=frozenset({"other.test"})))

    assert one(report, Code.FOREIGN_DOMAIN).severity is Severity.ERROR


def test_a_user_id_of_two_people_is_told(openldap, contoso):
    first, second = (openldap.add_person(mail="both@example.test") for _ in range(2))

    report = preflight(connected(openldap), "both@example.test", OWN)

    openldap.delete(first.dn)
    openldap.delete(second.dn)
    assert one(report, Code.USER_ID_TWICE).facts["example"] == "both@example.test"
    assert Code.SAMPLE_AMBIGUOUS in codes(report, Severity.ERROR)


def test_attributes_that_no_one_has_are_named(openldap, contoso):
    row = connected(openldap, attributes={"mobile_phone": "pager"})

    report = preflight(row, "", OWN)

    assert "pager" in one(report, Code.ATTRIBUTES_EMPTY).facts["names"]


def test_groups_are_counted(openldap, contoso):
    row = connected(openldap, group_filter="(cn=there is no such group)")

    assert Code.NO_GROUPS in codes(preflight(row, "", OWN), Severity.WARNING)


def test_what_a_server_lacks_is_told():
    dse = RootDse(LdapEntry("", Attributes({})), Flavour.OPENLDAP, frozenset(), frozenset(), ())
    report = PreflightReport()

    say_controls(report, DirectoryConnection(tenant_id=1, kind="ldap", writeback=True), dse)

    assert codes(report) == [Code.NO_PAGING, Code.NO_PASSWORD_MODIFY, Code.NO_PPOLICY]


def test_the_clock_of_a_domain_controller_is_compared(samba, contoso, monkeypatch):
    row = connected(samba)
    assert Code.TIME in codes(preflight(row, "", OWN))

    ahead = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr("directory.services.preflight.server.timezone.now", lambda: ahead)
    assert Code.TIME_DIFFERS in codes(preflight(row, "", OWN), Severity.ERROR)


def test_rights_on_a_user_of_a_domain_are_read_and_nothing_changes(samba, contoso):
    person = samba.add_person()
    before = samba.read(person.dn)

    granted = preflight(connected(samba), person.dn, OWN)
    refused = preflight(connected(samba, service=samba.reader, writeback=True), person.dn, OWN)

    assert {Code.MAY_RESET, Code.MAY_UNLOCK} <= set(codes(granted, Severity.OK))
    assert {Code.MAY_NOT_RESET, Code.MAY_NOT_UNLOCK, Code.MAY_NOT_MARK} <= set(
        codes(refused, Severity.ERROR)
    )
    assert samba.read(person.dn) == before


def test_rights_on_a_user_of_389_ds_are_read_and_nothing_changes(ds389, contoso):
    person = ds389.add_person()
    before = ds389.read(person.dn)

    granted = preflight(connected(ds389), person.dn, OWN)
    refused = preflight(connected(ds389, service=ds389.reader, writeback=True), person.dn, OWN)

    assert {Code.MAY_RESET, Code.MAY_UNLOCK} <= set(codes(granted, Severity.OK))
    assert {Code.MAY_NOT_RESET, Code.MAY_NOT_UNLOCK} <= set(codes(refused, Severity.ERROR))
    assert ds389.read(person.dn) == before


def test_the_commands_for_389_ds_give_all_rights_that_are_needed(ds389, contoso):
    service, person = ds389.add_person(), ds389.add_person()
    row = connected(ds389, service=service, base_dn=ds389.people_dn, writeback=True)
    refused = preflight(row, person.dn, OWN)
    assert {Code.MAY_NOT_RESET, Code.MAY_NOT_UNLOCK, Code.MAY_NOT_MARK} <= set(
        codes(refused, Severity.ERROR)
    )

    dn, _modify, _add, *lines = rights_commands(row, refused).splitlines()
    with ds389.bound() as root:
        values = [line.removeprefix("aci: ") for line in lines]
        root.modify(dn.removeprefix("dn: "), {"aci": [(MODIFY_ADD, values)]})

    granted = preflight(row, person.dn, OWN)
    assert {Code.MAY_RESET, Code.MAY_UNLOCK} <= set(codes(granted, Severity.OK))
    assert Code.MAY_NOT_MARK not in codes(granted)
    ds389.must_change(person)
    ds389.lock(person)
    password = new_password()
    account_connector_of(row).set_password(row_of(ds389, person), password)
    assert ds389.bind_ok(person.dn, password)


def test_locks_that_the_service_account_may_not_read_are_told(openldap, contoso):
    blind = openldap.add_person("blind")

    granted = preflight(connected(openldap), "", OWN)
    refused = preflight(connected(openldap, service=blind), "", OWN)

    openldap.delete(blind.dn)
    assert Code.LOCKS_HIDDEN not in codes(granted)
    assert Code.LOCKS_HIDDEN in codes(refused, Severity.WARNING)


def test_locks_of_389_ds_that_the_service_account_may_not_read_are_told(ds389, contoso):
    person, account = ds389.add_person(), ds389.service.dn
    rule = f'deny (read) userdn="ldap:///{account}";'
    hidden = f'(targetattr="accountUnlockTime")(version 3.0; acl "hidden"; {rule})'

    granted = preflight(connected(ds389), person.dn, OWN)
    with ds389.bound() as root:
        root.modify(person.dn, {"aci": [(MODIFY_ADD, [hidden])]})
    refused = preflight(connected(ds389), person.dn, OWN)

    assert Code.LOCKS_HIDDEN not in codes(granted)
    assert Code.LOCKS_HIDDEN in codes(refused, Severity.WARNING)


def test_a_service_account_without_a_known_policy_is_not_called_safe(ds389, contoso):
    report = preflight(connected(ds389, service=ds389.add_person()), "", OWN)

    assert Code.SERVICE_UNKNOWN in codes(report, Severity.WARNING)
    assert Code.SERVICE_SAFE not in codes(report)


def test_a_service_account_is_judged_by_its_own_policy(openldap, contoso):
    account = openldap.add_person()
    safe = preflight(connected(openldap), "", OWN)
    lockable = preflight(connected(openldap, service=account), "", OWN)
    openldap.set_policy(account, "expiring")
    changed_at = timezone.now() - timedelta(days=80) + timedelta(hours=1)
    stamp = f"{changed_at:%Y%m%d%H%M%SZ}"
    openldap.set(account.dn, controls=[RELAX], pwdChangedTime=stamp)
    expiring = preflight(connected(openldap, service=account), "", OWN)

    assert Code.SERVICE_SAFE in codes(safe)
    assert Code.SERVICE_LOCKABLE in codes(lockable, Severity.WARNING)
    assert one(expiring, Code.SERVICE_EXPIRES).facts["days"] == 10


def test_the_expiry_of_a_service_account_of_389_ds_is_read_from_its_entry(ds389, contoso):
    account = ds389.add_person()
    in_ten_days = timezone.now() + timedelta(days=10, hours=1)
    ds389.set(account.dn, passwordExpirationTime=f"{in_ten_days:%Y%m%d%H%M%SZ}")

    report = preflight(connected(ds389, service=account), "", OWN)

    assert one(report, Code.SERVICE_EXPIRES).facts["days"] == 10


def test_a_system_account_of_freeipa_is_judged_by_its_entry(ds389, contoso, monkeypatch):
    """FreeIPA is a 389 DS, and its system accounts are no principals of Kerberos."""
    account, described = ds389.add_person(), generic.root_dse
    in_ten_days = timezone.now() + timedelta(days=10, hours=1)
    ds389.set(account.dn, passwordExpirationTime=f"{in_ten_days:%Y%m%d%H%M%SZ}")
    row = connected(ds389, service=account)
    as_ipa = replace(described(row), flavour=Flavour.FREEIPA)
    monkeypatch.setattr(generic, "root_dse", lambda _connection: as_ipa)

    state = generic.LdapConnector(row).state_of_entry(account.dn)

    assert abs((state.password_expires_at - in_ten_days).total_seconds()) < 1
    assert state.policy is None


def test_openldap_does_not_tell_rights(openldap, contoso):
    report = preflight(connected(openldap), openldap.people["minji"].dn, OWN)

    assert Code.RIGHTS_UNKNOWN in codes(report, Severity.WARNING)


def test_the_state_and_the_rules_of_a_user_are_shown(server, contoso):
    person = server.add_person()
    server.lock(person)

    report = preflight(connected(server), person.dn, OWN)

    assert report.sample.account.dn.lower() == person.dn.lower()
    assert report.sample.state.locked
    if server.kind is DirectoryKind.ACTIVE_DIRECTORY or report.flavour is Flavour.OPENLDAP:
        assert report.sample.policy.lockout_threshold == 5


def test_an_unknown_user_is_told(server, contoso):
    report = preflight(connected(server), "there-is-no-such-user@example.test", OWN)

    assert Code.SAMPLE_MISSING in codes(report, Severity.ERROR)


def test_a_name_is_no_filter(server, contoso):
    report = preflight(connected(server), "*)(objectClass~*", OWN)

    assert Code.SAMPLE_MISSING in codes(report, Severity.ERROR)


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"lockout_threshold": 5}, Code.LOCKOUT_ABOVE),
        ({"lockout_threshold": 4, "lockout_s": 60}, Code.LOCKOUT_CLOSE),
        ({"lockout_threshold": 4, "lockout_s": 18_000}, Code.LOCKOUT_BELOW),
    ],
)
@pytest.mark.parametrize("kind", ["openldap", "samba"])
def test_our_lockout_must_come_before_the_directorys(request, contoso, kind, own, code):
    server = request.getfixturevalue(kind)
    person = server.people["minji"]

    report = preflight(connected(server), person.dn, replace(OWN, **own))

    assert one(report, code).facts["theirs"] == 5


def test_rules_that_the_service_account_may_not_read_are_told(ds389, contoso):
    report = preflight(connected(ds389), ds389.people["minji"].dn, OWN)

    assert Code.LOCKOUT_UNKNOWN in codes(report, Severity.WARNING)


def test_a_privileged_service_account_is_a_warning(samba, contoso):
    report = preflight(connected(samba, service=samba.root), "", OWN)

    assert Code.SERVICE_PRIVILEGED in codes(report, Severity.WARNING)


def test_a_server_that_hangs_ends_the_test(openldap, contoso, monkeypatch):
    row = connected(openldap)
    monkeypatch.setattr(wire, "CONNECT_S", 1.0)

    with openldap.hanging():
        report = preflight(row, "", OWN)

    failures = [finding.facts["failure"] for finding in of(report, Severity.ERROR)]
    assert failures == [DirectoryFailure.NO_ANSWER]


def test_a_server_that_stops_answering_in_the_middle_ends_the_test(
    openldap, contoso, tmp_path, monkeypatch
):
    monkeypatch.setattr(wire, "OPERATION_S", 5.0)
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        proxy.fail(Fault.SILENT_BEFORE, on={Operation.SEARCH})
        report = preflight(row, "", OWN)

    assert codes(report)[:1] == [Code.SERVER]
    assert set(codes(report)) & {Code.UNREACHABLE, Code.ENDED_EARLY}


@given(
    threshold=st.integers(3, 50),
    first=st.integers(5, 18_000),
    minutes=st.integers(1, 24 * 60),
)
def test_tries_are_no_fewer_than_smart_lockout_lets_through(threshold, first, minutes):
    window, lasts = timedelta(minutes=minutes), timedelta(seconds=first)

    tries = tries_within(window, threshold=threshold, first=lasts)

    assert tries >= threshold
    locks = tries - threshold
    assert lasts * (2**locks - 1) < window or locks == 0


def test_a_denying_entry_comes_first():
    everyone = bytes.fromhex("010100000000000100000000")

    def ace(kind):
        size, mask = (20).to_bytes(2, "little"), (0x100).to_bytes(4, "little")
        return bytes([kind, 0]) + size + mask + everyone

    def descriptor(*aces):
        body = b"".join(aces)
        head = bytes([1, 0, 4, 0x80]) + bytes(12) + (20).to_bytes(4, "little")
        size = (8 + len(body)).to_bytes(2, "little")
        return head + bytes([4, 0]) + size + len(aces).to_bytes(2, "little") + bytes(2) + body

    assert may_reset(descriptor(ace(0)), {"S-1-1-0"})
    assert not may_reset(descriptor(ace(1), ace(0)), {"S-1-1-0"})
    assert not may_reset(descriptor(ace(0)), {"S-1-5-11"})
    assert not may_reset(descriptor(), {"S-1-1-0"})
