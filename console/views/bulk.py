"""One thing done for everyone who matches a filter: confirm, progress, result."""

import uuid
from collections.abc import Iterator

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.words import DETAIL_VALUES
from console.forms.bulk import BulkForm, BulkGroupForm, BulkPassForm
from console.forms.people import FilterForm
from console.queries.people import matching_ids
from console.rules import BulkAction
from console.services import bulk as services
from console.views.actions import ACTIONS
from console.views.csv_files import download
from console.views.frame import FORM, POST, page, shown
from console.views.once import is_repeated, token_for
from console.views.work import shown_work
from directory.models import User
from provisioning.models import BulkPass, BulkRun
from provisioning.rules.csv_writing import csv_file
from tenants.queries import policy_in_force
from tenants.roles import Permission
from verification.rules.access_passes import allowance

_WORDS = DETAIL_VALUES["action"]


@page(Permission.MANAGE_PEOPLE)
def choose(request: HttpRequest, _admin: User) -> HttpResponse:
    """What can be done for everyone who matches the filter in the address."""
    form = _filters(request)
    context = {
        "title": _("For everyone who matches"),
        "count": len(matching_ids(form.wanted())),
        "query": form.address(after=""),
        "actions": [(action.value, _WORDS[action]) for action in _offered()],
    }
    return shown(request, "console/people/all.html", context)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def confirm(request: HttpRequest, admin: User, action: str) -> HttpResponse:
    """Names the number of people, asks for a reason, and lets a worker do it."""
    if action not in set(_offered()):
        raise Http404
    chosen, filters = BulkAction(action), _filters(request)
    back = f"{reverse('console:people')}?{filters.address(after='')}"
    count = len(matching_ids(filters.wanted()))
    is_too_many = chosen is BulkAction.ACCESS_PASS and count > services.MOST_PASSES
    if count == 0 or is_too_many:
        words = _("Up to %(most)s people at once.") % {"most": services.MOST_PASSES}
        messages.warning(request, words if count else _("No one matches these filters."))
        return redirect(back)
    form = _form(request, chosen, count)
    if form.is_valid():
        typed = form.cleaned_data
        if is_repeated(request, form):
            messages.warning(request, _("It was started already."))
            return redirect(back)
        run = services.start(
            admin,
            chosen,
            filters.wanted(),
            count=typed["count"],
            note=typed["note"],
            options=form.options,
        )
        if run is not None:
            return redirect("console:bulk-run", run.pk)
        messages.warning(request, _("The number has changed meanwhile. Check it again."))
        return redirect(request.get_full_path())
    context = {
        "title": _WORDS[chosen],
        "explained": ACTIONS[chosen.for_a_person][1] if chosen.for_a_person else "",
        "count": count,
        "form": form,
        "back": back,
        "issues_passes": chosen is BulkAction.ACCESS_PASS,
    }
    return shown(request, "console/people/act_all.html", context)


@page(Permission.MANAGE_PEOPLE)
def run(request: HttpRequest, admin: User, run_id: uuid.UUID) -> HttpResponse:
    """The progress of a run, or its result."""
    run = get_object_or_404(BulkRun.objects, pk=run_id)
    work = shown_work(
        request,
        run,
        page="console:bulk-run",
        may_cancel=run.is_at_work,
        reported=0,
        most_reported=0,
        done=run.position,
        total=len(run.people),
    )
    context = {
        "title": _WORDS[BulkAction(run.action)],
        "run": run,
        "work": work,
        "passes": BulkPass.objects.filter(run=run).count() if run.actor_id == admin.pk else 0,
    }
    return shown(request, "console/people/run.html", context)


@page(Permission.MANAGE_PEOPLE, POST)
def cancel(_request: HttpRequest, admin: User, run_id: uuid.UUID) -> HttpResponse:
    run = get_object_or_404(BulkRun.objects, pk=run_id)
    services.cancel(run, actor_id=admin.pk)
    return redirect("console:bulk-run", run.pk)


@page(Permission.MANAGE_PEOPLE, POST, fresh=True)
def passes(_request: HttpRequest, admin: User, run_id: uuid.UUID) -> HttpResponseBase:
    """The passes that a run issued, once, for the administrator who started it."""
    run = get_object_or_404(BulkRun.objects, pk=run_id, actor_id=admin.pk)
    if run.is_at_work or not (issued := services.take_passes(run, admin)):
        raise Http404
    head = [_("User principal name"), _("Name"), _("Temporary Access Pass")]
    rows: Iterator[list[str]] = ([user.upn, user.display_name, text] for user, text in issued)
    response = download(csv_file(head, rows), "passes.csv")
    response["Cache-Control"] = "no-store"
    return response


def _filters(request: HttpRequest) -> FilterForm:
    """The filters in the address. A list may show everyone in place of a filter that it can't read.

    Raises:
        Http404: there is such a filter here, where everyone would be acted on.
    """
    form = FilterForm(request.GET)
    if not form.is_valid() or not set(request.GET) <= set(form.fields):
        raise Http404
    return form


def _offered() -> list[BulkAction]:
    has_passes = policy_in_force().access_passes
    return [each for each in BulkAction if has_passes or each is not BulkAction.ACCESS_PASS]


def _form(
    request: HttpRequest, action: BulkAction, count: int
) -> BulkForm | BulkGroupForm | BulkPassForm:
    typed, token = request.POST or None, token_for(request)
    if action is BulkAction.ACCESS_PASS:
        form = BulkPassForm(
            typed, token=token, now=timezone.now(), allowance=allowance(policy_in_force())
        )
        form.initial["count"] = count
        return form
    kind = BulkGroupForm if action is BulkAction.ADD_TO_GROUP else BulkForm
    return kind(typed, initial={"token": token, "count": count})
