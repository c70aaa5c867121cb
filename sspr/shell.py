"""What the frame around every page shows."""

from django.conf import settings
from django.http import HttpRequest

from isolation.scope import NOBODY, NoTenantInForce, current_tenant_id
from tenants.queries import tenant_in_force


def shell(request: HttpRequest) -> dict[str, object]:
    """The organisation's name where one is in force, the demo's banner, and this page's address."""
    return {"brand": _brand(), "demo": settings.DEMO, "here": request.path}


def _brand() -> str:
    try:
        return "" if current_tenant_id() == NOBODY else tenant_in_force().name
    except NoTenantInForce:
        return ""
