"""Moving the demo's people in. What is there already stays as it is."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from directory.connectors.builtin import Builtin
from directory.models import Membership, User
from directory.services import contacts_of_person
from isolation.scope import current_tenant_id, in_tenant
from sspr.demo.people import ANSWERS, HOUSEHOLDS, OPERATOR, Household, Inhabitant, State
from tenants.models import Group, Tenant
from tenants.policy import Proof, Questions
from tenants.queries import policy_in_force, tenant_by_slug
from tenants.roles import Role
from tenants.services import create_tenant
from vault.services import sealed
from verification.models import AuthenticationMethod
from verification.queries import blind_index
from verification.services import factors
from verification.services.guesses import Paused, count_a_guess, pause_of
from verification.services.questions import save_answers

_LOCKED_FOR = timedelta(days=365)


def seed(passwords: Mapping[str, str], *, anew: set[str]) -> None:
    """Founds the demo's tenants and moves everybody in who isn't there yet.

    Args:
        passwords: user principal name → password, for everybody.
        anew: those whose password has just been made, and must be set even if they live there.
    """
    for household in HOUSEHOLDS:
        tenant = tenant_by_slug(household.founding.slug) or _found(household)
        with in_tenant(tenant.pk):
            for person in household.people:
                _settle(person, household, passwords[person.upn], is_new=person.upn in anew)
    if OPERATOR in anew or not User.unscoped.filter(upn=OPERATOR).exists():
        operator = {"role": Role.OPERATOR, "display_name": "Operator"}
        hashed = make_password(passwords[OPERATOR])
        User.unscoped.update_or_create(upn=OPERATOR, defaults=operator | {"password": hashed})


@transaction.atomic
def _found(household: Household) -> Tenant:
    tenant = create_tenant(household.founding)
    with in_tenant(tenant.pk):
        Group.objects.create(name=household.left_out)
    return tenant


def _settle(person: Inhabitant, household: Household, password: str, *, is_new: bool) -> None:
    user = User.objects.filter(upn=person.upn).first()
    if user is None:
        user = _moved_in(person, household, password)
    elif is_new and user.connector == "builtin":
        Builtin().set_password(user, password)
    if person.state is State.BLOCKED:
        _use_up_guesses(user)


@transaction.atomic
def _moved_in(person: Inhabitant, household: Household, password: str) -> User:
    now, state = timezone.now(), person.state
    is_elsewhere = state is State.ON_PREMISES
    user = User.objects.create(
        tenant_id=current_tenant_id(),
        upn=person.upn,
        display_name=person.display_name,
        given_name=person.given_name,
        surname=person.surname,
        language=person.language,
        role=state.role,
        connector="ldap" if is_elsewhere else "builtin",
        enabled=state is not State.DISABLED,
        locked_until=now + _LOCKED_FOR if state is State.LOCKED else None,
        registered_at=now if state.is_registered else None,
        password=make_password(None if is_elsewhere else password),
        password_changed_at=None if is_elsewhere else now,
    )
    if state is State.OUT_OF_SCOPE:
        group = Group.objects.get(name=household.left_out)
        Membership.objects.create(user=user, group=group)
    if state is State.PREFILLED:
        _prefill(user, person)
    if state.is_registered:
        _register(user, person)
    return user


def _prefill(user: User, person: Inhabitant) -> None:
    known = {
        Proof.OFFICE_PHONE: person.office_phone,
        Proof.MOBILE_PHONE: person.mobile_phone,
        Proof.EMAIL: person.email,
    }
    for proof, value in known.items():
        textable = proof is Proof.MOBILE_PHONE
        contacts_of_person.enter(user.pk, proof, value, textable=textable, held=False)
    factors.refresh([user.pk])


def _register(user: User, person: Inhabitant) -> None:
    for proof, value in {
        Proof.MOBILE_PHONE: person.mobile_phone,
        Proof.EMAIL: person.email,
    }.items():
        method = AuthenticationMethod(
            user=user,
            proof=proof,
            index=blind_index(value),
            textable=proof is Proof.MOBILE_PHONE,
            verified_at=timezone.now(),
        )
        place = method.place_of("value", method.pk)
        method.value = sealed(value, tenant_id=method.tenant_id, place=place)
        method.save(force_insert=True)
    factors.refresh([user.pk])
    has_questions = policy_in_force().questions is not Questions.OFF
    if has_questions and not Role(user.role).is_administrator:
        save_answers(user, ANSWERS)


def _use_up_guesses(user: User) -> None:
    """Until guessing is paused. The pause ends by itself, and begins again at the next seeding."""
    with suppress(Paused):
        while pause_of(user.pk) is None:
            count_a_guess(user.pk)
