"""OpenLDAP, 389 DS and FreeIPA: where they differ, and how their answers are read.

FreeIPA doesn't run here: its entries and answers are recorded from its source.
"""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
import time_machine

from directory.connectors.base import (
    NotInDirectory,
    NotPermitted,
    PasswordCheck,
    PolicyRejected,
    Protected,
    RejectedFor,
    Unreachable,
)
from directory.connectors.ldap import account_connector_of, generic
from directory.connectors.ldap.codes import PPOLICY, check_of, error_of
from directory.connectors.ldap.ds389 import Ds389
from directory.connectors.ldap.freeipa import FreeIpa
from directory.connectors.ldap.generic import LdapConnector
from directory.connectors.ldap.openldap import OpenLdap
from directory.connectors.ldap.rootdse import Flavour, RootDse
from directory.connectors.ldap.transport import LdapSession
from directory.connectors.ldap.wire import Attributes, BindAnswer, LdapEntry, LdapFailure
from directory.models import DirectoryAccount, DirectoryConnection
from tests.directory.directories import connected, row_of
from tests.services.faults import Fault, Operation, faults
from tests.services.ldap import Account, new_password

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LATER = "2.16.840.1.113730.3.4.4"


def control(error):
    return {PPOLICY: bytes([0x30, 3, 0x81, 1, error])}


def entry(**attributes):
    return LdapEntry(
        "cn=x", Attributes({name: [text.encode()] for name, text in attributes.items()})
    )


@pytest.mark.parametrize(
    ("code", "controls", "check"),
    [
        (0, {}, PasswordCheck.RIGHT),
        (0, {PPOLICY: b"0\x00"}, PasswordCheck.RIGHT),
        (0, {PPOLICY: b"not BER"}, PasswordCheck.RIGHT),
        (0, {PPOLICY: bytes.fromhex("3005a003800105")}, PasswordCheck.RIGHT),
        (0, {PPOLICY: bytes.fromhex("3005a003810102")}, PasswordCheck.MUST_CHANGE),
        (0, control(2), PasswordCheck.MUST_CHANGE),
        (0, {LATER: b"0"}, PasswordCheck.MUST_CHANGE),
        (49, control(0), PasswordCheck.MUST_CHANGE),
        (49, {LATER: b"0"}, PasswordCheck.MUST_CHANGE),
        (49, control(1), PasswordCheck.LOCKED),
        (19, {PPOLICY: bytes.fromhex("308400000003810101")}, PasswordCheck.LOCKED),
        (19, {}, PasswordCheck.LOCKED),
        (53, control(1), PasswordCheck.WRONG),
        (53, {}, PasswordCheck.WRONG),
        (49, {}, PasswordCheck.WRONG),
        (32, {}, PasswordCheck.WRONG),
        (34, {}, PasswordCheck.WRONG),
    ],
)
def test_answers_to_a_bind(code, controls, check):
    assert check_of(BindAnswer(code, "", controls), compares_first=True) is check


@pytest.mark.parametrize(
    ("flavour", "compares_first"),
    [
        (Flavour.OPENLDAP, True),
        (Flavour.DS389, True),
        (Flavour.FREEIPA, False),
        (Flavour.UNKNOWN, False),
    ],
)
@pytest.mark.parametrize("controls", [control(0), {LATER: b"0"}, {LATER: b""}])
def test_that_a_password_has_expired_proves_it_only_where_it_was_compared_before(
    contoso, monkeypatch, flavour, compares_first, controls
):
    """FreeIPA says it of every password, since its limit of grace comes before the comparison."""
    refused = BindAnswer(49, "Password is expired.", controls)
    dse = RootDse(entry(), flavour, frozenset(), frozenset(), ("dc=example",))
    session = Mock(search=lambda *_args, **_more: iter([entry()]))
    monkeypatch.setattr(generic, "root_dse", lambda _connection: dse)
    monkeypatch.setattr(generic, "service_session", lambda *_args: nullcontext(session))
    monkeypatch.setattr(generic, "bind", lambda *_args: refused)
    monkeypatch.setattr(generic, "user_session", lambda *_args: nullcontext((refused, session)))
    monkeypatch.setattr(LdapConnector, "_changeable", lambda *_args: Mock())
    directory = LdapConnector(DirectoryConnection(base_dn="dc=example"))
    account = DirectoryAccount(external_id="x", dn="cn=x")

    check = directory.check_password(account, "a password")

    assert check is (PasswordCheck.MUST_CHANGE if compares_first else PasswordCheck.WRONG)
    if not compares_first:
        with pytest.raises(PolicyRejected) as refusal:
            directory.change_password(account, "a password", new_password())
        assert refusal.value.rule is RejectedFor.WRONG_OLD_PASSWORD


