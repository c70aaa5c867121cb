"""Active Directory: with a real Samba AD DC, and with recorded answers where Windows differs.

What Windows alone does is not verified on Windows.
"""

import secrets
from dataclasses import replace
from datetime import timedelta

import ldap3
import pytest
from django.utils import timezone

from directory.connectors.base import (
    NotInDirectory,
    NotPermitted,
    PasswordCheck,
    PasswordPolicy,
    Person,
    PolicyRejected,
    Protected,
    RejectedFor,
    Unreachable,
)
from directory.connectors.ldap import active_directory, transport
from directory.connectors.ldap.active_directory import ActiveDirectory
from directory.connectors.ldap.transport import service_session
from directory.connectors.ldap.windows import guid_text
from directory.connectors.ldap.windows_entries import (
    all_values,
    policy_hints,
    protected_groups,
    refusal,
)
from directory.connectors.ldap.wire import Attributes, LdapEntry, LdapFailure
from directory.models import DirectoryAccount
from tests.directory import directories
from tests.services.ldap import LOCKOUT, Account

NEW = "Eine-Brücke-über-7-Täler"
NEVER = 9223372036854775807
PAGES_OF_TWO = {**(transport.LdapSession.search.__kwdefaults__ or {}), "page_size": 2}


@pytest.fixture
def directory(samba, contoso):
    return ActiveDirectory(connected(samba))


@pytest.fixture
def person(samba):
    """An account in the domain, and the same as a row refers to it."""
    account = samba.add_person()
    return account, row_of(samba, account)


def connected(server, **settings):
    """Of an organisation whose people are in one organisational unit."""
    usual = {"base_dn": server.people_dn, "writeback": True, "unlocks": True}
    return directories.connected(server, **(usual | settings))


def row_of(server, account):
    return DirectoryAccount(external_id=id_of(server, account.dn), dn=account.dn)


def id_of(server, dn):
    with server.bound() as root:
        root.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["objectGUID"])
        return guid_text(root.entries[0]["objectGUID"].raw_values[0])


def number(server, account, name):
    with server.bound() as root:
        root.search(account.dn, "(objectClass=*)", ldap3.BASE, attributes=[name])
        values = root.entries[0][name].raw_values
        return int(values[0]) if values else None


def join(server, group, member):
    with server.bound() as root:
        root.modify(group, {"member": [(ldap3.MODIFY_ADD, [member])]})


def entry(dn, **attributes):
    values = {name: [each.encode() for each in each_] for name, each_ in attributes.items()}
    return LdapEntry(dn, Attributes(values))


class TestPasswords:
    def test_only_the_password_is_right(self, directory, person):
        account, row = person

        assert directory.check_password(row, account.password) is PasswordCheck.RIGHT
        assert directory.check_password(row, NEW) is PasswordCheck.WRONG

    def test_an_empty_password_is_wrong_and_isnt_sent(self, samba, directory, person):
        account, row = person

        assert directory.check_password(row, "") is PasswordCheck.WRONG
        assert not number(samba, account, "badPwdCount")

    def test_an_account_that_is_gone_has_no_password(self, samba, directory, person):
        account, row = person
        samba.delete(account.dn)

        assert directory.check_password(row, account.password) is PasswordCheck.WRONG
        with pytest.raises(NotInDirectory):
            directory.state(row)
        with pytest.raises(NotInDirectory):
            directory.set_password(row, NEW)

    def test_a_moved_account_is_followed(self, samba, directory, person):
        account, row = person
        samba.move(account.dn, "CN=Renamed " + row.external_id)

        assert directory.check_password(row, account.password) is PasswordCheck.RIGHT

    def test_another_account_under_the_former_name_is_another(self, samba, directory, person):
        account, row = person
        samba.delete(account.dn)
        successor = samba.add_person(account.dn.partition(",")[0].partition("=")[2])

        assert directory.check_password(row, successor.password) is PasswordCheck.WRONG

    def test_an_account_outside_of_the_base_is_not_ours(self, samba, directory):
        service = row_of(samba, samba.service)

        with pytest.raises(NotInDirectory):
            directory.set_password(service, NEW)

    @pytest.mark.parametrize("password", [NEW, 'Wört"er-7-한글', "Aa1" * 40], ids=str)
    def test_a_reset_sets_the_password_and_nothing_but_it(self, samba, directory, person, password):
        account, row = person
        flags = number(samba, account, "userAccountControl")

        directory.set_password(row, password)

        assert directory.check_password(row, password) is PasswordCheck.RIGHT
        assert directory.check_password(row, account.password) is PasswordCheck.WRONG
        assert number(samba, account, "userAccountControl") == flags
        assert not samba.read(account.dn, "userPassword")["userPassword"]

    def test_a_reset_can_demand_a_change(self, directory, person):
        _, row = person

        directory.set_password(row, NEW, must_change=True)

        assert directory.check_password(row, NEW) is PasswordCheck.MUST_CHANGE
        assert directory.state(row).must_change

    def test_a_reset_ends_a_demand_to_change(self, samba, directory, person):
        account, row = person
        samba.must_change(account)
        assert directory.state(row).must_change

        directory.set_password(row, NEW)

        assert directory.check_password(row, NEW) is PasswordCheck.RIGHT
        assert not directory.state(row).must_change

    @pytest.mark.parametrize("must_change", [False, True], ids=["usual", "must change"])
    def test_a_user_changes_the_password(self, samba, directory, person, must_change):
        account, row = person
        if must_change:
            samba.must_change(account)

        directory.change_password(row, account.password, NEW)

        assert directory.check_password(row, NEW) is PasswordCheck.RIGHT

    def test_a_change_needs_the_old_password(self, directory, person):
        account, row = person

        for old in ("", NEW):
            with pytest.raises(PolicyRejected) as refused:
                directory.change_password(row, old, "Another-Passw0rd")
            assert refused.value.rule is RejectedFor.WRONG_OLD_PASSWORD
        assert directory.check_password(row, account.password) is PasswordCheck.RIGHT


