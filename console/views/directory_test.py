"""Testing a connection to a directory: a report, and a reset of a test account's password."""

import secrets

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from console.forms.directory_test import PreflightForm, TestAccountForm
from console.views.directory_words import failure_words, finding_words
from console.views.frame import FORM, POST, page, shown
from directory.connectors.base import (
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    PolicyRejected,
    Protected,
    Unreachable,
)
from directory.models import DirectoryConnection, User
from directory.services.connections import note_test, record_test
from directory.services.preflight.checks import preflight, reset_test_account
from directory.services.preflight.report import OwnRules, PreflightReport
from isolation.reads import end_reads
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from tenants.queries import domain_names, policy_in_force
from tenants.roles import Permission


@page(Permission.MANAGE_DIRECTORIES, FORM, fresh=True)
def test(request: HttpRequest, admin: User, directory_id: int) -> HttpResponse:
    row = get_object_or_404(DirectoryConnection.objects, pk=directory_id)
    form, report = PreflightForm(request.POST or None), None
    if request.method == "POST" and form.is_valid() and _may_test(form):
        own = _own_rules()
        record_test(row, change="tested", actor_id=admin.pk)
        end_reads()
        report = preflight(row, form.cleaned_data["sample"], own)
        note_test(row, has_errors=report.has_errors)
    return _show(request, row, form, TestAccountForm(), report)


@page(Permission.MANAGE_DIRECTORIES, POST, fresh=True)
def test_account(request: HttpRequest, admin: User, directory_id: int) -> HttpResponse:
    """Sets the password of a test account, where the directory doesn't tell who may do that."""
    row = get_object_or_404(DirectoryConnection.objects, pk=directory_id)
    form = TestAccountForm(request.POST)
    if form.is_valid() and _may_test(form):
        record_test(row, change="password_set", actor_id=admin.pk)
        end_reads()
        # A random password that meets every usual rule. It's told to no one.
        password = f"Aa1-{secrets.token_urlsafe(24)}"
        try:
            reset_test_account(row, form.cleaned_data["account"], password)
        except DirectoryError as error:
            form.add_error("account", _reason_of(error))
        else:
            messages.success(request, _("The service account may reset passwords."))
            form = TestAccountForm()
    return _show(request, row, PreflightForm(), form, None)


def _reason_of(error: DirectoryError) -> str:
    match error:
        case NotInDirectory():
            return _("There is no such account, or several have this name.")
        case Protected():
            return _("This account is privileged, so this service never changes it.")
        case NotPermitted(detail=detail) | PolicyRejected(reason=detail):
            return _("The directory refused: %(detail)s") % {"detail": detail}
        case Unreachable(failure=failure):
            return failure_words(failure)
    return _("The directory didn’t say whether the password was set.")


def _own_rules() -> OwnRules:
    policy = policy_in_force()
    return OwnRules(
        domains=frozenset(domain_names()),
        lockout_threshold=policy.lockout_threshold,
        lockout_s=policy.lockout_seconds,
    )


def _may_test(form: PreflightForm | TestAccountForm) -> bool:
    """Tests are few, so that no one scans a network or guesses passwords by them."""
    if limits.hit(Limit.DIRECTORY_TESTS_OF_A_TENANT, str(current_tenant_id())).allowed:
        return True
    form.add_error(None, _("Too many tests. Try again in some minutes."))
    return False


def _show(
    request: HttpRequest,
    row: DirectoryConnection,
    form: PreflightForm,
    account_form: TestAccountForm,
    report: PreflightReport | None,
) -> HttpResponse:
    context = {
        "title": _("Test connection"),
        "directory": row,
        "form": account_form if account_form.errors else form,
        "test_form": form,
        "account_form": account_form,
        "report": report,
        "findings": [finding_words(each, report, row) for each in report.findings]
        if report
        else [],
    }
    return shown(request, "console/directories/test.html", context)
