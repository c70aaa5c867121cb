"""Sealing and opening columns. Each tenant has its own data keys, cached in this process."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
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

CACHED_S = 300.0
"""How long a process may seal with a key that is no longer the newest."""
_NO_LONGER_USED_AFTER = timedelta(hours=1)
"""How long after a newer key no process seals with the older one, however long its transaction."""
_NO_TENANT = 0
_FIRST = 0
_MOST_DERIVED = 4_096


@dataclass(frozen=True, slots=True)
class _Cached:
    """A tenant's data keys by their numbers, as they were read."""

    until: float
    keys: dict[int, bytes]

    @property
    def newest(self) -> int:
        return max(self.keys)


_cached: dict[int, _Cached] = {}


def create_key(tenant_id: int) -> None:
    """A new tenant's data key. Nothing can be sealed for a tenant that has none."""
    TenantKey.objects.create(tenant_id=tenant_id, wrapped=_wrapped(os.urandom(32), tenant_id))
    # SQLite gives the id of a tenant whose creation was rolled back to the next one.
    _cached.pop(tenant_id, None)


def create_newer_key(tenant_id: int) -> int:
    """Creates the data key that seals from now on, and returns its number.

    Other processes seal with it within `CACHED_S`; its envelopes they can open at once.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
        IntegrityError: another process just created the same number.
    """
    number = _read(tenant_id).newest + 1
    wrapped = _wrapped(os.urandom(32), tenant_id, number)
    SealingKey.objects.create(tenant_id=tenant_id, number=number, wrapped=wrapped)
    _cached.pop(tenant_id, None)
    return number


def destroy_keys(tenant_id: int, *, unless: Callable[[int], bool]) -> int:
    """Deletes keys that are older than the newest and no longer used. Returns how many.

    The first key stays, since keyed hashes are made with it. A key stays, too, while a process may
    still seal with it because the next one is new.

    Args:
        unless: whether an envelope exists that the key of this number sealed.
    """
    rows = list(SealingKey.objects.filter(tenant_id=tenant_id).order_by("number"))
    created_before, deleted = timezone.now() - _NO_LONGER_USED_AFTER, 0
    for row, newer in pairwise(rows):
        if newer.created_at < created_before and not unless(row.number):
            row.delete()
            deleted += 1
    _cached.pop(tenant_id, None)
    return deleted


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

    Use it within one transaction: the key is read once, here.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
    """
    key, number = _sealing_key(tenant_id)
    return lambda texts, associated: envelope.seal_each(
        key, texts, [f"{tenant_id}|{row}" for row in associated], number=number
    )


def head_of_newest(tenant_id: int) -> bytes:
    """The first bytes of every envelope that is sealed for this tenant now."""
    return envelope.head(_sealing_key(tenant_id)[1])


def opened(sealed_text: bytes | memoryview, *, tenant_id: int, associated_data: str) -> str:
    """The text of an envelope.

    Raises:
        envelope.Unopenable: sealed for another tenant, row or key, or damaged.
        TenantKey.DoesNotExist: the tenant's key was destroyed, and its envelopes with it.
    """
    associated_data, content = f"{tenant_id}|{associated_data}", bytes(sealed_text)
    if tenant_id == _NO_TENANT:
        return _opened_by_ring("nobody", content, associated_data).decode()
    number = envelope.number_of(content)
    key = _keys(tenant_id).keys.get(number) or _read(tenant_id).keys.get(number)
    if key is None:
        raise envelope.Unopenable
    return envelope.unseal(key, content, associated_data).decode()


def tenant_key(tenant_id: int, purpose: str) -> bytes:
    """32 bytes for one purpose of one tenant, derived from its first data key.

    For keyed hashes that are stored for long: neither rotating the ring nor a newer data key
    changes them.

    Args:
        purpose: a label; two purposes never share a key.

    Source: RFC 5869 (HKDF).
    """
    key = (
        _keys(tenant_id).keys[_FIRST] if tenant_id != _NO_TENANT else keyring.purpose_key("nobody")
    )
    return _derived(key, purpose)


def rewrap_all() -> int:
    """Wraps every data key under the newest key of the ring. Returns how many weren't before.

    Envelopes don't change. Two processes may do it at once.

    Raises:
        envelope.Unopenable: the ring lacks a key that is still needed; keys wrapped so far stay so.
    """
    newest, done = keyring.purpose_key("wrap"), 0
    for model in (TenantKey, SealingKey):
        for row_id in model.objects.order_by("pk").values_list("pk", flat=True):
            row = model.objects.get(pk=row_id)
            number = row.number if isinstance(row, SealingKey) else _FIRST
            before = bytes(row.wrapped)
            if _opened_by([newest], before, _wrapped_for(row.tenant_id, number)) is not None:
                continue
            wrapped = _wrapped(_unwrapped(before, row.tenant_id, number), row.tenant_id, number)
            done += model.objects.filter(pk=row_id, wrapped=before).update(wrapped=wrapped)
    return done


def _opened_by_ring(purpose: str, sealed_text: bytes, associated_data: str) -> bytes:
    """What the ring itself sealed, with whichever of its keys."""
    keys = (keyring.purpose_key(purpose, position=at) for at in range(keyring.ring_size()))
    if (opened_text := _opened_by(keys, sealed_text, associated_data)) is None:
        raise envelope.Unopenable
    return opened_text


def _opened_by(keys: Iterable[bytes], sealed_text: bytes, associated_data: str) -> bytes | None:
    for key in keys:
        with suppress(envelope.Unopenable):
            return envelope.unseal(key, sealed_text, associated_data)
    return None


@lru_cache(maxsize=_MOST_DERIVED)
def _derived(key: bytes, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sspr/{purpose}".encode())
    return derivation.derive(key)


def _sealing_key(tenant_id: int) -> tuple[bytes, int]:
    if tenant_id == _NO_TENANT:
        return keyring.purpose_key("nobody"), _FIRST
    cached = _keys(tenant_id)
    return cached.keys[cached.newest], cached.newest


def _keys(tenant_id: int) -> _Cached:
    cached = _cached.get(tenant_id)
    return cached if cached is not None and time.monotonic() < cached.until else _read(tenant_id)


def _read(tenant_id: int) -> _Cached:
    first = TenantKey.objects.get(tenant_id=tenant_id)
    keys = {_FIRST: _unwrapped(bytes(first.wrapped), tenant_id, _FIRST)}
    for row in SealingKey.objects.filter(tenant_id=tenant_id):
        keys[row.number] = _unwrapped(bytes(row.wrapped), tenant_id, row.number)
    _cached[tenant_id] = _Cached(time.monotonic() + CACHED_S, keys)
    return _cached[tenant_id]


def _wrapped(key: bytes, tenant_id: int, number: int = _FIRST) -> bytes:
    return envelope.seal(keyring.purpose_key("wrap"), key, _wrapped_for(tenant_id, number))


def _unwrapped(wrapped: bytes, tenant_id: int, number: int) -> bytes:
    return _opened_by_ring("wrap", wrapped, _wrapped_for(tenant_id, number))


def _wrapped_for(tenant_id: int, number: int) -> str:
    return f"data key|{tenant_id}|{number}" if number else f"data key|{tenant_id}"
