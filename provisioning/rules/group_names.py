"""Which groups the names in a file mean."""

from collections.abc import Mapping, Sequence


def by_older_names(names: Sequence[str], older: Mapping[tuple[str, ...], str]) -> list[str]:
    """Groups as a file names them, those whose names are older than the rule by these names.

    Args:
        older: what a file would make of such a name → the name.

    >>> by_older_names(["A", "B", "C"], {("A", "B"): "A; B"})
    ['A; B', 'C']
    """
    stored, rest = [], tuple(names)
    while rest:
        parts = next((parts for parts in older if rest[: len(parts)] == parts), rest[:1])
        stored.append(older.get(parts, rest[0]))
        rest = rest[len(parts) :]
    return stored
