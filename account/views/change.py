"""The page that changes a password which its user knows, a temporary one included."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from account.forms import ChangePasswordForm
from account.services import change
from directory.connectors.accounts import AccountWrite
from directory.connectors.base import DirectoryError
from directory.models import User
from directory.queries import can_set_password, password_due
from directory.services.outside import OwnRules, own_rules
from directory.services.passwords import TooManyPasswords, findings_against
from passwords.rules import PasswordFinding, Problem
from registration.stages import Visit, next_url
from registration.views.arrival import with_known_device
from registration.views.frame import even_while_frozen, render
from tenants.queries import policy_in_force
from verification.clock import when
from verification.marks import Stage, open_during, takes_return_to
from verification.services.lockouts import Locked
from verification.session import Session
from verification.words import directory_words, paused_words, too_many_passwords


@takes_return_to
@open_during(Stage.TEMPORARY_PASSWORD)
@require_http_methods(["GET", "HEAD", "POST"])
@even_while_frozen
def change_password(request: HttpRequest, user: User) -> HttpResponse:
    # A temporary password may be changed on a frozen account: an administrator set it.
    if user.frozen_at is not None and password_due(user) is None:
        return redirect("registration:security-info")
    shortest = policy_in_force().password_min_length
    form = ChangePasswordForm(request.POST or None, shortest=shortest)
    allowed = can_set_password(user)
    try:
        results = _changed(user, form) if allowed and form.is_valid() else None
    except change.SessionEnded:
        return redirect("registration:signin")
    if results is not None:
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password has been changed"))
        for result in results:
            if result.error is not None:
                words = _("Your password has not been changed in %(directory)s: %(reason)s") % {
                    "directory": result.account.connection.name,
                    "reason": directory_words(result.error),
                }
                messages.warning(request, words)
        user.refresh_from_db()
        # The new password ended the cookie of a known device, so the browser gets another.
        url = next_url(Visit(Session(request.session), user))
        return with_known_device(request, user, redirect(url))
    rules = own_rules(user, is_reset=False) if allowed else OwnRules()
    form.list_length(max(shortest, rules.min_length))
    context = {
        "form": form,
        "allowed": allowed,
        "due": password_due(user),
        "young_until": rules.young_until,
    }
    return render(request, "account/change_password.html", context)


def _changed(user: User, form: ChangePasswordForm) -> list[AccountWrite] | None:
    """What became of each directory outside; None if nothing was changed, and the form says why."""
    typed = form.cleaned_data
    if findings := findings_against(typed["new_password"], user):
        form.refuse(findings)
        return None
    try:
        results = change.change(user, typed["password"], typed["new_password"])
        if results is not None:
            return results
        form.add_error("password", _("Your current password is not correct"))
    except Locked as refused:
        form.add_error("password", paused_words(refused.until))
    except change.TooSoon as refused:
        words = _(
            "You changed your password a short time ago. You can change it again from %(time)s."
        )
        form.add_error(None, words % {"time": when(refused.until)})
    except TooManyPasswords as refused:
        form.add_error("new_password", too_many_passwords(refused.until))
    except change.UsedBefore:
        form.refuse([PasswordFinding(Problem.USED)])
    except DirectoryError as error:
        form.add_error("new_password", directory_words(error))
    return None
