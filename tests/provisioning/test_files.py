import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.rules.problems import FileProblem, UnusableFile
from provisioning.services.files import first_rows, opened

TEXT = "user_principal_name,display_name\nkim@contoso.example,김민지\n"


def of(content):
    return opened(io.BytesIO(content), usual=["cp949"])


def problem(content):
    with pytest.raises(UnusableFile) as refused:
        of(content)
    return refused.value.problem


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("cp949"), "cp949"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
    ],
    ids=["UTF-8", "UTF-8 with mark", "CP949", "UTF-16", "UTF-16 big-endian"],
)
def test_encoding_is_recognised(content, encoding):
    sheet = of(content)

    assert sheet.encoding == encoding
    assert sheet.columns == ("user_principal_name", "display_name")
    assert list(sheet.lines) == ["kim@contoso.example,김민지"]


def test_one_damaged_letter_does_not_turn_a_file_into_another_encoding():
    rows = "".join(f"u{n}@contoso.example,김민지\n" for n in range(5)).encode()

    sheet = of(b"user_principal_name,display_name\n" + rows + b"x@contoso.example,\xea\xb9\n")

    assert sheet.encoding == "utf-8"
    *good, bad = sheet.lines
    assert all(line.endswith("김민지") for line in good)
    assert "\ufffd" in bad


def test_encoding_that_a_person_chose_is_taken():
    sheet = opened(io.BytesIO(TEXT.encode()), encoding="cp949")

    assert sheet.encoding == "cp949"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_delimiter_is_recognised_with_and_without_quotes(delimiter):
    for before, behind in (("", ""), ('"', '"'), ("'", "")):
        names = [f"{before}{name}{behind}" for name in ("user_principal_name", "groups")]
        sheet = of(f"{delimiter.join(names)}\na{delimiter}b;c,d\n".encode())

        assert sheet.delimiter == delimiter
        assert sheet.columns == ("user_principal_name", "groups")


@pytest.mark.parametrize("first", ["sep=;", "\ufeffSEP=;", "sep=|", "sep=\t", '"sep=;"', "sep=,"])
def test_first_line_may_name_the_delimiter_and_rows_keep_their_lines(first):
    delimiter = first.strip('"')[-1]
    row = f"kim@contoso.example{delimiter}Kim; Minji, @|"[: -1 if delimiter == "|" else None]
    text = f"{first}\r\nuser_principal_name{delimiter}notes\r\n{row}\r\n"

    sheet = of(text.encode())

    assert (sheet.delimiter, sheet.columns) == (delimiter, ("user_principal_name", "notes"))
    assert list(sheet.lines) == ["", row]
    assert first_rows(of(text.encode()), 5)[0][0] == "kim@contoso.example"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CR LF", "CR"])
def test_lines_end_as_any_system_ends_them(end):
    sheet = of(TEXT.replace("\n", end).encode())

    assert list(sheet.lines) == ["kim@contoso.example,김민지"]


def test_last_line_needs_no_end_and_file_no_rows():
    assert list(of(b"user_principal_name\na").lines) == ["a"]
    assert list(of(b"user_principal_name").lines) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", FileProblem.EMPTY),
        (b"\n\r\n  \n", FileProblem.EMPTY),
        ("".encode("utf-16"), FileProblem.EMPTY),
        ("".encode("utf-8-sig"), FileProblem.EMPTY),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileProblem.EXCEL),
        (b"\n" * 40 + b"user_principal_name\n", FileProblem.UPN_COLUMN_MISSING),
        (b"display_name\nKim\n", FileProblem.UPN_COLUMN_MISSING),
        (b"user_principal_name,groups,Groups\n", FileProblem.COLUMN_TWICE),
        (b"user_principal_name" + b",x" * 64, FileProblem.TOO_MANY_COLUMNS),
        (b"x" * 1_000_000, FileProblem.UPN_COLUMN_MISSING),
    ],
    ids=lambda value: str(value[:20]) if isinstance(value, bytes) else value,
)
def test_file_without_readable_rows_is_refused_with_the_reason(content, expected):
    assert problem(content) is expected


def test_unknown_columns_are_known_before_the_import():
    assert of(b"user_principal_name,notes,groups,,\n").unknown == ("notes",)


def test_first_rows_are_there_to_be_looked_at():
    assert first_rows(of(b'user_principal_name;x\na;"b;c"\n"d;e\nf;g\n'), 2) == [
        ["a", "b;c"],
        ['"d', "e"],
    ]


def test_line_without_an_end_can_not_eat_the_memory():
    class Endless(io.RawIOBase):
        left = 200

        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, *_):
            self.left = 200
            return 0

        def read(self, size=-1):
            self.left -= 1
            if self.left == 199:
                return b"user_principal_name\n"
            return b"x" * size if self.left > 0 else b""

        def readline(self, size=-1):
            return self.read(size)

    tracemalloc.start()
    try:
        lines = list(opened(Endless()).lines)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [len(line) for line in lines] == [65_537]
    assert peak < 2_000_000


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=40), max_size=30
    ),
    st.sampled_from(["utf-8-sig", "utf-16"]),
)
def test_lines_come_out_as_they_went_in(lines, encoding):
    text = "\n".join(["user_principal_name", *lines, ""])

    assert list(of(text.encode(encoding)).lines) == lines
