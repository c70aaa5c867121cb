"""What happened in the organisation, and who did it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from audit.models import Event
from console.forms.audit import AuditSearchForm
from console.queries import audit as queries
from console.views.details import changes_of, details_of
from console.views.frame import page, shown
from console.views.history import event_rows
from directory.models import User
from tenants.queries import policy_in_force
from tenants.roles import Permission


@page(Permission.READ_AUDIT)
def audit(request: HttpRequest, admin: User) -> HttpResponse:
    may_see_people = admin.has_permission(Permission.SEE_PEOPLE)
    form = AuditSearchForm(request.GET, may_see_people=may_see_people)
    sought = form.sought()
    events, before = queries.records(sought)
    rows = event_rows(events)
    if may_see_people:
        rows = [
            {**row, "changed": changes_of(event)} for row, event in zip(rows, events, strict=True)
        ]
    context = {
        "title": _("Audit log"),
        "form": form,
        "rows": rows,
        "may_see_people": may_see_people,
        "export": form.address(before="")
        if admin.has_permission(Permission.EXPORT_AUDIT)
        else None,
        "may_stream": admin.has_permission(Permission.STREAM_AUDIT),
        "chain": queries.chain_state(),
        "days_kept": policy_in_force().audit_days,
        "may_set_policy": admin.has_permission(Permission.SET_POLICY),
        "cut": queries.MOST_PEOPLE if queries.is_cut(sought) else 0,
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
