"""Browsers that are familiar, because their users signed in there before."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from verification.middleware import known_device
from verification.services import lockouts

_YEAR_S = 365 * 86_400


def familiar(request: HttpRequest, user: User, response: HttpResponse) -> HttpResponse:
    """Lets the browser be known by this user from now on."""
    with in_tenant(user.tenant_id or NO_TENANT):
        cookie = lockouts.made_familiar(user, known_device(request))
    response.set_cookie(
        settings.KNOWN_COOKIE_NAME,
        cookie,
        max_age=_YEAR_S,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