class TestRules:
    """Which rule refused a password."""

    @pytest.mark.parametrize(
        ("password", "rule"),
        [("Aa1!", RejectedFor.TOO_SHORT), ("abcdefghijklmno", RejectedFor.TOO_SIMPLE)],
    )
    def test_a_reset_says_which(self, directory, person, password, rule):
        account, row = person

        with pytest.raises(PolicyRejected) as refused:
            directory.set_password(row, password)

        assert refused.value.rule is rule
        assert directory.check_password(row, account.password) is PasswordCheck.RIGHT

    def test_a_change_obeys_the_history(self, directory, person):
        account, row = person

        with pytest.raises(PolicyRejected) as refused:
            directory.change_password(row, account.password, account.password)

        assert refused.value.rule is RejectedFor.USED_BEFORE

    def test_a_change_obeys_the_minimum_age_and_says_until_when(self, samba, directory, person):
        account, row = person
        samba.set_policy(account, "young")

        with pytest.raises(PolicyRejected) as refused:
            directory.change_password(row, account.password, NEW)

        state = directory.state(row)
        assert refused.value.rule is RejectedFor.TOO_YOUNG
        assert refused.value.until == state.may_change_from
        assert state.may_change_from == state.password_changed_at + timedelta(days=1)

    def test_a_demand_to_change_suspends_the_minimum_age(self, samba, directory, person):
        account, row = person
        samba.set_policy(account, "young")
        samba.must_change(account)

        assert directory.state(row).may_change_from is None
        directory.change_password(row, account.password, NEW)

    def test_the_policy_of_the_domain_is_read(self, directory, person):
        _, row = person

        assert directory.policy(row) == PasswordPolicy(
            min_length=8,
            is_complex=True,
            history=3,
            min_age_hours=0,
            max_age_days=90,
            lockout_threshold=LOCKOUT,
            lockout_minutes=15,
            lockout_window_minutes=15,
        )

    def test_an_accounts_own_policy_goes_first(self, samba, directory, person):
        account, row = person
        samba.set_policy(account, "young")

        policy = directory.policy(row)

        assert (policy.name, policy.min_age_hours) == ("young", 24)

    def test_of_an_unreadable_own_policy_nothing_is_known(self, samba, contoso, person):
        account, row = person
        samba.set_policy(account, "young")
        connection = connected(samba, service=samba.reader)

        assert ActiveDirectory(connection).policy(row) == PasswordPolicy(name="young")


