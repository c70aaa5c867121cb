"""What the pages about people say of them."""

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

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
    Blocker.FROZEN: _("Somebody said “This wasn’t me”: self-service is frozen."),
    Blocker.OFF: _("Self-service is off for everybody."),
    Blocker.OUT: _("The policy isn’t for this person."),
    Blocker.ADMINISTRATOR: _("Administrators may not reset their own passwords."),
    Blocker.PAUSED: _(
        "Too many wrong guesses: resetting is paused. Browsers where this person has signed in"
        " before are counted apart."
    ),
    Blocker.METHODS: _("Too few usable methods are registered."),
    Blocker.ELSEWHERE: _("The password is kept in a directory that isn’t written to."),
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
            "Before you help somebody on the phone, let them prove who they are. It counts for"
            " you and this person, for 15 minutes, and is recorded."
        ),
    ),
    Action.CLEAR: (
        _("Clear the block"),
        _("Wrong guesses and denied calls are forgotten, and resetting works again at once."),
    ),
    Action.UNFREEZE: (
        _("Unfreeze"),
        _(
            "Resetting and registering work again at once. Before that, check who is asking: call"
            " back a number you already have, and look at the security info for what isn’t theirs."
        ),
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
    Action.ACCESS_PASS: (
        _("Issue a Temporary Access Pass"),
        _(
            "The pass is shown to you once. With it the person signs in to register their"
            " security info, and nothing else. A pass issued before stops working. Check who is"
            " asking: call back a number you already have."
        ),
    ),
    Action.REVOKE_PASS: (
        _("Withdraw the Temporary Access Pass"),
        _("The pass stops working, and a session that was opened with it ends at once."),
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

IN_A_SENTENCE: dict[Factor, Promise] = {
    Factor.EMAIL: pgettext_lazy("in a sentence", "alternate email"),
    Factor.MOBILE_PHONE: pgettext_lazy("in a sentence", "mobile phone"),
    Factor.ALTERNATE_PHONE: pgettext_lazy("in a sentence", "alternate phone"),
    Factor.OFFICE_PHONE: pgettext_lazy("in a sentence", "office phone"),
    Factor.QUESTIONS: pgettext_lazy("in a sentence", "security questions"),
    Factor.PASSKEY: pgettext_lazy("in a sentence", "passkey"),
    Factor.AUTHENTICATOR: pgettext_lazy("in a sentence", "authenticator app"),
    Factor.RECOVERY_CODE: pgettext_lazy("in a sentence", "recovery codes"),
}
"""What somebody can prove, where it doesn't begin the line."""

ACTIONS_FOR_MANY = [
    (action.value, words[0]) for action, words in ACTIONS.items() if action.is_for_many
]


def tag_of(state: State) -> str:
    """The look of a state."""
    return _TAGS.get(state, "")


def address_words(problem: AddressProblem, address: str) -> str:
    """Why a mailbox is no way back into the account."""
    if problem is AddressProblem.OWN:
        return gettext("That mailbox needs the password that was forgotten. Enter another address.")
    domain = address.rpartition("@")[2]
    return gettext("Addresses of %(domain)s can’t be used. Enter a private address.") % {
        "domain": domain
    }