@pytest.mark.parametrize("compares_first", [True, False])
def test_a_password_that_was_right_and_has_expired_is_right_everywhere(compares_first):
    answer = BindAnswer(0, "", {LATER: b"0"})

    assert check_of(answer, compares_first=compares_first) is PasswordCheck.MUST_CHANGE


@pytest.mark.parametrize("code", [1, 2, 11, 51, 52, 80])
def test_a_server_that_did_not_compare_a_password_did_not_find_it_wrong(code):
    with pytest.raises(Unreachable):
        check_of(BindAnswer(code, "", {}), compares_first=True)


@pytest.mark.parametrize(
    ("code", "text", "controls", "rule"),
    [
        (19, "", control(5), RejectedFor.TOO_SIMPLE),
        (19, "", control(6), RejectedFor.TOO_SHORT),
        (19, "", control(7), RejectedFor.TOO_YOUNG),
        (19, "", control(8), RejectedFor.USED_BEFORE),
        (
            *(19, "invalid password syntax - password must be at least 8 characters long"),
            *(control(5), RejectedFor.TOO_SHORT),
        ),
        (
            *(19, "password must contain at least 3 character categories"),
            *(control(5), RejectedFor.TOO_SIMPLE),
        ),
        (19, "within password minimum age", {}, RejectedFor.TOO_YOUNG),
        (19, "password in history", {}, RejectedFor.USED_BEFORE),
        (19, "Too soon to change password", {}, RejectedFor.TOO_YOUNG),
        (19, "Password reuse not permitted", {}, RejectedFor.USED_BEFORE),
        (19, "Password is too simple", {}, RejectedFor.TOO_SIMPLE),
        (19, "Password is too short", {}, RejectedFor.TOO_SHORT),
        (19, "something else", {}, RejectedFor.UNKNOWN),
    ],
)
def test_the_rule_that_refuses_a_password(code, text, controls, rule):
    error = error_of(LdapFailure(code, text, controls), until=NOON)

    assert isinstance(error, PolicyRejected)
    assert error.rule is rule
    assert error.until == (NOON if rule is RejectedFor.TOO_YOUNG else None)


@pytest.mark.parametrize(
    ("code", "controls", "kind"),
    [
        (50, {}, NotPermitted),
        (50, control(4), NotPermitted),
        (19, control(3), NotPermitted),
        (10, {}, NotPermitted),
        (12, {}, NotPermitted),
        (53, {}, NotPermitted),
        (32, {}, NotInDirectory),
        (51, {}, Unreachable),
        (52, {}, Unreachable),
    ],
)
def test_refusals_that_no_other_password_would_end(code, controls, kind):
    assert type(error_of(LdapFailure(code, "", controls))) is kind


class TestOpenLdapRules:
    policy = {
        "pwdMaxAge": "7776000",
        "pwdMinAge": "3600",
        "pwdLockout": "TRUE",
        "pwdMaxFailure": "5",
        "pwdMustChange": "TRUE",
    }

    def state(self, *, duration="0", **attributes):
        policy = entry(pwdLockoutDuration=duration, **self.policy)
        return OpenLdap().state(entry(**attributes), policy, NOON)

    @pytest.mark.parametrize("locked_at", ["000001010000Z", "00000101000000Z", "for good"])
    def test_a_lock_that_began_at_no_time_is_an_administrators(self, locked_at):
        state = self.state(pwdAccountLockedTime=locked_at)

        assert (state.locked_by_admin, state.locked, state.enabled) == (True, False, False)

    @pytest.mark.parametrize(
        ("duration", "locked"), [("0", True), ("3601", True), ("3600", False), ("60", False)]
    )
    def test_a_lock_ends_after_its_duration_or_never(self, duration, locked):
        state = self.state(duration=duration, pwdAccountLockedTime="20261130110000Z")

        assert state.locked is locked

    def test_times_come_from_the_last_change_and_the_policy(self):
        state = self.state(pwdChangedTime="20261130113000Z")

        assert state.password_changed_at == NOON - timedelta(minutes=30)
        assert state.may_change_from == NOON + timedelta(minutes=30)
        assert state.password_expires_at == NOON - timedelta(minutes=30) + timedelta(days=90)

    def test_the_minimum_age_is_waived_while_a_change_is_due(self):
        state = self.state(pwdChangedTime="20261130113000Z", pwdReset="TRUE")

        assert state.must_change
        assert state.may_change_from is None

    @pytest.mark.parametrize(
        ("name", "time", "enabled"),
        [
            ("pwdStartTime", "20261201000000Z", False),
            ("pwdStartTime", "20261101000000Z", True),
            ("pwdEndTime", "20261101000000Z", False),
            ("pwdEndTime", "20261201000000Z", True),
        ],
    )
    def test_an_account_is_in_use_from_its_start_to_its_end(self, name, time, enabled):
        assert self.state(**{name: time}).enabled is enabled


