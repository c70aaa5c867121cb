"""A call that is confirmed with the keys of the phone.

Where the policy has calls speak a code, they are answered as texts are; see `verifier_of`.
"""

from django.forms import Form
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from tenants.policy import CallConfirmation, Factor, Method
from tenants.queries import policy_in_force
from verification.methods.base import (
    ChallengeAnswer,
    MethodModule,
    Registration,
    VerificationContext,
    Verifier,
)
from verification.models import Challenge
from verification.queries import number_to_type
from verification.rules.passkeys import Site
from verification.rules.verdicts import CallState, Verdict
from verification.services.challenges import ChallengeResult, open_challenge, redeem_call

_POUND_WORDS = {
    CallState.ANSWERED: gettext_lazy("You answered. Press # now."),
    CallState.WRONG: gettext_lazy("Other keys were pressed on the phone."),
    CallState.DENIED: gettext_lazy("The call ended before # was pressed."),
    CallState.HANGUP: gettext_lazy("The call ended before # was pressed."),
}


def call_words(state: CallState) -> str:
    """What a call is doing, for the line that changes while it rings."""
    if policy_in_force().call_confirmation is CallConfirmation.POUND and state in _POUND_WORDS:
        return str(_POUND_WORDS[state])
    return {
        CallState.QUEUED: _("Starting the call…"),
        CallState.RINGING: _("Your phone is ringing"),
        CallState.ANSWERED: _("You answered. Enter the number now."),
        CallState.CONFIRMED: _("Confirmed"),
        CallState.WRONG: _("The number entered on the phone didn’t match."),
        CallState.DENIED: _("The call ended before the number was entered."),
        CallState.NO_ANSWER: _("No one answered."),
        CallState.BUSY: _("The line was busy."),
        CallState.HANGUP: _("The call ended before the number was entered."),
        CallState.FAILED: _("We couldn’t call you."),
    }[state]


def _check(
    context: VerificationContext, method: Method, _answer: ChallengeAnswer
) -> ChallengeResult:
    """Nothing is typed into the page: the keys of the phone confirmed the call, or not yet."""
    challenge = redeem_call(context.purpose, context.id, method=method, among=context.challenges)
    if challenge is None:
        return ChallengeResult(Verdict.EXPIRED)
    return ChallengeResult(Verdict.RIGHT, challenge=challenge)


def _error_words(_result: ChallengeResult) -> str:
    if policy_in_force().call_confirmation is CallConfirmation.NUMBER_SHOWN:
        return _("We have not received the number yet. Finish the call, then check again.")
    return _("The call is not confirmed yet. Finish the call, then check again.")


def _shown(_context: VerificationContext, challenge: Challenge, _site: Site) -> dict[str, object]:
    return {"number": number_to_type(challenge)}


CALL = MethodModule(
    options={
        Method.MOBILE_CALL: gettext_noop("Call my mobile {masked}"),
        Method.ALTERNATE_CALL: gettext_noop("Call my alternate phone {masked}"),
        Method.OFFICE_CALL: gettext_noop("Call my office phone {masked}"),
    },
    registrations={
        Factor.OFFICE_PHONE: Registration(
            page="registration:office",
            registered_words=gettext_noop("Your phone is verified: %(masked)s"),
        ),
    },
    send_words=gettext_noop("Call me"),
    send_entered_words={Method.OFFICE_CALL: gettext_noop("Call this number now")},
    begin=open_challenge,
    verifier=Verifier(
        page="call",
        template="verification/call.html",
        form=lambda data, _context: Form(data),
        answer=lambda _form, _site: ChallengeAnswer(),
        check=_check,
        error_words=_error_words,
        error_field=None,
        is_counted=False,
        watches_call=True,
        shown=_shown,
    ),
)
