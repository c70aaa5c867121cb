"""The columns of a file of people, and what their cells are judged by."""

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
    """What the rows of a file are judged by: facts about the organisation.

    Args:
        tenant: its name.
        domains: its own.
        languages: codes of those that the service speaks.
        country: ISO code; a number without `+` is one of this country.
        countries: ISO codes of those whose numbers may be called.
        allow_tenant_mailboxes: whether an alternate email may be in a domain of its own.
    """

    tenant: str
    domains: frozenset[str]
    languages: frozenset[str]
    country: str
    countries: frozenset[str]
    allow_tenant_mailboxes: bool = False
