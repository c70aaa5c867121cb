"""A stranger can read any file in one sitting, and nothing is left for later."""

import re
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[2]
MAX_LINES = 400
LISTS = {"tenants/policy/settings.py"}
KINDS = {".py", ".html", ".css", ".js", ".txt", ".toml", ".sh"}
NOT_OURS = {".venv", ".git", "var", "staticfiles", "node_modules", "migrations", "locale"}
LEFT_FOR_LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def ours():
    for file in sorted(BASE.rglob("*")):
        path = file.relative_to(BASE)
        hidden = any(part in NOT_OURS or part.startswith(".") for part in path.parts)
        if not hidden and file.is_file() and file.suffix in KINDS:
            yield path


# A file of tests is a list, and so are the settings: searched, not read from top to bottom.
@pytest.mark.parametrize(
    "path",
    [
        path
        for path in ours()
        if path.suffix == ".py" and path.parts[0] != "tests" and path.as_posix() not in LISTS
    ],
    ids=str,
)
def test_module_fits_in_the_head(path):
    assert len((BASE / path).read_text().splitlines()) <= MAX_LINES


def test_nothing_is_left_for_later():
    left = [str(path) for path in ours() if LEFT_FOR_LATER.search((BASE / path).read_text())]

    assert left == []
