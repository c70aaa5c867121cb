"""What an e-mail address is. Only the final ASCII form is stored, compared and mailed."""

import re
import unicodedata

import idna

_LOCAL = re.compile(r"[A-Za-z0-9.!#$&'*+/^_{|}~-]{1,64}", re.ASCII)
_MAX_CHARACTERS = 254


class NotAMailbox(ValueError):
    """What was typed can't be mailed, or would be mailed to somebody else."""


def mailbox(text: str) -> str:
    """The address as it is stored: local part casefolded, domain in IDNA 2008, lower case.

    Raises:
        NotAMailbox: quoted or encoded local part, comment, literal, no domain, too long.

    Source: design section 7; Python's own IDNA 2003 would mail faß.de to fass.de.

    >>> mailbox("Minji@Faß.de")
    'minji@xn--fa-hia.de'
    """
    if len(text) > 2 * _MAX_CHARACTERS:
        raise NotAMailbox
    plain = unicodedata.normalize("NFKC", text).strip()
    local, _, domain = plain.rpartition("@")
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if not _LOCAL.fullmatch(local) or dotted:
        raise NotAMailbox
    address = f"{local.lower()}@{ascii_domain(domain)}"
    if len(address) > _MAX_CHARACTERS:
        raise NotAMailbox
    return address


def ascii_domain(text: str) -> str:
    """A domain in IDNA 2008's ASCII form, lower case, with at least one dot.

    Raises:
        NotAMailbox: it isn't one.
    """
    try:
        domain = idna.encode(text.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        raise NotAMailbox from None
    if "." not in domain or domain.rpartition(".")[2].isdigit():
        raise NotAMailbox
    return domain
