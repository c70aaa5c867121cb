"""The only base that a model's page in the admin may have: the wall, seen from the admin.

A scoped list is not enough: filters, look-ups, choices of related rows, search and deletion pages
each ask the database in their own way, and each is closed here.

Source: OWASP ASVS 5.0 8.2.2 and 8.4.1; Django CVE-2010-4534, CVE-2014-0483 (look-up oracles).
"""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest

from isolation.models import TenantOwned
from isolation.scope import current_tenant_id


class OwnedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rows of the tenant in force and no others, by whatever door they are asked for."""

    view_on_site = False
    show_full_result_count = False
    list_per_page = 50
    actions = None
    lookups: ClassVar[Collection[str]] = ()
    """What may stand in the address to narrow a list, beside the filters that the page shows."""

    def get_queryset(self, _request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model.objects.all()
        return rows.order_by(*self.ordering) if self.ordering else rows

    def lookup_allowed(
        self,
        lookup: str,
        value: str,  # noqa: ARG002  # the admin passes them
        request: HttpRequest | None = None,  # noqa: ARG002
    ) -> bool:
        """By name only: no stored value may be guessed letter by letter."""
        return lookup in self.lookups

    def to_field_allowed(self, _request: HttpRequest, to_field: str) -> bool:
        return to_field == self.opts.pk.name

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = _owned(db_field)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = _owned(db_field)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_ours(obj) and super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_ours(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_ours(obj) and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, _request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Names what is asked for and nothing that hangs on it: those rows have pages of theirs."""
        return [str(obj) for obj in objs], {str(self.opts.verbose_name): len(objs)}, set(), []

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:  # noqa: ARG002  # the admin names them
        """There is one history, and it is the audit log."""
        raise Http404

    def _get_obj_does_not_exist_redirect(self, *_args: Any) -> Any:
        """Django would lead to the start page with the key in a message."""
        raise Http404

    def log_addition(self, _request: HttpRequest, _obj: Any, _message: Any) -> Any:
        """The audit log is written by the services; Django's own log knows no tenants."""

    def log_change(self, _request: HttpRequest, _obj: Any, _message: Any) -> Any:
        """See `log_addition`."""

    def log_deletions(self, _request: HttpRequest, _queryset: Any) -> Any:
        """See `log_addition`."""


class OwnedInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """Rows of the tenant in force inside the page of another."""

    extra = 1
    can_delete = True

    def get_queryset(self, _request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model.objects.all()
        return rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = _owned(db_field)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _owned(db_field: Any) -> models.QuerySet[Any]:
    related = db_field.remote_field.model
    if not issubclass(related, TenantOwned):
        raise TypeError(f"{db_field} leads out of the tenant")
    rows: models.QuerySet[Any] = related.objects.all()
    return rows


def _is_ours(obj: Any) -> bool:
    return obj is None or obj.tenant_id == current_tenant_id()