class TestDs389Rules:
    def state(self, policy=None, **attributes):
        return Ds389().state(entry(**attributes), policy, NOON)

    @pytest.mark.parametrize(
        ("until", "failures", "locked"),
        [
            ("19700101000000Z", "5", True),
            ("19700101000000Z", "0", False),
            ("20261130120001Z", "5", True),
            ("20261130115959Z", "5", False),
        ],
        ids=["for ever", "reset since", "still", "over"],
    )
    def test_locks(self, until, failures, locked):
        state = self.state(accountUnlockTime=until, passwordRetryCount=failures)

        assert state.locked is locked

    def test_an_expiry_at_the_epoch_asks_for_a_change_and_a_second_later_means_nothing(self):
        assert self.state(passwordExpirationTime="19700101000000Z").must_change
        assert not self.state(passwordExpirationTime="19700101000001Z").must_change

    @pytest.mark.parametrize(("expires", "known"), [("on", True), ("off", False)])
    def test_an_expiry_counts_only_where_passwords_expire(self, expires, known):
        policy = entry(passwordMinLength="8", passwordExp=expires)

        state = self.state(policy, passwordExpirationTime="20260101000000Z")

        assert (state.password_expires_at is not None) is known

    def test_a_disabled_account(self):
        assert not self.state(nsAccountLock="true").enabled
        assert self.state(nsAccountLock="false").enabled


class TestFreeIpaRulesRecorded:
    policy = entry(
        cn="global_policy",
        krbPwdMaxFailure="6",
        krbPwdLockoutDuration="600",
        krbMinPwdLife="3600",
        krbMaxPwdLife="7776000",
        krbPwdMinLength="8",
    )

    def state(self, **attributes):
        return FreeIpa().state(entry(**attributes), self.policy, NOON)

    @pytest.mark.parametrize(
        ("failures", "failed", "unlocked", "locked"),
        [
            ("6", "20261130115500Z", "", True),
            ("5", "20261130115500Z", "", False),
            ("6", "20261130114500Z", "", False),
            ("6", "20261130115500Z", "20261130115600Z", False),
            ("6", "20261130115500Z", "20261130115400Z", True),
        ],
        ids=["locked", "below", "over", "unlocked since", "locked again"],
    )
    def test_locks(self, failures, failed, unlocked, locked):
        state = self.state(
            krbLoginFailedCount=failures, krbLastFailedAuth=failed, krbLastAdminUnlock=unlocked
        )

        assert state.locked is locked

    def test_a_reset_by_a_helper_has_expired_at_once_and_may_be_changed(self):
        state = self.state(
            krbLastPwdChange="20261130115959Z", krbPasswordExpiration="20261130115959Z"
        )

        assert state.must_change
        assert state.may_change_from is None

    def test_a_young_password(self):
        state = self.state(
            krbLastPwdChange="20261130113000Z", krbPasswordExpiration="20270228113000Z"
        )

        assert not state.must_change
        assert state.may_change_from == NOON + timedelta(minutes=30)

    def test_disabled_and_expired_accounts(self):
        assert not self.state(nsAccountLock="TRUE").enabled
        assert not self.state(krbPrincipalExpiration="20261101000000Z").enabled
        assert self.state().enabled

    def test_a_reset_by_a_system_account_is_followed_by_unlocking(self):
        leftovers = FreeIpa().leftovers(entry(krbLoginFailedCount="6"), must_change=False)

        assert list(leftovers) == ["krbLoginFailedCount"]

    def test_the_policy(self):
        policy = FreeIpa().policy(self.policy)

        assert (policy.min_length, policy.lockout_threshold, policy.lockout_minutes) == (8, 6, 10)
        assert policy.max_age_days == 90


