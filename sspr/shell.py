"""The context of the frame around every page."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from delivery.rules.phones import telephone_link
from isolation.scope import NO_TENANT, NoTenantInForce, current_tenant_id, in_tenant, tenant_of_host
from tenants.queries import branding_in_force, display_name, help_text, tenant_in_force


def shell(request: HttpRequest) -> dict[str, object]:
    """The name and look of the organisation in force, and what all pages share.

    Before sign-in none is in force, so that pages for known and unknown users are the same; unless
    the request came in at an organisation's own host name.
    """
    return {**_look(), "demo": settings.DEMO, "here": request.path}


def _look() -> dict[str, object]:
    here = tenant_of_host()
    try:
        if current_tenant_id() != NO_TENANT:
            return _look_in_force()
    except NoTenantInForce:
        pass
    if here is None:
        return {"brand": ""}
    with in_tenant(here):
        return _look_in_force()


def _look_in_force() -> dict[str, object]:
    look = branding_in_force()
    args, phone = [look.public_id, look.edition], look.help_phone
    return {
        "brand": display_name(),
        "brand_css": reverse("brand-css", args=args) if look.pk and look.colour else "",
        "brand_logo": reverse("brand-logo", args=args) if look.pk and look.has_logo else "",
        "help_text": help_text(),
        "help_phone": phone,
        "help_phone_url": telephone_link(phone, region=tenant_in_force().country) if phone else "",
        "help_url": look.help_url,
        "show_help": bool(look.help_texts or phone or look.help_url),
    }
