"""Models whose rows belong to tenants. Reading them without a tenant in force is an error.

Below them, `isolation.row_level` has the database do the same.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, Self, TypeVar, cast

from django.db import models

from isolation.scope import all_tenants, current_tenant_id

_Owned = TypeVar("_Owned", bound=models.Model)
_Asking = TypeVar("_Asking", bound=Callable[..., Any])


def _of_all_tenants(ask: _Asking) -> _Asking:
    @wraps(ask)
    def asking(*args: Any, **kwargs: Any) -> Any:
        with all_tenants():
            return ask(*args, **kwargs)

    return cast("_Asking", asking)


class EveryTenants(models.QuerySet[_Owned]):
    """Rows of all tenants, for row-level security, too.

    As a subquery it doesn't: there the outer query must run in `all_tenants`.
    """

    _fetch_all = _of_all_tenants(models.QuerySet._fetch_all)  # noqa: SLF001  # what every way to read rows goes through
    count = _of_all_tenants(models.QuerySet.count)
    exists = _of_all_tenants(models.QuerySet.exists)
    aggregate = _of_all_tenants(models.QuerySet.aggregate)
    create = _of_all_tenants(models.QuerySet.create)
    update_or_create = _of_all_tenants(models.QuerySet.update_or_create)
    update = _of_all_tenants(models.QuerySet.update)
    delete = _of_all_tenants(models.QuerySet.delete)


class EveryTenantsManager(models.Manager[_Owned]):
    """`unscoped` of a tenant-owned model."""

    def get_queryset(self) -> models.QuerySet[_Owned]:
        return EveryTenants(self.model, using=self._db)


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

    sealed: ClassVar[Mapping[str, str]] = {}
    """Columns that hold envelopes → what is sealed there, up to the row's number."""

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()
    unscoped: ClassVar[EveryTenantsManager[Self]] = EveryTenantsManager()

    class Meta:
        abstract = True

    @classmethod
    def associated_data_of(cls, column: str, key: object) -> str:
        """The associated data of an envelope in this column of that row."""
        return f"{cls.sealed[column]}:{key}"
