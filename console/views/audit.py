"""What happened in the organisation, and who did it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from audit.models import Event
from console.forms.audit import AuditSearchForm
from console.queries.audit import records
from console.views.details import details_of
from console.views.frame import page, shown
from console.views.history import event_rows
from directory.models import User
from tenants.roles import Permission


@page(Permission.READ_AUDIT)
def audit(request: HttpRequest, admin: User) -> HttpResponse:
    may_see_people = admin.has_permission(Permission.SEE_PEOPLE)
    form = AuditSearchForm(request.GET, may_see_people=may_see_people)
    events, before = records(form.sought())
    context = {
        "title": _("Audit log"),
        "form": form,
        "rows": event_rows(events),
        "may_see_people": may_see_people,
        "next": form.address(before=before) if before else "",
    }
    return shown(request, "console/audit/list.html", context)


@page(Permission.READ_AUDIT)
def record(request: HttpRequest, admin: User, event_id: int) -> HttpResponse:
    event = get_object_or_404(Event.objects, pk=event_id)
    may_see_people = admin.has_permission(Permission.SEE_PEOPLE)
    (row,) = event_rows([event])
    context = {
        "title": _("Record"),
        "row": row,
        "details": details_of(event) if may_see_people else [],
        "may_see_people": may_see_people,
    }
    return shown(request, "console/audit/record.html", context)
