"""Phones of one person that are one phone. Pure."""

from collections.abc import Mapping

from tenants.policy import Factor

PHONES = tuple(kind for kind in Factor if kind.is_phone)
"""The kinds of phones. Of two that are one number the first counts."""


def number_of(value: str) -> str:
    """The number without its extension.

    >>> number_of("+82212345678#12")
    '+82212345678'
    """
    return value.partition("#")[0]


def named_again(values: Mapping[Factor, str]) -> frozenset[Factor]:
    """Which phones are only another name for one that counts already.

    >>> named_again({Factor.MOBILE_PHONE: "+821012345678", Factor.OFFICE_PHONE: "+821012345678#1"})
    frozenset({<Factor.OFFICE_PHONE: 'office_phone'>})
    """
    numbers = {phone: number_of(values[phone]) for phone in PHONES if values.get(phone)}
    first = {number: phone for phone, number in reversed(numbers.items())}
    return frozenset(phone for phone, number in numbers.items() if first[number] is not phone)
