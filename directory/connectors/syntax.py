"""Filters and distinguished names as the LDAP library reads them, for forms that accept them."""

import re

from ldap3.core.exceptions import LDAPExceptionError
from ldap3.operation.search import parse_filter
from ldap3.utils.dn import parse_dn

_BAD_ESCAPE = re.compile(r"\\(?![0-9a-fA-F]{2})")


def is_filter(text: str) -> bool:
    """Whether this is a search filter.

    Source: RFC 4515.

    >>> is_filter("(&(objectClass=user)(!(cn=a*)))"), is_filter("cn=a"), is_filter("(cn=a")
    (True, False, False)
    """
    if _BAD_ESCAPE.search(text):
        return False
    try:
        parse_filter(text, None, False, False, None, False)  # type: ignore[no-untyped-call]  # noqa: FBT003
    except (LDAPExceptionError, RecursionError, IndexError):
        return False
    return True


def canonical_dn(text: str) -> str | None:
    """A distinguished name without blanks between its parts; None if it isn't one.

    Source: RFC 4514.

    >>> canonical_dn(" OU=People, DC=example , DC=com"), canonical_dn("minji@example.com")
    ('OU=People,DC=example,DC=com', None)
    """
    try:
        parts = parse_dn(text, escape=False, strip=True)
    except (LDAPExceptionError, IndexError):
        return None
    return "".join(f"{attribute}={value}{separator}" for attribute, value, separator in parts)
