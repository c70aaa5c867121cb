"""The columns of a file of people, and the facts that their cells are checked against."""

from collections.abc import Mapping
from dataclasses import dataclass, field

COLUMNS = (
    "user_principal_name",
    "display_name",
    "given_name",
    "surname",
    "language",
    "office_phone",
    "mobile_phone",
    "alternate_email",
    "groups",
    "password",
)
COUNTRY = "country"
"""A column of countries that numbers without `+` belong to. Nothing of it is stored."""
READ = (*COLUMNS, COUNTRY)
"""The columns that are read from a file."""
PHONES = ("office_phone", "mobile_phone")
LONGEST_NAMES = {"display_name": 200, "given_name": 100, "surname": 100}
"""In characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportContext:
    """Facts about the organisation that rows are checked against.

    Args:
        tenant: its name.
        domains: its domains.
        languages: codes of the languages that the service has.
        country: ISO code; a number without `+` belongs to this country.
        column_countries: column of phones → ISO code, where its numbers belong to another country.
        countries: ISO codes of the countries whose numbers may be called.
        allow_tenant_mailboxes: whether an alternate email may be in one of its domains.
        domain: added to user IDs that have none; "" refuses them.
        drop_bad_cells: whether a row is imported without cells that can't be used.
    """

    tenant: str
    domains: frozenset[str]
    languages: frozenset[str]
    country: str
    countries: frozenset[str]
    allow_tenant_mailboxes: bool = False
    column_countries: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    drop_bad_cells: bool = False

    def country_of(self, column: str) -> str:
        """The country of a column's numbers without `+`."""
        return self.column_countries.get(column) or self.country
