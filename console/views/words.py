"""What the pages about people say of them."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.forms.policy_words import translated
from console.rules import Action, Blocker, State
from registration.queries import AddressProblem
from reset.refusals import Refusal
from tenants.policy import Factor

_TAGS = {
    State.CAPABLE: "ok",
    State.BLOCKED: "bad",
    State.DISABLED: "bad",
    State.FROZEN: "bad",
    State.PARTIAL: "warn",
}

REASONS: dict[Blocker, Promise] = {
    Blocker.DISABLED: _("The account is disabled."),
    Blocker.FROZEN: _("Self-service is frozen because “This wasn’t me” was reported."),
    Blocker.OFF: _("Self-service is off for everyone."),
    Blocker.OUT: _("The policy doesn’t apply to this person."),
    Blocker.ADMINISTRATOR: _("Administrators can’t reset their own passwords."),
    Blocker.PAUSED: _(
        "Password reset is blocked after too many failed attempts. Browsers where "
        "this person has signed in before are counted separately."
    ),
    Blocker.METHODS: _("Too few usable methods are registered."),
    Blocker.ELSEWHERE: _("The password is managed in a directory that this service can’t change."),
}

TITLES: dict[Refusal, Promise] = {
    Refusal.MANAGED_ELSEWHERE: _("Please contact your administrator"),
    Refusal.NOT_ENABLED: _("Your account isn’t enabled for password reset"),
    Refusal.NOT_VERIFIABLE: _("We couldn’t verify your account"),
    Refusal.TOO_MANY: _("Too many attempts"),
}
"""What the portal says above its refusals."""

ACTIONS: dict[Action, tuple[Promise, Promise]] = {
    Action.VERIFY_CALLER: (
        _("Verify a caller"),
        _(
            "Verify who is calling before you help them. The verification is valid for "
            "you and this person for 15 minutes, and it is recorded."
        ),
    ),
    Action.CLEAR: (
        _("Clear the block"),
        _("Failed attempts and denied calls are cleared, and the person can reset again at once."),
    ),
    Action.UNFREEZE: (
        _("Unfreeze"),
        _(
            "The person can reset and register again at once. Check their identity "
            "first: call back a number you already have, and look for security info that "
            "isn’t theirs."
        ),
    ),
    Action.REREGISTER: (
        _("Require registration again"),
        _(
            "At the next sign-in the person checks their security info. Until then, "
            "registered methods still work."
        ),
    ),
    Action.SIGN_OUT: (
        _("Sign out everywhere"),
        _("All sessions of this person end at once. The password stays the same."),
    ),
    Action.TEMPORARY_PASSWORD: (
        _("Issue a temporary password"),
        _(
            "The password is replaced by a temporary one that is shown to you once. All "
            "sessions end, and the person chooses a new password at the first sign-in. "
            "Check their identity first: call back a number you already have."
        ),
    ),
    Action.ACCESS_PASS: (
        _("Issue a Temporary Access Pass"),
        _(
            "The pass is shown to you once. The person can use it only to sign in and "
            "register security info. An earlier pass stops working. Check their identity "
            "first: call back a number you already have."
        ),
    ),
    Action.REVOKE_PASS: (
        _("Withdraw the Temporary Access Pass"),
        _("The pass stops working, and a session started with it ends at once."),
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

IN_A_SENTENCE = {factor: translated(factor.in_a_sentence) for factor in Factor}
"""What a factor is called where it doesn't begin the line."""

ACTIONS_FOR_MANY = [
    (action.value, words[0]) for action, words in ACTIONS.items() if action.is_for_many
]


def tag_of(state: State) -> str:
    """The look of a state."""
    return _TAGS.get(state, "")


def address_words(problem: AddressProblem, address: str) -> str:
    """Why a mailbox is no way back into the account."""
    if problem is AddressProblem.OWN:
        return gettext("That mailbox needs the forgotten password. Enter another address.")
    domain = address.rpartition("@")[2]
    return gettext("Addresses at %(domain)s can’t be used. Enter a personal address.") % {
        "domain": domain
    }