class TestState:
    def test_of_a_usual_account(self, directory, person):
        _, row = person
        now = timezone.now()

        state = directory.state(row)

        assert (state.enabled, state.locked, state.must_change, state.protected) == (
            *(True, False, False, False),
        )
        assert abs(now - state.password_changed_at) < timedelta(minutes=5)
        assert state.password_expires_at - state.password_changed_at == timedelta(days=90)
        assert state.may_change_from is None

    def test_a_lock_is_seen_and_lifted_and_the_password_stays(self, samba, directory, person):
        account, row = person
        samba.lock(account)
        assert directory.state(row).locked
        assert directory.check_password(row, account.password) is PasswordCheck.LOCKED

        directory.unlock(row)

        assert not directory.state(row).locked
        assert directory.check_password(row, account.password) is PasswordCheck.RIGHT

    def test_a_reset_lifts_the_lock_in_the_same_write(self, samba, directory, person):
        account, row = person
        samba.lock(account)

        directory.set_password(row, NEW)

        assert directory.check_password(row, NEW) is PasswordCheck.RIGHT

    def test_a_time_of_a_lock_alone_is_no_lock(self, samba, directory, person):
        """Windows leaves it there when the lock has ended."""
        account, row = person
        samba.set(account.dn, lockoutTime=131500000000000000)

        assert not directory.state(row).locked

    def test_an_unlocked_account_can_be_unlocked(self, directory, person):
        _, row = person

        directory.unlock(row)

        assert not directory.state(row).locked

    def test_a_disabled_account_stays_disabled(self, samba, directory, person):
        account, row = person
        samba.disable(account)
        assert not directory.state(row).enabled
        assert directory.check_password(row, account.password) is PasswordCheck.DISABLED
        assert directory.check_password(row, NEW) is PasswordCheck.WRONG

        for write in (lambda: directory.set_password(row, NEW), lambda: directory.unlock(row)):
            with pytest.raises(NotPermitted):
                write()

        assert not directory.state(row).enabled

    def test_an_expired_account_is_not_in_use(self, samba, directory, person):
        account, row = person
        samba.set(account.dn, accountExpires=131500000000000000)

        assert not directory.state(row).enabled
        assert directory.check_password(row, account.password) is PasswordCheck.DISABLED

    @pytest.mark.parametrize("never", [0, NEVER])
    def test_an_account_that_never_expires_is_in_use(self, samba, directory, person, never):
        account, row = person
        samba.set(account.dn, accountExpires=never)

        assert directory.state(row).enabled

    def test_a_password_that_never_expires_has_no_date(self, samba, directory, person):
        account, row = person
        samba.set(account.dn, userAccountControl=0x10200)

        assert directory.state(row).password_expires_at is None