@pytest.mark.parametrize("account", ["service", "root"])
@pytest.mark.parametrize("must_change", [False, True])
def test_a_reset_forces_a_change_only_if_it_is_meant_to(openldap, contoso, account, must_change):
    """Root has all rights: its resets force a change by themselves where the policy asks for it."""
    person = openldap.add_person()
    openldap.set_policy(person, "mustchange")
    directory = account_connector_of(connected(openldap, service=getattr(openldap, account)))
    row, password = row_of(openldap, person), new_password()

    directory.set_password(row, password, must_change=must_change)

    expected = PasswordCheck.MUST_CHANGE if must_change else PasswordCheck.RIGHT
    assert directory.check_password(row, password) is expected


def test_a_policy_that_asks_for_the_old_password_needs_more_rights(openldap, contoso):
    person = openldap.add_person()
    openldap.set_policy(person, "safemodify")
    row, password = row_of(openldap, person), new_password()

    with pytest.raises(NotPermitted, match="pwdSafeModify"):
        account_connector_of(connected(openldap)).set_password(row, password)
    assert openldap.bind_ok(person.dn, person.password)

    account_connector_of(connected(openldap)).change_password(row, person.password, password)
    assert openldap.bind_ok(person.dn, password)


@pytest.mark.parametrize("server", ["openldap", "ds389"])
def test_a_lock_without_an_end_is_seen_and_lifted(request, contoso, server):
    server = request.getfixturevalue(server)
    person = server.add_person()
    server.set_policy(person, "forever")
    directory, row = account_connector_of(connected(server)), row_of(server, person)
    server.lock(person)
    assert directory.state(row).locked

    directory.unlock(row)

    assert not directory.state(row).locked
    assert server.bind_ok(person.dn, person.password)


def test_the_service_account_of_389_that_must_change_its_password_is_refused(ds389, contoso):
    person = ds389.add_person()
    ds389.must_change(person)
    directory = account_connector_of(connected(ds389, service=person))

    with pytest.raises(NotPermitted, match="must change"):
        directory.state(row_of(ds389, person))


def test_groups_in_a_circle_are_walked_once(openldap, contoso):
    person = openldap.add_person()
    name = person.dn.partition(",")[0].partition("=")[2]
    first = openldap.add_group(f"first-{name}", [person.dn])
    second = openldap.add_group(f"second-{name}", [first])
    openldap.set(first, member=[person.dn, second])
    other = openldap.add_group(f"other-{name}", [openldap.service.dn])
    row = row_of(openldap, person)

    inside = account_connector_of(connected(openldap, name="inside", protected_groups=second))
    outside = account_connector_of(connected(openldap, name="outside", protected_groups=other))

    assert inside.state(row).protected
    assert not outside.state(row).protected
    assert person.dn in {each.dn for each in inside.people() if each.protected}


@pytest.mark.parametrize("must_change", [False, True])
def test_a_reset_that_is_read_back_forces_a_change_only_if_it_is_meant_to(
    openldap, contoso, tmp_path, must_change
):
    person = openldap.add_person()
    openldap.set_policy(person, "mustchange")
    row, password = row_of(openldap, person), new_password()
    with faults(openldap, tmp_path / "proxy") as proxy:
        behind = connected(openldap, service=openldap.root, servers=proxy.url)
        proxy.fail(Fault.CUT_AFTER, on={Operation.EXTENDED})
        account_connector_of(behind).set_password(row, password, must_change=must_change)

    expected = PasswordCheck.MUST_CHANGE if must_change else PasswordCheck.RIGHT
    assert account_connector_of(connected(openldap)).check_password(row, password) is expected


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["last", "first"])
def test_a_server_that_refuses_to_unlock_does_not_undo_what_another_did(
    openldap, contoso, monkeypatch, order
):
    person = openldap.add_person()
    openldap.lock(person)
    row, modify = row_of(openldap, person), LdapSession.modify

    def of_a_replica(session, dn, changes):
        if session.server == openldap.starttls_url:
            raise LdapFailure(10, "read-only replica")
        modify(session, dn, changes)

    monkeypatch.setattr(LdapSession, "modify", of_a_replica)
    urls = [openldap.url, openldap.starttls_url][order]

    account_connector_of(connected(openldap, servers="\n".join(urls))).unlock(row)

    assert not openldap.is_locked(person)
    openldap.lock(person)
    replica = account_connector_of(connected(openldap, servers=openldap.starttls_url))
    with pytest.raises(NotPermitted, match="replica"):
        replica.unlock(row)


