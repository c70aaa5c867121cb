"""The admin: for people with a role, through the service's own sign-in page and a second factor."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, NoReturn

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from console.queries.step_up import acts_in_a_tenant, has_second_factor
from directory.models import User
from directory.queries import time_zone_of
from tenants.queries import tenant_in_force
from tenants.roles import Permission
from tenants.rules import name_of_time_zone
from verification.marks import page_of_the_admin
from verification.session import Session

_NAVIGATION = (
    ("console:overview", _("Overview"), None),
    ("console:people", _("People"), Permission.SEE_PEOPLE),
    ("console:imports", _("Import contact data"), Permission.IMPORT_PEOPLE),
    ("console:oath-tokens", _("Hardware tokens"), Permission.MANAGE_PEOPLE),
    ("console:policy", _("Policy"), Permission.SET_POLICY),
    ("console:groups", _("Groups"), Permission.SET_POLICY),
    ("console:questions", _("Security questions"), Permission.SET_POLICY),
    ("console:directories", _("Directories"), Permission.MANAGE_DIRECTORIES),
    ("console:branding", _("Branding and texts"), Permission.SET_POLICY),
    ("console:audit", _("Audit log"), Permission.READ_AUDIT),
    ("console:administrators", _("Administrators"), Permission.MANAGE_ADMINS),
)
_ELSEWHERE = {"console:people": "callers/", "console:branding": "texts/"}
"""Addresses of pages that belong to a section and don't begin with its own address."""


class Console(AdminSite):
    site_header = _("Password service administration")
    site_title = _("Password service administration")
    index_title = _("Administration")
    site_url = "/"
    enable_nav_sidebar = False
    empty_value_display = "–"
    closed: ClassVar = {"view_on_site", "autocomplete", "password_change_done", "jsi18n"}
    """Django's own addresses that read rows of other tenants, or that nothing here needs."""

    def get_urls(self) -> list[URLResolver | URLPattern]:
        urls = [url for url in super().get_urls() if getattr(url, "name", "") not in self.closed]
        for url in urls:
            if isinstance(url, URLPattern):
                # Of a method the function takes the mark.
                page_of_the_admin(getattr(url.callback, "__func__", url.callback))
        return urls

    def register(self, model_or_iterable: Any, admin_class: Any = None, **_options: Any) -> None:
        """No model has a page of Django's: those read rows of other tenants, and count.

        The pages that Django brings stay out.

        Raises:
            TypeError: a model was registered. Write a page in `console/views` instead.
        """
        if admin_class is None or not admin_class.__module__.startswith("django."):
            raise TypeError(f"{model_or_iterable}: write a page in console/views")

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if not isinstance(user, User) or not user.is_active or not user.is_staff:
            return False
        return has_second_factor(Session(request.session), user)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Sends operators who act in no organisation yet to the page that offers them."""

        @wraps(view)
        def within(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if self.has_permission(request) and not acts_in_a_tenant():
                return redirect("console:organisations")
            try:
                response: HttpResponse = view(request, *args, **kwargs)
            except PermissionDenied:
                # A page without permission doesn't exist to the user.
                raise Http404 from None
            return response

        return super().admin_view(within, cacheable)

    def each_context(self, request: HttpRequest) -> dict[str, object]:
        user = request.user
        staff = user if isinstance(user, User) else None
        within = acts_in_a_tenant() and self.has_permission(request)
        shown = [
            {"url": reverse(name), "label": label, "current": _current(name, request.path)}
            for name, label, permission in _NAVIGATION
            if staff and within and (permission is None or staff.has_permission(permission))
        ]
        tenant = tenant_in_force() if acts_in_a_tenant() else None
        zones = []
        if tenant is not None and staff is not None:
            both = dict.fromkeys([time_zone_of(staff), tenant.time_zone])
            zones = [name_of_time_zone(zone, get_language() or "en") for zone in both]
        return super().each_context(request) | {
            "tenant": tenant,
            "zones": zones,
            "acting": staff is not None and staff.tenant_id is None,
            "navigation": shown,
        }

    def login(
        self, request: HttpRequest, _extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Leads to the service's sign-in page, or to the step-up; users without a role go home."""
        user = request.user
        wanted = request.GET.get("next", "")
        if isinstance(user, User) and user.is_staff:
            if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
                Session(request.session).url_after_step_up = wanted
            return redirect("console:second-factor")
        if isinstance(user, User):
            return redirect("home")
        query = urlencode({"next": reverse("admin:index")})
        return redirect(f"{reverse('registration:signin')}?{query}")

    def password_change(
        self, _request: HttpRequest, _extra_context: dict[str, object] | None = None
    ) -> NoReturn:
        """Django's own form would bypass the tenant's policy, the notices and the audit."""
        raise Http404

    def logout(
        self, _request: HttpRequest, _extra_context: dict[str, object] | None = None
    ) -> NoReturn:
        """Signing out is the service's own page, too."""
        raise Http404


def _current(name: str, path: str) -> str:
    """The `aria-current` of a link of the navigation on this page."""
    url, home = reverse(name), reverse("console:overview")
    if path == url:
        return "page"
    if url == home:
        return ""
    parts = (url, f"{home}{_ELSEWHERE[name]}") if name in _ELSEWHERE else (url,)
    return "true" if path.startswith(parts) else ""
