"""Every attack that is known has an answer, and a test that shows it."""

from itertools import chain
from pathlib import Path

import pytest

from tests.attacks.catalogue import PAGE, groups, page

BASE = Path(__file__).parents[2]
ATTACKS = list(chain.from_iterable(groups().values()))


def test_the_document_says_what_the_catalogue_says():
    assert PAGE.read_text() == page(), "run: python -m tests.attacks.catalogue"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.id)
def test_it_has_tests_that_exist_or_a_reason(attack):
    gone = [
        f"{path}::{test}"
        for path, test in attack.tests
        if not (BASE / path).is_file() or f"def {test}(" not in (BASE / path).read_text()
    ]

    assert gone == []
    assert [bool(attack.tests), bool(attack.reason), bool(attack.open)].count(True) == 1


def test_nobody_is_left_out():
    sizes = {
        "A": 27,
        "B": 25,
        "C": 18,
        "D": 18,
        "E": 27,
        "F": 20,
        "G": 15,
        "H": 23,
        "I": 9,
        "J": 8,
        "K": 86,
        "L": 14,
    }

    assert [one.id for one in ATTACKS] == [
        f"{letter}{number}" for letter, size in sizes.items() for number in range(1, size + 1)
    ]
