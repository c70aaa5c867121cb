"""How Active Directory writes passwords, times, ids, flags and errors.

The messages are recorded: those of Samba from Samba 4.17, those of Windows from published reports.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.connectors.ldap.windows import (
    AccountFlags,
    WindowsError,
    bind_error,
    guid_text,
    interval,
    is_complex,
    is_privileged,
    length_of,
    moment,
    privileged_sids,
    sid_bytes,
    sid_text,
    unicode_pwd,
    write_error,
)

DOMAIN = "S-1-5-21-2747858026-384355645-3367881102"
NEVER = 9223372036854775807
SAMBA_BIND = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1"
WINDOWS_BIND = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {}, v3"


@pytest.mark.parametrize("message", [SAMBA_BIND, WINDOWS_BIND], ids=["samba", "windows"])
@pytest.mark.parametrize(
    ("sub_code", "error"),
    [
        ("525", WindowsError.NO_SUCH_USER),
        ("52e", WindowsError.LOGON_FAILURE),
        ("52f", WindowsError.ACCOUNT_RESTRICTION),
        ("530", WindowsError.LOGON_HOURS),
        ("531", WindowsError.WORKSTATION),
        ("532", WindowsError.PASSWORD_EXPIRED),
        ("533", WindowsError.ACCOUNT_DISABLED),
        ("701", WindowsError.ACCOUNT_EXPIRED),
        ("773", WindowsError.MUST_CHANGE),
        ("775", WindowsError.LOCKED_OUT),
    ],
)
def test_the_message_of_a_refused_bind_has_the_error(message, sub_code, error):
    assert bind_error(message.format(sub_code)) == error


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (
            "0000052D: Constraint violation - check_password_restrictions: the password is too sh",
            WindowsError.PASSWORD_RESTRICTION,
        ),
        (
            "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00",
            WindowsError.PASSWORD_RESTRICTION,
        ),
        (
            "0000052D: AtrErr: DSID-03190F80, #1:\n\t0: 0000052D: DSID-03190F80, problem 1005\n",
            WindowsError.PASSWORD_RESTRICTION,
        ),
        (
            "00000056: Constraint violation - check_password_restrictions: The old password spec",
            WindowsError.WRONG_PASSWORD,
        ),
        (
            "00000056: AtrErr: DSID-03191083, #1:\n\t0: 00000056: DSID-03191083, problem 1005\n",
            WindowsError.WRONG_PASSWORD,
        ),
        (
            "00002035: setup_io: it's not allowed to set the NT hash password directly'",
            WindowsError.UNWILLING,
        ),
        (
            "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00",
            WindowsError.DEVICE_FAILURE,
        ),
        (
            "00002098: Object CN=bora,OU=People,DC=ad,DC=test has no write property access\n",
            WindowsError.NO_RIGHT,
        ),
        (
            "00000005: SecErr: DSID-031A11D4, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n\x00",
            WindowsError.ACCESS_DENIED,
        ),
        ("00000775: Password change not permitted, account locked out!", WindowsError.LOCKED_OUT),
        ("0000200B: AtrErr: DSID-03153362", 0x200B),
        ("error in module acl: insufficient access rights during LDB_MODIFY (50)", None),
        ("", None),
    ],
)
def test_the_message_of_a_refused_write_begins_with_the_error(message, error):
    assert write_error(message) == error


@given(text=st.text())
def test_any_message_is_read(text):
    bind_error(text)
    write_error(text)


@pytest.mark.parametrize("filetime", [0, NEVER, NEVER - 1, -1, None])
def test_no_time_and_the_end_of_time_mean_never(filetime):
    assert moment(filetime) is None


@given(
    at=st.datetimes(datetime(1601, 1, 2), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    ticks=st.integers(0, 9),
)
def test_a_moment_is_read_to_the_microsecond(at, ticks):
    since = at - datetime(1601, 1, 1, tzinfo=UTC)

    assert moment(since // timedelta(microseconds=1) * 10 + ticks) == at


@pytest.mark.parametrize("ticks", [0, -NEVER - 1, -NEVER, NEVER, 1, None])
def test_no_interval_and_an_endless_one_are_none(ticks):
    assert interval(ticks) is None


@given(length=st.timedeltas(timedelta(microseconds=1), timedelta(days=36500)))
def test_an_interval_is_negative(length):
    assert interval(-(length // timedelta(microseconds=1)) * 10) == length


@given(password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_password_is_sent_in_quotation_marks_whatever_it_holds(password):
    sent = unicode_pwd(password)

    assert sent.decode("utf-16-le") == f'"{password}"'
    assert length_of(password) == len(sent) // 2 - 2


def test_an_empty_password_is_never_encoded():
    with pytest.raises(ValueError, match="empty"):
        unicode_pwd("")


@pytest.mark.parametrize(
    ("password", "is_met"),
    [
        ("winter-sun-snow", False),
        ("Winter-sun-snow", True),
        ("winter1-sun", True),
        ("WINTER1SUN", False),
        ("Winter1sun", True),
        ("겨울winter-", True),
        ("겨울 바람", False),
        ("winter€sunW", False),
        ("Winter-mkim", False),
        ("Winter-MKIM7", False),
        ("Minji-winter", False),
        ("Winter-ji-1", True),
        ("", False),
    ],
)
def test_a_complex_password_has_three_categories_and_no_name(password, is_met):
    assert is_complex(password, account_name="mkim", display_name="Kim, Minji (ji)") is is_met


@given(guid=st.uuids())
def test_a_guid_is_written_as_windows_shows_it(guid):
    assert guid_text(guid.bytes_le) == str(UUID(str(guid)))


@given(parts=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15))
def test_a_security_identifier_survives_both_ways(parts):
    text = "-".join(["S-1-5", *map(str, parts)])

    assert sid_text(sid_bytes(text)) == text


@pytest.mark.parametrize("value", [b"", b"\x01\x02\x00", b"\x01\x02" + bytes(6) + bytes(4)])
def test_bytes_that_are_no_security_identifier_are_refused(value):
    with pytest.raises(ValueError, match="identifier"):
        sid_text(value)


@pytest.mark.parametrize(
    ("sid", "is_dangerous"),
    [
        (f"{DOMAIN}-500", True),
        (f"{DOMAIN}-512", True),
        (f"{DOMAIN}-518", True),
        (f"{DOMAIN}-519", True),
        ("S-1-5-32-544", True),
        ("S-1-5-32-548", True),
        ("S-1-5-32-549", True),
        ("S-1-5-32-550", True),
        ("S-1-5-32-551", True),
        (f"{DOMAIN}-513", False),
        (f"{DOMAIN}-1104", False),
        ("S-1-5-32-545", False),
        ("S-1-1-0", False),
        # The number alone says nothing: other authorities use it, too.
        ("S-1-5-512", False),
        ("S-1-5-80-1-2-3-512", False),
    ],
)
def test_groups_with_power_over_the_domain_are_known_by_their_number(sid, is_dangerous):
    assert is_privileged(sid) is is_dangerous


def test_every_privileged_identifier_is_privileged():
    assert all(map(is_privileged, privileged_sids(DOMAIN)))


@pytest.mark.parametrize(
    ("flags", "is_person"),
    [(0x200, True), (0x10202, True), (0x1000, False), (0x2000, False), (0x800, False), (0, False)],
)
def test_only_normal_accounts_are_people(flags, is_person):
    assert AccountFlags(flags).is_person is is_person


def test_no_other_identifiers_are_privileged():
    in_domain = {number for number in range(1_200) if is_privileged(f"S-1-5-21-1-2-3-{number}")}
    built_in = {number for number in range(1_200) if is_privileged(f"S-1-5-32-{number}")}

    assert in_domain == {498, 500, 502, 512, 516, 518, 519, 520, 521, 526, 527}
    assert built_in == {544, 548, 549, 550, 551, 552}


@pytest.mark.parametrize("machine", [0x800, 0x1000, 0x2000])
def test_no_account_of_a_machine_is_a_person(machine):
    assert not AccountFlags(0x200 | machine).is_person


def test_a_name_of_three_letters_counts():
    assert not is_complex("Winter-Kim-7", account_name="mkim7", display_name="Kim, M")


def test_an_authority_has_six_bytes():
    assert sid_text(bytes.fromhex("0100800000000005")) == f"S-1-{0x800000000005}"
