"""The admin: for people with a role, through the service's own sign-in page."""

from typing import NoReturn

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _


class Console(AdminSite):
    site_header = _("Password service administration")
    site_title = _("Password service administration")
    index_title = _("Administration")
    site_url = "/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_authenticated and user.is_active and user.is_staff)

    def login(
        self, request: HttpRequest, _extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """There is one sign-in page, and it isn't here. Who is signed in already may not enter."""
        if request.user.is_authenticated and not self.has_permission(request):
            return redirect("home")
        query = urlencode({"next": reverse("admin:index")})
        return redirect(f"{reverse('registration:signin')}?{query}")

    def password_change(
        self, _request: HttpRequest, _extra_context: dict[str, object] | None = None
    ) -> NoReturn:
        """Django's own form would pass by the tenant's policy, the notices and the audit."""
        raise Http404

    def logout(
        self, _request: HttpRequest, _extra_context: dict[str, object] | None = None
    ) -> NoReturn:
        """There is one way out, too."""
        raise Http404
