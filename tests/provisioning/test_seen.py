from hypothesis import given
from hypothesis import strategies as st

from provisioning.rules.seen import Seen


@given(st.lists(st.text(max_size=3), max_size=200))
def test_first_line_of_every_name_is_known(names):
    seen, first = Seen(), {}

    for line, name in enumerate(names, start=2):
        assert seen.first_line(name, line) == first.setdefault(name, line)

    assert len(seen) == len(first)


def test_names_are_found_again_after_the_table_grew():
    seen = Seen()
    for line in range(20_000):
        seen.first_line(f"user{line}", line)

    assert all(seen.first_line(f"user{line}", 99_999) == line for line in range(20_000))


def test_a_hundred_thousand_names_take_less_than_five_megabytes():
    seen = Seen()
    for line in range(100_000):
        seen.first_line(f"user{line}", line)

    assert seen.size <= 48 * 100_000
