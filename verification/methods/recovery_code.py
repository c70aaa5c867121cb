"""Recovery codes: each is good once, and can't be guessed."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from tenants.policy import Factor, Method
from verification.methods.base import (
    ChallengeAnswer,
    MethodModule,
    Registration,
    VerificationContext,
    Verifier,
    code_in,
)
from verification.queries import codes_left
from verification.rules.recovery_codes import FEW, typed_code
from verification.rules.verdicts import Verdict
from verification.services import recovery_codes
from verification.services.challenges import ChallengeResult, open_unsent

_WRONG = gettext_lazy("This recovery code is not correct or was already used.")


class RecoveryCodeForm(forms.Form):
    """One recovery code, however it was typed."""

    code = forms.CharField(
        label=gettext_lazy("Recovery code"),
        help_text=gettext_lazy("One of the codes you printed or saved. Each works once."),
        max_length=200,
        error_messages={"required": gettext_lazy("Enter the code")},
        widget=forms.TextInput(
            attrs={"class": "recovery", "autocomplete": "off", "autocapitalize": "characters"}
        ),
    )

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data)
        self.fields["code"].widget.attrs.pop("maxlength", None)

    def clean_code(self) -> str:
        code = typed_code(self.cleaned_data["code"])
        if not code:
            raise forms.ValidationError(_WRONG, code="format")
        return code


def left_words(left: int) -> str:
    """How many recovery codes there are still."""
    return ngettext("%(count)s recovery code left", "%(count)s recovery codes left", left) % {
        "count": left
    }


def few_left_words(left: int) -> str:
    """What to do when there are hardly any left; nothing as long as there are enough."""
    if left > FEW:
        return ""
    return _("Create new recovery codes soon, before you run out.")


def _check(
    context: VerificationContext, _method: Method, answer: ChallengeAnswer
) -> ChallengeResult:
    return recovery_codes.answer(
        context.verify_id, context.purpose, context.id, answer.text, among=context.challenges
    )


def _error_words(result: ChallengeResult) -> str:
    if result.verdict is Verdict.WRONG:
        return str(_WRONG)
    if result.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This page was open for too long. Go back and choose the method again.")


# Source: NIST SP 800-63B-4 section 3.1.2.2 (look-up secrets of 64 bits need no throttling).
RECOVERY_CODE = MethodModule(
    options={Method.RECOVERY_CODE: gettext_noop("Use a recovery code")},
    registrations={
        Factor.RECOVERY_CODE: Registration(
            page="registration:recovery-codes",
            further_pages=("registration:recovery-codes-save",),
            registered_words=gettext_noop(
                "Your recovery codes are ready. Older ones no longer work."
            ),
        ),
    },
    begin=open_unsent,
    verifier=Verifier(
        page="recovery-code",
        heading=gettext_lazy("Enter a recovery code"),
        form=lambda data, _context: RecoveryCodeForm(data),
        answer=code_in,
        check=_check,
        error_words=_error_words,
        is_counted=False,
        passed_words=lambda user_id: left_words(codes_left(user_id)),
    ),
    # No row says which codes were used since, so whole sets end.
    ended_by_restore={"recovery_codes": Q(kind=Factor.RECOVERY_CODE, removed_at=None)},
)
