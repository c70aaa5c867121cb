"""Whether a person could reset now: what the portal would say, why, and what would help."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.policy_words import translated
from console.queries.person import GroupFact, groups_of
from console.rules import AdminAction, Blocker, blocker_of
from console.services.people import may
from console.views.actions import ACTIONS, may_manage_person
from directory.models import User
from reset.queries.eligibility import ResetEligibility, eligibility_of
from reset.refusals import Refusal
from tenants.policy import Factor, Policy, Scope
from tenants.queries import policy_in_force
from tenants.roles import Permission
from verification.queries.callers import is_act_disowned
from verification.services.notices import factor_name

_BLOCKERS: dict[Blocker, Promise] = {
    Blocker.DISABLED: gettext_lazy("The account is disabled."),
    Blocker.FROZEN: gettext_lazy("Self-service is frozen because “This wasn’t me” was reported."),
    Blocker.OFF: gettext_lazy("Self-service is off for everyone."),
    Blocker.OUT: gettext_lazy("The policy doesn’t apply to this person."),
    Blocker.ADMINISTRATOR: gettext_lazy("Administrators can’t reset their own passwords."),
    Blocker.PAUSED: gettext_lazy(
        "Password reset is blocked after too many failed attempts. Browsers where"
        " this person has signed in before are counted separately."
    ),
    Blocker.METHODS: gettext_lazy("Too few usable methods are registered."),
    Blocker.ELSEWHERE: gettext_lazy(
        "The password is managed in a directory that this service can’t change."
    ),
}
REFUSALS: dict[Refusal, Promise] = {
    Refusal.MANAGED_ELSEWHERE: gettext_lazy("Please contact your administrator"),
    Refusal.NOT_ENABLED: gettext_lazy("Your account isn’t enabled for password reset"),
    Refusal.NOT_VERIFIABLE: gettext_lazy("We couldn’t verify your account"),
    Refusal.TOO_MANY: gettext_lazy("Too many attempts"),
    Refusal.DIRECTORY_UNREACHABLE: gettext_lazy("We can’t reach your organisation’s directory"),
    Refusal.PASSWORD_REJECTED: gettext_lazy("Your organisation’s directory didn’t accept this."),
    Refusal.SESSION_ENDED: gettext_lazy("Your session has ended"),
}
"""The portal's headings of its refusals."""
_ACTIONS = {
    Blocker.DISABLED: AdminAction.ENABLE,
    Blocker.FROZEN: AdminAction.UNFREEZE,
    Blocker.PAUSED: AdminAction.CLEAR,
    Blocker.METHODS: AdminAction.REREGISTER,
}
_POLICY_SECTIONS: dict[Blocker, tuple[str, Promise]] = {
    Blocker.OFF: ("properties", gettext_lazy("Change who can reset")),
    Blocker.ADMINISTRATOR: ("admins", gettext_lazy("Change the settings for administrators")),
    Blocker.METHODS: ("methods", gettext_lazy("Change the methods required to reset")),
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """A page where a blocker can be removed."""

    url: str
    label: Promise | str


def eligibility_words(admin: User, person: User) -> dict[str, object]:
    """What the page of a person says about their next reset."""
    eligibility, policy = eligibility_of(person), policy_in_force()
    groups, blocker, words = groups_of(person, policy), None, {}
    if eligibility.refusal is not None:
        blocker = blocker_of(
            eligibility.refusal,
            enabled=person.enabled,
            frozen=person.frozen_at is not None,
            self_service_on=policy.self_service is not Scope.NONE,
            in_scope=eligibility.is_in_scope,
        )
        portal_says = REFUSALS.get(eligibility.refusal, "")
        words = {"reason": _BLOCKERS[blocker], "portal_says": portal_says}
    elif eligibility.enough_from is not None:
        blocker = Blocker.PAUSED
    factors = dict.fromkeys(option.method.factor for option in eligibility.usable_now)
    return words | {
        "eligibility": eligibility,
        "ways": _in_a_sentence(factors),
        "paused_phones": _in_a_sentence(eligibility.calls_paused),
        "waiting": [(factor_name(factor), at) for factor, at in eligibility.waiting.items()],
        "remedies": list(_remedies(admin, person, blocker)) if blocker else [],
        "scope": _scope_words(eligibility, policy, groups),
        "groups": groups,
    }


def _remedies(admin: User, person: User, blocker: Blocker) -> Iterable[Remedy]:
    """What this administrator can do about it."""
    sets_policy = admin.has_permission(Permission.SET_POLICY)
    if blocker is Blocker.METHODS and may_manage_person(admin, person):
        yield Remedy(reverse("console:person-contact", args=[person.pk]), _("Change contact data"))
    if (action := _ACTIONS.get(blocker)) and may(admin, action, person):
        is_disowned = action.lets_somebody_in and is_act_disowned(admin.pk, person.pk)
        if not is_disowned:
            url = reverse("console:person-act", args=[person.pk, action])
            yield Remedy(url, ACTIONS[action][0])
    if blocker is Blocker.OUT and sets_policy:
        yield Remedy(reverse("console:groups"), _("Groups"))
    if blocker in _POLICY_SECTIONS and sets_policy:
        section, label = _POLICY_SECTIONS[blocker]
        yield Remedy(f"{reverse('console:policy')}#{section}", label)


def _scope_words(eligibility: ResetEligibility, policy: Policy, groups: list[GroupFact]) -> str:
    """Why the policy applies to this person, or doesn't."""
    excluded = next((group.name for group in groups if group.excluded), "")
    if policy.self_service is Scope.NONE:
        return _("Self-service is off for everyone.")
    if excluded:
        return _("Not in scope: excluded by the group %(group)s.") % {"group": excluded}
    if not eligibility.is_in_scope:
        return _("Not in scope: in none of the selected groups.")
    if policy.self_service is Scope.ALL:
        return _("In scope: the policy applies to everyone.")
    through = next((group.name for group in groups if group.in_scope), "")
    return _("In scope through the group %(group)s.") % {"group": through}


def _in_a_sentence(factors: Iterable[Factor]) -> str:
    return ", ".join(str(translated(factor.in_a_sentence)) for factor in factors)
