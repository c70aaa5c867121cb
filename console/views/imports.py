"""Bringing people in from a file, in four steps."""

import uuid
from collections.abc import Callable, Mapping
from functools import wraps
from typing import BinaryIO, cast

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.forms.imports import ENCODINGS, EncodingForm, FileForm, choice_of
from console.views.frame import freshly_proved, page, shown
from console.views.uploads import Bounded
from directory.models import User
from provisioning import queries
from provisioning.models import Import
from provisioning.rules.problems import FileProblem
from provisioning.services import jobs as services
from provisioning.services.files import UnusableFile
from provisioning.services.report import first_remarks
from provisioning.services.slices import MOST_REPORTED
from provisioning.services.words import why_unusable, words_of_file
from tenants.roles import Permission
from verification.marks import takes_files

State = Import.State
_GET_POST = require_http_methods(["GET", "HEAD", "POST"])
_MEGABYTE = 1024 * 1024
_REMARKS_SHOWN = 50
_WAITING = "waiting"
_REFRESH_S = 10
"""Where scripts are off. On every fresh page somebody has to find the buttons anew: not oftener."""
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

One = Callable[[HttpRequest, User, Import], HttpResponseBase]


def of_tenant(view: One) -> Callable[..., HttpResponseBase]:
    """With the import that the address names; 404 where this organisation has no such import."""

    @wraps(view)
    def found(request: HttpRequest, user: User, import_id: uuid.UUID) -> HttpResponseBase:
        job = queries.import_of(import_id)
        if job is None:
            raise Http404
        return view(request, user, job)

    return found


@require_safe
@page(Permission.IMPORT_PEOPLE)
def imports(request: HttpRequest, user: User) -> HttpResponse:
    context = {
        "title": _("Import people and contact data"),
        "imports": [(one, STATES[State(one.state)]) for one in queries.newest()],
        "may_export": user.has_permission(Permission.MANAGE_PEOPLE),
    }
    return shown(request, "console/imports/imports.html", context)


@takes_files
@csrf_exempt  # `_upload` checks, once it's said what may be sent.
@_GET_POST
@page(Permission.IMPORT_PEOPLE)
def upload(request: HttpRequest, user: User) -> HttpResponseBase:
    handler = Bounded(request, most_bytes=services.LARGEST_FILE)
    request.upload_handlers = [handler]
    return _upload(request, user, handler)


@csrf_protect
def _upload(request: HttpRequest, user: User, handler: Bounded) -> HttpResponse:
    sent = request.method == "POST"
    form = FileForm(request.POST, request.FILES) if sent else FileForm()
    largest = services.LARGEST_FILE // _MEGABYTE
    if handler.exceeded:
        words = _("The file is larger than %(limit)s MB. Split it and import the parts.")
        form.errors["file"] = form.error_class([words % {"limit": largest}])
    elif form.is_valid() and (job := _taken(form, user)):
        return redirect("console:import", job.pk)
    context = {"title": _("Choose a file"), "form": form, "limit": largest}
    context |= {"others_wait": form.has_error("file", _WAITING)}
    return shown(request, "console/imports/upload.html", context)


def _taken(form: FileForm, user: User) -> Import | None:
    sent = form.cleaned_data["file"]
    file = cast("BinaryIO", sent.file)
    try:
        return services.take(file, name=sent.name, size=sent.size, actor_id=user.pk)
    except UnusableFile as problem:
        form.add_error("file", why_unusable(problem))
    except services.TooManyOpen:
        words = _("Other files are already waiting. Import or cancel one of them first.")
        form.add_error("file", ValidationError(words, code=_WAITING))
    return None


@require_safe
@page(Permission.IMPORT_PEOPLE)
@of_tenant
def one(request: HttpRequest, _user: User, job: Import) -> HttpResponse:
    """The page of the step that the import is at."""
    if job.state == State.LOADED:
        return _columns(request, job, EncodingForm(initial={"encoding": choice_of(job.encoding)}))
    if job.state == State.CHECKED:
        context = {
            "title": _("View the errors"),
            "remarks": first_remarks(job, _REMARKS_SHOWN),
            "there_are_more": job.reported > _REMARKS_SHOWN,
        }
        return _shown(request, "errors", job, context)
    if job.is_at_work:
        return _progress(request, job)
    return _shown(request, "ended", job, {"title": _("Import")})


def _columns(request: HttpRequest, job: Import, form: EncodingForm) -> HttpResponse:
    found = services.preview(job)
    unknown = words_of_file(FileProblem.UNKNOWN_COLUMNS, found.unknown) if found.unknown else ""
    context = {
        "title": _("Check the columns"),
        "form": form,
        "preview": found,
        "unknown": unknown,
        "encoding": ENCODINGS[choice_of(job.encoding)],
    }
    return _shown(request, "columns", job, context)


def _progress(request: HttpRequest, job: Import) -> HttpResponse:
    """Updates itself until a worker is done, or whoever looks at it says that it's enough."""
    is_check = job.state == State.CHECKING
    # Until all of it was read, only lines are known: the first holds the names of the columns.
    done, total = (job.line - 1, job.lines - 1) if is_check else (job.read, job.rows)
    context = {
        "title": _("View the errors") if is_check else _("Import"),
        "is_check": is_check,
        "done": max(0, min(done, total)),
        "total": max(total, 1),
        "refresh_s": None if "still" in request.GET else _REFRESH_S,
    }
    return _shown(request, "progress", job, context)


@require_POST
@page(Permission.IMPORT_PEOPLE)
@of_tenant
def encoding(request: HttpRequest, _user: User, job: Import) -> HttpResponse:
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


@require_POST
@page(Permission.IMPORT_PEOPLE)
@of_tenant
def check(_request: HttpRequest, _user: User, job: Import) -> HttpResponse:
    services.check(job)
    return redirect("console:import", job.pk)


@_GET_POST
@page(Permission.IMPORT_PEOPLE)
@freshly_proved
@of_tenant
def start(request: HttpRequest, user: User, job: Import) -> HttpResponse:
    """Says what will happen, and does it when that is confirmed."""
    if request.method == "POST":
        services.start(job, actor_id=user.pk)
        return redirect("console:import", job.pk)
    if job.state != State.CHECKED:
        return redirect("console:import", job.pk)
    return _shown(request, "start", job, {"title": _("Import")})


@require_POST
@page(Permission.IMPORT_PEOPLE)
@of_tenant
def cancel(_request: HttpRequest, user: User, job: Import) -> HttpResponse:
    services.cancel(job, actor_id=user.pk)
    return redirect("console:import", job.pk)


def _shown(
    request: HttpRequest, step: str, job: Import, context: Mapping[str, object]
) -> HttpResponse:
    cut = {"limit": MOST_REPORTED, "is_cut": job.reported >= MOST_REPORTED}
    return shown(request, f"console/imports/{step}.html", {**context, **cut, "job": job})
