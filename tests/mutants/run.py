"""`make mutants`: changes the code in small ways, and looks whether the tests notice.

`python -m tests.mutants.run PYTHON [PART…]`, with the Python of mutmut's environment. A PART picks
the modules whose path contains it. For each module of `modules.toml` the mutants are made, and the
tests named there run against each. Survivors are listed with the line before and after. The exit
code is 1 when a smaller share than the module's `least` is killed, or when an explanation fits no
survivor any more.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.plugin import KILLED
from tests.services.environment import BASE, environment
from tests.services.run import say

TABLE = BASE / "tests/mutants/modules.toml"
_NICE = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """The mutants of one module.

    Args:
        least: the smallest share that must be killed, in percent.
        survivors: one line of text for each that no test killed and nobody explained.
        explained: how many can't be told from the code by any test.
        stale: explanations that fit no survivor.
    """

    path: str
    least: int
    made: int
    explained: int
    survivors: Sequence[str]
    stale: Sequence[str]
    seconds: float

    @property
    def killed(self) -> int:
        return self.made - self.explained - len(self.survivors)

    @property
    def share(self) -> float:
        """Of the mutants that a test could kill, in percent."""
        return 100 * self.killed / max(1, self.made - self.explained)

    @property
    def is_good(self) -> bool:
        return self.share >= self.least and not self.stale


def modules() -> list[dict[str, Any]]:
    """The table: each module with its tests, its share, and what is explained."""
    listed: list[dict[str, Any]] = tomllib.loads(TABLE.read_text())["module"]
    return listed


def judge(entry: Mapping[str, Any], python: str) -> Judged:
    """Make the mutants of a module and run its tests against each."""
    began = time.monotonic()
    path = entry["path"]
    maker = [python, "tests/mutants/make.py", path]
    made = json.loads(subprocess.run(maker, cwd=BASE, stdout=subprocess.PIPE, check=True).stdout)
    results = _results(entry, made)
    explanations = {(each["before"], each["after"]) for each in entry.get("equivalent", [])}
    survived = [mutant for mutant, result in zip(made, results, strict=True) if result != KILLED]
    known = [each for each in survived if (each["before"], each["after"]) in explanations]
    fitting = {(each["before"], each["after"]) for each in known}
    return Judged(
        path=path,
        least=entry["least"],
        made=len(made),
        explained=len(known),
        survivors=[_shown(mutant) for mutant in survived if mutant not in known],
        stale=[f"{before}  →  {after}" for before, after in sorted(explanations - fitting)],
        seconds=time.monotonic() - began,
    )


def _results(entry: Mapping[str, Any], made: Sequence[Mapping[str, Any]]) -> list[str]:
    path = Path(entry["path"])
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    with tempfile.TemporaryDirectory(prefix="sspr-mutants-") as name:
        folder = Path(name)
        work = {
            "path": str(BASE / path),
            "module": module,
            "source": (BASE / path).read_text(),
            "mutants": made,
        }
        (folder / "work").write_text(json.dumps(work))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.plugin"]
        command += [f"--mutants={folder / 'work'}", f"--mutants-report={folder / 'report'}"]
        command += ["-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}", *entry["tests"]]
        done = subprocess.run(
            command,
            cwd=BASE,
            env=environment(folder / "var"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if not (folder / "report").exists():
            raise SystemExit(f"{path}: the tests don't run\n{done.stdout}")
        return [each["result"] for each in json.loads((folder / "report").read_text())]


def _shown(mutant: Mapping[str, Any]) -> str:
    return f"{mutant['line']}: {mutant['before']}\n      →  {mutant['after']}"


def main(python: str, parts: Sequence[str]) -> int:
    os.nice(_NICE)
    chosen = [
        entry for entry in modules() if not parts or any(part in entry["path"] for part in parts)
    ]
    all_judged = []
    for entry in chosen:
        judged = judge(entry, python)
        all_judged.append(judged)
        say(f"\n{judged.path}: {judged.killed} of {judged.made} killed in {judged.seconds:.0f} s")
        for survivor in judged.survivors:
            say(f"  survived, line {survivor}")
        for explanation in judged.stale:
            say(f"  explained, but no survivor: {explanation}")
    say(
        f"\n{'module':46}{'mutants':>8}{'killed':>8}{'equal':>7}{'survived':>10}{'%':>7}{'least':>7}"
    )
    for each in all_judged:
        say(
            f"{each.path:46}{each.made:>8}{each.killed:>8}{each.explained:>7}"
            f"{len(each.survivors):>10}{each.share:>7.1f}{each.least:>7}"
            f"{'' if each.is_good else '  too few'}"
        )
    killed = sum(each.killed for each in all_judged)
    could = sum(each.made - each.explained for each in all_judged)
    say(f"\n{killed} of {could} killed: {100 * killed / max(1, could):.1f} %")
    return 0 if all(each.is_good for each in all_judged) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
