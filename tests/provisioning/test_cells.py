import csv
import io
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.rules.cells import (
    LONGEST_LINE,
    Block,
    FileRow,
    NoRow,
    ascii_lines,
    portions,
    split,
    text_of,
)
from provisioning.rules.problems import Reason, RowProblem

COLUMNS = ("user_principal_name", "display_name", "notes")


def rows(lines, size=100):
    for portion in portions(lines, delimiter=",", columns=COLUMNS, size=size):
        if isinstance(portion, Block):
            yield from map(portion.row, range(len(portion.lines)))
        else:
            yield from portion


def taken(text, size=100):
    return list(portions(iter(text.split("\n")), delimiter=",", columns=COLUMNS, size=size))


def read(text, size=100):
    """Line → cells, or the code of the problem."""
    return {
        row.line: row.reason.problem.value if isinstance(row, NoRow) else row.cells
        for row in rows(text.split("\n"), size)
    }


def test_lines_are_counted_from_the_names_of_the_columns():
    assert read('a,b,c\n"d,e",f,""""') == {2: ["a", "b", "c"], 3: ["d,e", "f", '"']}


def test_line_break_in_a_column_that_is_not_read_belongs_to_the_cell():
    text = 'a,b,"one\n\ntwo"\nc,d,e'

    assert read(text) == {2: ["a", "b", "one\n\ntwo"], 5: ["c", "d", "e"]}
    assert [row.last_line for row in rows(text.split("\n"))] == [4, 5]


def test_forgotten_quote_swallows_no_other_row():
    assert read('a,"b,c\nd,e,f\n"g",h,i\nj,k,l') == {
        2: "e18",
        3: ["d", "e", "f"],
        4: ["g", "h", "i"],
        5: ["j", "k", "l"],
    }


def test_forgotten_quote_at_the_end_swallows_no_other_row():
    assert read('a,b,"c\nd,e,f\ng,h,i') == {2: "e18", 3: ["d", "e", "f"], 4: ["g", "h", "i"]}


def test_line_break_in_a_column_that_is_read_is_refused_with_both_lines():
    assert read('a,"b\nc",d\ne,f,g') == {2: "e18", 3: "e18", 4: ["e", "f", "g"]}


def test_letter_behind_a_quote_is_refused():
    assert read('a,"b"c,d\ne,f,g') == {2: "e18", 3: ["e", "f", "g"]}


def test_what_can_not_be_read_and_what_is_too_long_is_refused():
    long = "x" * LONGEST_LINE

    assert read(f"a,\ufffd,c\n{long}\n{long}x\nd,e,f") == {
        2: "e14",
        3: [long],
        4: "e22",
        5: ["d", "e", "f"],
    }


def test_many_lines_are_not_taken_for_one_row():
    text = 'a,b,"' + "\n" * 40 + '"\nc,d,e'

    found = read(text)

    assert (found[2], found[43]) == ("e18", ["c", "d", "e"])


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab",; \t'), max_size=8), min_size=3, max_size=3),
        max_size=8,
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_rows_come_out_as_a_spreadsheet_wrote_them(table, quoting):
    file = io.StringIO()
    csv.writer(file, quoting=quoting, lineterminator="\n").writerows(table)

    assert list(read(file.getvalue().removesuffix("\n")).values()) == (table or [[""]])


@given(st.lists(st.text(st.sampled_from('a",'), max_size=6), max_size=12), st.integers(1, 12))
def test_rows_do_not_depend_on_how_many_are_taken_at_once(lines, size):
    text = "\n".join(lines)

    assert read(text, size) == read(text)


@given(st.lists(st.text(st.sampled_from('a",'), max_size=6), max_size=12))
def test_every_line_is_in_exactly_one_row(lines):
    at = 1
    for row in rows(iter(lines)):
        assert row.line == at + 1
        at = row.last_line

    assert at == len(lines) + 1


def test_a_block_has_its_cells_by_column():
    (block,) = taken('a,b,c\n"d,e",f,""""')

    assert block.columns == {
        "user_principal_name": ["a", "d,e"],
        "display_name": ["b", "f"],
        "notes": ["c", '"'],
    }
    assert (block.first_line, block.last_line) == (2, 3)
    assert block.row(1) == FileRow(3, 3, ["d,e", "f", '"'])


