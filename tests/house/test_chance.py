"""No test fails by chance: the commonest way of doing so is found in the sources."""

import ast
import re

import pytest

from tests.services.environment import BASE

# What random hex, base64 or a microsecond holds once in a million pages, or more often.
_SHORT = re.compile(r"[0-9a-f]{1,6}|[A-Za-z0-9_-]{1,4}")
_NUMBERS = {"number_shown", "callers_number"}
_TEXTS = {"text", "content", "html"}


def short_values_sought(source):
    """Lines that assert that a page, a mail or a record doesn't hold a very short value."""
    return [
        compared.lineno
        for stated in ast.walk(ast.parse(source))
        if isinstance(stated, ast.Assert)
        for compared in ast.walk(stated)
        if isinstance(compared, ast.Compare)
        and isinstance(compared.ops[0], ast.NotIn)  # codespell:ignore
        and is_short(compared.left)
        and may_hold_tokens(compared.comparators[0])
    ]


def is_short(value):
    if isinstance(value, ast.Call):
        return getattr(value.func, "id", "") in _NUMBERS
    text = getattr(value, "value", None)
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return isinstance(text, str) and _SHORT.fullmatch(text) is not None


def may_hold_tokens(text):
    """Whether it is a text as it came: not a list, not an answer of a helper."""
    match text:
        case ast.Name() | ast.JoinedStr():
            return True
        case ast.Attribute(attr=name):
            return name in _TEXTS
        case ast.BinOp(left=left, right=right):
            return may_hold_tokens(left) or may_hold_tokens(right)
        case ast.Call(func=ast.Name(id=name)):
            return name in {"str", "bytes", "repr"}
        case ast.Call(func=ast.Attribute(attr=name)):
            return name == "decode"
    return False


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('assert "5678" not in page.text', True),
        ('assert b"R03" not in client.get("/").content', True),
        ('assert "5678" not in page', True),
        ('assert all("9999" not in mail.text for mail in sent)', True),
        ('assert "9999" not in str(event.details)', True),
        ("assert number_shown(call) not in page.content.decode()", True),
        ('assert "5678" not in without_random(page.text)', False),
        ('assert not stands_in("R03", page.text)', False),
        ('assert "cp949" not in candidates(lines)', False),
        ('assert "minji.home" not in page.text', False),
        ('assert "5678" in page.text', False),
    ],
)
def test_a_short_value_beside_random_text_is_noticed(line, is_found):
    assert bool(short_values_sought(line)) == is_found


def test_no_short_value_is_looked_for_among_random_tokens():
    """`tests.pages` has what to use instead: `stands_in`, `without_random`, `numbers_in`."""
    found = {
        str(file.relative_to(BASE)): lines
        for file in sorted((BASE / "tests").rglob("*.py"))
        if (lines := short_values_sought(file.read_text()))
    }

    assert found == {}