class TestProtected:
    """What has power over the domain isn't changed through this service."""

    @pytest.fixture
    def directory(self, samba, contoso):
        """With rights over all: Samba lets a delegated account reset even a Domain Admin."""
        return ActiveDirectory(connected(samba, base_dn=samba.base_dn, service=samba.root))

    def refuses(self, samba, directory, account):
        row = row_of(samba, account)
        before = number(samba, account, "pwdLastSet")
        assert directory.state(row).protected
        for write in (
            lambda: directory.set_password(row, NEW),
            lambda: directory.change_password(row, account.password, NEW),
            lambda: directory.unlock(row),
        ):
            with pytest.raises(Protected):
                write()
        assert number(samba, account, "pwdLastSet") == before

    def test_an_administrator_of_the_domain(self, samba, contoso):
        """The service account has the usual rights: those over one organisational unit."""
        account = samba.add_person()
        join(samba, f"CN=Domain Admins,CN=Users,{samba.base_dn}", account.dn)

        self.refuses(samba, ActiveDirectory(connected(samba)), account)

    @pytest.mark.parametrize("group", ["Domain Admins,CN=Users", "Account Operators,CN=Builtin"])
    def test_a_member_through_other_groups(self, samba, directory, group):
        account = samba.add_person()
        inner = samba.add_group(f"inner-{secrets.token_hex(4)}", [account.dn])
        outer = samba.add_group(f"outer-{secrets.token_hex(4)}", [inner])
        join(samba, f"CN={group},{samba.base_dn}", outer)

        self.refuses(samba, directory, account)

    def test_an_account_that_windows_protects(self, samba, directory):
        account = samba.add_person(adminCount=1)

        self.refuses(samba, directory, account)

    def test_a_member_by_its_primary_group(self, samba, directory):
        account = samba.add_person()
        join(samba, f"CN=Domain Admins,CN=Users,{samba.base_dn}", account.dn)
        samba.set(account.dn, primaryGroupID=512)

        self.refuses(samba, directory, account)

    @pytest.mark.parametrize("kind", [-0x7FFFFFFE, 2], ids=["security", "distribution"])
    def test_a_member_of_a_group_that_the_organisation_chose(self, samba, contoso, kind):
        account, other = samba.add_person(), samba.add_person()
        inner = samba.add_group(f"inner-{secrets.token_hex(4)}", [account.dn])
        outer = samba.add_group(f"outer-{secrets.token_hex(4)}", [inner])
        samba.set(outer, groupType=kind)
        directory = ActiveDirectory(connected(samba, protected_groups=f"\n {outer.upper()} \n"))

        self.refuses(samba, directory, account)
        directory.set_password(row_of(samba, other), NEW)

    def test_nothing_is_changed_while_a_chosen_group_is_missing(self, samba, contoso, person):
        _, row = person
        gone = f"CN=gone,{samba.groups_dn}"
        directory = ActiveDirectory(connected(samba, protected_groups=gone))

        with pytest.raises(NotPermitted, match="gone"):
            directory.set_password(row, NEW)

    def test_the_service_account_itself(self, samba, directory):
        self.refuses(samba, directory, samba.root)

    @pytest.mark.parametrize("name", ["{}@example.test", "ADEXAMPLE\\{}"])
    def test_the_service_account_by_another_name(self, samba, contoso, name):
        account = samba.add_person()
        sam = account.dn[3:].partition(",")[0]
        join(samba, f"CN=Pre-Windows 2000 Compatible Access,CN=Builtin,{samba.base_dn}", account.dn)
        service = Account(name.format(sam), account.password)

        self.refuses(samba, ActiveDirectory(connected(samba, service=service)), account)

    def test_a_computer(self, samba, directory):
        name = secrets.token_hex(4)
        dn = samba.add(
            f"CN={name},{samba.people_dn}",
            objectClass=["computer"],
            sAMAccountName=f"{name}$",
            userAccountControl=0x1000,
        )

        self.refuses(samba, directory, Account(dn, NEW))


