"""What a server answers, in this service's words, where `test_ldap.py` doesn't say it."""

from datetime import UTC, datetime

import pytest
from ldap3.protocol.rfc3062 import PasswdModifyRequestValue
from pyasn1.codec.ber import decoder

from directory.connectors.base import (
    NotInDirectory,
    NotPermitted,
    PasswordCheck,
    PolicyRejected,
    RejectedFor,
    Unreachable,
)
from directory.connectors.ldap.codes import (
    ASK_POLICY,
    PPOLICY,
    PolicyAnswer,
    PolicyError,
    check_of,
    error_of,
    instant_of,
    password_modify,
    policy_answer,
    translated,
)
from directory.connectors.ldap.wire import MUST_CHANGE, BindAnswer, LdapFailure
from directory.rules import DirectoryFailure

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def control(error):
    return {PPOLICY: bytes([0x30, 3, 0x81, 1, error])}


def decoded(value):
    request, rest = decoder.decode(value, asn1Spec=PasswdModifyRequestValue())
    assert rest == b""
    return {name: bytes(part) for name, part in request.items() if part.hasValue()}


def test_the_control_is_asked_for_by_its_name_and_is_not_critical():
    assert ASK_POLICY == ("1.3.6.1.4.1.42.2.27.8.5.1", False, None)


@pytest.mark.parametrize(
    ("value", "error", "grace"),
    [
        (b"", None, None),
        (b"not BER", None, None),
        (bytes.fromhex("3000"), None, None),
        (bytes.fromhex("3003810108"), PolicyError.IN_HISTORY, None),
        (bytes.fromhex("3003810109"), None, None),
        (bytes.fromhex("3005a003810102"), None, 2),
        (bytes.fromhex("3005a003800105"), None, None),
        (bytes.fromhex("3008a003810100810100"), PolicyError.EXPIRED, 0),
    ],
    ids=["none", "unreadable", "empty", "error", "unknown", "grace", "time left", "both"],
)
def test_the_control_of_password_policies_is_read(value, error, grace):
    assert policy_answer({PPOLICY: value}) == PolicyAnswer(error=error, grace=grace)


def test_without_the_control_nothing_is_said():
    assert policy_answer({"1.2.3": bytes.fromhex("3003810108")}) == PolicyAnswer()


def test_the_operation_that_sets_a_password_names_the_user_and_both_passwords():
    assert decoded(password_modify("cn=김", "new 한", "old")) == {
        "userIdentity": "cn=김".encode(),
        "newPasswd": "new 한".encode(),
        "oldPasswd": b"old",
    }
    assert "oldPasswd" not in decoded(password_modify("cn=x", "new"))


def test_an_empty_password_is_never_set():
    with pytest.raises(ValueError, match="empty"):
        password_modify("cn=x", "")


@pytest.mark.parametrize(
    ("code", "controls", "compares_first", "check"),
    [
        (49, control(0), True, PasswordCheck.MUST_CHANGE),
        (49, control(0), False, PasswordCheck.WRONG),
        (50, control(0), True, PasswordCheck.WRONG),
        (50, {MUST_CHANGE: b"0"}, True, PasswordCheck.WRONG),
        (49, control(2), True, PasswordCheck.WRONG),
        (0, control(0), False, PasswordCheck.MUST_CHANGE),
        (0, control(5), False, PasswordCheck.RIGHT),
        (0, {PPOLICY: bytes.fromhex("3005a003810100")}, False, PasswordCheck.MUST_CHANGE),
    ],
)
def test_what_a_bind_says_of_a_password(code, controls, compares_first, check):
    answer = BindAnswer(code, "", controls)

    assert check_of(answer, compares_first=compares_first) is check


def test_a_busy_server_is_said_to_be_busy():
    with pytest.raises(Unreachable) as problem:
        check_of(BindAnswer(51, "", {}), compares_first=True)

    assert problem.value.failure is DirectoryFailure.BUSY
    assert error_of(LdapFailure(51)).failure is DirectoryFailure.BUSY


