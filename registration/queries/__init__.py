"""What a user has registered, as the wizard and the manage page show it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from delivery.rules.mailboxes import mailbox_key
from directory.models import User
from directory.prefills import Prefill
from directory.queries import in_scope, prefilled
from registration.rules import (
    Demand,
    Interrupt,
    RegistrationStatus,
    Row,
    Status,
    demand,
    interrupt,
    kinds_to_register,
    missing,
    skip_days_left,
)
from tenants.policy import (
    Factor,
    Method,
    OfficeEditor,
    Policy,
    SecondFactor,
    for_administrators,
)
from tenants.queries import domain_names, policy_in_force
from tenants.roles import Role
from verification.methods import REGISTRATIONS
from verification.models import RegisteredMethod
from verification.queries import (
    methods_by_factor,
    methods_of_kind,
    usable_methods,
    value_of,
)
from verification.queries.deliverable import can_deliver
from verification.queries.factors import RegisteredMethods, registered_methods_of
from verification.queries.security_info import SecurityInfo, security_info_of
from verification.rules.masking import mask
from verification.rules.method_options import MethodOption, methods_of


class AddressProblem(StrEnum):
    """Why a mailbox can't be a way back into the account."""

    OWN = "own"
    TENANT_DOMAIN = "tenant_domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Where a user stands: every kind of security info, and how many are still missing."""

    in_scope: bool
    required: int
    rows: tuple[Row, ...]
    second_factor_due: bool = False
    """Whether sign-in asks for a second factor that the user doesn't hold yet."""

    @property
    def counted(self) -> frozenset[Factor]:
        return frozenset(row.factor for row in self.rows if row.counts)

    @property
    def done(self) -> int:
        return self.required - missing(self.required, self.counted)

    @property
    def missing(self) -> int:
        """How many more kinds a reset needs; of who may not reset none is asked."""
        return missing(self.required, self.counted) if self.in_scope else 0

    def row(self, factor: Factor) -> Row | None:
        return next((row for row in self.rows if row.factor is factor), None)


def demand_on(user: User) -> Demand:
    """What the policy in force asks of this user: more of administrators."""
    return demand(policy_in_force(), is_administrator=Role(user.role).is_administrator)


def options_to_register(user: User, factor: Factor) -> list[Method]:
    """The methods that can verify a factor of this kind: allowed, and deliverable here."""
    registrable = demand_on(user).registrable
    return [
        method
        for method in Method
        if method.factor is factor and method in registrable and can_deliver(method)
    ]


def address_problem(user: User, address: str) -> AddressProblem | None:
    """Whether the mailbox is one that the forgotten password would lock, too."""
    if mailbox_key(address) == user.upn:
        return AddressProblem.OWN
    if policy_in_force().allow_tenant_mailboxes:
        return None
    domain = address.rpartition("@")[2]
    return AddressProblem.TENANT_DOMAIN if domain in domain_names() else None


def admin_entered_of(user: User) -> dict[Factor, Prefill]:
    """What an administrator entered, as far as it could be a way back into the account."""
    return {
        kind: row
        for kind, row in prefilled(user.pk).items()
        if kind.is_phone or address_problem(user, row.value) is None
    }


def options_to_confirm(user: User, factor: Factor) -> list[Method]:
    """How a phone or address that an administrator entered can be verified."""
    row = admin_entered_of(user).get(factor)
    if row is None:
        return []
    options = options_to_register(user, factor)
    return [method for method in options if row.sms_capable or not method.is_text]


def overview_of(user: User) -> Overview:
    """What is registered, what an administrator entered, and what is missing."""
    policy, demand = policy_in_force(), demand_on(user)
    proved, entered = methods_by_factor(user.pk), admin_entered_of(user)
    of_reset = {method.factor for method in demand.methods}
    usable = {
        option.method.factor
        for option in registered_methods_of(user.pk, policy).options(demand.methods)
    }
    waiting = registered_methods_of(user.pk, _policy_for(user), at=timezone.now()).waiting
    rows = []
    for factor in kinds_to_register(demand.registrable):
        is_open = bool(options_to_register(user, factor))
        if factor.is_set and not holds_another(user):
            is_open = False
        is_open = is_open and REGISTRATIONS[factor].is_possible(user.pk)
        # A second phone is only registered beside the first.
        if factor.gate is not factor and not proved.keys() & {factor, factor.gate}:
            is_open = False
        if not is_open and factor not in proved and factor not in usable:
            continue
        masked, status = _standing(user, factor, proved.get(factor), entered.get(factor))
        if factor.is_office and status is not Status.CONFIRM:
            is_open = is_open and policy.office_phone_editor is OfficeEditor.USER
        counts = factor in usable
        rows.append(
            Row(
                factor=factor,
                status=status,
                masked=masked,
                counts=counts,
                counts_from=waiting.get(factor),
                for_reset=factor in of_reset,
                is_open=is_open,
            )
        )
    return Overview(
        in_scope=in_scope(user.pk, policy),
        required=demand.required,
        rows=tuple(rows),
        second_factor_due=policy.sign_in_second_factor is SecondFactor.REQUIRED
        and not holds_second_factor(user),
    )


def _policy_for(user: User) -> Policy:
    policy = policy_in_force()
    if Role(user.role).is_administrator:
        return for_administrators(policy) or policy
    return policy