class TestPeople:
    """What a sync reads."""

    @pytest.fixture
    def directory(self, samba, contoso):
        """For an organisational unit of its own."""
        unit = samba.add(
            f"OU=u{secrets.token_hex(4)},{samba.people_dn}", objectClass=["organizationalUnit"]
        )
        return ActiveDirectory(connected(samba, base_dn=unit))

    @pytest.fixture
    def hired(self, samba, directory):
        """Adds a person to that unit and gives the account."""

        def hire(**attributes):
            account = samba.add_person(**attributes)
            return replace(
                account,
                dn=samba.move(
                    account.dn, account.dn.partition(",")[0], below=directory._connection.base_dn
                ),
            )

        return hire

    def test_a_person_with_all_that_is_mapped(self, samba, directory, hired):
        manager = hired()
        account = hired(
            telephoneNumber="+82 2 555 0100", preferredLanguage="ko", manager=manager.dn
        )
        name = account.dn[3:].partition(",")[0]

        person = next(each for each in directory.people() if each.dn == account.dn)

        changed = person.password_changed_at
        assert person == Person(
            external_id=id_of(samba, account.dn),
            dn=account.dn,
            upn=f"{name}@example.test",
            display_name=f"{name.title()} Example",
            given_name=name.title(),
            surname="Example",
            language="ko",
            email=f"{name}@example.test",
            phones={"mobile_phone": "+15005550006", "office_phone": "+82 2 555 0100"},
            manager_dn=manager.dn,
            password_changed_at=changed,
            password_expires_at=changed + timedelta(days=90),
            changed=person.changed,
        )

    def test_who_changes_while_a_run_reads_is_read_by_the_next(
        self, samba, directory, hired, monkeypatch
    ):
        account, _other = hired(), hired()

        def meanwhile(*args):
            samba.set(account.dn, sn="Changed")
            return protected_groups(*args)

        monkeypatch.setattr(active_directory, "protected_groups", meanwhile)
        until = max(person.changed for person in directory.people())
        monkeypatch.undo()

        assert [each.dn for each in directory.people(changed_since=until)] == [account.dn]

    def test_whose_id_cant_be_read_is_protected(self, directory, hired, monkeypatch):
        hired()

        def unreadable(_value):
            raise ValueError

        monkeypatch.setattr(active_directory, "sid_text", unreadable)

        assert [person.protected for person in directory.people()] == [True]

    def test_the_mapping_and_the_names_for_sign_in_can_be_chosen(self, samba, directory, hired):
        account = hired(proxyAddresses=["SMTP:a@b.test", "smtp:c@d.test", "X500:/o=x"])
        directory._connection.attributes = {"upn": "mail", "surname": "", "mobile_phone": ""}
        directory._connection.sign_in_attributes = ["sAMAccountName", "proxyAddresses"]

        (person,) = directory.people()

        name = account.dn[3:].partition(",")[0]
        assert person.upn == f"{name}@example.test"
        assert (person.surname, person.phones) == ("", {})
        assert set(person.sign_in_names) == {name, "a@b.test", "c@d.test"}

    def test_those_who_need_help_are_among_them(self, samba, directory, hired):
        usual, forced, locked, expired = (hired() for _ in range(4))
        samba.must_change(forced)
        samba.lock(locked)
        samba.expire(expired)
        disabled = hired()
        samba.disable(disabled)

        enabled = {person.dn: person.enabled for person in directory.people()}

        helped = {account.dn: True for account in (usual, forced, locked, expired)}
        assert enabled == helped | {disabled.dn: False}
        assert len(list(directory.ids())) == 5

    def test_built_in_accounts_and_computers_arent(self, samba, directory):
        directory._connection.base_dn = samba.base_dn

        names = {person.dn[3:].partition(",")[0].lower() for person in directory.people()}

        assert "alice" in names
        assert not {"administrator", "guest", "krbtgt", "dc1"} & names

    def test_more_people_than_a_page_has(self, monkeypatch, directory, hired):
        accounts = [hired().dn for _ in range(5)]
        monkeypatch.setattr(transport.LdapSession.search, "__kwdefaults__", PAGES_OF_TWO)

        assert sorted(person.dn for person in directory.people()) == sorted(accounts)
        assert len(set(directory.ids())) == 5

    def test_only_what_changed_since(self, samba, directory, hired):
        hired()
        changed, moved = hired(), hired()
        latest = max(person.changed for person in directory.people())
        assert not list(directory.people(changed_since=latest))

        samba.set(changed.dn, title="Engineer")
        moved_to = samba.move(moved.dn, f"CN=m{secrets.token_hex(4)}")

        since = {person.dn for person in directory.people(changed_since=latest)}
        assert since == {changed.dn, moved_to}

    def test_a_stamp_of_another_domain_controller_reads_everyone(self, directory, hired):
        account = hired()

        (first,) = directory.people()
        moment, _controller, number = first.changed.split(":")

        (again,) = directory.people(changed_since=f"{moment}:0123456789abcdef:{number}")

        assert (first.dn, again.dn) == (account.dn, account.dn)
        assert len(first.changed) == len(again.changed)
        assert not list(directory.people(changed_since=first.changed))

    def test_the_privileged_are_marked(self, samba, directory, hired):
        usual, nested, counted, chosen = hired(), hired(), hired(adminCount=1), hired()
        inner = samba.add_group(f"inner-{secrets.token_hex(4)}", [nested.dn])
        join(samba, f"CN=Backup Operators,CN=Builtin,{samba.base_dn}", inner)
        group = samba.add_group(f"chosen-{secrets.token_hex(4)}", [chosen.dn])
        directory._connection.protected_groups = group

        protected = {person.dn for person in directory.people() if person.protected}

        assert protected == {nested.dn, counted.dn, chosen.dn}
        assert usual.dn not in protected

    def test_groups_with_their_direct_members(self, samba, directory, hired):
        account = hired()
        name = f"staff-{secrets.token_hex(4)}"
        inner = samba.add_group(f"inner-{secrets.token_hex(4)}", [account.dn])
        outer = samba.add_group(name, [account.dn, inner])
        assert not list(directory.groups())

        directory._connection.group_base_dn = samba.groups_dn
        directory._connection.group_filter = "(objectClass=group)"
        groups = {group.dn: group for group in directory.groups()}

        assert groups[outer].name == name
        assert groups[outer].external_id == id_of(samba, outer)
        assert set(groups[outer].member_dns) == {account.dn, inner}
        assert groups[inner].member_dns == (account.dn,)

    def test_values_that_come_in_ranges_are_read_to_the_end(self):
        """Windows answers 1,500 at once. Recorded: not verified on Windows."""
        parts = {
            "member;range=2-*": entry("cn=g", **{"member;range=2-3": ["c", "d"]}),
            "member;range=4-*": entry("cn=g", **{"member;range=4-*": ["e"]}),
        }

        class Recorded:
            def read(self, dn, names):
                return parts[names[0]]

        first = entry("cn=g", **{"member;range=0-1": ["a", "b"]})
        assert all_values(Recorded(), first, "member") == ("a", "b", "c", "d", "e")

    def test_group_that_vanishes_while_its_members_are_read_has_no_part_of_them(self):
        class Gone:
            def read(self, _dn, _names):
                return None

        first = entry("cn=g", **{"member;range=0-1": ["a", "b"]})

        assert all_values(Gone(), first, "member") is None

    def test_members_are_read_to_the_end_from_the_range_that_the_server_gave(
        self, samba, directory
    ):
        people = [samba.add_person().dn for _number in range(7)]
        group = samba.add_group(f"g{secrets.token_hex(4)}", people)

        with service_session(directory._connection) as session:
            first = session.read(group, ["member;range=0-2"])
            members = all_values(session, first, "member")

        assert len(first.texts("member;range=0-2")) == 3
        assert (len(members), set(members)) == (7, set(people))


