from hypothesis import given
from hypothesis import strategies as st

from provisioning.rules.first_lines import FirstLines


def first_line(seen, name, line):
    return seen.duplicates([name], [line]).get(line, line)


@given(st.lists(st.text(max_size=3), max_size=200))
def test_first_line_of_every_name_is_known(names):
    seen, first = FirstLines(), {}

    for line, name in enumerate(names, start=2):
        assert first_line(seen, name, line) == first.setdefault(name, line)

    assert len(seen) == len(first)


@given(st.lists(st.text(max_size=3), max_size=200))
def test_many_names_at_once_come_out_as_one_after_the_other(names):
    at_once, alone = FirstLines(), FirstLines()
    lines = range(2, 2 + len(names))

    earlier = at_once.duplicates(names, lines)

    one_by_one = [first_line(alone, name, line) for name, line in zip(names, lines, strict=True)]
    assert [earlier.get(line, line) for line in lines] == one_by_one


def test_names_are_found_again_after_the_table_grew():
    seen = FirstLines()
    for line in range(20_000):
        first_line(seen, f"user{line}", line)

    assert all(first_line(seen, f"user{line}", 99_999) == line for line in range(20_000))


def test_a_hundred_thousand_names_take_less_than_five_megabytes():
    seen = FirstLines()
    for line in range(100_000):
        first_line(seen, f"user{line}", line)

    assert seen.size <= 48 * 100_000


def test_names_that_were_added_are_in_it_and_no_others():
    lines = FirstLines()
    names = [f"p{number}@contoso.example" for number in range(10_000)]
    lines.duplicates(names, range(10_000))

    assert all(name in lines for name in names)
    assert not any(f"q{name}" in lines for name in names)
