"""What is said about waiting: for a code or a call, and where no organisation's clock is known."""

import math
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.activities import EventReason
from directory.connectors.base import (
    DirectoryError,
    OutcomeUnknown,
    PolicyRejected,
    RejectedFor,
    Unreachable,
)
from tenants.policy import Method
from verification.clock import when
from verification.models import Challenge
from verification.rules.captcha import Action, Finding
from verification.rules.challenges import MAX_TRIES
from verification.services.challenges import Refused

_SECONDS_UP_TO = 120
_MINUTES_UP_TO = 120


def seconds_until(instant: datetime) -> int:
    """Whole seconds to wait, at least one."""
    return max(1, math.ceil((instant - timezone.now()) / timedelta(seconds=1)))


def too_soon_words(until: datetime | None, method: Method) -> str:
    """The answer to a press on "Send a new code" or "Call me again" that came too early."""
    left = seconds_until(until or timezone.now())
    if method.is_call:
        words = ngettext(
            "You can get a new call in %(seconds)s second.",
            "You can get a new call in %(seconds)s seconds.",
            left,
        )
    else:
        words = ngettext(
            "You can get a new code in %(seconds)s second.",
            "You can get a new code in %(seconds)s seconds.",
            left,
        )
    return words % {"seconds": left}


def sent_words(challenge: Challenge) -> str:
    """The answer to who asks for the code or call that was sent just now."""
    ago = max(1, int((timezone.now() - challenge.created_at).total_seconds()))
    if Method(challenge.method).is_call:
        words = ngettext(
            "We called you %(seconds)s second ago.",
            "We called you %(seconds)s seconds ago.",
            ago,
        )
    else:
        words = ngettext(
            "We sent the code %(seconds)s second ago. It can take up to a minute.",
            "We sent the code %(seconds)s seconds ago. It can take up to a minute.",
            ago,
        )
    return words % {"seconds": ago}


def over_words(challenge: Challenge) -> str:
    """Why no code passes this challenge any more; empty as long as one can."""
    if challenge.tries >= MAX_TRIES:
        return _("Too many wrong codes, so this code no longer works. Ask for a new one.")
    if challenge.expires_at <= timezone.now():
        return _("This code has expired. Ask for a new one.")
    return ""


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


def refused_words(refusal: Refused, method: Method) -> str:
    """The same for what the user asked for by this method: the last one may be a moment ago."""
    if refusal.too_soon:
        return too_soon_words(refusal.until, method)
    return refusal_words(refusal.until, calls_paused=refusal.calls_paused)


def paused_words(until: datetime | None) -> str:
    """Why a right code would not help now."""
    if until is None:
        return _("Too many attempts")
    return _("Paused until %(time)s") % {"time": when(until)}


def captcha_words(action: Action, finding: Finding, ripe_at: datetime) -> str:
    """Why a form was not taken yet, and what to do. Nothing that was typed is wrong.

    Args:
        action: its button is named.
        ripe_at: until when a user waits whose browser runs no scripts.
    """
    signs_in = action is Action.SIGN_IN
    if finding is Finding.EARLY:
        return _early_words(ripe_at, signs_in=signs_in)
    if finding is Finding.CROWDED:
        return crowded_words(ripe_at)
    if finding is Finding.EXPIRED:
        if signs_in:
            return _("The check expired. Select Sign in to do it again.")
        return _("The check expired. Select Continue to do it again.")
    if signs_in:
        return _("The check didn’t finish. Select Sign in to try it again.")
    return _("The check didn’t finish. Select Continue to try it again.")


def crowded_words(until: datetime | None) -> str:
    """That a network sent too much, and how long that lasts: no time zone is known there."""
    if until is None:
        return _("Too many requests came from your network. Try again later.")
    seconds = seconds_until(until)
    if seconds < _SECONDS_UP_TO:
        words = ngettext(
            "Too many requests came from your network. Try again in %(left)s second.",
            "Too many requests came from your network. Try again in %(left)s seconds.",
            seconds,
        )
        return words % {"left": seconds}
    minutes = math.ceil(seconds / 60)
    if minutes < _MINUTES_UP_TO:
        words = ngettext(
            "Too many requests came from your network. Try again in %(left)s minute.",
            "Too many requests came from your network. Try again in %(left)s minutes.",
            minutes,
        )
        return words % {"left": minutes}
    hours = math.ceil(minutes / 60)
    words = ngettext(
        "Too many requests came from your network. Try again in %(left)s hour.",
        "Too many requests came from your network. Try again in %(left)s hours.",
        hours,
    )
    return words % {"left": hours}


