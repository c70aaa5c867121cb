"""How the portal, registration and sign-in show a page, and the errors of a form.

Every page is `no-store`, so that nothing of it is left on a shared computer. Chromium can't open
the answer to a POST again that it didn't store: Back leads to "Confirm Form Resubmission"
(ERR_CACHE_MISS). With script, `app.js` makes a page of it that is opened anew. Without, a form
that had errors is answered by a redirect to the page itself, which shows them once.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.forms import BooleanField, ChoiceField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.shortcuts import render as rendered

from isolation.scope import NO_TENANT
from vault import services as vault
from vault.envelope import Unopenable
from verification.services.captcha import Captcha

NO_SCRIPT_FIELD = "noscript"
"""Name of a hidden field that only a browser without script sends."""
_LIFETIME_S = 60
_MOST_IN_A_COOKIE = 3_800
_FORM, _CAPTCHA = "form", "captcha"


def render(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int | None = None,
    problems: tuple[str, ...] = (),
) -> HttpResponse:
    """The page; without script, after a form with errors, a redirect that leads to it.

    The errors travel in a cookie, sealed for this address and this browser, for one minute and
    one page: the words of the errors, the choices made, and the texts that the form names in
    `shown_again`. Passwords, codes and answers are never in it. A form with `shows_secrets_again`
    is answered at once.

    Args:
        context: as for Django's `render`. `form` and `captcha` are the ones of the page.
        status: of a page that is shown at once.
        problems: names in the context that say, beside the form, what was wrong.
    """
    values = dict(context or {})
    if request.method == "POST" and NO_SCRIPT_FIELD in request.POST:
        wrong = _what_was_wrong(values, problems)
        text = json.dumps(wrong, ensure_ascii=False)
        sealed = vault.sealed(text, tenant_id=NO_TENANT, associated_data=_place(request))
        packed = urlsafe_b64encode(sealed).decode()
        if wrong and len(packed) <= _MOST_IN_A_COOKIE:
            return _redirect_with(request, packed)
    if request.method != "GET" or settings.FORM_COOKIE_NAME not in request.COOKIES:
        return rendered(request, template, values, status=status)
    _show_again(values, _unpacked(request), problems)
    response = rendered(request, template, values, status=status)
    response.delete_cookie(settings.FORM_COOKIE_NAME, samesite="Strict")
    return response


def _what_was_wrong(values: Mapping[str, Any], problems: tuple[str, ...]) -> dict[str, Any]:
    """What the next page must know; nothing where this one is shown at once."""
    form = values.get(_FORM)
    wrong: dict[str, Any] = {name: values[name] for name in problems if values.get(name)}
    if form is not None and getattr(form, "shows_secrets_again", False):
        return {}
    if form is not None and form.errors:
        named = getattr(form, "shown_again", ())
        wrong[_FORM] = {
            "values": {
                name: form[name].data
                for name, field in form.fields.items()
                if name in named or isinstance(field, BooleanField | ChoiceField)
            },
            "errors": {name: [str(text) for text in texts] for name, texts in form.errors.items()},
        }
    if wrong and isinstance(captcha := values.get(_CAPTCHA), Captcha):
        wrong[_CAPTCHA] = captcha.carried()
    return wrong


def _show_again(
    values: dict[str, Any], wrong: Mapping[str, Any], problems: tuple[str, ...]
) -> None:
    values |= {name: wrong[name] for name in problems if name in wrong}
    form, captcha = values.get(_FORM), values.get(_CAPTCHA)
    if form is not None and _FORM in wrong:
        form.initial = {**form.initial, **wrong[_FORM]["values"]}
        form.cleaned_data = {}
        for name, texts in wrong[_FORM]["errors"].items():
            form.add_error(name if name in form.fields else None, texts)
    if isinstance(captcha, Captcha) and _CAPTCHA in wrong:
        captcha.carry_on(wrong[_CAPTCHA])


def _redirect_with(request: HttpRequest, packed: str) -> HttpResponse:
    response = redirect(request.get_full_path())
    response.set_cookie(
        settings.FORM_COOKIE_NAME,
        packed,
        max_age=_LIFETIME_S,
        secure=settings.SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def _unpacked(request: HttpRequest) -> dict[str, Any]:
    """What was wrong a moment ago on this page, in this browser; nothing if it isn't from us."""
    try:
        sealed = urlsafe_b64decode(request.COOKIES[settings.FORM_COOKIE_NAME])
        wrong: dict[str, Any] = json.loads(
            vault.opened(sealed, tenant_id=NO_TENANT, associated_data=_place(request))
        )
    except (Unopenable, ValueError):
        return {}
    return wrong


def _place(request: HttpRequest) -> str:
    """What is sealed for one page in one browser opens in no other."""
    return f"form errors|{request.get_full_path()}|{request.META.get('CSRF_COOKIE', '')}"
