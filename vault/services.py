"""Sealing and opening columns. Each tenant has data keys of its own, kept open in this process."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils import timezone

from vault import envelope, keyring
from vault.models import SealingKey, TenantKey

KEPT_OPEN_S = 300.0
"""So long a process may go on sealing with a key that is no longer the newest."""
_SETTLED = timedelta(hours=1)
"""After this nobody seals with the key before any more, the longest transaction included."""
_NO_TENANT = 0
_FIRST = 0
_MOST_DERIVED = 4_096


@dataclass(frozen=True, slots=True)
class _KeptOpen:
    """A tenant's data keys by their numbers, as they were read."""

    until: float
    keys: dict[int, bytes]

    @property
    def newest(self) -> int:
        return max(self.keys)


_kept_open: dict[int, _KeptOpen] = {}


def create_key(tenant_id: int) -> None:
    """A new tenant's data key. Nothing can be sealed for a tenant that has none."""
    TenantKey.objects.create(tenant_id=tenant_id, wrapped=_wrapped(os.urandom(32), tenant_id))
    # SQLite gives the number of a tenant whose founding was rolled back to the next one.
    _kept_open.pop(tenant_id, None)


def create_newer_key(tenant_id: int) -> int:
    """Another data key, with which all is sealed from now on. Gives its number.

    Other processes learn of it within `KEPT_OPEN_S`; what it sealed they can open at once.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
        IntegrityError: somebody else made the same number just now.
    """
    number = _read(tenant_id).newest + 1
    wrapped = _wrapped(os.urandom(32), tenant_id, number)
    SealingKey.objects.create(tenant_id=tenant_id, number=number, wrapped=wrapped)
    _kept_open.pop(tenant_id, None)
    return number


def destroy_keys(tenant_id: int, *, unless: Callable[[int], bool]) -> int:
    """Throws away what is older than the newest and read by nobody any more. Says how many.

    The first key stays: fingerprints are made with it. So does one that was made so lately that
    some process may still seal with the one before it.

    Args:
        unless: told a key's number, says whether something still lies sealed with it.
    """
    rows = list(SealingKey.objects.filter(tenant_id=tenant_id).order_by("number"))
    settled, done = timezone.now() - _SETTLED, 0
    for row, next_one in pairwise(rows):
        if next_one.created_at < settled and not unless(row.number):
            row.delete()
            done += 1
    _kept_open.pop(tenant_id, None)
    return done


def sealed(text: str, *, tenant_id: int, associated_data: str) -> bytes:
    """The text in an envelope that opens for this tenant and associated data only.

    Args:
        associated_data: table, column and row, like `delivery.outgoing.destination:7f…`.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
    """
    key, number = _sealing_key(tenant_id)
    return envelope.seal(key, text.encode(), f"{tenant_id}|{associated_data}", number=number)


class SealedRow(Protocol):
    """A row of a tenant with columns that hold envelopes: see `isolation.models.TenantOwned`."""

    pk: Any
    tenant_id: int

    @classmethod
    def associated_data_of(cls, column: str, key: object, /) -> str: ...


def seal_column(row: SealedRow, column: str, text: str) -> bytes:
    """The envelope for a column of this row, which has its primary key already."""
    associated_data = row.associated_data_of(column, row.pk)
    return sealed(text, tenant_id=row.tenant_id, associated_data=associated_data)


def open_column(row: SealedRow, column: str) -> str:
    """The text in the envelope of this column. Raises as `opened`."""
    associated_data = row.associated_data_of(column, row.pk)
    return opened(getattr(row, column), tenant_id=row.tenant_id, associated_data=associated_data)


def sealing(tenant_id: int) -> Callable[[Sequence[str], Iterable[str]], list[bytes]]:
    """`sealed` for many texts of one tenant: takes texts and the associated data of each.

    For one transaction, not to be kept: the key is asked for once, here.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
    """
    key, number = _sealing_key(tenant_id)
    return lambda texts, associated: envelope.seal_each(
        key, texts, [f"{tenant_id}|{row}" for row in associated], number=number
    )


def head_of_newest(tenant_id: int) -> bytes:
    """How everything begins that is sealed for this tenant now."""
    return envelope.head(_sealing_key(tenant_id)[1])


