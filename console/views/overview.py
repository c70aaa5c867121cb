"""The first page of the admin."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.views.frame import page, shown
from directory.models import User


@require_safe
@page(None)
def overview(request: HttpRequest, _user: User) -> HttpResponse:
    return shown(request, "console/overview.html", {"title": _("Overview")})