def too_many_passwords(until: datetime | None) -> str:
    """The error where no more new passwords are compared with former ones."""
    if until is None:
        return _("You tried too many new passwords. Try again later.")
    return _("You tried too many new passwords. Try again after %(time)s.") % {"time": when(until)}


def directory_words(error: DirectoryError) -> str:
    """Why the organisation's directory didn't take a new password, as exactly as it is known."""
    match error:
        case PolicyRejected():
            return _rejected_words(error)
        case Unreachable():
            return _(
                "We can’t reach your organisation’s directory. Nothing was changed. Try again in a"
                " few minutes."
            )
        case OutcomeUnknown():
            return _(
                "The connection broke while we were saving, so we don’t know whether your new"
                " password was stored. Sign in with it in a few minutes. If that doesn’t work,"
                " your old password is still valid."
            )
    return _(
        "Your organisation’s directory doesn’t let us change this password. Contact your"
        " administrator."
    )


def result_words(result: str) -> str:
    """What became of one of several directories of a user.

    Args:
        result: "done", "not_done", or why not: a value of `EventReason`.
    """
    words = {
        "done": _("Done"),
        "not_done": _("Not done"),
        EventReason.DIRECTORY_UNREACHABLE: _("Not done: it can’t be reached now"),
        EventReason.PASSWORD_REJECTED: _("Not done: it didn’t accept this password"),
        EventReason.OUTCOME_UNKNOWN: _("Not known: it didn’t answer"),
    }
    return words.get(result, _("Not done: ask your administrator"))


def _rejected_words(error: PolicyRejected) -> str:
    if error.rule is RejectedFor.TOO_YOUNG and error.until is not None:
        return _(
            "You changed your password a short time ago. You can change it again from %(time)s."
        ) % {"time": when(error.until)}
    if error.rule is RejectedFor.UNKNOWN and error.reason:
        return _(
            "Your organisation’s directory didn’t accept this password. Reason given: %(reason)s"
        ) % {"reason": error.reason}
    return {
        RejectedFor.TOO_YOUNG: _(
            "Your organisation’s directory didn’t accept this: your password was changed a short"
            " time ago."
        ),
        RejectedFor.TOO_SHORT: _(
            "Your organisation’s directory didn’t accept this password: it is too short."
        ),
        RejectedFor.TOO_SIMPLE: _(
            "Your organisation’s directory didn’t accept this password: it is too simple. Use"
            " more kinds of characters: lower case, upper case, digits, symbols."
        ),
        RejectedFor.USED_BEFORE: _(
            "Your organisation’s directory didn’t accept this password: you have used it before."
        ),
        RejectedFor.WRONG_OLD_PASSWORD: _("Your current password is not correct"),
        RejectedFor.UNKNOWN: _(
            "Your organisation’s directory didn’t accept this password and didn’t say why. It may"
            " be too short, used before, or changed too recently."
        ),
    }[error.rule]


def unreachable_words() -> str:
    """That the organisation's directory couldn't compare a password."""
    return _(
        "We can’t reach your organisation’s directory, so your password wasn’t checked. This"
        " doesn’t count as an attempt. Try again in a few minutes."
    )


def _early_words(ripe_at: datetime, *, signs_in: bool) -> str:
    seconds = seconds_until(ripe_at)
    if signs_in:
        words = ngettext(
            "Wait %(seconds)s more second, then select Sign in.",
            "Wait %(seconds)s more seconds, then select Sign in.",
            seconds,
        )
    else:
        words = ngettext(
            "Wait %(seconds)s more second, then select Continue.",
            "Wait %(seconds)s more seconds, then select Continue.",
            seconds,
        )
    return words % {"seconds": seconds}
