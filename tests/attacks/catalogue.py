"""The catalogue of attacks, and the table that docs/security.md makes of it.

python -m tests.attacks.catalogue
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
PAGE = _HERE.parents[1] / "docs/security.md"
_BEGIN, _END = "<!-- catalogue: begin -->\n", "<!-- catalogue: end -->\n"


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that an attacker may try.

    Args:
        tests: the tests that show that it fails, each as path and name.
        reason: why it can't be tried here, where there is no test.
        open: what is missing, where it isn't held off yet.
    """

    id: str
    attack: str
    answer: str
    tests: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    open: str = ""

    @property
    def outcome(self) -> str:
        if self.tests:
            return "holds"
        return "can’t apply" if self.reason else "**open**"


def groups() -> dict[str, list[Attack]]:
    """Title of each group → its attacks, in their order."""
    written = tomllib.loads((_HERE / "catalogue.toml").read_text())
    return {
        group.pop("title"): [_attack(name, entry) for name, entry in group.items()]
        for group in written.values()
    }


def page() -> str:
    """The document as it should be."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + "\n".join(_tables()) + "\n" + _END + after


def _attack(name: str, entry: dict[str, str | list[str]]) -> Attack:
    texts = {key: str(value) for key, value in entry.items() if key != "tests"}
    named = [str(one).partition("::") for one in entry.get("tests", [])]
    tests = tuple((f"tests/{path}.py", f"test_{test}") for path, _, test in named)
    return Attack(id=name, tests=tests, **texts)


def _tables() -> Iterator[str]:
    for title, attacks in groups().items():
        yield f"\n### {title}\n"
        yield "| | Attack | Answer | Outcome | Shown by |"
        yield "|---|---|---|---|---|"
        for one in attacks:
            shown = "<br>".join(f"`{path}::{test}`" for path, test in one.tests)
            yield (
                f"| {one.id} | {one.attack} | {one.answer} | {one.outcome} |"
                f" {shown or one.reason or one.open} |"
            )
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page())
