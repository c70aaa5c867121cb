"""The code that an authenticator app shows (TOTP)."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from directory.models import User
from tenants.policy import Factor, Method
from tenants.queries import short_name
from verification.methods.base import (
    ChallengeAnswer,
    DeviceCode,
    MethodModule,
    Registration,
    TooManyDevices,
    VerificationContext,
    Verifier,
    code_in,
)
from verification.methods.typed_code import CodeForm
from verification.queries import methods_of_kind
from verification.rules.verdicts import Verdict
from verification.services import authenticators
from verification.services.challenges import ChallengeResult, open_unsent, redeem_judged

APP_WRONG = gettext_lazy(
    "This code is not correct. Check that the time on your phone is set automatically, then try"
    " the next code."
)


class AppCodeForm(CodeForm):
    """A code from an authenticator app."""

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data, length=authenticators.DIGITS)
        self.fields["code"].label = _("Code")
        self.fields["code"].help_text = _("6 digits. It changes every 30 seconds.")


class PairForm(AppCodeForm):
    """The first code of an app that is being paired, and what to call it."""

    shown_again = ("name",)
    name = forms.CharField(
        label=gettext_lazy("Name for this app"),
        help_text=gettext_lazy("For example: work phone"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _pairing(user: User, context: uuid.UUID) -> dict[str, object]:
    if methods_of_kind(user.pk, Factor.AUTHENTICATOR).count() >= authenticators.MOST:
        raise TooManyDevices(authenticators.MOST)
    return {"pairing": authenticators.pairing_of(user, context, issuer=short_name())}


def _paired(user: User, context: uuid.UUID, entered: Mapping[str, Any]) -> uuid.UUID | None:
    code, name = entered["code"], entered["name"]
    if not authenticators.finish_pairing(user, context, code, name=name):
        return None
    return methods_of_kind(user.pk, Factor.AUTHENTICATOR).latest("verified_at").pk


def _check(
    context: VerificationContext, method: Method, answer: ChallengeAnswer
) -> ChallengeResult:
    right = authenticators.is_right(context.verify_id, answer.text, among=context.devices)
    return redeem_judged(context.purpose, context.id, method, right=right, among=context.challenges)


def _error_words(result: ChallengeResult) -> str:
    if result.verdict is Verdict.WRONG:
        return str(APP_WRONG)
    if result.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This code has expired. Ask for a new one.")


TOTP = MethodModule(
    options={Method.AUTHENTICATOR: gettext_noop("Enter a code from my authenticator app")},
    registrations={
        Factor.AUTHENTICATOR: Registration(
            page="registration:app",
            registered_words=gettext_noop("Your authenticator app is ready"),
            by_code=DeviceCode(
                template="registration/app.html",
                heading=gettext_lazy("Set up an authenticator app"),
                form=PairForm,
                shown=_pairing,
                activate=_paired,
                wrong_words=APP_WRONG,
            ),
        ),
    },
    begin=open_unsent,
    verifier=Verifier(
        page="app",
        heading=gettext_lazy("Enter the code from your authenticator app"),
        form=lambda data, _context: AppCodeForm(data),
        answer=code_in,
        check=_check,
        error_words=_error_words,
    ),
    is_preselected=True,
    is_device=True,
    opens_the_admin=True,
    ended_by_restore={"pairings": Q(kind=Factor.AUTHENTICATOR, verified_at=None)},
)
