"""Who may see a page of the admin, and what every page has around it.

A page that the user has no permission for doesn't exist to them: 404, never 403.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps

from django.contrib.admin import site
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from console.queries.step_up import acts_in_a_tenant, has_second_factor, is_fresh
from directory.models import User
from tenants.roles import Permission
from verification.marks import page_of_the_admin
from verification.session import Session

Page = Callable[..., HttpResponseBase]
SAFE, FORM, POST = ("GET", "HEAD"), ("GET", "HEAD", "POST"), ("POST",)
"""Methods of pages that show something, that hold a form, and that only act."""


def page(
    permission: Permission | None, methods: Sequence[str] = SAFE, *, fresh: bool = False
) -> Callable[[Page], Page]:
    """Lets in who signed in with both factors, has the permission and acts in a tenant.

    Args:
        permission: None for what every role may see.
        fresh: whether the second factor must be fresh; see `freshly_proved`.
    """

    def guarded(view: Page) -> Page:
        inner = freshly_proved(view) if fresh else view

        @require_http_methods(list(methods))
        @behind_both
        @wraps(view)
        def entered(
            request: HttpRequest, user: User, *args: object, **kwargs: object
        ) -> HttpResponseBase:
            if not acts_in_a_tenant():
                return redirect("console:organisations")
            if permission is not None and not user.has_permission(permission):
                raise Http404
            return inner(request, user, *args, **kwargs)

        return entered

    return guarded


def behind_both(view: Page) -> Page:
    """Only for people with a role, with password and second factor. Others are sent to get them."""

    @page_of_the_admin
    @wraps(view)
    def entered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            query = urlencode({"next": request.path})
            return redirect(f"{reverse('registration:signin')}?{query}")
        if not user.is_staff:
            raise Http404
        if not has_second_factor(Session(request.session), user):
            _remember(request)
            return redirect("console:second-factor")
        return view(request, user, *args, **kwargs)

    return entered


def freshly_proved(view: Page) -> Page:
    """Only for users who passed the second factor in the last ten minutes.

    What was posted isn't kept: the user comes back to the page and confirms again.
    """

    @wraps(view)
    def entered(
        request: HttpRequest, user: User, *args: object, **kwargs: object
    ) -> HttpResponseBase:
        if not is_fresh(Session(request.session), user):
            _remember(request)
            return redirect("console:second-factor")
        return view(request, user, *args, **kwargs)

    return entered


def shown(request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
    """A page of the admin with its navigation. `context["title"]` is its heading."""
    return render(request, template, {**site.each_context(request), **context})


def query_text(request: HttpRequest, name: str, *, length: int) -> str:
    """A parameter of the address, cut, without the character that no database takes."""
    return request.GET.get(name, "").replace("\0", "")[:length]


def _remember(request: HttpRequest) -> None:
    """The page to return to after the second factor, if it can be opened by GET."""
    if request.method in SAFE:
        Session(request.session).url_after_step_up = request.get_full_path()
