"""Sealing and opening columns. One data key per tenant, kept open in this process only."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault import envelope, keyring
from vault.models import TenantKey

_NOBODY = 0
_KEPT_OPEN_S = 300.0
_MOST_DERIVED = 4_096
_kept_open: dict[int, tuple[float, bytes]] = {}


def create_key(tenant_id: int) -> None:
    """A new tenant's data key. Nothing can be sealed for a tenant that has none."""
    wrapped = envelope.seal(keyring.purpose_key("wrap"), os.urandom(32), _place(tenant_id))
    TenantKey.objects.create(tenant_id=tenant_id, wrapped=wrapped)
    # SQLite gives the number of a tenant whose founding was rolled back to the next one.
    _kept_open.pop(tenant_id, None)


def sealed(text: str, *, tenant_id: int, place: str) -> bytes:
    """The text in an envelope that opens for this tenant and place only.

    Args:
        place: table, column and row, like `delivery.outgoing.destination:7f…`.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
    """
    return envelope.seal(_data_key(tenant_id), text.encode(), f"{tenant_id}|{place}")


def sealing(tenant_id: int) -> Callable[[Sequence[str], Iterable[str]], list[bytes]]:
    """`sealed` for many texts of one tenant: takes texts and their places.

    For one transaction, not to be kept: the key is asked for once, here.

    Raises:
        TenantKey.DoesNotExist: the tenant has no key, or no longer.
    """
    key = _data_key(tenant_id)
    return lambda texts, places: envelope.seal_each(
        key, texts, [f"{tenant_id}|{place}" for place in places]
    )


def tenant_key(tenant_id: int, purpose: str) -> bytes:
    """32 bytes for one purpose of one tenant, derived from its data key.

    For fingerprints that are kept for long: the ring can be rotated without making them anew.

    Args:
        purpose: a label; two purposes never share a key.

    Source: RFC 5869 (HKDF).
    """
    return _derived(_data_key(tenant_id), purpose)


def rewrap_all() -> int:
    """Wraps every data key under the newest key of the ring. Says how many weren't.

    Nothing that is sealed changes. Of two who do it at once each key is done by one.

    Raises:
        envelope.Unopenable: a key of the ring that is still needed is missing; what was done stays.
    """
    newest, done = keyring.purpose_key("wrap"), 0
    for tenant_id in TenantKey.objects.order_by("pk").values_list("pk", flat=True):
        row = TenantKey.objects.get(pk=tenant_id)
        before, place = bytes(row.wrapped), _place(tenant_id)
        if _opens(newest, before, place):
            continue
        wrapped = envelope.seal(newest, _unwrap(before, tenant_id), place)
        done += TenantKey.objects.filter(pk=tenant_id, wrapped=before).update(wrapped=wrapped)
    return done


def opened(sealed_text: bytes | memoryview, *, tenant_id: int, place: str) -> str:
    """The text again.

    Raises:
        envelope.Unopenable: it was sealed for another tenant, place or key, or was damaged.
        TenantKey.DoesNotExist: the tenant's key was destroyed, and with it what it sealed.
    """
    place = f"{tenant_id}|{place}"
    if tenant_id == _NOBODY:
        return _opened_of_nobody(bytes(sealed_text), place).decode()
    return envelope.unseal(_data_key(tenant_id), bytes(sealed_text), place).decode()


def _opened_of_nobody(sealed_text: bytes, place: str) -> bytes:
    """What belongs to no tenant is sealed by the ring itself, and doesn't live long."""
    keys = [keyring.purpose_key("nobody", position=at) for at in range(keyring.ring_size())]
    for key in keys:
        if _opens(key, sealed_text, place):
            return envelope.unseal(key, sealed_text, place)
    raise envelope.Unopenable


def _opens(key: bytes, sealed_text: bytes, place: str) -> bool:
    try:
        envelope.unseal(key, sealed_text, place)
    except envelope.Unopenable:
        return False
    return True


@lru_cache(maxsize=_MOST_DERIVED)
def _derived(key: bytes, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sspr/{purpose}".encode())
    return derivation.derive(key)


def _data_key(tenant_id: int) -> bytes:
    if tenant_id == _NOBODY:
        return keyring.purpose_key("nobody")
    until, key = _kept_open.get(tenant_id, (0.0, b""))
    if time.monotonic() < until:
        return key
    row = TenantKey.objects.get(tenant_id=tenant_id)
    key = _unwrap(bytes(row.wrapped), tenant_id)
    _kept_open[tenant_id] = (time.monotonic() + _KEPT_OPEN_S, key)
    return key


def _unwrap(wrapped: bytes, tenant_id: int) -> bytes:
    for position in range(keyring.ring_size()):
        key = keyring.purpose_key("wrap", position=position)
        try:
            return envelope.unseal(key, wrapped, _place(tenant_id))
        except envelope.Unopenable:
            continue
    raise envelope.Unopenable


def _place(tenant_id: int) -> str:
    return f"data key|{tenant_id}"
