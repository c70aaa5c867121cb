"""Phones as spreadsheets hold them: many alike, and some without the 0 in front."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from delivery.rules.phones import (
    NotAPhone,
    NumberKind,
    Phone,
    PhoneProblem,
    is_whole,
    phone,
    usable,
    without_trunk_zero,
)
from provisioning.rules.columns import ImportContext
from provisioning.rules.phone_patterns import recognised, recognised_each
from typed.rules import cleaned

_MAX_CHARACTERS = 100


def phone_in(text: str, context: ImportContext, *, office: bool) -> tuple[Phone, bool]:
    """The phone in a cell, and whether the 0 that a spreadsheet took away had to be put back.

    Args:
        text: not empty.

    Raises:
        NotAPhone: it isn't a phone, with the 0 or without.
    """
    if text[0] in {"0", "+"}:
        return _phone(text, context, office=office), False
    try:
        found = _phone(text, context, office=office)
    except NotAPhone as refused:
        if refused.problem is not PhoneProblem.IMPOSSIBLE or not text[0].isdecimal():
            raise
        try:
            return _phone(f"0{text}", context, office=office), True
        except NotAPhone:
            raise refused from None
    return found, without_trunk_zero(text, found, region=context.country)


def ordinary_phones(
    texts: Sequence[str], context: ImportContext, *, office: bool
) -> list[tuple[str, bool] | None]:
    """What `phone_in` says of the plain numbers in a column: E.164, and whether sms_capable.

    None means that the cell needs `phone_in`, or holds no phone.
    """
    if max(map(len, texts), default=0) > _MAX_CHARACTERS:
        texts = [text if len(text) <= _MAX_CHARACTERS else "" for text in texts]
    # Most desks have a landline, most people a mobile phone.
    first, second = (not office, office)
    region, countries = context.country, context.countries
    found = recognised_each(texts, region, _welcome(countries, office=office, sms_capable=first))
    if region == "KR":
        found = [e164 if is_whole(e164) else "" for e164 in found]
    phones = [(e164, first) if e164 else None for e164 in found]
    if None in phones:
        rest = [at for at, phone in enumerate(phones) if phone is None and texts[at]]
        welcome = _welcome(countries, office=office, sms_capable=second)
        others = recognised_each([texts[at] for at in rest], region, welcome)
        for at, e164 in zip(rest, others, strict=True):
            phones[at] = (e164, second) if e164 and is_whole(e164) else None
    return phones


def _phone(text: str, context: ImportContext, *, office: bool) -> Phone:
    """As `phone`, in a fraction of the time where the number is a plain one."""
    region, countries = context.country, context.countries
    plain = recognised(cleaned(text), region) if len(text) <= _MAX_CHARACTERS else None
    if plain:
        return usable(*plain, countries, office=office)
    return phone(text, region=region, countries=countries, office=office)


@lru_cache(maxsize=64)
def _welcome(
    countries: frozenset[str], *, office: bool, sms_capable: bool
) -> Callable[[NumberKind], bool]:
    """Which kinds of numbers may be called: those that take texts, or the others."""

    def is_welcome(kind: NumberKind) -> bool:
        is_ours = kind.is_callable(office=office) and kind.region in countries
        return is_ours and kind.sms_capable is sms_capable

    return is_welcome