def _standing(
    user: User, factor: Factor, proved: RegisteredMethod | None, entered: Prefill | None
) -> tuple[str, Status]:
    """How far the user is with one kind of security info, and what of it may be shown."""
    if factor.may_be_several:
        is_there = methods_of_kind(user.pk, factor).exists()
        return "", Status.READY if is_there else Status.MISSING
    if proved is not None:
        return mask(value_of(proved)) if factor.is_contact else "", Status.READY
    return (mask(entered.value), Status.CONFIRM) if entered else ("", Status.MISSING)


def options_to_verify(
    user: User, registered: RegisteredMethods | None = None
) -> list[MethodOption]:
    """The methods by which the user can be verified now, beside the password.

    Answers to questions count only for a user who holds nothing better.

    Args:
        holdings: what the user verified, where that was just read.
    """
    registered = registered or registered_methods_of(user.pk, policy_in_force(), proved_only=True)
    knowledge = frozenset(method for method in Method if method.factor.is_knowledge)
    if any(not factor.factor.is_knowledge for factor in registered.held):
        return registered.options(frozenset(Method) - knowledge)
    return registered.options(knowledge)


def holds_second_factor(user: User) -> bool:
    """Whether the user proved to hold what sign-in accepts, deliverable at the moment or not."""
    policy = policy_in_force()
    held = registered_methods_of(user.pk, policy, proved_only=True).held
    return not policy.second_factors.isdisjoint(methods_of(held))


def options_at_sign_in(
    user: User, registered: RegisteredMethods | None = None
) -> list[MethodOption]:
    """The second factors that the user can use now: the default first, then the strongest.

    Args:
        holdings: what the user verified, where that was just read.
    """
    policy = policy_in_force()
    registered = registered or registered_methods_of(user.pk, policy, proved_only=True)
    options = registered.options(policy.second_factors)
    return sorted(options, key=lambda option: option.method != user.default_sign_in_method)


def must_prove(user: User) -> bool:
    """Whether the user holds anything to be proved, deliverable at the moment or not."""
    return usable_methods().filter(user=user).exists()


def holds_another(user: User) -> bool:
    """Whether the user verified anything but recovery codes, for what codes are good for.

    Codes on paper aren't to be anybody's only proof.
    """
    demand = demand_on(user)
    for_reset = any(method.factor.is_set for method in demand.methods)
    wanted = {method.factor for method in (demand.methods if for_reset else demand.registrable)}
    others = [kind for kind in wanted if not kind.is_set]
    return usable_methods().filter(user=user, kind__in=others).exists()


def is_complete(user: User) -> bool:
    """Whether nothing is missing: for a reset, if the user may, and for the next sign-in."""
    overview = overview_of(user)
    return not overview.missing and not overview.second_factor_due


def to_confirm(user: User) -> list[SecurityInfo]:
    """What wasn't in the user's hands since an administrator asked for registration again."""
    asked_at = user.must_register_at
    if asked_at is None:
        return []
    return [kind for kind in security_info_of(user.pk) if kind.seen_at < asked_at]


def confirmable(user: User) -> list[SecurityInfo]:
    """What of it can be confirmed here and now: by proving it, or by answering anew."""
    waiting = to_confirm(user)
    factors = {option.method.factor for option in options_to_verify(user)} if waiting else set()
    if factors:
        # Answers are confirmed by writing them anew.
        factors |= {kind for kind in Factor if kind.is_knowledge}
    return [kind for kind in waiting if kind.factor in factors]


def interrupt_of(user: User, now: datetime) -> Interrupt:
    """What the user is asked before they go on; at sign-in, and after each page of it."""
    if user.frozen_at is not None:
        # Nothing could be registered or confirmed.
        return Interrupt.NONE
    overview, policy = overview_of(user), policy_in_force()
    # What can be delivered here and now decides what the user can do.
    within_reach = overview.counted | {row.factor for row in overview.rows if row.is_open}
    can_prove = not must_prove(user) or bool(options_to_verify(user))
    return interrupt(
        RegistrationStatus(
            in_scope=overview.in_scope,
            is_required=policy.require_registration,
            must_register=user.must_register_at is not None,
            is_complete=not overview.missing,
            can_complete=can_prove and not missing(overview.required, within_reach),
            checked_at=checked_at(user),
            reconfirm_days=policy.reconfirm_days,
        ),
        now,
    )


def skip_days_of(user: User, now: datetime) -> int:
    """For how many days the user may still put off what is missing; 0: not any more.

    What an administrator asked for again can't be put off.
    """
    if user.must_register_at is not None:
        return 0
    asked_at = user.asked_to_register_at or now
    return skip_days_left(asked_at, policy_in_force().registration_skip_days, now)


def is_held_up(user: User, now: datetime) -> bool:
    """Whether the user has to register before anything else. Costs nothing for most people."""
    if user.must_register_at is None and user.asked_to_register_at is None:
        return False
    return not skip_days_of(user, now) and interrupt_of(user, now) is Interrupt.REGISTER


def checked_at(user: User) -> datetime | None:
    """Who registered enough but never pressed "Finish" is counted from what came last."""
    if known := [at for at in (user.registered_at, user.reconfirmed_at) if at is not None]:
        return max(known)
    return max((kind.verified_at for kind in security_info_of(user.pk)), default=None)
