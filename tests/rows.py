"""Any row of any model that belongs to a tenant, and all rows there are."""

from datetime import UTC, datetime
from uuid import UUID

from django.apps import apps
from django.db import models

SAMPLES = {
    models.EmailField: "x@mail.example",
    models.TextField: "x",
    models.BinaryField: b"x",
    models.DateTimeField: datetime(2026, 1, 1, tzinfo=UTC),
    models.JSONField: {},
    models.BooleanField: False,
}


def row_of(model, tenant):
    """One that the tenant has, or a new one with any value of the right kind."""
    if there_is := model.unscoped.filter(tenant_id=tenant.pk).first():
        return there_is
    return model.unscoped.create(**values_of(model, tenant))


def everything():
    """All that is stored, of all organisations; without the sessions of browsers."""
    models = [one for one in apps.get_models() if one._meta.app_label != "sessions"]
    return {one._meta.label: sorted(map(repr, one._base_manager.values_list())) for one in models}


def values_of(model, tenant):
    """What a new row of the tenant needs, its foreign keys made first."""
    values = {"tenant_id": tenant.pk}
    for field in model._meta.concrete_fields:
        if field.attname in values or field.primary_key or field.has_default() or field.null:
            continue
        if field.generated:
            continue
        if field.is_relation:
            values[field.name] = row_of(field.related_model, tenant)
        else:
            values[field.attname] = _sample(field, tenant)
    return values


def _sample(field, tenant):
    if type(field) is models.CharField:
        return str(tenant.pk)[-field.max_length :]
    if isinstance(field, models.UUIDField):
        return UUID(int=tenant.pk)
    for kind, value in SAMPLES.items():
        if isinstance(field, kind):
            return value
    return 1
