"""How the rows of one file are read: what was guessed, or what an administrator chose. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from provisioning.rules.columns import PHONES, ImportContext

HEADER_WITHIN = 30
"""Lines from the top in which the names of the columns are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is read.

    Args:
        header_line: where the names of the columns begin.
        columns: one of `READ` for each cell of a row; "" where it is ignored.
        country: ISO code, for numbers without `+`; "" for the organisation's.
        office_country, mobile_country: the same for one column; "" for the file's.
        domain: added to user IDs that have none; "" refuses them.
        drop_bad_cells: whether a row is imported without cells that can't be used.
    """

    header_line: int = 1
    delimiter: str = ","
    columns: Sequence[str] = ()
    country: str = ""
    office_country: str = ""
    mobile_country: str = ""
    domain: str = ""
    drop_bad_cells: bool = False

    def applied_to(self, context: ImportContext) -> ImportContext:
        countries = zip(PHONES, (self.office_country, self.mobile_country), strict=True)
        return replace(
            context,
            country=self.country or context.country,
            column_countries={name: country for name, country in countries if country},
            domain=self.domain,
            drop_bad_cells=self.drop_bad_cells,
        )

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def layout_of(plain: Mapping[str, Any]) -> Layout:
    """What `plain` made."""
    return Layout(**plain)
