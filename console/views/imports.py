"""Importing people from a file, in four steps."""

import uuid
from collections.abc import Mapping
from typing import BinaryIO, cast

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.imports import (
    COLUMN_NAMES,
    ENCODINGS,
    EncodingForm,
    FileForm,
    LayoutForm,
    MissingForm,
    choice_of,
)
from console.views.frame import FORM, POST, page, shown
from console.views.uploads import BoundedUpload, takes_file
from console.views.work import shown_work
from directory.models import User
from provisioning.models import Import
from provisioning.queries import newest
from provisioning.rules.problems import FileProblem, UnusableFile
from provisioning.services import jobs as services
from provisioning.services.report import kinds_of_remarks
from provisioning.services.slices import MOST_REPORTED
from provisioning.services.words import why_unusable, words_of_file
from tenants.roles import Permission

State = Import.State
_MEGABYTE = 1024 * 1024
_WAITING = "waiting"
STATES = {
    State.UPLOADING: gettext_lazy("Uploading"),
    State.LOADED: gettext_lazy("Uploaded"),
    State.CHECKING: gettext_lazy("Checking"),
    State.CHECKED: gettext_lazy("Checked"),
    State.RUNNING: gettext_lazy("Importing"),
    State.DONE: gettext_lazy("Finished"),
    State.CANCELLED: gettext_lazy("Cancelled"),
    State.FAILED: gettext_lazy("Failed"),
}


@page(Permission.IMPORT_PEOPLE)
def imports(request: HttpRequest, admin: User) -> HttpResponse:
    context = {
        "title": _("Import people and contact data"),
        "imports": [(job, STATES[State(job.state)]) for job in newest()],
        "may_export": admin.has_permission(Permission.MANAGE_PEOPLE),
    }
    return shown(request, "console/imports/imports.html", context)


@page(Permission.IMPORT_PEOPLE, FORM)
@takes_file(lambda: services.LARGEST_FILE)
def upload(request: HttpRequest, admin: User, handler: BoundedUpload) -> HttpResponse:
    sent = request.method == "POST"
    form = FileForm(request.POST, request.FILES) if sent else FileForm()
    largest = services.LARGEST_FILE // _MEGABYTE
    if handler.exceeded:
        words = _("The file is larger than %(limit)s MB. Split it and import the parts.")
        form.errors["file"] = form.error_class([words % {"limit": largest}])
    elif form.is_valid():
        file = form.cleaned_data["file"]
        content = cast("BinaryIO", file.file)
        try:
            job = services.take(content, name=file.name, size=file.size, actor_id=admin.pk)
            return redirect("console:import", job.pk)
        except UnusableFile as problem:
            form.add_error("file", why_unusable(problem))
        except services.TooManyOpen:
            words = _("Other files are already waiting. Import or cancel one of them first.")
            form.add_error("file", ValidationError(words, code=_WAITING))
    context = {"title": _("Choose a file"), "form": form, "limit": largest}
    context |= {"others_wait": form.has_error("file", _WAITING)}
    return shown(request, "console/imports/upload.html", context)


@page(Permission.IMPORT_PEOPLE)
def import_page(request: HttpRequest, _admin: User, import_id: uuid.UUID) -> HttpResponse:
    """The page of the step that the import is at."""
    job = get_object_or_404(Import.objects, pk=import_id)
    if job.state == State.LOADED:
        return _columns(request, job)
    if job.state == State.CHECKED:
        kinds = kinds_of_remarks(job)
        context = {
            "title": _("View the errors"),
            "kinds": kinds,
            "has_bad_rows": any(kind.problem.is_error for kind in kinds),
        }
        return _show(request, "errors", job, context)
    title = _("View the errors") if job.state == State.CHECKING else _("Import")
    may_lack_values = job.layout.get("drop_bad_cells") and job.reported
    context = {"title": title, "has_bad_rows": job.refused or may_lack_values}
    return _show(request, "work", job, context)


