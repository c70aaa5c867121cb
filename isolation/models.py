"""The first wall between tenants: a model that belongs to one can't be asked without one."""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models

from isolation.scope import current_tenant_id

_Owned = TypeVar("_Owned", bound=models.Model)


class OwnedManager(models.Manager[_Owned]):
    """`objects` of a tenant-owned model: sees the rows of the tenant in force, and no others."""

    def get_queryset(self) -> models.QuerySet[_Owned]:
        return super().get_queryset().filter(tenant_id=current_tenant_id())

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[_Owned]:
        rows = list(objs)
        if any(row.tenant_id != current_tenant_id() for row in rows):
            raise ValueError("a row of another tenant")
        return super().bulk_create(rows, *args, **kwargs)


class TenantOwned(models.Model):
    """A row of one tenant. The tenant is an id here, so that this room knows no other room."""

    tenant_id = models.BigIntegerField(default=current_tenant_id, editable=False)

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()
    unscoped: ClassVar[models.Manager[Self]] = models.Manager()  # type: ignore[no-redef, unused-ignore]  # the plugin adds it too, at times

    class Meta:
        abstract = True
        base_manager_name = "unscoped"
