"""Choosing a method and typing a code, wherever somebody proves who they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants.policy import CallConfirmation, Method
from tenants.queries import policy_in_force
from verification.clock import when
from verification.rules import recovery_codes
from verification.rules.challenges import typed_code
from verification.rules.passkeys import MOST_ANSWER
from verification.rules.verdicts import CallState, Verdict
from verification.rules.ways import MethodOption


class Judged(Protocol):
    """A code or answers that were looked at."""

    @property
    def verdict(self) -> Verdict: ...

    @property
    def tries_left(self) -> int: ...

    @property
    def sent_at(self) -> datetime | None: ...


_APP_DIGITS = 6
_POUND_WORDS = {
    CallState.ANSWERED: gettext_lazy("You answered. Press # now."),
    CallState.WRONG: gettext_lazy("Other keys were pressed on the phone."),
    CallState.DENIED: gettext_lazy("The call ended before # was pressed."),
    CallState.HANGUP: gettext_lazy("The call ended before # was pressed."),
}
_FREE = {Method.PASSKEY, Method.EMAIL, Method.AUTHENTICATOR}


class MethodForm(forms.Form):
    """One of the ways that this user has. Nothing else can be chosen."""

    method = forms.ChoiceField(
        label=gettext_lazy("Choose how you want to prove that this is your account."),
        error_messages={
            "required": gettext_lazy("Select a method"),
            "invalid_choice": gettext_lazy("Select a method"),
        },
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None, *, ways: Sequence[MethodOption]) -> None:
        super().__init__(data)
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(way.method.value, option_words(way)) for way in ways]
        # Only what costs nobody anything is chosen beforehand.
        if ways and (ways[0].method in _FREE or len(ways) == 1):
            self.initial["method"] = ways[0].method.value


PASSKEY_WRONG = gettext_lazy("This passkey did not work. Try again or use another one.")
APP_WRONG = gettext_lazy(
    "This code is not correct. Check that the time on your phone is set automatically, then try"
    " the next code."
)


RECOVERY_WRONG = gettext_lazy("This recovery code is not correct or was already used.")


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


class AppCodeForm(CodeForm):
    """A code from an authenticator app."""

    def __init__(self, data: Mapping[str, Any] | None) -> None:
        super().__init__(data, length=_APP_DIGITS)
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
        code = recovery_codes.typed_code(self.cleaned_data["code"])
        if not code:
            raise forms.ValidationError(RECOVERY_WRONG, code="format")
        return code


class PasskeyForm(forms.Form):
    """What the browser's dialog about a passkey gave; the page's script fills it in."""

    credential = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        answer = cleaned.get("credential", "")
        if not answer:
            # Said above the form: there is no field to say it next to.
            words = _("Passkeys need scripts to be turned on in your browser.")
            self.add_error(None, forms.ValidationError(words, code="no_script"))
        elif len(answer) > MOST_ANSWER:
            self.add_error(None, forms.ValidationError(PASSKEY_WRONG, code="too_long"))
        return cleaned


class NewPasskeyForm(PasskeyForm):
    """The same for a passkey that is being made, and what to call it."""

    shown_again = ("name",)
    name = forms.CharField(
        label=gettext_lazy("Name for this passkey"),
        help_text=gettext_lazy("For example: work laptop"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class AnswersForm(forms.Form):
    """One field for every drawn question, `answer_1` and so on. Nothing typed is shown again."""

    def __init__(self, data: Mapping[str, Any] | None, questions: Mapping[str, str]) -> None:
        super().__init__(data)
        self._ids = list(questions)
        for number, text in enumerate(questions.values(), start=1):
            attrs = {"autocomplete": "off", "autocapitalize": "none"}
            if number == 1:
                attrs["data-show"] = _("Show answers")
            self.fields[f"answer_{number}"] = forms.CharField(
                label=text,
                max_length=500,
                error_messages={"required": _("Answer this question")},
                widget=forms.PasswordInput(attrs=attrs),
            )

    @property
    def answers(self) -> dict[str, str]:
        """Question id → answer as typed."""
        return {
            question_id: self.cleaned_data[f"answer_{number}"]
            for number, question_id in enumerate(self._ids, start=1)
        }


def option_words(way: MethodOption) -> SafeString:
    """A way as one line to choose, with the masked destination in it."""
    words = {
        Method.PASSKEY: _("Use a passkey"),
        Method.AUTHENTICATOR: _("Enter a code from my authenticator app"),
        Method.EMAIL: _("Send a code to my email {masked}"),
        Method.MOBILE_TEXT: _("Text a code to my mobile {masked}"),
        Method.MOBILE_CALL: _("Call my mobile {masked}"),
        Method.ALTERNATE_TEXT: _("Text a code to my alternate phone {masked}"),
        Method.ALTERNATE_CALL: _("Call my alternate phone {masked}"),
        Method.OFFICE_CALL: _("Call my office phone {masked}"),
        Method.QUESTIONS: _("Answer my security questions"),
        Method.RECOVERY_CODE: _("Use a recovery code"),
    }[way.method]
    return format_html(words, masked=masked_words(way.masked))


def masked_words(masked: str) -> SafeString:
    """A masked number or address: as dots for the eye, as words for the ear."""
    if not masked:
        return SafeString("")
    spoken = (
        _("email address shown in part: %(masked)s") % {"masked": masked.replace("•", "*")}
        if "@" in masked
        else _("phone number ending in %(digits)s") % {"digits": masked[-2:]}
    )
    return format_html(
        '<bdi class="mask" aria-hidden="true">{}</bdi><span class="vh">{}</span>', masked, spoken
    )


def verdict_words(answered: Judged) -> str:
    """What is said about a code that passed no gate."""
    if answered.verdict is Verdict.WRONG:
        return ngettext(
            "This code is not correct. You have %(left)s try left.",
            "This code is not correct. You have %(left)s tries left.",
            answered.tries_left,
        ) % {"left": answered.tries_left}
    if answered.verdict is Verdict.OLDER and answered.sent_at is not None:
        return _("This is an earlier code. Enter the newest one, sent at %(time)s.") % {
            "time": when(answered.sent_at)
        }
    if answered.verdict is Verdict.DEAD:
        return _("Too many wrong codes, so this code no longer works. Ask for a new one.")
    return _("This code has expired. Ask for a new one.")


def app_words(answered: Judged) -> str:
    """What is said about a code from an app that passed no gate."""
    if answered.verdict is Verdict.WRONG:
        return str(APP_WRONG)
    if answered.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This code has expired. Ask for a new one.")


def passkey_words(answered: Judged) -> str:
    """What is said about a passkey that passed no gate."""
    if answered.verdict is Verdict.WRONG:
        return str(PASSKEY_WRONG)
    if answered.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This page was open for too long. Go back and choose the method again.")


def elsewhere_words(hosts: Sequence[str]) -> str:
    """Where the user's passkeys work, if they don't here; nothing where they do."""
    if not hosts:
        return ""
    return _("Your passkeys work at %(hosts)s. Open this page there, or use another method.") % {
        "hosts": ", ".join(hosts)
    }


def recovery_words(answered: Judged) -> str:
    """What is said about a recovery code that passed no gate."""
    if answered.verdict is Verdict.WRONG:
        return str(RECOVERY_WRONG)
    if answered.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This page was open for too long. Go back and choose the method again.")


def left_words(left: int) -> str:
    """How many recovery codes there are still."""
    return ngettext("%(count)s recovery code left", "%(count)s recovery codes left", left) % {
        "count": left
    }


def few_left_words(left: int) -> str:
    """What to do when there are hardly any left; nothing as long as there are enough."""
    if left > recovery_codes.FEW:
        return ""
    return _("Make a new set of recovery codes soon, before you run out of them.")


def answers_words(answered: Judged) -> str:
    """What is said about answers that passed no gate: never which of them is wrong."""
    return ngettext(
        "One or more answers are not correct. Check all of them. You have %(left)s try left.",
        "One or more answers are not correct. Check all of them. You have %(left)s tries left.",
        answered.tries_left,
    ) % {"left": answered.tries_left}


def refusal_words(until: datetime | None, *, calls_paused: bool = False) -> str:
    """Why no code was sent and no call was placed."""
    if calls_paused:
        return _("Calls to this phone aren’t available now. Use another method.")
    if until is None:
        return _("We couldn’t send the code. Try again or use another method.")
    return _(
        "Too many codes were sent to this phone or address. Try again at %(time)s, or use"
        " another method."
    ) % {"time": when(until)}


def paused_words(until: datetime | None) -> str:
    """Why a right code would not help now."""
    if until is None:
        return _("Too many attempts")
    return _("Paused until %(time)s") % {"time": when(until)}


def sending_words(method: Method) -> str:
    """What the button does that sends a code or places a call to a phone."""
    return _("Call me") if method.is_call else _("Text me a code")


def call_words(state: CallState) -> str:
    """What a call is doing, for the line that changes while it rings."""
    if policy_in_force().call_confirmation is CallConfirmation.POUND and state in _POUND_WORDS:
        return str(_POUND_WORDS[state])
    return {
        CallState.QUEUED: _("Starting the call…"),
        CallState.RINGING: _("Your phone is ringing"),
        CallState.ANSWERED: _("You answered. Type the number now."),
        CallState.CONFIRMED: _("Confirmed"),
        CallState.WRONG: _("The number typed on the phone did not match."),
        CallState.DENIED: _("The call ended before the number was typed."),
        CallState.NO_ANSWER: _("Nobody answered."),
        CallState.BUSY: _("The line was busy."),
        CallState.HANGUP: _("The call ended before the number was typed."),
        CallState.FAILED: _("We couldn’t place the call."),
    }[state]
