"""A code that is sent or spoken, and typed back into the page."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.clock import when
from verification.methods.base import ChallengeAnswer, VerificationContext, Verifier, code_in
from verification.rules.challenges import typed_code
from verification.rules.verdicts import Verdict
from verification.services.challenges import ChallengeResult, redeem_code


class CodeForm(forms.Form):
    """A code that was sent. It may be pasted with spaces or hyphens in it."""

    code = forms.CharField(
        label=gettext_lazy("Verification code"),
        max_length=200,
        strip=True,
        error_messages={"required": gettext_lazy("Enter the code")},
        widget=forms.TextInput(
            attrs={
                "class": "code",
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
            }
        ),
    )

    def __init__(self, data: Mapping[str, Any] | None, *, length: int) -> None:
        super().__init__(data)
        self._length = length
        self.fields["code"].widget.attrs.pop("maxlength", None)
        self.fields["code"].help_text = _(
            "%(length)s digits. You can paste it; spaces are fine."
        ) % {"length": length}

    def clean_code(self) -> str:
        code = typed_code(self.cleaned_data["code"])
        named = {"length": self._length, "count": len(code)}
        if not code.isascii() or not code.isdigit():
            raise forms.ValidationError(_("The code contains digits only"), code="nondigit")
        if len(code) < self._length:
            words = _("The code has %(length)s digits. You entered %(count)s.") % named
            raise forms.ValidationError(words, code="short")
        if len(code) > self._length:
            words = _("The code has only %(length)s digits. You entered %(count)s.") % named
            raise forms.ValidationError(words, code="long")
        return code


def _check(
    context: VerificationContext, method: Method, answer: ChallengeAnswer
) -> ChallengeResult:
    return redeem_code(
        context.purpose, context.id, answer.text, method=method, among=context.challenges
    )


def _error_words(result: ChallengeResult) -> str:
    if result.verdict is Verdict.WRONG:
        return ngettext(
            "This code is not correct. You have %(left)s try left.",
            "This code is not correct. You have %(left)s tries left.",
            result.tries_left,
        ) % {"left": result.tries_left}
    if result.verdict is Verdict.OLDER and result.sent_at is not None:
        return _("This is an earlier code. Enter the newest one, sent at %(time)s.") % {
            "time": when(result.sent_at)
        }
    if result.verdict is Verdict.DEAD:
        return _("Too many wrong codes, so this code no longer works. Ask for a new one.")
    return _("This code has expired. Ask for a new one.")


TYPED_CODE = Verifier(
    page="code",
    template="verification/code.html",
    form=lambda data, _context: CodeForm(data, length=policy_in_force().code_digits),
    answer=code_in,
    check=_check,
    error_words=_error_words,
    says_when_over=True,
)
