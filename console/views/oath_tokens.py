"""Hardware tokens: assigning them by a file, listing them, taking one back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters

from console.forms.oath_tokens import TokenFileForm, TokenSearchForm
from console.forms.people import NoteForm
from console.views.frame import FORM, page, shown
from console.views.uploads import takes_file_in_memory
from directory.models import User
from provisioning.rules.oath_tokens import MOST_ROWS, TokenFlaw, TokenProblem
from provisioning.services.oath_tokens import LARGEST_FILE, assign_tokens
from tenants.roles import Permission
from verification.queries.oath_tokens import assigned_tokens, tokens_listed
from verification.services import oath_tokens as services
from verification.services.oath_tokens import MOST

_MOST_SHOWN = 50
_WORDS: Mapping[TokenProblem, Promise] = {
    TokenProblem.EMPTY: gettext_lazy("The file has no rows below its header."),
    TokenProblem.NOT_CSV: gettext_lazy("The file can’t be read as CSV."),
    TokenProblem.COLUMN_MISSING: gettext_lazy("The column “%(value)s” is missing."),
    TokenProblem.COLUMN_TWICE: gettext_lazy("The column “%(value)s” is there twice."),
    TokenProblem.TOO_MANY_ROWS: gettext_lazy(
        "The file has more than %(most_rows)s rows. Split it and upload the parts."
    ),
    TokenProblem.CELLS: gettext_lazy("The row has too few or too many cells."),
    TokenProblem.USER_MISSING: gettext_lazy("The user ID (upn) is missing."),
    TokenProblem.SERIAL_MISSING: gettext_lazy("%(value)s: the serial number is missing."),
    TokenProblem.SERIAL_ROUNDED: gettext_lazy(
        "A spreadsheet rounded the serial number to %(value)s. Format the column as text, enter"
        " the number again and save the file."
    ),
    TokenProblem.SERIAL_TWICE: gettext_lazy("Serial number %(value)s is in the file twice."),
    TokenProblem.SECRET_TWICE: gettext_lazy(
        "Serial number %(value)s: another row has the same secret key."
    ),
    TokenProblem.TEXT_TOO_LONG: gettext_lazy(
        "%(value)s: serial number, manufacturer and model have at most 64 characters each."
    ),
    TokenProblem.SECRET_MALFORMED: gettext_lazy(
        "Serial number %(value)s: the secret key must be Base32 (letters A–Z and digits 2–7), at"
        " most 128 characters."
    ),
    TokenProblem.SECRET_SHORT: gettext_lazy(
        "Serial number %(value)s: the secret key is too short. It needs at least 26 characters."
    ),
    TokenProblem.INTERVAL: gettext_lazy(
        "Serial number %(value)s: the time interval must be 30 or 60, or empty for a token with a"
        " button."
    ),
    TokenProblem.UNKNOWN_USER: gettext_lazy("There is no user %(value)s."),
    TokenProblem.SERIAL_TAKEN: gettext_lazy("Serial number %(value)s is assigned already."),
    TokenProblem.TOO_MANY_TOKENS: gettext_lazy(
        "%(value)s would have more than %(most)s hardware tokens."
    ),
}


@page(Permission.MANAGE_PEOPLE)
def assigned(request: HttpRequest, _admin: User) -> HttpResponse:
    form = TokenSearchForm(request.GET)
    rows, after = tokens_listed(form.text("q"), form.text("after"))
    context = {
        "title": _("Assigned hardware tokens"),
        "form": form,
        "rows": rows,
        "next": form.address(after=after) if after else "",
    }
    return shown(request, "console/tokens/list.html", context)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def unassign(request: HttpRequest, admin: User, token_id: UUID) -> HttpResponse:
    token = get_object_or_404(assigned_tokens().select_related("user"), pk=token_id)
    form = NoteForm(request.POST or None)
    if form.is_valid():
        services.unassign(token.pk, actor_id=admin.pk, note=form.cleaned_data["note"])
        messages.success(request, _("The hardware token was taken back."))
        return redirect("console:assigned-tokens")
    context = {"title": _("Take back the hardware token"), "form": form, "token": token}
    return shown(request, "console/tokens/unassign.html", context)


@sensitive_post_parameters()
@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
@takes_file_in_memory
def upload(request: HttpRequest, user: User) -> HttpResponse:
    sent = request.method == "POST"
    form = TokenFileForm(request.POST, request.FILES) if sent else TokenFileForm()
    flaws: Sequence[TokenFlaw] = ()
    if sent and int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FILE:
        words = _("The file is larger than %(limit)s KB. Split it and upload the parts.")
        form.errors["file"] = form.error_class([words % {"limit": LARGEST_FILE // 1024}])
    elif form.is_valid():
        report = assign_tokens(form.cleaned_data["file"], actor_id=user.pk)
        flaws = report.flaws
        if not flaws:
            words = ngettext(
                "%(count)s hardware token was assigned. It counts once its user has activated it.",
                "%(count)s hardware tokens were assigned. Each counts once its user has activated"
                " it.",
                report.assigned,
            )
            messages.success(request, words % {"count": report.assigned})
            return redirect("console:oath-tokens")
    context = {
        "title": _("Hardware tokens"),
        "form": form,
        "flaws": [(flaw.line, _words(flaw)) for flaw in flaws[:_MOST_SHOWN]],
        "more": max(0, len(flaws) - _MOST_SHOWN),
        "submit": _("Assign tokens"),
    }
    return shown(request, "console/tokens/upload.html", context)


def _words(flaw: TokenFlaw) -> str:
    values = {"value": flaw.value, "most": MOST, "most_rows": MOST_ROWS}
    return str(_WORDS[flaw.problem]) % values