def test_what_an_administrator_locked_is_unlocked_on_no_other_server(
    openldap, contoso, monkeypatch
):
    person = openldap.add_person()
    openldap.lock_by_admin(person)
    used, search = [], LdapSession.search

    def spy(session, *arguments, **more):
        used.append(session.server)
        return search(session, *arguments, **more)

    monkeypatch.setattr(LdapSession, "search", spy)
    urls = f"{openldap.url}\n{openldap.starttls_url}"

    with pytest.raises(NotPermitted, match="administrator"):
        account_connector_of(connected(openldap, servers=urls)).unlock(row_of(openldap, person))

    assert set(used) == {openldap.url}
    assert openldap.is_locked(person)


@pytest.mark.parametrize("server", ["openldap", "ds389"])
def test_the_entry_of_the_root_dn_and_the_service_account_are_protected(request, contoso, server):
    server = request.getfixturevalue(server)
    person, base = server.add_person(), server.base_dn
    name = f"cn=manager,{base}"
    server.add(
        name,
        objectClass=["organizationalRole", "simpleSecurityObject"],
        userPassword=new_password(),
    )
    row = row_of(server, Account(name, ""))
    only = "(|(cn=manager)(objectClass=inetOrgPerson))"
    directory = account_connector_of(connected(server, service=person, people_filter=only))

    marked = {each.dn.lower() for each in directory.people() if each.protected}
    assert {name, person.dn.lower()} <= marked
    with pytest.raises(Protected):
        directory.set_password(row, new_password())
    server.delete(name)


def test_administrators_of_freeipa_are_protected_without_a_setting(ds389, contoso, monkeypatch):
    """On another server with its names: the groups are nested and the suffix is the server's."""
    monkeypatch.setattr(Ds389, "privileged_groups", FreeIpa.privileged_groups)
    person, other = ds389.add_person(), ds389.add_person()
    directory = account_connector_of(connected(ds389, base_dn=ds389.people_dn))
    with pytest.raises(NotPermitted, match="cn=admins,cn=groups,cn=accounts"):
        directory.set_password(row_of(ds389, person), new_password())
    inner = ds389.add_group("ipa-inner", [person.dn])
    for dn in (f"cn=accounts,{ds389.base_dn}", f"cn=groups,cn=accounts,{ds389.base_dn}"):
        ds389.add(dn, objectClass=["nsContainer"])
    admins = f"cn=admins,cn=groups,cn=accounts,{ds389.base_dn}"
    ds389.add(admins, objectClass=["groupOfNames"], member=[inner])

    with pytest.raises(Protected):
        directory.set_password(row_of(ds389, person), new_password())
    directory.set_password(row_of(ds389, other), new_password())

    assert person.dn in {each.dn for each in directory.people() if each.protected}
    assert ds389.bind_ok(person.dn, person.password)


def test_a_protected_group_is_known_however_its_name_is_escaped(openldap, contoso):
    person = openldap.add_person()
    typed = openldap.add_group(f"Ops, {person.password[4:12]}", [person.dn])
    assert r"\," in typed
    directory = account_connector_of(connected(openldap, protected_groups=typed))

    state = directory.state(row_of(openldap, person))

    assert state.protected


def test_who_changes_while_a_run_reads_is_read_by_the_next(openldap, contoso):
    directory = account_connector_of(connected(openldap))
    begun = datetime.now(UTC) - timedelta(hours=1)

    with time_machine.travel(begun, tick=False):
        stamps = {person.changed for person in directory.people()}

    assert stamps == {f"{begun:%Y%m%d%H%M%SZ}"}
    assert len(list(directory.people(changed_since=max(stamps)))) == len(list(directory.ids()))
