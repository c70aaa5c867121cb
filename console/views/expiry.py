"""Whose password expires in the next days."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from console.views.csv_files import download
from console.views.frame import page, shown
from directory.models import DirectoryConnection, User
from isolation.scope import current_tenant_id, in_tenant
from provisioning.queries import last_done
from provisioning.rules.csv_writing import csv_file
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Permission
from verification.queries.expiry import count_expiries, expiries
from verification.services.expiry_reminders import days_of

_DAYS = (1, 7, 14, 30, 90)
_USUAL = 14
_SHOWN = 100
_AT_ONCE = 500


@page(Permission.SEE_PEOPLE)
def expiry(request: HttpRequest, _admin: User) -> HttpResponse:
    now, days = timezone.now(), _days(request)
    policy = policy_in_force()
    rows = list(islice(expiries(now, now + timedelta(days=days)), _SHOWN + 1))
    context = {
        "title": _("Passwords that expire"),
        "days": days,
        "counts": [(each, count_expiries(now, now + timedelta(days=each))) for each in _DAYS],
        "rows": rows[:_SHOWN],
        "read_at": _read_at(),
        "there_are_more": len(rows) > _SHOWN,
        "limit": _SHOWN,
        "reminders": ", ".join(map(str, days_of(policy))) if policy.remind_of_expiry else "",
    }
    return shown(request, "console/people/expiry.html", context)


@page(Permission.SEE_PEOPLE)
def expiry_file(request: HttpRequest, _admin: User) -> HttpResponseBase:
    head = [_("User ID"), _("Name"), _("Directory"), _("Expires"), _("Last synchronisation")]
    now = timezone.now()
    until = now + timedelta(days=_days(request))
    return download(csv_file(head, _rows(current_tenant_id(), now, until)), "expiry.csv")


def _days(request: HttpRequest) -> int:
    chosen = {str(days): days for days in _DAYS}
    return chosen.get(request.GET.get("days", ""), _USUAL)


def _read_at() -> list[tuple[DirectoryConnection, datetime | None]]:
    """The directories in use, and since when what they said may have changed."""
    rows = DirectoryConnection.objects.filter(enabled=True).order_by("position", "pk")
    runs = [(row, last_done(row)) for row in rows]
    return [(row, run.created_at if run else None) for row, run in runs]


def _rows(tenant_id: int, since: datetime, until: datetime) -> Iterator[list[str]]:
    """Runs after the request has ended, so each portion sets the tenant again."""
    waiting = expiries(since, until)
    while True:
        with in_tenant(tenant_id), timezone.override(tenant_in_force().time_zone):
            read_at = {row.name: _written(at) for row, at in _read_at()}
            rows = [
                [
                    each.user.upn,
                    each.user.display_name,
                    each.directory,
                    _written(each.expires_at),
                    read_at.get(each.directory, ""),
                ]
                for each in islice(waiting, _AT_ONCE)
            ]
        if not rows:
            return
        yield from rows


def _written(instant: datetime | None) -> str:
    return timezone.localtime(instant).isoformat(timespec="minutes") if instant else ""
