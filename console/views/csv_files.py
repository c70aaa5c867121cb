"""CSV files of people: an example, the report of an import, and all people."""

import uuid
from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from console.forms.imports import ExportForm
from console.views.frame import FORM, page, shown
from directory.models import User
from provisioning.models import Import
from provisioning.rules.columns import COLUMNS
from provisioning.rules.csv_writing import csv_file
from provisioning.services.export import export_people
from provisioning.services.report import bad_rows, report
from tenants.queries import domain_names
from tenants.roles import Permission


@page(Permission.IMPORT_PEOPLE)
def example(_request: HttpRequest, _admin: User) -> HttpResponseBase:
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


@page(Permission.IMPORT_PEOPLE)
def report_file(_request: HttpRequest, _admin: User, import_id: uuid.UUID) -> HttpResponseBase:
    job = get_object_or_404(Import.objects, pk=import_id)
    return download(report(job, get_language() or "en"), "report.csv")


@page(Permission.IMPORT_PEOPLE)
def bad_rows_file(_request: HttpRequest, _admin: User, import_id: uuid.UUID) -> HttpResponseBase:
    """The rows with errors, to correct and import again."""
    job = get_object_or_404(Import.objects, pk=import_id)
    return download(bad_rows(job, get_language() or "en"), "bad-rows.csv")


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def export(request: HttpRequest, admin: User) -> HttpResponseBase:
    """All people. The answer to the form is the file: there is no address to get it from later."""
    form = ExportForm(request.POST or None)
    if form.is_valid():
        columns, note = form.cleaned_data["columns"], form.cleaned_data["reason"]
        return download(export_people(columns, note=note, actor_id=admin.pk), "people.csv")
    context = {"title": _("Export people and contact data"), "form": form}
    return shown(request, "console/imports/export.html", context)


def download(
    pieces: Iterator[str], name: str, *, content_type: str = "text/csv"
) -> HttpResponseBase:
    """A file, sent while it is made."""
    response = StreamingHttpResponse(pieces, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
