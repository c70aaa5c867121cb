"""A file of hardware OATH tokens in, tokens and problems out. Pure.

Source: Microsoft, "Upload hardware OATH tokens in CSV format" (the columns and the header row).
"""

import base64
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from io import StringIO

from verification.rules.oath import LEAST_SEED_BYTES

COLUMNS = ("upn", "serial number", "secret key", "time interval", "manufacturer", "model")
INTERVALS = {"30": 30, "60": 60, "0": 0, "": 0}
"""Seconds; nothing or 0 for a token with a button (HOTP), which Entra doesn't take."""
LONGEST_SECRET, LONGEST_TEXT = 128, 64
MOST_ROWS = 1_000
_SPELLINGS = {name.replace(" ", ""): name for name in COLUMNS}
"""Vendors write "serial number", "SerialNumber" and "serial_number"."""
_REQUIRED = COLUMNS[:4]
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)


class TokenProblem(StrEnum):
    """What is wrong with a file, or with a row of it."""

    EMPTY = "empty"
    NOT_CSV = "not_csv"
    COLUMN_MISSING = "column_missing"
    COLUMN_TWICE = "column_twice"
    TOO_MANY_ROWS = "too_many_rows"
    CELLS = "cells"
    USER_MISSING = "user_missing"
    SERIAL_MISSING = "serial_missing"
    SERIAL_ROUNDED = "serial_rounded"
    """A spreadsheet turned it into 1.23E+12: its digits are lost."""
    SERIAL_TWICE = "serial_twice"
    SECRET_TWICE = "secret_twice"
    TEXT_TOO_LONG = "text_too_long"
    SECRET_MALFORMED = "secret_malformed"
    SECRET_SHORT = "secret_short"
    INTERVAL = "interval"
    UNKNOWN_USER = "unknown_user"
    SERIAL_TAKEN = "serial_taken"
    TOO_MANY_TOKENS = "too_many_tokens"


_BY_SERIAL = {
    TokenProblem.SERIAL_ROUNDED,
    TokenProblem.INTERVAL,
    TokenProblem.SECRET_MALFORMED,
    TokenProblem.SECRET_SHORT,
}
"""Problems of rows whose serial number is known; the others are named by the user ID."""


@dataclass(frozen=True, slots=True)
class TokenFlaw:
    """One problem of a file.

    Args:
        line: of the file, 1 is the header.
        value: what the message repeats: a user ID, a serial number or a column; never a secret.
    """

    line: int
    problem: TokenProblem
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A row that can be read.

    Args:
        seed: the secret key.
        interval: seconds that each code is shown; 0 for a token with a button.
    """

    line: int
    upn: str
    serial: str
    seed: bytes = field(repr=False)
    interval: int
    manufacturer: str = ""
    model: str = ""


def read_tokens(text: str) -> tuple[list[TokenRow], list[TokenFlaw]]:
    """The tokens of a file and all that is wrong with it. Empty lines are left out."""
    try:
        (_, header), *rows = [(line, row) for line, row in _rows(text) if any(row)]
    except csv.Error:
        return [], [TokenFlaw(1, TokenProblem.NOT_CSV)]
    except ValueError:
        return [], [TokenFlaw(1, TokenProblem.EMPTY)]
    names = [_SPELLINGS.get(_squeezed(cell), "") for cell in header]
    if flaws := _flaws_of_file(names, len(rows)):
        return [], flaws
    tokens: dict[str, TokenRow] = {}
    seeds: set[bytes | None] = set()
    last = max(names.index(name) for name in _REQUIRED)
    for line, cells in rows:
        row = dict.fromkeys(COLUMNS, "") | dict(zip(names, cells, strict=False))
        serial, seed = row["serial number"], _seed(row["secret key"])
        if problem := _problem(
            row, seed, is_complete=last < len(cells) and not any(cells[len(names) :])
        ):
            value = serial if problem in _BY_SERIAL else row["upn"]
            flaws.append(TokenFlaw(line, problem, value))
        elif serial.casefold() in tokens:
            flaws.append(TokenFlaw(line, TokenProblem.SERIAL_TWICE, serial))
        elif seed in seeds:
            flaws.append(TokenFlaw(line, TokenProblem.SECRET_TWICE, serial))
        else:
            seeds.add(seed)
            tokens[serial.casefold()] = TokenRow(
                line=line,
                upn=row["upn"],
                serial=serial,
                seed=seed or b"",
                interval=INTERVALS[row["time interval"]],
                manufacturer=row["manufacturer"],
                model=row["model"],
            )
    return list(tokens.values()), flaws


def _rows(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    plain = text.lstrip("\ufeff")
    delimiter = max(",;\t", key=plain.split("\n", 1)[0].count)
    reader = csv.reader(StringIO(plain), delimiter=delimiter, strict=True)
    for row in reader:
        yield reader.line_num, [_unwrapped(cell) for cell in row]


def _flaws_of_file(names: Sequence[str], rows: int) -> list[TokenFlaw]:
    missing = [name for name in _REQUIRED if name not in names]
    twice = [name for name in COLUMNS if names.count(name) > 1]
    flaws = [TokenFlaw(1, TokenProblem.COLUMN_MISSING, name) for name in missing]
    flaws += [TokenFlaw(1, TokenProblem.COLUMN_TWICE, name) for name in twice]
    flaws += [TokenFlaw(1, TokenProblem.EMPTY)] if not rows else []
    return flaws + ([TokenFlaw(1, TokenProblem.TOO_MANY_ROWS)] if rows > MOST_ROWS else [])


def _problem(
    row: Mapping[str, str], seed: bytes | None, *, is_complete: bool
) -> TokenProblem | None:
    """The first thing that is wrong with a row."""
    serial = row["serial number"]
    texts = (serial, row["manufacturer"], row["model"])
    tried = (
        (TokenProblem.CELLS, not is_complete),
        (TokenProblem.USER_MISSING, not row["upn"]),
        (TokenProblem.SERIAL_MISSING, not serial),
        (TokenProblem.SERIAL_ROUNDED, bool(_ROUNDED.fullmatch(serial))),
        (TokenProblem.TEXT_TOO_LONG, max(map(len, texts)) > LONGEST_TEXT),
        (TokenProblem.INTERVAL, row["time interval"] not in INTERVALS),
        (TokenProblem.SECRET_MALFORMED, seed is None),
        (TokenProblem.SECRET_SHORT, len(seed or b"") < LEAST_SEED_BYTES),
    )
    return next((problem for problem, is_wrong in tried if is_wrong), None)


def _seed(secret: str) -> bytes | None:
    """The bytes of a key in base 32, whatever its case and however it is grouped."""
    key = "".join(secret.split()).rstrip("=").upper()
    if not key or len(key) > LONGEST_SECRET:
        return None
    try:
        return base64.b32decode(key + "=" * (-len(key) % 8))
    except ValueError:
        return None


def _unwrapped(cell: str) -> str:
    """A cell without the formula by which spreadsheets are told to leave digits alone.

    >>> _unwrapped('="0012345"')
    '0012345'
    """
    plain = cell.strip()
    return plain[2:-1].strip() if plain.startswith('="') and plain.endswith('"') else plain


def _squeezed(name: str) -> str:
    return "".join(name.split()).replace("_", "").casefold()
