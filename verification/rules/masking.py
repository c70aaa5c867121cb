"""What a user sees of an address or number: enough to recognise it, too little to learn it.

One function per kind for the whole product: two different masks of one number would together
reveal it.
"""


def mask_phone(e164: str, dot: str = "•") -> str:
    """Always the same shape: neither the length nor the country can be read out of it.

    >>> mask_phone("+821012345678")
    '••• ••• ••78'
    """
    return f"{dot * 3} {dot * 3} {dot * 2}{e164.partition('#')[0][-2:]}"


def mask_email(address: str, dot: str = "•") -> str:
    """First and last character of the mailbox, first of the domain, and its ending.

    >>> mask_email("alice@gmail.com"), mask_email("al@gmail.com")
    ('a•••e@g•••.com', '•••@g•••.com')
    """
    local, _, domain = address.rpartition("@")
    shown = f"{local[0]}{dot * 3}{local[-1]}" if len(local) > 2 else dot * 3
    return f"{shown}@{domain[0]}{dot * 3}.{domain.rpartition('.')[2]}"


def mask(value: str, dot: str = "•") -> str:
    return mask_email(value, dot) if "@" in value else mask_phone(value, dot)
