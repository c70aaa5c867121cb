"""How long it takes to look a password up among millions of stolen ones, beside one read.

    python -m bench.breached [--rows 10000000]

Writes a sorted list of hashes in the public format, and looks up passwords that are in it and
passwords that aren't. The floor is one read of 40 bytes at a random place of the same file.
"""

import argparse
import hashlib
import os
import random  # noqa: TID251  # the same places each time
import statistics
import sys
import tempfile
import time
from pathlib import Path

from passwords.breached import BreachedPasswords

_PRESENT = 1_000
_DIGITS = 40


def write_list(path: Path, rows: int) -> list[str]:
    """Evenly spread hashes, and among them those of some passwords, which it gives."""
    known = [f"stolen {number}" for number in range(_PRESENT)]
    mine = sorted(
        hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest().upper() for one in known
    )
    step, at = 16**_DIGITS // rows, 0
    with path.open("w", buffering=1 << 20) as file:
        for number in range(rows):
            line = f"{number * step:040X}"
            while at < len(mine) and mine[at] < line:
                file.write(f"{mine[at]}:1\n")
                at += 1
            file.write(f"{line}:{number % 1000 + 1}\n")
        file.writelines(f"{one}:1\n" for one in mine[at:])
    return known


def timed_us(what: list[float]) -> str:
    ordered = sorted(what)
    worst = ordered[int(len(ordered) * 0.99)]
    return f"median {statistics.median(what) * 1e6:7.1f} µs, 99 % under {worst * 1e6:7.1f} µs"


def measure(path: Path, known: list[str]) -> None:
    stolen = BreachedPasswords(path)
    for label, passwords, there in (
        ("stolen", known, True),
        ("not stolen", [f"safe {number}" for number in range(_PRESENT)], False),
    ):
        took = []
        for one in passwords:
            began = time.perf_counter()
            found = one in stolen
            took.append(time.perf_counter() - began)
            assert found is there
        say(f"{label:11} {timed_us(took)}")
    size, took, chance = path.stat().st_size, [], random.Random(1)  # noqa: S311
    with path.open("rb") as file:
        for _ in range(_PRESENT):
            place = chance.randrange(size - _DIGITS)
            began = time.perf_counter()
            os.pread(file.fileno(), _DIGITS, place)
            took.append(time.perf_counter() - began)
    say(f"one read    {timed_us(took)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as name:
        path = Path(name) / "list"
        known = write_list(path, options.rows)
        say(f"{options.rows + _PRESENT} hashes, {path.stat().st_size / 1e6:.0f} MB")
        measure(path, known)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
