"""Runs that bring people and groups over from a directory: start, progress, result."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from console.views.csv_files import download
from console.views.directory_words import failure_words
from console.views.frame import POST, page, shown
from console.views.work import shown_work
from directory.models import DirectoryConnection, User
from provisioning.models import SyncRun, SyncState
from provisioning.queries import is_synced, last_done, newest_runs
from provisioning.services import sync_jobs as services
from provisioning.services.sync_report import MOST_PROBLEMS, problems_of, report
from tenants.roles import Permission

_PROBLEMS_SHOWN = 50
MODES = {"check", "changes", "everyone"}
STATES = {
    SyncState.RUNNING: gettext_lazy("Running"),
    SyncState.HELD: gettext_lazy("Waiting for your confirmation"),
    SyncState.DONE: gettext_lazy("Finished"),
    SyncState.CANCELLED: gettext_lazy("Cancelled"),
    SyncState.FAILED: gettext_lazy("Failed"),
}


@page(Permission.MANAGE_DIRECTORIES)
def syncs(request: HttpRequest, _admin: User, directory_id: int) -> HttpResponse:
    directory = get_object_or_404(DirectoryConnection.objects, pk=directory_id)
    runs = newest_runs(directory)
    context = {
        "title": _("Synchronisation"),
        "directory": directory,
        "rows": [(run, STATES[SyncState(run.state)]) for run in runs],
        "running": next((run for run in runs if run.is_at_work), None),
        "held": next((run for run in runs if run.state == SyncState.HELD), None),
        "is_checked": any(run.state == SyncState.DONE for run in runs),
        "is_synced": is_synced(directory),
    }
    return shown(request, "console/directories/syncs.html", context)


@page(Permission.MANAGE_DIRECTORIES, POST, fresh=True)
def start(request: HttpRequest, admin: User, directory_id: int) -> HttpResponse:
    directory = get_object_or_404(DirectoryConnection.objects, pk=directory_id)
    mode = request.POST.get("mode")
    if mode not in MODES:
        raise Http404
    if not directory.enabled:
        messages.error(request, _("The directory is turned off."))
        return redirect("console:directory-syncs", directory.pk)
    run = services.start(
        directory, actor_id=admin.pk, dry_run=mode == "check", full=mode == "everyone"
    )
    return redirect("console:directory-sync", run.pk)


@page(Permission.MANAGE_DIRECTORIES)
def sync(request: HttpRequest, _admin: User, run_id: uuid.UUID) -> HttpResponse:
    """The progress of a run, what it waits for, or its result."""
    run = get_object_or_404(SyncRun.objects.select_related("connection"), pk=run_id)
    last = last_done(run.connection, full=True)
    context = {
        "title": _("Check") if run.is_dry_run else _("Synchronisation"),
        "run": run,
        "directory": run.connection,
        "failure": _failure_words(run.failure),
        "work": shown_work(
            request,
            run,
            page="console:directory-sync",
            may_cancel=run.is_at_work or run.state == SyncState.HELD,
            reported=run.problems,
            most_reported=MOST_PROBLEMS,
            done=run.read,
            # How many people a directory has is known from the last run that read everyone.
            total=last.read if last and run.is_full and last.read >= run.read else 0,
        ),
        "problems": list(problems_of(run, at_most=_PROBLEMS_SHOWN)) if run.problems else [],
        "there_are_more": run.problems > _PROBLEMS_SHOWN,
    }
    return shown(request, "console/directories/sync.html", context)


@page(Permission.MANAGE_DIRECTORIES, POST)
def cancel(_request: HttpRequest, admin: User, run_id: uuid.UUID) -> HttpResponse:
    run = get_object_or_404(SyncRun.objects, pk=run_id)
    services.cancel(run, actor_id=admin.pk)
    return redirect("console:directory-sync", run.pk)


@page(Permission.MANAGE_DIRECTORIES, POST, fresh=True)
def confirm(request: HttpRequest, admin: User, run_id: uuid.UUID) -> HttpResponse:
    run = get_object_or_404(SyncRun.objects, pk=run_id)
    count = request.POST.get("count", "")
    is_number = count.isascii() and count.isdigit() and len(count) < 10
    if not is_number or not services.confirm(run, count=int(count), actor_id=admin.pk):
        messages.error(request, _("The number has changed meanwhile. Check it again."))
    return redirect("console:directory-sync", run.pk)


@page(Permission.MANAGE_DIRECTORIES)
def report_file(_request: HttpRequest, _admin: User, run_id: uuid.UUID) -> HttpResponseBase:
    run = get_object_or_404(SyncRun.objects, pk=run_id)
    return download(report(run, get_language() or "en"), "sync.csv")


def _failure_words(code: str) -> str:
    if code == "not_permitted":
        return _("The service account isn’t allowed to read the people or groups.")
    if code == "crashed":
        return _("An error in this service. Its log has the details.")
    return failure_words(code) if code else ""
