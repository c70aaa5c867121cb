"""What every directory outside does for this service, on real servers."""

import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from ldap3 import MODIFY_REPLACE

from directory.connectors.base import (
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    OutcomeUnknown,
    PasswordCheck,
    PolicyRejected,
    Protected,
    RejectedFor,
    ServiceAccountRefused,
    SetBy,
    Unreachable,
)
from directory.connectors.ldap import account_connector_of, active_directory, transport, wire
from directory.connectors.ldap.ds389 import Ds389
from directory.connectors.ldap.openldap import OpenLdap
from directory.connectors.ldap.wire import LdapFailure
from directory.models import DirectoryAccount
from directory.rules import DirectoryFailure, DirectoryKind
from tests.directory.directories import connected, id_of, row_of
from tests.services.certificates import authority
from tests.services.faults import Fault, faults
from tests.services.ldap import WRONG, Account, new_password
from tests.services.processes import wait_until
from tests.services.samba import quoted


@pytest.fixture(params=["openldap", "ds389", "samba"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def connection(server, contoso):
    return connected(server)


@pytest.fixture
def directory(connection):
    return account_connector_of(connection)


@pytest.fixture
def person(server):
    return server.add_person()


@pytest.fixture
def row(server, person):
    return row_of(server, person)


def test_a_reset_sets_the_password_and_leaves_no_forced_change(server, directory, person, row):
    password = new_password()

    directory.set_password(row, password)

    assert server.bind_ok(person.dn, password)
    assert not server.bind_ok(person.dn, person.password)
    assert not directory.state(row).must_change


@pytest.mark.parametrize(
    "password",
    ["비밀번호-는-길어요-7", "Eine-Brücke-über-7-Täler", "Emoji-🔑-Key-42", 'q"\\*()& <' + "7aZ"],
)
def test_a_password_of_any_letters_is_the_same_afterwards(server, directory, person, row, password):
    directory.set_password(row, password)

    assert server.bind_ok(person.dn, password)
    assert directory.check_password(row, password) is PasswordCheck.RIGHT


def test_an_empty_password_is_never_set_or_sent(server, directory, person, row):
    with pytest.raises(ValueError, match="empty"):
        directory.set_password(row, "")

    assert directory.check_password(row, "") is PasswordCheck.WRONG
    assert server.failures(person) == 0
    assert server.bind_ok(person.dn, person.password)


@pytest.mark.parametrize("server", ["openldap", "samba"], indirect=True)
def test_it_tells_whose_write_set_a_password(server, directory, person, row):
    """By this it is decided whether an interrupted write took effect."""
    others, own, ours = (new_password() for _ in range(3))
    is_ad = server.kind is DirectoryKind.ACTIVE_DIRECTORY

    server.set(person.dn, **({"unicodePwd": quoted(others)} if is_ad else {"userPassword": others}))
    by_others = directory.state(row)
    directory.change_password(row, others, own)
    by_user = directory.state(row)
    directory.set_password(row, ours)
    by_service = directory.state(row)
    directory.set_password(row, new_password(), must_change=True)
    temporary = directory.state(row)

    if is_ad:
        # It doesn't say who, but what time it has.
        assert {state.set_by for state in (by_others, by_user, by_service)} == {None}
        assert abs(temporary.clock_ahead) < timedelta(minutes=1)
        assert temporary.password_changed_at is None
    else:
        assert by_others.set_by is SetBy.OTHER
        assert by_user.set_by is SetBy.USER
        assert by_service.set_by is SetBy.SERVICE
    now = timezone.now()
    for state in (by_user, by_service, temporary):
        assert abs((state.password_changed_at or state.set_at) - now) < timedelta(minutes=2)


def test_a_change_needs_the_old_password(server, directory, person, row):
    password = new_password()
    for wrong in (WRONG, ""):
        with pytest.raises(PolicyRejected) as rejected:
            directory.change_password(row, wrong, password)
        assert rejected.value.rule is RejectedFor.WRONG_OLD_PASSWORD
    assert server.bind_ok(person.dn, person.password)

    directory.change_password(row, person.password, password)

    assert server.bind_ok(person.dn, password)
    assert not server.bind_ok(person.dn, person.password)


def test_right_and_wrong_passwords_are_told_apart(directory, person, row):
    assert directory.check_password(row, person.password) is PasswordCheck.RIGHT
    assert directory.check_password(row, WRONG) is PasswordCheck.WRONG


def test_an_unknown_account_takes_the_requests_of_a_wrong_password(
    server, directory, row, monkeypatch
):
    directory.check_password(row, WRONG)
    sent, ask = [], wire.LdapLink.ask

    def spy(link, kind, *args):
        sent.append(kind)
        return ask(link, kind, *args)

    monkeypatch.setattr(wire.LdapLink, "ask", spy)
    unknown = DirectoryAccount(external_id=str(uuid.uuid4()), dn=f"cn=x,{server.base_dn}")

    requests = []
    for account in (row, unknown):
        assert directory.check_password(account, WRONG) is PasswordCheck.WRONG
        requests.append(list(sent))
        sent.clear()

    assert requests == [["searchRequest", "bindRequest"]] * 2


@pytest.mark.parametrize("end", ["expire", "must_change"])
def test_an_ended_password_is_right_and_must_be_changed(server, directory, person, row, end):
    getattr(server, end)(person)
    assert directory.check_password(row, person.password) is PasswordCheck.MUST_CHANGE
    assert directory.check_password(row, WRONG) is PasswordCheck.WRONG
    password = new_password()

    directory.change_password(row, person.password, password)

    # 389 DS answers before it has noted that the change was made.
    accepted = partial(server.bind_ok, person.dn, password)
    wait_until(accepted, what="The password is accepted", timeout=60)
    assert directory.check_password(row, password) is PasswordCheck.RIGHT


@pytest.mark.parametrize("end", ["expire", "must_change"])
def test_a_reset_ends_that_a_password_has_ended(server, directory, person, row, end):
    getattr(server, end)(person)
    password = new_password()

    directory.set_password(row, password)

    assert server.bind_ok(person.dn, password)


def test_the_state_says_that_a_change_is_due(server, directory, person, row):
    assert not directory.state(row).must_change

    server.must_change(person)

    assert directory.state(row).must_change


def test_the_state_says_when_a_password_expires(server, directory, person, row):
    server.expire(person)

    expires_at = directory.state(row).password_expires_at

    assert expires_at is not None
    assert expires_at < timezone.now()


def test_a_lock_is_seen_and_lifted_without_another_password(server, directory, person, row):
    server.lock(person)
    assert directory.state(row).locked
    assert directory.check_password(row, person.password) is PasswordCheck.LOCKED

    directory.unlock(row)

    assert not directory.state(row).locked
    assert not server.is_locked(person)
    assert server.bind_ok(person.dn, person.password)


def test_to_unlock_an_account_that_is_not_locked_changes_nothing(server, directory, person, row):
    directory.unlock(row)

    assert server.bind_ok(person.dn, person.password)


def test_a_reset_unlocks(server, directory, person, row):
    server.lock(person)
    password = new_password()

    directory.set_password(row, password)

    assert not directory.state(row).locked
    assert server.bind_ok(person.dn, password)


def test_an_account_that_an_administrator_closed_stays_closed(server, directory, person, row):
    close = getattr(server, "lock_by_admin", None) or server.disable
    close(person)
    password = new_password()
    assert not directory.state(row).enabled
    assert not directory.check_password(row, person.password).is_right

    for act in (
        lambda: directory.set_password(row, password),
        lambda: directory.change_password(row, person.password, password),
        lambda: directory.unlock(row),
    ):
        with pytest.raises(DirectoryError):
            act()

    assert not directory.state(row).enabled
    assert not server.bind_ok(person.dn, password)
    assert not server.bind_ok(person.dn, person.password)


def test_a_password_that_was_used_before_is_refused_at_a_change(server, directory, person, row):
    second = new_password()
    directory.change_password(row, person.password, second)

    with pytest.raises(PolicyRejected) as rejected:
        directory.change_password(row, second, person.password)

    assert rejected.value.rule in {RejectedFor.USED_BEFORE, RejectedFor.UNKNOWN}
    assert server.bind_ok(person.dn, second)


def test_a_password_that_is_too_short_is_refused(server, directory, person, row):
    with pytest.raises(PolicyRejected) as rejected:
        directory.set_password(row, "aB3!")

    assert rejected.value.rule in {RejectedFor.TOO_SHORT, RejectedFor.UNKNOWN}
    assert server.bind_ok(person.dn, person.password)


def test_a_young_password_is_not_changed_and_the_time_is_said(server, directory, person, row):
    password = new_password()
    server.set_policy(person, "young")
    directory.set_password(row, password)
    # 389 DS answers before it has noted the time.
    wait_until(lambda: directory.state(row).may_change_from, what="The time is noted", timeout=60)
    from_then = directory.state(row).may_change_from
    assert timedelta(hours=1) < from_then - timezone.now() <= timedelta(days=1)
    is_ad = server.kind is DirectoryKind.ACTIVE_DIRECTORY
    # Samba doesn't hold it at a reset.
    assert directory.state(row).may_reset_from == (None if is_ad else from_then)

    with pytest.raises(PolicyRejected) as rejected:
        directory.change_password(row, password, new_password())

    assert rejected.value.rule in {RejectedFor.TOO_YOUNG, RejectedFor.UNKNOWN}
    assert rejected.value.until in {from_then, None}
    assert server.bind_ok(person.dn, password)


def test_the_directory_says_its_rules(server, directory, person, row):
    if server.kind is DirectoryKind.LDAP:
        server.set_policy(person, "default")

    policy = directory.policy(row)

    assert policy.min_length == 8
    assert policy.lockout_threshold == 5


def test_a_protected_member_of_a_nested_group_is_not_touched(server, contoso, person, row):
    inner = server.add_group(f"inner-{person.password[4:12]}", [person.dn])
    outer = server.add_group(f"outer-{person.password[4:12]}", [inner])
    directory = account_connector_of(connected(server, protected_groups=f"\n{outer}\n"))
    other = row_of(server, server.add_person())
    assert directory.state(row).protected
    assert not directory.state(other).protected

    for act in (
        lambda: directory.set_password(row, new_password()),
        lambda: directory.change_password(row, person.password, new_password()),
        lambda: directory.unlock(row),
    ):
        with pytest.raises(Protected):
            act()

    assert server.bind_ok(person.dn, person.password)
    directory.set_password(other, new_password())


def test_the_service_account_itself_is_not_touched(server, contoso, person, row):
    directory = account_connector_of(connected(server, service=person))

    assert directory.state(row).protected
    for act in (
        lambda: directory.set_password(row, new_password()),
        lambda: directory.change_password(row, person.password, new_password()),
        lambda: directory.unlock(row),
    ):
        with pytest.raises(Protected):
            act()

    assert server.bind_ok(person.dn, person.password)


def test_without_sight_of_the_protected_groups_nothing_is_changed(server, contoso, person, row):
    gone = f"cn=gone,{server.groups_dn}"
    directory = account_connector_of(connected(server, protected_groups=gone))

    with pytest.raises(NotPermitted):
        directory.set_password(row, new_password())

    assert server.bind_ok(person.dn, person.password)


def test_an_account_is_followed_when_it_is_renamed(server, directory, person, row):
    moved = server.move(person.dn, f"{person.dn.partition('=')[0]}=x{person.password[4:12]}")
    password = new_password()

    directory.set_password(row, password)

    assert server.bind_ok(moved, password)
    assert directory.check_password(row, password) is PasswordCheck.RIGHT


def test_an_account_that_is_gone_is_said_to_be_gone(server, directory, person, row):
    server.delete(person.dn)

    assert directory.check_password(row, person.password) is PasswordCheck.WRONG
    for act in (
        lambda: directory.state(row),
        lambda: directory.set_password(row, new_password()),
        lambda: directory.unlock(row),
    ):
        with pytest.raises(NotInDirectory):
            act()


def test_an_ambiguous_account_is_no_account(server, directory, person, row, monkeypatch):
    for dialect in (OpenLdap, Ds389):
        monkeypatch.setattr(dialect, "id_attribute", "objectClass")
    monkeypatch.setattr(active_directory, "octets", lambda _guid: "*")
    every = "top" if server.kind is DirectoryKind.LDAP else row.external_id

    with pytest.raises(NotInDirectory):
        directory.set_password(DirectoryAccount(external_id=every, dn=person.dn), new_password())

    assert server.bind_ok(person.dn, person.password)


def test_a_control_that_the_server_must_know_and_does_not_stops_a_write(server, connection, person):
    """What hashes and checks passwords in some servers only would otherwise be left out."""
    password = new_password()
    name, value = ("userPassword", password.encode())
    if server.kind is DirectoryKind.ACTIVE_DIRECTORY:
        name, value = "unicodePwd", quoted(password)
    unknown = ("1.2.3.4.5.6.7", True, None)

    with transport.service_session(connection) as session, pytest.raises(LdapFailure) as failure:
        session.modify(person.dn, {name: [(MODIFY_REPLACE, [value])]}, [unknown])

    assert failure.value.code == 12
    assert server.bind_ok(person.dn, person.password)


@pytest.mark.parametrize("text", ["*", "*)(objectClass=*", "a\\2a", "\0", "é)(|(uid=*)"])
def test_characters_of_a_filter_match_nobody(directory, text):
    with pytest.raises(NotInDirectory):
        directory.state(DirectoryAccount(external_id=text, dn=""))


def test_a_service_account_that_may_not_write_changes_nothing(server, contoso, person, row):
    directory = account_connector_of(connected(server, service=server.reader))

    with pytest.raises(NotPermitted):
        directory.set_password(row, new_password())

    assert server.bind_ok(person.dn, person.password)


def test_a_refused_service_account_is_not_tried_again(server, contoso, row):
    account = server.add_person()
    wrong = Account(account.dn, WRONG)
    directory = account_connector_of(connected(server, service=wrong))

    for _ in range(20):
        with pytest.raises(ServiceAccountRefused):
            directory.state(row)

    assert server.failures(account) == 1


def test_a_locked_service_account_is_refused_until_it_is_unlocked(server, contoso, row):
    account = server.add_person()
    directory = account_connector_of(connected(server, service=account))
    server.lock(account)
    assert server.is_locked(account)

    with pytest.raises(ServiceAccountRefused):
        directory.state(row)

    account_connector_of(connected(server)).unlock(row_of(server, account))
    with transport.service_session(connected(server, service=account)) as session:
        assert session.read(account.dn, ["cn"])


def test_a_server_with_an_unknown_certificate_gets_no_password(server, contoso, person, row):
    directory = account_connector_of(connected(server, ca_certificates=authority().pem))

    for act in (
        lambda: directory.check_password(row, WRONG),
        lambda: directory.set_password(row, new_password()),
    ):
        with pytest.raises(Unreachable) as unreachable:
            act()
        assert unreachable.value.failure is DirectoryFailure.CERTIFICATE_UNTRUSTED
    assert server.failures(person) == 0


@pytest.fixture
def proxy(server, tmp_path):
    with faults(server, tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
def behind(server, contoso, proxy):
    """The directory, reached through the proxy."""
    return account_connector_of(connected(server, servers=proxy.url))


@pytest.fixture
def impatient(monkeypatch):
    """For writes alone: what is read back may take its time on a busy machine."""
    monkeypatch.setattr(transport, "WRITE_S", 3.0)


def test_a_server_that_is_not_there_is_unreachable(server, behind, proxy, row):
    proxy.refuse()

    for act in (
        lambda: behind.state(row),
        lambda: behind.set_password(row, new_password()),
        lambda: behind.unlock(row),
        lambda: behind.check_password(row, WRONG),
        lambda: list(behind.people()),
    ):
        with pytest.raises(Unreachable):
            act()


@pytest.mark.parametrize(
    "fault", [Fault.CUT_AFTER, Fault.TLS_BREAKS_AFTER], ids=lambda each: each.name
)
def test_a_write_that_the_server_did_and_did_not_answer_is_a_success(  # fixtures
    server, behind, proxy, person, row, fault
):
    password = new_password()
    proxy.fail(fault)

    behind.set_password(row, password)

    assert server.bind_ok(person.dn, password)


@pytest.mark.parametrize(
    "fault", [Fault.CUT_BEFORE, Fault.TLS_BREAKS_BEFORE], ids=lambda each: each.name
)
def test_a_write_that_never_reached_the_server_changed_nothing(  # fixtures
    server, behind, proxy, person, row, fault
):
    proxy.fail(fault)

    with pytest.raises(Unreachable):
        behind.set_password(row, new_password())

    assert server.bind_ok(person.dn, person.password)


@pytest.mark.usefixtures("impatient")
def test_a_write_whose_answer_never_comes_is_read_back(server, behind, proxy, person, row):
    password = new_password()
    proxy.fail(Fault.SILENT_AFTER)

    behind.set_password(row, password)

    assert server.bind_ok(person.dn, password)


@pytest.mark.usefixtures("impatient")
def test_nothing_is_promised_of_a_write_that_a_slow_server_may_still_do(
    server, behind, proxy, person, row
):
    proxy.fail(Fault.SILENT_BEFORE)

    with pytest.raises(OutcomeUnknown):
        behind.set_password(row, new_password())

    assert server.bind_ok(person.dn, person.password)


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.SILENT_AFTER], ids=lambda each: each.name)
@pytest.mark.usefixtures("impatient")
def test_a_write_that_cannot_be_read_back_is_said_to_be_unknown(
    behind, proxy, row, fault, monkeypatch
):
    # With a connection in the pool, only reading back opens another.
    behind.state(row)
    monkeypatch.setattr(wire, "CONNECT_S", 1.0)
    proxy.fail(fault, then_hangs=True)

    with pytest.raises(OutcomeUnknown):
        behind.set_password(row, new_password())


def test_an_own_change_without_an_answer_is_read_back(server, behind, proxy, person, row):
    password = new_password()
    proxy.fail(Fault.CUT_AFTER)

    behind.change_password(row, person.password, password)

    assert server.bind_ok(person.dn, password)


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.CUT_BEFORE], ids=lambda each: each.name)
def test_unlocking_without_an_answer_says_what_is(server, behind, proxy, person, row, fault):
    server.lock(person)
    proxy.fail(fault)

    if fault.carries_out:
        behind.unlock(row)
    else:
        with pytest.raises(Unreachable):
            behind.unlock(row)

    assert server.bind_ok(person.dn, person.password) is fault.carries_out


