"""What happened in the organisation, and who did it."""

from collections.abc import Iterable

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit.activities import Outcome
from audit.models import Event
from audit.words import label_of, result_of
from console.forms.audit import SearchForm
from console.queries import audit as queries
from console.views.actors import done_by, names_in
from console.views.audit_words import details_of, reason_of
from console.views.frame import page, shown
from directory.models import User
from tenants.roles import Permission


@require_safe
@page(Permission.READ_AUDIT)
def audit(request: HttpRequest, user: User) -> HttpResponse:
    may_see_people = user.has_permission(Permission.SEE_PEOPLE)
    form = SearchForm(request.GET, may_see_people=may_see_people)
    sought = _sought(form) if form.is_valid() else queries.Sought()
    events, before = queries.records(sought)
    context = {
        "title": _("Audit log"),
        "form": form,
        "rows": _rows(events),
        "may_see_people": may_see_people,
        "next": form.address(before=before) if before else "",
    }
    return shown(request, "console/audit/list.html", context)


@require_safe
@page(Permission.READ_AUDIT)
def record(request: HttpRequest, user: User, event_id: int) -> HttpResponse:
    event = queries.record_of(event_id)
    if event is None:
        raise Http404
    (row,) = _rows([event])
    may_see_people = user.has_permission(Permission.SEE_PEOPLE)
    context = {
        "title": _("Record"),
        "row": row,
        "details": details_of(event) if may_see_people else [],
        "may_see_people": may_see_people,
    }
    return shown(request, "console/audit/record.html", context)


def _sought(form: SearchForm) -> queries.Sought:
    typed = form.cleaned_data
    return queries.Sought(
        search=typed.get("q", ""),
        activity=typed["activity"],
        since=typed["since"],
        until=typed["until"],
        before=typed["before"],
    )


def _rows(events: Iterable[Event]) -> list[dict[str, object]]:
    """Records in words. Who is who is asked once, for all of them."""
    listed = list(events)
    names = names_in(listed)
    return [
        {
            "pk": event.pk,
            "at": event.at,
            "what": label_of(event.activity),
            "result": result_of(event.outcome),
            "failed": event.outcome == Outcome.FAILURE,
            "user": names.of(event.subject_id),
            "user_id": event.subject_id if event.subject_id in names.people else None,
            "by": done_by(event, names),
            "reason": reason_of(event),
            "code": f"{event.support_code[:4]}-{event.support_code[4:]}".strip("-"),
        }
        for event in listed
    ]