def _columns(
    request: HttpRequest,
    job: Import,
    form: EncodingForm | None = None,
    layout_form: LayoutForm | None = None,
) -> HttpResponse:
    preview, unknown = services.preview(job), ""
    if preview.unknown:
        unknown = words_of_file(FileProblem.UNKNOWN_COLUMNS, preview.unknown)
    context = {
        "title": _("Check the columns"),
        "form": layout_form if layout_form and layout_form.errors else form,
        "encoding_form": form or EncodingForm(initial={"encoding": choice_of(job.encoding)}),
        "layout_form": layout_form or LayoutForm(None, preview),
        "heads": [
            (header, COLUMN_NAMES.get(column))
            for header, column in zip(preview.headers, preview.layout.columns, strict=True)
        ],
        "preview": preview,
        "unknown": unknown,
        "encoding": ENCODINGS[choice_of(job.encoding)],
    }
    return _show(request, "columns", job, context)


@page(Permission.IMPORT_PEOPLE, POST)
def encoding(request: HttpRequest, _admin: User, import_id: uuid.UUID) -> HttpResponse:
    job = get_object_or_404(Import.objects, pk=import_id)
    form = EncodingForm(request.POST)
    if job.state != State.LOADED:
        return redirect("console:import", job.pk)
    if form.is_valid():
        try:
            services.read_as(job, form.cleaned_data["encoding"])
            return redirect("console:import", job.pk)
        except UnusableFile as problem:
            form.add_error("encoding", why_unusable(problem))
    return _columns(request, job, form)


@page(Permission.IMPORT_PEOPLE, POST)
def layout(request: HttpRequest, _admin: User, import_id: uuid.UUID) -> HttpResponse:
    """Which column means what, and how the cells are read."""
    job = get_object_or_404(Import.objects, pk=import_id)
    if job.state != State.LOADED:
        return redirect("console:import", job.pk)
    form = LayoutForm(request.POST, services.preview(job))
    if form.is_valid():
        try:
            services.read_by(job, form.layout)
            return redirect("console:import", job.pk)
        except UnusableFile as problem:
            form.add_error("header_line", why_unusable(problem))
    return _columns(request, job, layout_form=form)


@page(Permission.IMPORT_PEOPLE, POST)
def check(_request: HttpRequest, _admin: User, import_id: uuid.UUID) -> HttpResponse:
    job = get_object_or_404(Import.objects, pk=import_id)
    services.check(job)
    return redirect("console:import", job.pk)


@page(Permission.IMPORT_PEOPLE, FORM, fresh=True)
def start(request: HttpRequest, admin: User, import_id: uuid.UUID) -> HttpResponse:
    """Says what will happen, and does it when the user confirms."""
    job = get_object_or_404(Import.objects, pk=import_id)
    if job.state != State.CHECKED:
        return redirect("console:import", job.pk)
    form = MissingForm(request.POST if request.method == "POST" else None, job)
    if form.is_valid():
        services.start(job, actor_id=admin.pk, may_disable=form.may_disable)
        return redirect("console:import", job.pk)
    return _show(request, "start", job, {"title": _("Import"), "form": form})


@page(Permission.IMPORT_PEOPLE, POST)
def cancel(_request: HttpRequest, admin: User, import_id: uuid.UUID) -> HttpResponse:
    job = get_object_or_404(Import.objects, pk=import_id)
    services.cancel(job, actor_id=admin.pk)
    return redirect("console:import", job.pk)


def _show(
    request: HttpRequest, step: str, job: Import, context: Mapping[str, object]
) -> HttpResponse:
    # Until all of it was read, only lines are known: the first holds the names of the columns.
    is_check = job.state == State.CHECKING
    done, total = (job.line - 1, job.lines - 1) if is_check else (job.read, job.rows)
    work = shown_work(
        request,
        job,
        page="console:import",
        may_cancel=not job.has_ended,
        reported=job.reported,
        most_reported=MOST_REPORTED,
        done=max(0, min(done, total)),
        total=max(total, 1),
    )
    return shown(request, f"console/imports/{step}.html", {**context, "job": job, "work": work})
