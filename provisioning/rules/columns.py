"""The columns of a file of people, and the facts that their cells are checked against."""

from dataclasses import dataclass

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
        countries: ISO codes of the countries whose numbers may be called.
        allow_tenant_mailboxes: whether an alternate email may be in one of its domains.
    """

    tenant: str
    domains: frozenset[str]
    languages: frozenset[str]
    country: str
    countries: frozenset[str]
    allow_tenant_mailboxes: bool = False
