"""Stylesheet and logo of an organisation, which browsers and proxies may cache."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from tenants import branding
from tenants.models import Branding
from tenants.queries import branding_by_public_id
from verification.marks import Stage, open_during

_FOR_GOOD = "public, max-age=31536000, immutable"
_SHEET = (
    ":root{{--brand:{light.brand};--on-brand:{light.on_brand}}}"
    "@media (prefers-color-scheme:dark)"
    "{{:root{{--brand:{dark.brand};--on-brand:{dark.on_brand}}}}}"
)


@open_during(*Stage, by_pass=True)
@require_safe
def stylesheet(_request: HttpRequest, public_id: uuid.UUID, edition: int) -> HttpResponse:
    """The brand's colours, at an address of their own, as the content security policy requires."""
    colour = _branding(public_id, edition).colour
    if not branding.is_colour(colour):
        raise Http404
    sheet = _SHEET.format(light=branding.light(colour), dark=branding.dark(colour))
    return _cacheable(sheet.encode(), "text/css; charset=utf-8")


@open_during(*Stage, by_pass=True)
@require_safe
def logo(_request: HttpRequest, public_id: uuid.UUID, edition: int) -> HttpResponse:
    picture = bytes(_branding(public_id, edition).logo)
    if not picture:
        raise Http404
    return _cacheable(picture, "image/png")


def _branding(public_id: uuid.UUID, edition: int) -> Branding:
    branded = branding_by_public_id(public_id)
    if branded is None or branded.edition != edition:
        raise Http404
    return branded


def _cacheable(content: bytes, kind: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": _FOR_GOOD})
