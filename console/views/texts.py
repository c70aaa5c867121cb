"""Notices in the organisation's own words, with a preview and a sample."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _

from console.forms.texts import PLACEHOLDERS, TextForm
from console.views.frame import FORM, POST, page, shown
from delivery.rules.mailboxes import NotAMailbox
from directory.models import User
from tenants.models import CustomText
from tenants.queries import own_text
from tenants.roles import Permission
from tenants.services.branding import change_text, restore_text
from verification.services import notices
from verification.services.notice_words import NOTICE_NAMES, Notice, letter_words
from verification.services.staff_notices import TooManySamples, send_sample


@page(Permission.SET_POLICY)
def texts(request: HttpRequest, _admin: User) -> HttpResponse:
    own = set(CustomText.objects.values_list("key", "language"))
    rows = [
        {
            "key": notice.value,
            "name": name,
            "languages": [
                (code, label, (notice.value, code) in own) for code, label in settings.LANGUAGES
            ],
        }
        for notice, name in NOTICE_NAMES.items()
    ]
    return shown(request, "console/texts/list.html", {"title": _("Texts"), "rows": rows})


@page(Permission.SET_POLICY, FORM)
def text(request: HttpRequest, admin: User, key: str, language: str) -> HttpResponse:
    notice = _notice(key, language)
    with translation.override(language):
        own, preview = own_text(key), notices.sample(admin, notice)
        subject, body = letter_words(notice)
    placeholders = {name: f"${name}" for name in PLACEHOLDERS}
    initial = {
        "subject": own.subject if own else subject % placeholders,
        "body": own.body if own else body % placeholders,
    }
    form = TextForm(request.POST or None, initial=initial)
    if form.is_valid():
        change_text(key, language, **form.cleaned_data, actor_id=admin.pk)
        messages.success(request, _("The text is saved."))
        return redirect("console:text", key, language)
    context = {
        "title": NOTICE_NAMES[notice],
        "form": form,
        "key": key,
        "language": language,
        "preview": preview,
        "is_own": own is not None,
    }
    return shown(request, "console/texts/text.html", context)


@page(Permission.SET_POLICY, POST)
def reset(request: HttpRequest, admin: User, key: str, language: str) -> HttpResponse:
    """The words of the service again."""
    _notice(key, language)
    restore_text(key, language, actor_id=admin.pk)
    messages.success(request, _("The default text is restored."))
    return redirect("console:text", key, language)


@page(Permission.SET_POLICY, POST)
def test(request: HttpRequest, admin: User, key: str, language: str) -> HttpResponse:
    """Sends the mail to the administrator's own mailbox."""
    try:
        send_sample(admin, _notice(key, language), language)
        messages.success(request, _("A test was sent to %(address)s.") % {"address": admin.upn})
    except TooManySamples:
        messages.error(request, _("You can send up to ten tests an hour. Try again later."))
    except NotAMailbox:
        messages.error(request, _("Your user ID isn’t an email address, so nothing was sent."))
    return redirect("console:text", key, language)


def _notice(key: str, language: str) -> Notice:
    if key not in {notice.value for notice in NOTICE_NAMES}:
        raise Http404
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return Notice(key)
