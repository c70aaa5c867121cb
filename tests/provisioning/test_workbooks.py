"""Excel workbooks are read as text, whatever they hold, and never at any price."""

import csv
import datetime as dt
import io
import re
import resource
from subprocess import CompletedProcess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from provisioning.rules.cells import split, text_of
from provisioning.rules.problems import FileProblem, UnusableFile
from provisioning.services import workbooks
from provisioning.services.workbooks import as_text, convert
from tests.provisioning.excel import SHEET, STRINGS, changed, saved

HEADER, ROW = ("UPN", "이름", "휴대폰"), ("kim@contoso.example", "김민지", "010-1234-5678")


def workbook(*rows, title="Sheet"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    return book


def lines(content):
    with as_text(io.BytesIO(content)) as text:
        text.seek(0)
        return text.read().decode("utf-8-sig").splitlines()


def problem(content):
    with pytest.raises(UnusableFile) as refused:
        lines(content)
    return refused.value.problem


def test_other_file_stays_as_it_is():
    file = io.BytesIO(b"UPN,name\n")

    with as_text(file) as text:
        assert text is file


def test_rows_keep_their_lines():
    book = workbook(HEADER, ROW)
    book.active.insert_rows(1, 2)
    book.active.insert_rows(4)

    assert lines(saved(book)) == ["", "", "\t".join(HEADER), "", "\t".join(ROW)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1012345678, "1012345678"),
        (821012345678.0, "821012345678"),
        (2.5, "2.5"),
        (True, "TRUE"),
        (dt.datetime(2020, 3, 2), "2020-03-02"),  # noqa: DTZ001
        (dt.datetime(2020, 3, 2, 9, 30), "2020-03-02T09:30:00"),  # noqa: DTZ001
        ("a\r\nb\tc", "a b c"),
        ("025551234", "025551234"),
        ("#N/A", "#N/A"),
    ],
    ids=str,
)
def test_value_of_a_cell_becomes_text(value, text):
    assert lines(saved(workbook(HEADER, (ROW[0], value)))) == [
        "\t".join(HEADER),
        f"{ROW[0]}\t{text}\t",
    ]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=5))
def test_row_is_one_line_and_comes_out_as_its_cells(values):
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerow(map(text_of, values))

    [line, end] = out.getvalue().split("\n")

    assert end == ""
    assert split(line, "\t") == list(map(text_of, values)) or values == [""]


def test_formula_is_never_computed_and_has_its_last_value():
    book = saved(workbook(HEADER, (ROW[0], "=1+1")))
    with_value = changed(book, SHEET, lambda xml: xml.replace(b"<v />", b"<v>7</v>"))

    assert lines(book)[1] == f"{ROW[0]}\t\t"
    assert lines(with_value)[1] == f"{ROW[0]}\t7\t"


def test_the_sheet_with_people_is_read_and_no_hidden_one():
    book = workbook(("Please read",), title="Cover")
    for title, state in (("Old", "hidden"), ("People", "visible")):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        sheet.append(HEADER)
        sheet.append((*ROW[:1], title))

    assert lines(saved(book))[1] == f"{ROW[0]}\tPeople\t"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"PK\x03\x04" + b"x" * 50, FileProblem.WORKBOOK),
        (saved(workbook()), FileProblem.EMPTY),
        (saved(workbook(HEADER, ROW))[:-200], FileProblem.WORKBOOK),
        (changed(saved(workbook()), "xl/workbook.xml", lambda _: b"<x"), FileProblem.WORKBOOK),
        (changed(saved(workbook(ROW)), SHEET, lambda _: b"<x>"), FileProblem.WORKBOOK),
    ],
    ids=["no archive", "nothing in it", "cut off", "no workbook", "no sheet"],
)
def test_workbook_that_can_not_be_read_is_refused(content, expected):
    assert problem(content) is expected


@pytest.mark.parametrize(
    "part", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"]
)
@pytest.mark.parametrize(
    "entity",
    [b'<!ENTITY a "aaaaaaaaaa">', b'<!ENTITY a SYSTEM "file:///etc/hostname">'],
    ids=["bomb", "file"],
)
def test_entities_are_refused(part, entity):
    def with_entity(xml):
        root = re.search(rb"<\w", xml).start()
        return xml[:root] + b"<!DOCTYPE x [" + entity + b"]>" + xml[root:].replace(b"UPN", b"&a;")

    content = changed(saved(workbook(HEADER, ROW)), part, with_entity)

    assert problem(content) is FileProblem.WORKBOOK


def test_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(workbooks, "LARGEST", 100_000)
    content = changed(saved(workbook(HEADER)), "xl/media/x.png", lambda _: bytes(200_000))

    assert len(content) < 50_000
    with pytest.raises(UnusableFile, match=FileProblem.WORKBOOK_TOO_LARGE):
        convert(io.BytesIO(content), io.BytesIO())


@pytest.mark.parametrize("part", [SHEET, STRINGS, "xl/styles.xml"])
def test_small_file_of_many_elements_is_refused_and_needs_no_memory_here(monkeypatch, part):
    monkeypatch.setattr(workbooks, "MEMORY", 160 * 1024 * 1024)

    def with_elements(xml):
        end = xml.rindex(b"</")
        # A tag in a comment is no row.
        return xml[:end] + (b'<a b=""/>' * 100_000 + b"<!--<row ><si >-->") * 10 + xml[end:]

    content = changed(saved(workbook(HEADER, ROW)), part, with_elements)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert len(content) < 50_000
    assert problem(content) is FileProblem.WORKBOOK_TOO_LARGE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_workbook_that_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(workbooks, "_LONGEST_S", 0)

    assert problem(saved(workbook(HEADER, ROW))) is FileProblem.WORKBOOK_TOO_LARGE


def test_process_that_converts_sees_no_environment(monkeypatch):
    given = []
    monkeypatch.setattr(
        workbooks.subprocess,
        "run",
        lambda *_args, **options: given.append(options) or CompletedProcess((), 0),
    )

    lines(saved(workbook(HEADER, ROW)))

    assert given[0]["env"] == {}


def test_size_that_a_sheet_claims_is_not_believed():
    book = saved(workbook(HEADER, ROW))
    huge = changed(
        book, SHEET, lambda xml: re.sub(rb'ref="[^"]+"', b'ref="A1:XFD1048576"', xml, count=1)
    )
    far = changed(huge, SHEET, lambda xml: xml.replace(b'r="2"', b'r="999999999"'))

    assert lines(huge) == ["\t".join(HEADER), "\t".join(ROW)]
    assert lines(far) == ["\t".join(HEADER)]


def test_only_so_many_rows_are_taken(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 2)

    with pytest.raises(UnusableFile, match=FileProblem.WORKBOOK_TOO_LARGE):
        convert(io.BytesIO(saved(workbook(HEADER, ROW, ROW))), io.BytesIO())


def test_wide_sheet_is_cut_behind_the_most_columns_of_a_file():
    assert len(lines(saved(workbook(("UPN",) * 200)))[0].split("\t")) == 65