class TestSettings:
    """A connection that is set up wrong changes nothing, and says why."""

    def test_a_right_that_is_missing(self, samba, contoso, person):
        account, row = person
        directory = ActiveDirectory(connected(samba, service=samba.reader))

        for write in (lambda: directory.set_password(row, NEW), lambda: directory.unlock(row)):
            with pytest.raises(NotPermitted) as refused:
                write()
            assert refused.value.detail
            assert account.password not in refused.value.detail
        assert directory.check_password(row, account.password) is PasswordCheck.RIGHT

    def test_a_port_of_the_global_catalog(self, samba, contoso, person):
        _, row = person
        connection = connected(samba, servers=f"ldaps://{samba.host}:3269")

        with pytest.raises(Unreachable):
            ActiveDirectory(connection).set_password(row, NEW)

    def test_a_server_of_another_kind(self, openldap, contoso, person):
        """`unicodePwd` means nothing there."""
        _, row = person
        directory = ActiveDirectory(connected(openldap))

        for ask in (lambda: directory.set_password(row, NEW), lambda: list(directory.people())):
            with pytest.raises(NotPermitted, match="no Active Directory"):
                ask()

    def test_a_wrong_password_of_the_service_account(self, samba, contoso, person):
        _, row = person
        service = Account(samba.service.dn, NEW)

        with pytest.raises(NotPermitted):
            ActiveDirectory(connected(samba, service=service)).check_password(row, NEW)


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (19, "00000056: AtrErr: DSID-03191083, #1:", PolicyRejected),
        (50, "00000005: SecErr: DSID-031A11D4, problem 4003 (INSUFF_ACCESS_RIGHTS)", NotPermitted),
        (50, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS)", NotPermitted),
        (53, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM)", NotPermitted),
        (53, "00002035: LdapErr: DSID-0C090F53, comment: operation only allowed", NotPermitted),
        (10, "0000202B: DSID-0310078D, data 0, 1 access points", NotPermitted),
        (12, "00000057: LdapErr: DSID-0C090D36, comment: Error processing control", NotPermitted),
        (32, "0000208D: NameErr: DSID-03100238, problem 2001 (NO_OBJECT)", NotInDirectory),
        (51, "00002024: SvcErr: DSID-03210E0F, problem 5001 (BUSY)", Unreachable),
        (52, "00000000: LdapErr: DSID-0C090E0B, comment: shutting down", Unreachable),
    ],
)
def test_what_windows_says_is_translated(code, text, error):
    assert type(refusal(LdapFailure(code, text))) is error


@pytest.mark.parametrize(
    ("offered", "sent"),
    [
        ({"1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"}, "1.2.840.113556.1.4.2239"),
        ({"1.2.840.113556.1.4.2066"}, "1.2.840.113556.1.4.2066"),
        ({"1.2.840.113556.1.4.319"}, None),
    ],
    ids=["Windows Server 2012 and later", "Windows Server 2008 R2", "Samba"],
)
def test_a_reset_obeys_the_history_where_the_server_can(offered, sent):
    controls = policy_hints(frozenset(offered))

    expected = ((sent, True, bytes.fromhex("3003020101")),) if sent else ()
    assert controls == expected
