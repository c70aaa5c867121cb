"""Notices in the organisation's own words, with a preview and a test."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.forms.texts import PLACEHOLDERS, TextForm
from console.services import branding as services
from console.views.frame import page, shown
from delivery.rules.mailboxes import NotAMailbox
from directory.models import User
from tenants.models import CustomText
from tenants.queries import own_text
from tenants.roles import Permission
from verification.services import notices
from verification.services.notice_words import Notice, letter_words

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])
NAMES = {
    Notice.RESET: gettext_lazy("Password was reset"),
    Notice.PASSWORD_CHANGED: gettext_lazy("Password was changed"),
    Notice.PASSWORD_WITHDRAWN: gettext_lazy("Password was disabled"),
    Notice.UNLOCKED: gettext_lazy("Account was unlocked"),
    Notice.ADDED: gettext_lazy("Method was added"),
    Notice.CHANGED: gettext_lazy("Method was changed"),
    Notice.REMOVED: gettext_lazy("Method was removed"),
    Notice.RECOVERY_CODE_USED: gettext_lazy("Recovery code was used"),
    Notice.CALL_DENIED: gettext_lazy("Verification call was denied"),
    Notice.FROZEN: gettext_lazy("Self-service was stopped (“this wasn’t me”)"),
    Notice.UNFROZEN: gettext_lazy("Self-service was turned on again"),
    Notice.BLOCK_CLEARED: gettext_lazy("Block was cleared"),
    Notice.MUST_REGISTER: gettext_lazy("Registration was required again"),
    Notice.CONTACT_ENTERED: gettext_lazy("Contact data was changed"),
    Notice.TEMPORARY_PASSWORD: gettext_lazy("Temporary password was issued"),
    Notice.ACCESS_PASS: gettext_lazy("Temporary Access Pass was issued"),
    Notice.ACCESS_PASS_REVOKED: gettext_lazy("Temporary Access Pass was withdrawn"),
    Notice.ACCESS_PASS_STOPPED: gettext_lazy("Temporary Access Pass was stopped"),
    Notice.SIGNED_OUT: gettext_lazy("Signed out everywhere by an administrator"),
    Notice.DISABLED: gettext_lazy("Account was disabled"),
    Notice.ENABLED: gettext_lazy("Account was enabled"),
    Notice.ROLE_CHANGED: gettext_lazy("Role was changed"),
    Notice.SECOND_FACTOR_REMOVED: gettext_lazy("Authenticator apps were removed"),
}


@require_safe
@page(Permission.SET_POLICY)
def texts(request: HttpRequest, _user: User) -> HttpResponse:
    own = set(CustomText.objects.values_list("key", "language"))
    rows = [
        {
            "key": notice.value,
            "name": name,
            "languages": [
                (code, label, (notice.value, code) in own) for code, label in settings.LANGUAGES
            ],
        }
        for notice, name in NAMES.items()
    ]
    return shown(request, "console/texts/list.html", {"title": _("Texts"), "rows": rows})


@_GET_POST
@page(Permission.SET_POLICY)
def one(request: HttpRequest, user: User, key: str, language: str) -> HttpResponse:
    notice = _notice(key, language)
    form = TextForm(request.POST or None, initial=_words(notice, language))
    if form.is_valid():
        services.change_text(
            user,
            key,
            language,
            subject=form.cleaned_data["subject"],
            body=form.cleaned_data["body"],
        )
        messages.success(request, _("The text is saved."))
        return redirect("console:text", key, language)
    with translation.override(language):
        preview = notices.sample(user, notice)
        is_own = own_text(key) is not None
    context = {
        "title": NAMES[notice],
        "form": form,
        "key": key,
        "language": language,
        "preview": preview,
        "is_own": is_own,
    }
    return shown(request, "console/texts/text.html", context)


@require_POST
@page(Permission.SET_POLICY)
def reset(request: HttpRequest, user: User, key: str, language: str) -> HttpResponse:
    """Our own words again."""
    _notice(key, language)
    services.restore_text(user, key, language)
    messages.success(request, _("The default text is restored."))
    return redirect("console:text", key, language)


@require_POST
@page(Permission.SET_POLICY)
def test(request: HttpRequest, user: User, key: str, language: str) -> HttpResponse:
    """The mail, sent to the administrator's own mailbox."""
    _notice(key, language)
    try:
        services.send_test(user, key, language)
        messages.success(request, _("A test was sent to %(address)s.") % {"address": user.upn})
    except services.TooManyTests:
        messages.error(request, _("You can send up to ten tests an hour. Try again later."))
    except NotAMailbox:
        messages.error(request, _("Your user ID isn’t an email address, so nothing was sent."))
    return redirect("console:text", key, language)


def _notice(key: str, language: str) -> Notice:
    if key not in {notice.value for notice in NAMES} or language not in dict(settings.LANGUAGES):
        raise Http404
    return Notice(key)


def _words(notice: Notice, language: str) -> dict[str, str]:
    """What is in force: the organisation's own words, or ours with `$name` to be filled in."""
    with translation.override(language):
        if (own := own_text(notice.value)) is not None:
            return {"subject": own.subject, "body": own.body}
        subject, body = letter_words(notice)
    places = {name: f"${name}" for name in PLACEHOLDERS}
    return {"subject": subject % places, "body": body % places}
