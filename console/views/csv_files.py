"""Files of people that can be had: an example, what became of an import, and everybody."""

from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from console.forms.imports import ExportForm
from console.views.frame import freshly_proved, page, shown
from console.views.imports import of_tenant
from directory.models import User
from provisioning.models import Import
from provisioning.rules.columns import COLUMNS
from provisioning.rules.csv_writing import csv_file
from provisioning.services.export import export_people
from provisioning.services.report import report
from tenants.queries import domain_names
from tenants.roles import Permission


@require_safe
@page(Permission.IMPORT_PEOPLE)
def example(_request: HttpRequest, _user: User) -> HttpResponseBase:
    """A file that could be imported here."""
    domain = min(domain_names(), default="example.com")
    row = {
        COLUMNS[0]: f"minji.kim@{domain}",
        "display_name": "김민지",
        "language": "ko",
        "mobile_phone": "010-1234-5678",
        "alternate_email": "minji@mail.example",
        "groups": "Seoul;Sales",
    }
    return download(csv_file(COLUMNS, [[row.get(name, "") for name in COLUMNS]]), "example.csv")


@require_safe
@page(Permission.IMPORT_PEOPLE)
@of_tenant
def report_file(_request: HttpRequest, _user: User, job: Import) -> HttpResponseBase:
    return download(report(job, get_language() or "en"), "report.csv")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.MANAGE_PEOPLE)
@freshly_proved
def export(request: HttpRequest, user: User) -> HttpResponseBase:
    """Everybody. The answer to the form is the file: it has no address to be had at later."""
    form = ExportForm(request.POST or None)
    if form.is_valid():
        columns, note = form.cleaned_data["columns"], form.cleaned_data["reason"]
        return download(export_people(columns, note=note, actor_id=user.pk), "people.csv")
    context = {"title": _("Export people and contact data"), "form": form}
    return shown(request, "console/imports/export.html", context)


def download(pieces: Iterator[str], name: str) -> HttpResponseBase:
    """A CSV file, sent while it's made."""
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