def opened(sealed_text: bytes | memoryview, *, tenant_id: int, associated_data: str) -> str:
    """The text again.

    Raises:
        envelope.Unopenable: sealed for another tenant, row or key, or damaged.
        TenantKey.DoesNotExist: the tenant's key was destroyed, and with it what it sealed.
    """
    associated_data, content = f"{tenant_id}|{associated_data}", bytes(sealed_text)
    if tenant_id == _NO_TENANT:
        return _opened_without_tenant(content, associated_data).decode()
    number = envelope.number_of(content)
    key = _keys(tenant_id).keys.get(number) or _read(tenant_id).keys.get(number)
    if key is None:
        raise envelope.Unopenable
    return envelope.unseal(key, content, associated_data).decode()


def tenant_key(tenant_id: int, purpose: str) -> bytes:
    """32 bytes for one purpose of one tenant, derived from its first data key.

    For fingerprints that are kept for long: neither the ring's rotation nor newer data keys make
    them anew.

    Args:
        purpose: a label; two purposes never share a key.

    Source: RFC 5869 (HKDF).
    """
    key = (
        _keys(tenant_id).keys[_FIRST] if tenant_id != _NO_TENANT else keyring.purpose_key("nobody")
    )
    return _derived(key, purpose)


def rewrap_all() -> int:
    """Wraps every data key under the newest key of the ring. Says how many weren't.

    Nothing that is sealed changes. Of two who do it at once each key is done by one.

    Raises:
        envelope.Unopenable: a key of the ring that is still needed is missing; what was done stays.
    """
    newest, done = keyring.purpose_key("wrap"), 0
    for model in (TenantKey, SealingKey):
        for row_id in model.objects.order_by("pk").values_list("pk", flat=True):
            row = model.objects.get(pk=row_id)
            number = row.number if isinstance(row, SealingKey) else _FIRST
            before = bytes(row.wrapped)
            if _opens(newest, before, _wrapped_for(row.tenant_id, number)):
                continue
            wrapped = _wrapped(_unwrapped(before, row.tenant_id, number), row.tenant_id, number)
            done += model.objects.filter(pk=row_id, wrapped=before).update(wrapped=wrapped)
    return done


def _opened_without_tenant(sealed_text: bytes, associated_data: str) -> bytes:
    """What belongs to no tenant is sealed by the ring itself, and is short-lived."""
    keys = [keyring.purpose_key("nobody", position=at) for at in range(keyring.ring_size())]
    for key in keys:
        if _opens(key, sealed_text, associated_data):
            return envelope.unseal(key, sealed_text, associated_data)
    raise envelope.Unopenable


def _opens(key: bytes, sealed_text: bytes, associated_data: str) -> bool:
    try:
        envelope.unseal(key, sealed_text, associated_data)
    except envelope.Unopenable:
        return False
    return True


@lru_cache(maxsize=_MOST_DERIVED)
def _derived(key: bytes, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sspr/{purpose}".encode())
    return derivation.derive(key)


def _sealing_key(tenant_id: int) -> tuple[bytes, int]:
    if tenant_id == _NO_TENANT:
        return keyring.purpose_key("nobody"), _FIRST
    kept = _keys(tenant_id)
    return kept.keys[kept.newest], kept.newest


def _keys(tenant_id: int) -> _KeptOpen:
    kept = _kept_open.get(tenant_id)
    return kept if kept is not None and time.monotonic() < kept.until else _read(tenant_id)


def _read(tenant_id: int) -> _KeptOpen:
    first = TenantKey.objects.get(tenant_id=tenant_id)
    keys = {_FIRST: _unwrapped(bytes(first.wrapped), tenant_id, _FIRST)}
    for row in SealingKey.objects.filter(tenant_id=tenant_id):
        keys[row.number] = _unwrapped(bytes(row.wrapped), tenant_id, row.number)
    _kept_open[tenant_id] = _KeptOpen(time.monotonic() + KEPT_OPEN_S, keys)
    return _kept_open[tenant_id]


def _wrapped(key: bytes, tenant_id: int, number: int = _FIRST) -> bytes:
    return envelope.seal(keyring.purpose_key("wrap"), key, _wrapped_for(tenant_id, number))


def _unwrapped(wrapped: bytes, tenant_id: int, number: int) -> bytes:
    for position in range(keyring.ring_size()):
        key = keyring.purpose_key("wrap", position=position)
        try:
            return envelope.unseal(key, wrapped, _wrapped_for(tenant_id, number))
        except envelope.Unopenable:
            continue
    raise envelope.Unopenable


def _wrapped_for(tenant_id: int, number: int) -> str:
    return f"data key|{tenant_id}|{number}" if number else f"data key|{tenant_id}"
