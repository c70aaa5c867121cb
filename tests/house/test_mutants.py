"""`make mutants` runs over every rule, with tests that are there."""

import pytest

from tests.mutants.run import modules
from tests.services.environment import BASE

PURE = ("*/rules.py", "*/rules/*.py", "*/refusals.py")
WITHOUT_RULES = {
    "provisioning/rules/columns.py",
    "provisioning/rules/problems.py",
    "provisioning/rules/reports.py",
    "verification/rules/verdicts.py",
}
"""Tables of words and values."""


def test_every_module_of_rules_has_mutants():
    listed = {entry["path"] for entry in modules()}
    rules = {
        path.relative_to(BASE).as_posix()
        for pattern in PURE
        for path in BASE.glob(pattern)
        if path.name != "__init__.py" and not path.is_relative_to(BASE / "tests")
    }

    assert rules
    assert rules - listed - WITHOUT_RULES == set()


@pytest.mark.parametrize("entry", modules(), ids=lambda entry: entry["path"])
def test_what_the_table_names_is_there(entry):
    code = " ".join((BASE / entry["path"]).read_text().split())

    files = {path.partition("::")[0] for path in [*entry["tests"], *entry.get("without", [])]}

    assert {path for path in files if not (BASE / path).exists()} == set()
    for each in entry.get("equivalent", []):
        assert each["why"]
        assert " ".join(each["before"].split()) in code
