"""Seals rows again with a tenant's newest data key, while the service runs."""

from collections.abc import Iterator
from typing import Any

import structlog
from django.apps import apps
from django.db import models, transaction
from django.db.models.functions import Substr

from isolation.models import TenantOwned
from isolation.scope import current_tenant_id
from vault import envelope
from vault.services import destroy_keys, head_of_newest, opened, sealed

_PORTION = 32
"""Parts of imported files have a megabyte each."""

log = structlog.get_logger(__name__)


def columns() -> Iterator[tuple[type[TenantOwned], str]]:
    """All columns with envelopes."""
    for model in apps.get_models():
        if issubclass(model, TenantOwned):
            yield from ((model, column) for column in model.sealed)


def reseal() -> int:
    """Seals all envelopes of the tenant in force with its newest key. Returns how many weren't.

    Skips rows that are written meanwhile, and those that no key opens.
    """
    return sum(_resealed(model, column) for model, column in columns())


def destroy_unused() -> int:
    """Deletes older data keys of the tenant in force that no envelope uses."""
    return destroy_keys(current_tenant_id(), unless=_is_used)


def _resealed(model: type[TenantOwned], column: str) -> int:
    newest, done, after = head_of_newest(current_tenant_id()), 0, None
    while rows := _portion(model, column, newest, after):
        with transaction.atomic():
            done += sum(_changed(model, column, key, bytes(before)) for key, before in rows)
        after = rows[-1][0]
    return done


def _portion(
    model: type[TenantOwned], column: str, newest: bytes, after: object
) -> list[tuple[Any, bytes]]:
    rows = _with_head(model, column, len(newest)).exclude(head__in=[newest, b""])
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", column)[:_PORTION])


def _changed(model: type[TenantOwned], column: str, key: object, before: bytes) -> int:
    tenant_id, associated_data = current_tenant_id(), model.associated_data_of(column, key)
    try:
        text = opened(before, tenant_id=tenant_id, associated_data=associated_data)
    except envelope.Unopenable:
        log.warning("envelope_unopenable", column=model.sealed[column], row=str(key))
        return 0
    anew = sealed(text, tenant_id=tenant_id, associated_data=associated_data)
    return model.objects.filter(pk=key, **{column: before}).update(**{column: anew})


def _is_used(number: int) -> bool:
    head = envelope.head(number)
    return any(
        _with_head(model, column, len(head)).filter(head=head).exists()
        for model, column in columns()
    )


def _with_head(model: type[TenantOwned], column: str, length: int) -> "models.QuerySet[Any]":
    head = Substr(column, 1, length, output_field=models.BinaryField())
    return model.objects.filter(**{f"{column}__isnull": False}).annotate(head=head)