def test_people_are_read_page_by_page_with_what_is_mapped(
    server, contoso, person, row, monkeypatch
):
    monkeypatch.setitem(transport.LdapSession.search.__kwdefaults__, "page_size", 2)
    directory = account_connector_of(
        connected(
            server, sign_in_attributes=["cn"], attributes={"office_phone": "", "language": ""}
        )
    )

    people = {each.external_id: each for each in directory.people()}

    assert set(directory.ids()) == set(people)
    assert len(people) >= 5
    minji = people[id_of(server, server.people["minji"].dn)]
    assert (minji.surname, minji.given_name) == ("김", "민지")
    assert minji.email == "minji@example.test"
    assert minji.phones["mobile_phone"]
    assert minji.sign_in_names
    assert minji.enabled
    assert not minji.protected
    assert minji.dn == server.people["minji"].dn
    assert minji.changed


def test_later_only_the_people_who_changed_are_read(server, directory, person):
    def stamps():
        server.set(person.dn, sn=uuid.uuid4().hex)
        return {each.changed for each in directory.people()}

    # A stamp may be a whole second, in which everyone was added.
    wait_until(lambda: len(stamps()) > 1, what="Stamps differ", timeout=60)
    last = max(stamps())
    server.set(person.dn, sn="Changed")

    changed = {each.dn: each for each in directory.people(changed_since=last)}

    assert changed[person.dn].surname == "Changed"
    assert len(changed) < len(list(directory.ids()))


