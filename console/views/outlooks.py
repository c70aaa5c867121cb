"""Whether somebody could reset now: what the portal would say, why, and what would help."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.queries.person import GroupFact
from console.rules import Action, Blocker, may_act, stop
from console.views.words import ACTIONS, REASONS, TITLES
from directory.models import User
from reset.queries.eligibility import ResetEligibility
from tenants.policy import Policy, Scope
from tenants.roles import Permission, Role
from verification.queries.callers import is_act_disowned

_TO_CHANGE_POLICY: dict[Blocker, tuple[str, Promise]] = {
    Blocker.OFF: ("properties", gettext_lazy("Change who can reset")),
    Blocker.ADMINISTRATOR: ("admins", gettext_lazy("Change the settings for administrators")),
    Blocker.METHODS: ("methods", gettext_lazy("Change the methods required to reset")),
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """A page where what stands in the way can be put right."""

    url: str
    label: Promise | str


def why_not(person: User, look: ResetEligibility, policy: Policy) -> Blocker | None:
    """The first thing that stands in the way."""
    if look.refusal is None:
        return None
    return stop(
        look.refusal,
        enabled=person.enabled,
        frozen=person.frozen_at is not None,
        self_service_on=policy.self_service is not Scope.NONE,
        in_scope=look.is_in_scope,
    )


def told(look: ResetEligibility, found: Blocker | None) -> dict[str, object]:
    """What the portal would show, and the reason behind it."""
    if look.refusal is None or found is None:
        return {}
    return {"reason": REASONS[found], "portal_says": TITLES.get(look.refusal, "")}


def cures(user: User, person: User, found: Blocker | None, look: ResetEligibility) -> list[Remedy]:
    """What this administrator can do about it."""
    if found is None and look.enough_from is not None:
        found = Blocker.PAUSED
    helps = {
        Blocker.DISABLED: [_acting(user, person, Action.ENABLE)],
        Blocker.FROZEN: [_acting(user, person, Action.UNFREEZE)],
        Blocker.PAUSED: [_acting(user, person, Action.CLEAR)],
        Blocker.METHODS: [_contact(user, person), _acting(user, person, Action.REREGISTER)],
        Blocker.OUT: [_groups(user)],
    }
    wanted = [*helps.get(found, ()), _policy(user, found)] if found else []
    return [cure for cure in wanted if cure is not None]


def scope_words(look: ResetEligibility, policy: Policy, groups: Iterable[GroupFact]) -> str:
    """Why the policy is for this person, or isn't."""
    listed = list(groups)
    excluded = next((group.name for group in listed if group.excluded), "")
    through = next((group.name for group in listed if group.in_scope), "")
    if policy.self_service is Scope.NONE:
        return _("Self-service is off for everyone.")
    if excluded:
        return _("Not in scope: excluded by the group %(group)s.") % {"group": excluded}
    if not look.is_in_scope:
        return _("Not in scope: in none of the selected groups.")
    if policy.self_service is Scope.ALL:
        return _("In scope: the policy applies to everyone.")
    return _("In scope through the group %(group)s.") % {"group": through}


def _acting(user: User, person: User, action: Action) -> Remedy | None:
    on_oneself = user.pk == person.pk
    if not user.has_permission(action.permission):
        return None
    if not may_act(action, Role(user.role), Role(person.role), on_oneself=on_oneself):
        return None
    if action.lets_somebody_in and is_act_disowned(user.pk, person.pk):
        return None
    return Remedy(reverse("console:person-act", args=[person.pk, action]), ACTIONS[action][0])


def _contact(user: User, person: User) -> Remedy | None:
    if not may_manage(user, person):
        return None
    return Remedy(reverse("console:person-contact", args=[person.pk]), _("Change contact data"))


def _groups(user: User) -> Remedy | None:
    if not user.has_permission(Permission.SET_POLICY):
        return None
    return Remedy(reverse("console:groups"), _("Groups"))


def _policy(user: User, found: Blocker | None) -> Remedy | None:
    if found not in _TO_CHANGE_POLICY or not user.has_permission(Permission.SET_POLICY):
        return None
    section, label = _TO_CHANGE_POLICY[found]
    return Remedy(f"{reverse('console:policy')}#{section}", label)


def may_manage(user: User, person: User) -> bool:
    """Contact data of administrators is theirs to give: it would be a way into their accounts."""
    needed = Permission.MANAGE_PEOPLE if person.role == Role.NONE else Permission.MANAGE_ADMINS
    return user.has_permission(needed)
