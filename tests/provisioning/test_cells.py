import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from provisioning.rules.cells import LONGEST_LINE, Block, NoRow, portions

COLUMNS = ("user_principal_name", "display_name", "notes")


def rows(lines, size=100):
    for portion in portions(lines, delimiter=",", columns=COLUMNS, size=size):
        if isinstance(portion, Block):
            yield from map(portion.row, range(len(portion.lines)))
        else:
            yield from portion


def read(text, size=100):
    """Line → cells, or the code of what is wrong."""
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
