"""What no module of ours may use, because of what could be done with it."""

import ast
import re
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[2]
OURS = [
    file
    for file in sorted(BASE.glob("*/**/*.py"))
    if not file.relative_to(BASE).as_posix().startswith((".", "tests/", "bench/", "var/"))
]


def using(words):
    imported = re.compile(rf"^\s*(?:import|from) (?:{words})\b", re.MULTILINE)
    return {file.relative_to(BASE).as_posix() for file in OURS if imported.search(file.read_text())}


def test_nothing_is_drawn_from_what_can_be_foretold():
    assert len(OURS) > 100
    assert using("random") == set()
    assert using("secrets")


def test_only_twilio_webhooks_and_the_service_itself_are_asked_for_anything_over_http():
    clients = r"urllib\.request|urllib3|http\.client|requests|httpx|aiohttp"

    assert using(clients) == {
        "delivery/channels/siem.py",
        "delivery/channels/twilio.py",
        "sspr/run.py",
    }


@pytest.mark.parametrize("words", ["subprocess", "pty", "shlex"])
def test_only_what_starts_the_service_or_reads_workbooks_starts_processes(words):
    assert using(words) <= {"sspr/run.py", "provisioning/services/workbooks.py"}


def test_no_process_is_started_by_a_shell():
    assert [file.name for file in OURS if re.search(r"shell=|os\.system", file.read_text())] == []


def test_nothing_is_unpickled():
    assert using("pickle|marshal|shelve|dill") == set()


def unbounded_caches(file):
    """Functions whose results are cached for ever, one for each value of their parameters."""
    for function in ast.walk(ast.parse(file.read_text())):
        if not isinstance(function, ast.FunctionDef):
            continue
        asked = [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]
        for decorator in map(ast.unparse, function.decorator_list):
            is_bounded = re.search(r"lru_cache\(maxsize=(?!None)", decorator)
            if "cache" in decorator and "cached_property" not in decorator and not is_bounded:
                yield from (function.name for _ in asked[:1])


def test_no_cache_grows_with_what_it_is_asked():
    assert [(file.name, name) for file in OURS for name in unbounded_caches(file)] == []
