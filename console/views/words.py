"""What the pages about people say of them."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from audit.activities import Activity, Outcome
from audit.admin import LABELS
from audit.models import Event
from console.queries.person import names_of
from console.rules import Action, State
from reset.refusals import Refusal

_TAGS = {State.CAPABLE: "ok", State.BLOCKED: "bad", State.DISABLED: "bad", State.PARTIAL: "warn"}

REASONS: dict[Refusal, Promise] = {
    Refusal.MANAGED_ELSEWHERE: _("The password is kept in a directory that isn’t written to."),
    Refusal.NOT_ENABLED: _(
        "Self-service is off for this person: nobody may reset, they aren’t in scope, or"
        " administrators may not."
    ),
    Refusal.NOT_VERIFIABLE: _("Too few usable methods are registered, or the account is disabled."),
    Refusal.TOO_MANY: _("Too many wrong guesses: resetting is paused."),
}

ACTIONS: dict[Action, tuple[Promise, Promise]] = {
    Action.CLEAR: (
        _("Clear the block"),
        _("Wrong guesses so far are forgotten, and resetting works again at once."),
    ),
    Action.REREGISTER: (
        _("Require registration again"),
        _(
            "At the next sign-in the person is led through their security info. Until then what"
            " is registered still works."
        ),
    ),
    Action.SIGN_OUT: (
        _("Sign out everywhere"),
        _("Every session of this person ends at once. The password stays the same."),
    ),
    Action.TEMPORARY_PASSWORD: (
        _("Issue a temporary password"),
        _(
            "The password is replaced by one that is shown to you once. Every session ends, and"
            " the person chooses their own password at the first sign-in. Check who is asking:"
            " call back a number you already have."
        ),
    ),
    Action.DISABLE: (
        _("Disable the account"),
        _("The person can’t sign in or reset until the account is enabled again."),
    ),
    Action.ENABLE: (
        _("Enable the account"),
        _("The person can sign in and reset again."),
    ),
}


def tag_of(state: State) -> str:
    """The look of a state."""
    return _TAGS.get(state, "")


def happenings(events: Iterable[Event]) -> list[dict[str, object]]:
    """Events of a timeline in words, with who did them."""
    listed = list(events)
    names = names_of({event.actor_id for event in listed if event.actor_id})
    return [
        {
            "at": event.at,
            "what": LABELS.get(Activity(event.activity), event.activity),
            "failed": event.outcome == Outcome.FAILURE,
            "result": pgettext("audit", "Failure") if event.outcome == Outcome.FAILURE else "",
            "by": _by(event, names),
            "reason": event.reason,
            "note": event.details.get("note", ""),
            "method": event.details.get("method", ""),
            "code": _code(event.support_code),
        }
        for event in listed
    ]


def _by(event: Event, names: dict[int, str]) -> str:
    if event.actor_id is None or event.actor_id == event.subject_id:
        return ""
    return names.get(event.actor_id) or str(_("Operator of the service"))


def _code(code: str) -> str:
    return f"{code[:4]}-{code[4:]}" if code else ""
