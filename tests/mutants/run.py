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
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """The mutants of one module.

    Args:
        least: the smallest share that must be killed, in percent.
        survivors: one line of text for each that no test killed and the table doesn't explain.
        explained: how many can't be told from the code by any test.
        stale: explanations that fit no survivor.
    """

    path: str
    least: int
    made: int
    explained: int
    survivors: Sequence[str]
    stale: Sequence[str]

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


def judge(entries: Sequence[Mapping[str, Any]], python: str) -> list[Judged]:
    """Make the mutants of the modules and run their tests against each."""
    paths = [entry["path"] for entry in entries]
    maker = [python, "tests/mutants/make.py", *paths]
    done = subprocess.run(maker, cwd=BASE, stdout=subprocess.PIPE, check=True)
    made = json.loads(done.stdout)
    results = _results(entries, made)
    return [_judged(entry, made[entry["path"]], results) for entry in entries]


def _judged(
    entry: Mapping[str, Any], made: Sequence[Mapping[str, Any]], results: Mapping[Key, str]
) -> Judged:
    path = entry["path"]
    explanations = {(each["before"], each["after"]) for each in entry.get("equivalent", [])}
    survived = [
        mutant for number, mutant in enumerate(made) if results.get((path, number)) != KILLED
    ]
    known = [each for each in survived if (each["before"], each["after"]) in explanations]
    fitting = {(each["before"], each["after"]) for each in known}
    return Judged(
        path=path,
        least=entry["least"],
        made=len(made),
        explained=len(known),
        survivors=[_shown(mutant) for mutant in survived if mutant not in known],
        stale=[f"{before}  →  {after}" for before, after in sorted(explanations - fitting)],
    )


def _results(
    entries: Sequence[Mapping[str, Any]], made: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[Key, str]:
    """The result of each mutant, by its module and number."""
    work = [
        {
            "path": entry["path"],
            "module": ".".join(Path(entry["path"]).with_suffix("").parts).removesuffix(".__init__"),
            "source": (BASE / entry["path"]).read_text(),
            "tests": entry["tests"],
            "mutants": made[entry["path"]],
        }
        for entry in entries
    ]
    tests = sorted({path for entry in entries for path in entry["tests"]})
    with tempfile.TemporaryDirectory(prefix="sspr-mutants-") as name:
        folder = Path(name)
        (folder / "work").write_text(json.dumps(work))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.plugin"]
        command += [f"--mutants={folder / 'work'}", f"--mutants-report={folder / 'report'}"]
        command += ["-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}", *tests]
        command += [f"--deselect={path}" for entry in entries for path in entry.get("without", [])]
        done = subprocess.run(
            command,
            cwd=BASE,
            env=environment(folder / "var"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode or not (folder / "report").exists():
            raise SystemExit(f"The tests don't run:\n{done.stdout}")
        lines = map(json.loads, (folder / "report").read_text().splitlines())
        return {(path, number): result for path, number, result in lines}


def _shown(mutant: Mapping[str, Any]) -> str:
    return f"{mutant['line']}: {mutant['before']}\n      →  {mutant['after']}"


def main(python: str, parts: Sequence[str]) -> int:
    os.nice(_NICE)
    chosen = [
        entry for entry in modules() if not parts or any(part in entry["path"] for part in parts)
    ]
    all_judged = judge(chosen, python)
    for each in all_judged:
        say(f"\n{each.path}: {each.killed} of {each.made} killed")
        for survivor in each.survivors:
            say(f"  survived, line {survivor}")
        for explanation in each.stale:
            say(f"  explained, but no survivor: {explanation}")
    head = f"{'module':42}{'mutants':>8}{'killed':>8}{'explained':>11}{'survived':>10}"
    say(f"\n{head}{'%':>7}{'least':>7}")
    for each in all_judged:
        say(
            f"{each.path:42}{each.made:>8}{each.killed:>8}{each.explained:>11}"
            f"{len(each.survivors):>10}{each.share:>7.1f}{each.least:>7}"
            f"{'' if each.is_good else '  no'}"
        )
    killed = sum(each.killed for each in all_judged)
    could = sum(each.made - each.explained for each in all_judged)
    say(f"\n{killed} of {could} killed: {100 * killed / max(1, could):.1f} %")
    return 0 if all(each.is_good for each in all_judged) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
