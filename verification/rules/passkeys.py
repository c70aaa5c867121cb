"""Which hosts passkeys can be made for, and which answers of browsers are worth looking at. Pure.

Source: W3C Web Authentication Level 3.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

MOST = 10
MOST_ANSWER = 20_000
"""In characters. A real answer has hundreds; one with an attestation of a chip a few thousand."""
_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the page is on which a passkey is asked for.

    Args:
        origin: scheme, host and, if it isn't the usual one, port.
    """

    origin: str

    @property
    def rp_id(self) -> str:
        """The host name alone: what a passkey is made for."""
        return urlsplit(self.origin).hostname or ""


@lru_cache(maxsize=256)
def can_be_made_for(host: str) -> bool:
    """Whether a browser makes passkeys for this host: a name, never an address.

    Source: section 5.1.2 (the relying party's id is a valid domain).

    >>> can_be_made_for("id.contoso.example"), can_be_made_for("127.0.0.1"), can_be_made_for("::1")
    (True, False, False)
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _NAME.fullmatch(host) is not None
    return False
