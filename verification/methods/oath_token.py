"""The code that a hardware token shows (OATH: TOTP or HOTP)."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from directory.models import User
from tenants.policy import Factor, Method
from verification.methods.base import (
    ChallengeAnswer,
    DeviceCode,
    MethodModule,
    Registration,
    VerificationContext,
    Verifier,
    code_in,
)
from verification.methods.typed_code import CodeForm
from verification.models import Purpose
from verification.rules.oath import DIGITS
from verification.rules.verdicts import Verdict
from verification.services import oath_tokens
from verification.services.challenges import ChallengeResult, open_unsent, redeem_judged

TOKEN_WRONG = gettext_lazy("This code is not correct. Enter the next code that the token shows.")


class TokenCodeForm(CodeForm):
    """A code from a hardware token."""

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data, length=DIGITS)
        self.fields["code"].label = _("Code")
        self.fields["code"].help_text = _("The 6 digits that your hardware token shows now.")


def _waiting(user: User, _context: uuid.UUID) -> dict[str, object]:
    return {"tokens": [row.details for row in oath_tokens.waiting_of(user.pk)]}


def _activated(user: User, _context: uuid.UUID, entered: Mapping[str, Any]) -> uuid.UUID | None:
    row = oath_tokens.activate(user, entered["code"])
    return row.pk if row else None


def _check(
    context: VerificationContext, method: Method, answer: ChallengeAnswer
) -> ChallengeResult:
    right = oath_tokens.is_right(
        context.verify_id,
        answer.text,
        among=context.devices,
        knows_password=context.purpose is Purpose.SIGN_IN,
    )
    return redeem_judged(context.purpose, context.id, method, right=right, among=context.challenges)


def _error_words(result: ChallengeResult) -> str:
    if result.verdict is Verdict.WRONG:
        return str(TOKEN_WRONG)
    if result.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This code has expired. Ask for a new one.")


OATH_TOKEN = MethodModule(
    options={Method.OATH_TOKEN: gettext_noop("Enter a code from my hardware token")},
    registrations={
        Factor.OATH_TOKEN: Registration(
            page="registration:token",
            registered_words=gettext_noop("Your hardware token is ready"),
            by_code=DeviceCode(
                template="registration/token.html",
                heading=gettext_lazy("Activate a hardware token"),
                submit=gettext_lazy("Activate"),
                form=TokenCodeForm,
                shown=_waiting,
                activate=_activated,
                wrong_words=TOKEN_WRONG,
                is_possible=lambda user_id: bool(oath_tokens.waiting_of(user_id)),
            ),
        ),
    },
    begin=open_unsent,
    verifier=Verifier(
        page="token",
        heading=gettext_lazy("Enter the code from your hardware token"),
        form=lambda data, _context: TokenCodeForm(data),
        answer=code_in,
        check=_check,
        error_words=_error_words,
    ),
    is_preselected=True,
    is_device=True,
    # Codes of a token with a button that were used since would be right again.
    ended_by_restore={"hardware_tokens": Q(kind=Factor.OATH_TOKEN, details__interval=0)},
)
