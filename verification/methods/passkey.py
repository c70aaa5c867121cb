"""A passkey, which signs what only this challenge asks for."""

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from directory.models import User
from tenants.policy import Factor, Method
from verification.methods.base import (
    ChallengeAnswer,
    MethodModule,
    Registration,
    TooManyDevices,
    VerificationContext,
    Verifier,
)
from verification.models import Challenge, Purpose, RegisteredMethod
from verification.queries import challenges_in, newest
from verification.rules.passkeys import MOST, MOST_ANSWER, Site
from verification.rules.verdicts import Verdict
from verification.services import factors, passkeys
from verification.services.challenges import (
    ChallengeRequest,
    ChallengeResult,
    open_unsent,
    redeem_judged,
    waits,
)

PASSKEY_WRONG = gettext_lazy("This passkey didn’t work. Try again or use another one.")


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


def passkey_words(result: ChallengeResult) -> str:
    """What is said about a passkey that wasn't right."""
    if result.verdict is Verdict.WRONG:
        return str(PASSKEY_WRONG)
    if result.verdict is Verdict.DEAD:
        return _("Too many attempts")
    return _("This page was open for too long. Go back and choose the method again.")


def challenge_to_register(user: User, context: uuid.UUID) -> Challenge:
    """What a new passkey of this session must be made for. Raises `TooManyDevices`."""
    if passkeys.passkeys_of(user.pk).count() >= MOST:
        raise TooManyDevices(MOST)
    if waits(Method.PASSKEY, challenges_in(Purpose.REGISTER, context)):
        waiting = newest(Purpose.REGISTER, context, Method.PASSKEY)
        if waiting is not None:
            return waiting
    return open_unsent(
        ChallengeRequest(
            user_id=user.pk,
            actor_id=user.pk,
            purpose=Purpose.REGISTER,
            context=context,
            method=Method.PASSKEY,
        )
    )


def register(
    user: User, context: uuid.UUID, credential: str, site: Site, *, name: str
) -> tuple[ChallengeResult, RegisteredMethod | None]:
    """Stores the passkey that was made for this session, if it is one; call it in a transaction."""
    challenge = newest(Purpose.REGISTER, context, Method.PASSKEY)
    # Two sessions may make the last passkey that the user may have: one waits here.
    with factors.changing(user.pk):
        key = passkeys.made(user, challenge, credential, site, name=name) if challenge else None
        right = (
            key is not None
            and not passkeys.is_known(key)
            and passkeys.passkeys_of(user.pk).count() < MOST
        )
        result = redeem_judged(Purpose.REGISTER, context, Method.PASSKEY, right=right)
        if key is None or result.verdict is not Verdict.RIGHT:
            return result, None
        key.save(force_insert=True)
    return result, key


def _check(
    context: VerificationContext, method: Method, answer: ChallengeAnswer
) -> ChallengeResult:
    challenge = next((each for each in context.challenges if each.method == method), None)
    right = (
        challenge is not None
        and answer.site is not None
        and passkeys.is_right(
            context.verify_id, challenge, answer.text, answer.site, among=context.devices
        )
    )
    return redeem_judged(context.purpose, context.id, method, right=right, among=context.challenges)


def _shown(context: VerificationContext, challenge: Challenge, site: Site) -> dict[str, object]:
    elsewhere = passkeys.other_hosts(context.shows_passkeys_of, site)
    words = _("Your passkeys work at %(hosts)s. Open this page there, or use another method.")
    return {
        "options": passkeys.request_options(context.shows_passkeys_of, challenge, site),
        "elsewhere": words % {"hosts": ", ".join(elsewhere)} if elsewhere else "",
    }


# Signatures can't be guessed: wrong ones only use the challenge up.
PASSKEY = MethodModule(
    options={Method.PASSKEY: gettext_noop("Use a passkey")},
    registrations={
        Factor.PASSKEY: Registration(
            page="registration:passkey",
            registered_words=gettext_noop("Your passkey is ready"),
        ),
    },
    begin=open_unsent,
    verifier=Verifier(
        page="passkey",
        heading=gettext_lazy("Use a passkey"),
        template="verification/passkey.html",
        form=lambda data, _context: PasskeyForm(data),
        answer=lambda form, site: ChallengeAnswer(text=form.cleaned_data["credential"], site=site),
        check=_check,
        error_words=passkey_words,
        error_field=None,
        is_counted=False,
        shown=_shown,
    ),
    is_preselected=True,
    is_device=True,
    opens_the_admin=True,
)
