"""When a signed-in session ends. Checked here, on the server, at every request."""

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from isolation.scope import in_tenant

LIFETIME_S = 15 * 60
ENDS_AT = "ends_at"


def extend(request: HttpRequest) -> None:
    """Gives a signed-in session its full lifetime again."""
    request.session[ENDS_AT] = timezone.now().timestamp() + LIFETIME_S


class SessionEnds:
    """Signs out whose time is over, and puts the signed-in user's tenant in force.

    Source: design section 5 (15 minutes, extended by the user; never by a reset attempt).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if ENDS_AT in request.session:
            if request.session[ENDS_AT] <= timezone.now().timestamp():
                logout(request)
            elif request.path.startswith("/admin/"):
                extend(request)
        tenant_id = getattr(request.user, "tenant_id", None)
        if tenant_id is None:
            return self._get_response(request)
        with in_tenant(tenant_id):
            return self._get_response(request)
