from datetime import timedelta

import pytest

from provisioning.rules.columns import ImportContext
from provisioning.rules.problems import RowProblem
from provisioning.rules.sync import (
    FULL_AFTER,
    UPN,
    claimed_names,
    is_braked,
    latest,
    read_entry,
    renamable,
)

HERE = ImportContext(
    tenant="Contoso",
    domains=frozenset({"contoso.example"}),
    languages=frozenset({"en", "ko"}),
    country="KR",
    countries=frozenset({"KR"}),
)


def read(upn="kim@contoso.example", **cells):
    return read_entry({UPN: upn, **cells}, HERE)


def problems(reading):
    return [(reason.column, reason.problem) for reason in reading.reasons]


def test_an_entry_without_a_fault_is_a_person_and_nothing_is_reported():
    reading = read(display_name="Kim Minji")

    assert (reading.person.upn, reading.person.display_name) == ("kim@contoso.example", "Kim Minji")
    assert reading.reasons == ()


def test_a_value_that_cannot_be_used_is_left_out_and_reported():
    reading = read(mobile_phone="12", display_name="Kim Minji")

    assert (reading.person.mobile_phone, reading.person.display_name) == (None, "Kim Minji")
    assert [column for column, _problem in problems(reading)] == ["mobile_phone"]


def test_what_is_usual_in_a_directory_is_not_reported():
    usual = {
        "alternate_email": "kim@contoso.example",
        "language": "tlh",
        "mobile_phone": "1012345678",
    }

    reading = read(**usual)

    assert (reading.person.alternate_email, reading.person.language) == ("", "")
    assert reading.person.mobile_phone.e164 == "+821012345678"
    assert reading.reasons == ()


def test_an_entry_without_a_user_id_is_no_person_and_only_that_is_reported():
    reading = read("kim@other.example", mobile_phone="12")

    assert reading.person is None
    assert problems(reading) == [(UPN, RowProblem.DOMAIN_NOT_OURS)]


@pytest.mark.parametrize(
    ("disable", "of_people", "percent", "read", "waits"),
    [
        pytest.param(4, 10, 10, 6, False, id="few, though many of a hundred"),
        pytest.param(5, 10, 10, 5, True, id="as few as need a confirmation"),
        pytest.param(10, 100, 10, 90, False, id="exactly the share"),
        pytest.param(11, 100, 10, 89, True, id="more than the share"),
        pytest.param(1, 1, 100, 0, True, id="an empty directory"),
        pytest.param(1, 50, 10, 1, False, id="nearly empty"),
        pytest.param(0, 50, 10, 0, False, id="none to disable"),
    ],
)
def test_many_people_are_disabled_after_a_confirmation(disable, of_people, percent, read, waits):
    braked = is_braked(disable=disable, of_people=of_people, percent=percent, read=read)

    assert braked is waits


@pytest.mark.parametrize(
    ("current", "wanted", "unavailable", "moving"),
    [
        pytest.param({1: "a"}, {1: "b"}, (), {1}, id="free"),
        pytest.param({1: "a"}, {1: "b"}, {"b"}, set(), id="not to be had"),
        pytest.param({1: "a", 2: "b"}, {1: "b"}, (), set(), id="of one who stays"),
        pytest.param({1: "a", 2: "b"}, {1: "b", 2: "a"}, (), {1, 2}, id="exchanged"),
        pytest.param({1: "a", 2: "b"}, {1: "b", 2: "a"}, {"a"}, set(), id="one of two stuck"),
        pytest.param(
            {1: "a", 2: "b", 3: "c"}, {1: "d", 2: "a", 3: "b"}, {"d"}, set(), id="a queue"
        ),
        pytest.param(
            {1: "a", 2: "b", 3: "c"}, {1: "d", 2: "a", 3: "e"}, {"d"}, {3}, id="beside a queue"
        ),
        pytest.param({1: "a"}, {1: "a"}, (), {1}, id="the same again"),
    ],
)
def test_user_ids_move_if_they_are_free_or_become_so(current, wanted, unavailable, moving):
    assert renamable(current, wanted, unavailable) == moving


@pytest.mark.parametrize(
    ("stamps", "last"), [([], ""), (["9", "10"], "10"), (["2", "1"], "2"), (["", "1"], "1")]
)
def test_the_latest_stamp_is_the_longest_and_then_the_highest(stamps, last):
    assert latest(stamps) == last


def test_names_that_are_empty_the_user_id_or_too_long_are_not_stored():
    names = {"", "kim@x.example", "kim", "x" * 254, "y" * 255}

    assert claimed_names(names, upn="kim@x.example") == {"kim", "x" * 254}


def test_everyone_is_read_again_after_a_week():
    assert timedelta(days=7) == FULL_AFTER
