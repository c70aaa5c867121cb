"""What the guides tell operators and administrators to do can be done."""

import re

import pytest
from django.core.management import get_commands

from provisioning.rules.columns import COLUMNS
from tests.services.environment import BASE

GUIDES = sorted((BASE / "docs").glob("*.md"))
README = (BASE / "README.md").read_text()
MARK = re.compile(r"^(#+|\||\d\.|- )", re.MULTILINE)
each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)


@each_guide
def test_every_link_leads_to_a_file(guide):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", guide.read_text())

    assert [link for link in links if not (guide.parent / link).is_file()] == []


@each_guide
def test_the_readme_leads_to_it(guide):
    assert f"](docs/{guide.name})" in README


@each_guide
def test_every_command_exists(guide):
    commands = set(re.findall(r"manage\.py (\w+)", guide.read_text()))

    assert commands <= set(get_commands())


@each_guide
def test_every_variable_is_one_that_is_read(guide):
    named = set(re.findall(r"`((?:SSPR|TWILIO)_[A-Z_]*[A-Z])", guide.read_text()))

    assert {name for name in named if f"`{name}`" not in README} <= {"POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", ["administrators.md", "administrators.ko.md"])
def test_every_column_of_the_file_is_explained(name):
    guide = (BASE / "docs" / name).read_text()

    assert [column for column in COLUMNS if f"`{column}`" not in guide] == []


@pytest.mark.parametrize("guide", ["administrators", "directories"])
def test_both_languages_have_the_same_parts(guide):
    english, korean = (
        MARK.findall((BASE / "docs" / name).read_text())
        for name in (f"{guide}.md", f"{guide}.ko.md")
    )

    assert english == korean


@each_guide
def test_every_test_that_is_named_exists(guide):
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", guide.read_text())
    gone = [
        f"{path}::{test}"
        for path, test in named
        if not (BASE / path).is_file() or (test and f"def {test}(" not in (BASE / path).read_text())
    ]

    assert gone == []
