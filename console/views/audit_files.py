"""The audit log as a file, with the filters of its page."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from audit.activities import Activity
from audit.models import Event
from audit.services import record
from console.forms.audit import AuditExportForm, AuditSearchForm
from console.queries.audit import Sought, portion
from console.queries.records import plain_records
from console.views.csv_files import download
from console.views.details import details_of
from console.views.frame import FORM, page, shown
from console.views.history import event_rows
from directory.models import User
from isolation.scope import current_tenant_id, in_tenant
from provisioning.rules.csv_writing import csv_file
from tenants.roles import Permission

_Line = TypeVar("_Line")


@page(Permission.EXPORT_AUDIT, FORM, fresh=True)
def export(request: HttpRequest, admin: User) -> HttpResponseBase:
    """The answer to the form is the file: there is no address to get it from later."""
    may_see_people = admin.has_permission(Permission.SEE_PEOPLE)
    filters = AuditSearchForm(request.GET, may_see_people=may_see_people)
    form = AuditExportForm(request.POST or None, may_see_people=may_see_people)
    if form.is_valid():
        file_format = form.cleaned_data.get("file_format", "csv")
        record(
            Activity.AUDIT_EXPORTED,
            actor_id=admin.pk,
            note=form.cleaned_data["reason"],
            file_format=file_format,
            filters=",".join(filters.used),
        )
        sought = filters.sought()
        if file_format == "jsonl":
            pieces = _json_lines(sought)
            return download(pieces, "audit.jsonl", content_type="application/x-ndjson")
        return download(_csv(sought, may_see_people=may_see_people), "audit.csv")
    context = {
        "title": _("Export the audit log"),
        "form": form,
        "filters": filters.in_words(),
        "back": filters.address(before=""),
        "may_see_people": may_see_people,
    }
    return shown(request, "console/audit/export.html", context)


def _csv(sought: Sought, *, may_see_people: bool) -> Iterator[str]:
    """In words, in the language and time zone in force."""
    head = [_("Time"), _("Activity"), _("Code of the activity"), _("Result")]
    if may_see_people:
        head += [pgettext("audit", "User"), pgettext("audit", "Done by"), _("Reason")]
        head += [_("Support code"), _("Details")]
    return csv_file(head, (line[: len(head)] for line in _each(sought, _lines)))


def _lines(events: Sequence[Event]) -> list[list[str]]:
    return [
        [
            timezone.localtime(event.at).isoformat(timespec="seconds"),
            *(str(row["what"]), event.activity, str(row["result"])),
            *(str(row[name]) for name in ("user", "by", "reason", "code")),
            "; ".join(f"{label}: {words}" for label, words in details_of(event)),
        ]
        for event, row in zip(events, event_rows(events), strict=True)
    ]


def _json_lines(sought: Sought) -> Iterator[str]:
    return (json.dumps(one, ensure_ascii=False) + "\n" for one in _each(sought, plain_records))


def _each(sought: Sought, written: Callable[[list[Event]], list[_Line]]) -> Iterator[_Line]:
    """All records that match, written a portion at a time.

    Goes on after the request has ended, so each portion sets what is in force now.
    """
    tenant_id, zone = current_tenant_id(), timezone.get_current_timezone()
    language = translation.get_language()

    def portions() -> Iterator[list[_Line]]:
        last = None
        while True:
            with in_tenant(tenant_id), timezone.override(zone), translation.override(language):
                events = portion(sought, last)
                lines = written(events)
            if not events:
                return
            yield lines
            last = events[-1]

    return chain.from_iterable(portions())
