import json
import logging
import sys
from io import StringIO

import pytest
from django.test import Client

from sspr.logs import formatter

CODE = "12345678"


def line(message, *args, exc_info=None):
    record = logging.LogRecord("sspr", logging.ERROR, __file__, 1, message, args, exc_info)
    return formatter().format(record)


def failing(code):
    held = f"the code is {code}"
    raise ZeroDivisionError(f"{len(held)} characters")


def test_a_traceback_shows_where_and_never_what_was_held():
    try:
        failing(CODE)
    except ZeroDivisionError:
        told = line("failed", exc_info=sys.exc_info())

    assert "in failing" in json.loads(told)["exception"]
    assert CODE not in told


def test_nobody_breaks_out_of_a_line():
    told = line("user %s", 'x\r\n{"event": "forged"}\x1b[31m\u2028')

    assert "\n" not in told
    assert "\x1b" not in told
    assert json.loads(told)["event"].startswith("user x")


@pytest.mark.parametrize("path", ["/wasnt-me/", "/w/"])
def test_the_token_of_a_link_is_in_no_line(caplog, db, path):
    """Of a refused form the framework logs the path, and the token is still good then."""
    token = "tokentokentokentokentokentokentokentokentok"

    Client(enforce_csrf_checks=True).post(f"{path}{token}")

    assert any(token in record.getMessage() for record in caplog.records)
    lines = [formatter().format(record) for record in caplog.records]
    assert not any(token in told for told in lines)
    assert any(path in told for told in lines)


@pytest.fixture
def written():
    """What is written to the log."""
    out = next(one for one in logging.getLogger().handlers if one.name == "out")
    before = out.setStream(StringIO())
    yield lambda: out.stream.getvalue().splitlines()
    out.setStream(before)


@pytest.mark.parametrize(
    "cause",
    [
        lambda client: client.get("/", headers={"host": "evil.example"}),
        lambda client: client.get("/", headers={"host": "x" * 8_000}),
        lambda client: client.post("/signin", {f"f{number}": "1" for number in range(400)}),
        lambda client: client.post("/signin", {"username": "x" * 70_000}),
    ],
    ids=["foreign host", "long host", "many fields", "long body"],
)
def test_what_a_stranger_can_cause_at_will_is_one_short_warning(db, written, cause):
    assert cause(Client()).status_code in {400, 413}

    (line,) = written()
    assert json.loads(line)["level"] == "warning"
    assert "exception" not in json.loads(line)
    assert len(line) < 450