def test_groups_are_read_with_their_members(server, contoso, person):
    name = f"team-{person.password[4:12]}"
    dn = server.add_group(name, [person.dn])
    directory = account_connector_of(
        connected(server, group_base_dn=server.groups_dn, group_filter=f"(cn={name})")
    )

    (group,) = directory.groups()

    assert (group.dn, group.name, group.member_dns) == (dn, name, (person.dn,))
    assert group.external_id == id_of(server, dn)


def test_large_groups_are_read_although_an_answer_has_a_limit(server, contoso, monkeypatch):
    name = f"large-{uuid.uuid4().hex[:8]}"
    people = [server.add_person().dn for _person in range(12)]
    for number in range(24):
        server.add_group(f"{name}-{number}", people)
    directory = account_connector_of(
        connected(server, group_base_dn=server.groups_dn, group_filter=f"(cn={name}-*)")
    )
    list(directory.ids())
    # Less than all of these groups take, and more than a few of them.
    monkeypatch.setattr(wire, "_MOST_BYTES", 14_000)

    groups = list(directory.groups())

    assert len(groups) == 24
    assert all(set(group.member_dns) == set(people) for group in groups)


def test_members_of_protected_groups_are_marked_in_a_sync(server, contoso, person):
    inner = server.add_group(f"in-{person.password[4:12]}", [person.dn])
    outer = server.add_group(f"out-{person.password[4:12]}", [inner])
    directory = account_connector_of(connected(server, protected_groups=outer))

    other = server.add_person()

    marked = {each.dn for each in directory.people() if each.protected}

    # People of other tests can be protected, too.
    assert person.dn in marked
    assert other.dn not in marked
