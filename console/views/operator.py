"""An operator chooses the organisation to act in, and leaves it again."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.forms.lists import OrganisationsForm
from console.queries import step_up as queries
from console.services import step_up
from console.views.frame import behind_both, shown
from directory.models import User
from tenants.models import Tenant
from verification.session import Session


@require_safe
@behind_both
def organisations(request: HttpRequest, user: User) -> HttpResponse:
    _operators_only(user)
    form = OrganisationsForm(request.GET)
    rows = queries.organisations(form.text("q"))
    context = {"title": _("Organisations"), "form": form, "rows": rows}
    return shown(request, "console/organisations.html", context)


@require_POST
@behind_both
def enter(request: HttpRequest, user: User, tenant_id: int) -> HttpResponse:
    _operators_only(user)
    tenant = get_object_or_404(Tenant, pk=tenant_id)
    step_up.enter_organisation(Session(request.session), user, tenant)
    return redirect("admin:index")


@require_POST
@behind_both
def leave(request: HttpRequest, user: User) -> HttpResponse:
    _operators_only(user)
    step_up.leave_organisation(Session(request.session), user)
    return redirect("console:organisations")


def _operators_only(user: User) -> None:
    if user.tenant_id is not None:
        raise Http404