@pytest.mark.parametrize(
    ("code", "text", "rule"),
    [
        (19, "PASSWORD IN HISTORY", RejectedFor.USED_BEFORE),
        (53, "too young to change", RejectedFor.TOO_YOUNG),
        (53, "within minimum age", RejectedFor.TOO_YOUNG),
        (19, "At least 12 characters", RejectedFor.TOO_SHORT),
        (19, "fails strength checks", RejectedFor.TOO_SIMPLE),
        (19, "fails quality checks", RejectedFor.TOO_SIMPLE),
        (19, "invalid syntax", RejectedFor.TOO_SIMPLE),
        (19, "a dictionary word", RejectedFor.TOO_SIMPLE),
        (19, "too trivial", RejectedFor.TOO_SIMPLE),
    ],
)
def test_servers_without_the_control_name_the_rule_in_words(code, text, rule):
    error = error_of(LdapFailure(code, text), until=NOON)

    assert (type(error), error.rule, error.reason) == (PolicyRejected, rule, text)


def test_the_words_of_a_rule_count_for_a_refused_password_alone():
    assert type(error_of(LdapFailure(50, "password in history"))) is NotPermitted
    assert type(error_of(LdapFailure(53, "password in history", control(3)))) is NotPermitted


def test_a_control_goes_before_the_words():
    error = error_of(LdapFailure(19, "password in history", control(7)), until=NOON)

    assert (error.rule, error.until) == (RejectedFor.TOO_YOUNG, NOON)


def test_a_time_is_said_for_the_minimum_age_alone():
    assert error_of(LdapFailure(19, "", control(8)), until=NOON).until is None
    assert error_of(LdapFailure(19, "", control(7))).until is None


def test_what_a_server_says_is_shown_without_blanks_and_not_endlessly():
    error = error_of(LdapFailure(19, f"  {'x' * 300}  "))

    assert (error.rule, error.reason) == (RejectedFor.UNKNOWN, "x" * 200)


@pytest.mark.parametrize(
    ("code", "text", "controls", "detail"),
    [
        (50, "no write", {}, "(LDAP result 50 no write)"),
        (10, "", {}, "this server is a read-only replica (LDAP result 10 )"),
        (
            *(53, "", control(4)),
            "pwdSafeModify asks for the old password: 'manage' is needed (LDAP result 53 )",
        ),
        (53, "", control(3), "users may not change their own password (LDAP result 53 )"),
        (
            *(50, "", control(2)),
            "the service account must change its own password first (LDAP result 50 )",
        ),
        (50, "", control(1), "(LDAP result 50 )"),
        (2, "bad", {}, "(LDAP result 2 bad)"),
    ],
)
def test_administrators_read_why_it_is_not_permitted(code, text, controls, detail):
    error = error_of(LdapFailure(code, text, controls))

    assert (type(error), error.detail) == (NotPermitted, detail)


@pytest.mark.parametrize("code", [1, 11, 51, 52, 80])
def test_a_server_that_could_not_do_it_is_out_of_reach(code):
    assert type(error_of(LdapFailure(code, "", control(1)))) is Unreachable


def test_refusals_within_the_block_are_errors_of_the_contract():
    with pytest.raises(PolicyRejected) as refusal, translated(until=NOON):
        raise LdapFailure(19, "", control(7))
    assert refusal.value.until == NOON
    with pytest.raises(NotInDirectory), translated():
        raise LdapFailure(32)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20261130181059Z", datetime(2026, 11, 30, 18, 10, 59, tzinfo=UTC)),
        ("202611301810Z", datetime(2026, 11, 30, 18, 10, tzinfo=UTC)),
        ("20261130181059,5Z", datetime(2026, 11, 30, 18, 10, 59, tzinfo=UTC)),
        ("20261130181059+09", datetime(2026, 11, 30, 9, 10, 59, tzinfo=UTC)),
        ("20261130181059-0330", datetime(2026, 11, 30, 21, 40, 59, tzinfo=UTC)),
        ("20261130181059+0530", datetime(2026, 11, 30, 12, 40, 59, tzinfo=UTC)),
        ("", None),
        ("000001010000Z", None),
        ("20261330181059Z", None),
        ("99991231235959-2300", None),
        ("20261130181059", None),
        ("x20261130181059Z", None),
        ("٢٠٢٦١١٣٠١٨١٠٥٩Z", None),
    ],
)
def test_generalized_times_are_read(text, instant):
    assert instant_of(text) == instant
