import csv
import io
from itertools import islice

import pytest

from provisioning.rules.csv_writing import csv_file


@pytest.mark.parametrize(
    "cell",
    [
        "=1",
        "+1",
        "-1",
        "@x",
        "\t=1",
        "\rx",
        "\nx",
        " =1",
        "'=1",
        " ' =1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
    ],
)
def test_a_formula_gets_an_apostrophe(cell):
    _head, row = csv.reader(io.StringIO("".join(csv_file(["name"], [[cell]])), newline=""))

    assert row == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["Kim", "X", "X=1", "a=1", "1-1", "'Kim", "", "한"])
def test_any_other_cell_is_written_as_it_is(cell):
    _head, row = csv.reader(io.StringIO("".join(csv_file(["name"], [[cell]])), newline=""))

    assert row == [cell]


def test_only_the_beginning_of_the_file_has_a_byte_order_mark():
    text = "".join(csv_file(["name"], [["x"]] * 1_200))

    assert text == "\ufeff" + '"name"\r\n' + '"x"\r\n' * 1_200


def test_rows_are_written_as_they_come():
    pieces = csv_file(["name"], (["x"] for _ in iter(int, 1)))

    assert [piece.count('"x"') for piece in islice(pieces, 2)] == [499, 500]