@pytest.mark.parametrize("odd", ["x,y", "x,y,z,z", '"x,y",z', ""])
def test_rows_of_another_width_have_empty_cells_in_a_block(odd):
    (block,) = taken(f"a,b,c\n{odd}\nd,e,f")

    assert block.columns == {
        "user_principal_name": ["a", "", "d"],
        "display_name": ["b", "", "e"],
        "notes": ["c", "", "f"],
    }


def test_portions_are_no_larger_than_asked_for():
    blocks = taken("a,b,c\nd,e,f\ng,h,i", size=2)

    assert [(block.first_line, block.last_line) for block in blocks] == [(2, 3), (4, 4)]
    assert [len(rows) for rows in taken('"a,b,c\n"d,e,f\n"g,h,i', size=2)] == [2, 1]


@pytest.mark.parametrize("broken", ["a,\ufffd,c", "x" * LONGEST_LINE + "x", '"a,b,c'])
def test_a_portion_with_a_broken_row_is_no_block(broken):
    (portion,) = taken(f"d,e,f\n{broken}\ng,h,i")

    assert [type(row) for row in portion] == [FileRow, NoRow, FileRow]


def test_the_sign_that_parts_cells_at_once_may_stand_in_a_cell():
    assert read("a\x1fb,c,d\ne,f,g") == {2: ["a\x1fb", "c", "d"], 3: ["e", "f", "g"]}


def test_the_longest_line_is_still_part_of_a_block():
    (block,) = taken("x" * (LONGEST_LINE - 4) + ",b,c")

    assert isinstance(block, Block)


def test_an_overlong_row_says_how_long_a_row_may_be():
    ((row,),) = taken("x" * 65_537)

    assert row.reason == Reason(RowProblem.ROW_TOO_LONG, "", {"limit": 65_536})


def test_a_cell_may_have_31_line_breaks():
    text = 'a,b,"' + "\n" * 31 + '"\nc,d,e'

    assert read(text) == {2: ["a", "b", "\n" * 31], 34: ["c", "d", "e"]}
    assert read(text.replace('"', '"\n', 1))[2] == "e18"


@pytest.mark.parametrize(("length", "is_row"), [(25_536, True), (25_537, False)])
def test_a_row_of_several_lines_ends_where_a_line_would_be_too_long(length, is_row):
    first, second = 'a,b,"' + "x" * 39_995, "y" * length

    assert (read(f'{first}\n{second}\n"')[2] != "e18") is is_row


def test_quotes_that_do_not_match_are_taken_literally():
    assert split('a;"b', ";") == ["a", '"b']
    assert split('a;"b;c"', ";") == ["a", "b;c"]


def test_cells_become_lines_and_odd_ones_empty_lines():
    assert ascii_lines(["a", "b"]) == "a\nb"
    assert ascii_lines(["a", "b\nc", "한", "d"]) == "a\n\n\nd"
    assert ascii_lines(["a\nb"]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "TRUE"),
        (False, "FALSE"),
        (7, "7"),
        (1012345678.0, "1012345678"),
        (2.5, "2.5"),
        ("Kim X", "Kim X"),
        ("a\r\nb\tc\x0bd\u2028e", "a b c d e"),
        (date(2026, 11, 30), "2026-11-30"),
        (datetime(2026, 11, 30), "2026-11-30"),  # noqa: DTZ001  # workbooks have no time zones
        (datetime(2026, 11, 30, 9, 5), "2026-11-30T09:05:00"),  # noqa: DTZ001
        (time(9, 5), "09:05:00"),
    ],
)
def test_a_cell_of_a_workbook_is_written_as_in_a_file_of_text(value, text):
    assert text_of(value) == text


def test_lines_of_ascii_alone_stay_together():
    assert ascii_lines(["a", "b", "c"]) == "a\nb\nc"
    assert ascii_lines(["a", "b\nx", "c"]) == "a\n\nc"
