"""Phones as spreadsheets hold them: many alike, and some without the 0 in front."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from delivery.rules.phones import (
    NotAPhone,
    NumberKind,
    Phone,
    PhoneProblem,
    calling_code,
    is_whole,
    phone,
    without_trunk_zero,
)
from provisioning.rules.columns import ImportContext
from provisioning.rules.phone_patterns import recognised
from typed.rules import cleaned

_MAX_CHARACTERS = 100


def phone_in(text: str, context: ImportContext, *, office: bool) -> tuple[Phone, bool]:
    """The phone in a cell, and whether a 0 that a spreadsheet removed had to be put back.

    Args:
        text: not empty.

    Raises:
        NotAPhone: it isn't a phone, with the 0 or without.
    """
    if text[0] in {"0", "+"}:
        return _phone(text, context, office=office), False
    try:
        ordinary = _phone(text, context, office=office)
    except NotAPhone as refused:
        if refused.problem is not PhoneProblem.IMPOSSIBLE or not text[0].isdecimal():
            raise
        try:
            return _phone(f"0{text}", context, office=office), True
        except NotAPhone:
            raise refused from None
    return ordinary, without_trunk_zero(text, ordinary, region=context.country)


def ordinary_phones(
    texts: Sequence[str], region: str, countries: frozenset[str], *, office: bool
) -> list[tuple[str, bool] | None]:
    """Ordinary numbers in a column as E.164, and whether they are SMS-capable.

    None means that `phone_in` has to look at the cell, or that it is empty.

    Args:
        region: ISO code that a number without `+` belongs to.
        countries: ISO codes that may be called.
    """
    if max(map(len, texts), default=0) > _MAX_CHARACTERS:
        texts = [text if len(text) <= _MAX_CHARACTERS else "" for text in texts]
    phones: list[tuple[str, bool] | None] = [None] * len(texts)
    # The likely kind first: most office phones are landlines, most personal ones mobile.
    for sms_capable in (not office, office):
        left = [at for at, phone in enumerate(phones) if phone is None and texts[at]]
        accepts = _accepts(countries, office=office, sms_capable=sms_capable)
        numbers = recognised([texts[at] for at in left], region, accepts)
        for at, e164 in zip(left, numbers, strict=True):
            if e164 and is_whole(e164):
                phones[at] = (e164, sms_capable)
    return phones


def _phone(text: str, context: ImportContext, *, office: bool) -> Phone:
    """As `phone`, in a fraction of the time if the number is an ordinary one."""
    countries = context.countries
    abroad = (country for country in countries if text.startswith(f"+{calling_code(country)}"))
    region = next(abroad, context.country)
    [ordinary] = ordinary_phones([cleaned(text)], region, countries, office=office)
    if ordinary:
        return Phone(*ordinary)
    return phone(text, region=context.country, countries=countries, office=office)


@lru_cache(maxsize=64)
def _accepts(
    countries: frozenset[str], *, office: bool, sms_capable: bool
) -> Callable[[NumberKind], bool]:
    """Accepts callable numbers of these countries, either SMS-capable ones or the others."""
    return lambda kind: (
        kind.is_callable(office=office)
        and kind.region in countries
        and kind.sms_capable is sms_capable
    )
