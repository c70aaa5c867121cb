"""Creates the demo's tenants and users. Existing ones stay as they are."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from directory.connectors import connector_of
from directory.factors import BUILTIN
from directory.models import Membership, User
from directory.services import contacts_of_person
from isolation.scope import current_tenant_id, in_tenant
from sspr.demo.people import ANSWERS, OPERATOR, DemoState, DemoTenant, DemoUser
from tenants.models import Group, Tenant
from tenants.policy import Factor, Questions
from tenants.queries import policy_in_force, tenant_by_slug
from tenants.roles import Role
from tenants.services import create_tenant
from vault.services import seal_column
from verification.models import RegisteredMethod
from verification.queries import blind_index
from verification.services import factors
from verification.services.guesses import Throttled, count_a_guess, throttle_of
from verification.services.questions import save_answers

_LOCKED_FOR = timedelta(days=365)


def seed(tenants: Sequence[DemoTenant], passwords: Mapping[str, str], *, anew: set[str]) -> None:
    """Creates the demo's tenants and users where they don't exist yet.

    Args:
        passwords: user principal name → password, of all users.
        anew: user principal names whose password is new and must be set for an existing user, too.
    """
    for demo in tenants:
        tenant = tenant_by_slug(demo.new_tenant.slug) or _create_tenant(demo)
        with in_tenant(tenant.pk):
            for demo_user in demo.users:
                password = passwords[demo_user.upn]
                user = User.objects.filter(upn=demo_user.upn).first()
                if user is None:
                    user = _create_user(demo_user, demo, password)
                elif demo_user.upn in anew and user.connector == BUILTIN:
                    connector_of(user).set_password(user, password)
                if demo_user.state is DemoState.BLOCKED:
                    _use_up_guesses(user)
    if OPERATOR in anew or not User.unscoped.filter(upn=OPERATOR).exists():
        operator = {"role": Role.OPERATOR, "display_name": "Operator"}
        hashed = make_password(passwords[OPERATOR])
        User.unscoped.update_or_create(upn=OPERATOR, defaults=operator | {"password": hashed})


@transaction.atomic
def _create_tenant(demo: DemoTenant) -> Tenant:
    tenant = create_tenant(demo.new_tenant)
    with in_tenant(tenant.pk):
        Group.objects.create(name=demo.left_out)
    return tenant


@transaction.atomic
def _create_user(demo_user: DemoUser, demo: DemoTenant, password: str) -> User:
    now, state = timezone.now(), demo_user.state
    is_elsewhere = state is DemoState.ON_PREMISES
    user = User.objects.create(
        tenant_id=current_tenant_id(),
        upn=demo_user.upn,
        display_name=demo_user.display_name,
        given_name=demo_user.given_name,
        surname=demo_user.surname,
        language=demo_user.language,
        role=state.role,
        connector="ldap" if is_elsewhere else BUILTIN,
        enabled=state is not DemoState.DISABLED,
        locked_until=now + _LOCKED_FOR if state is DemoState.LOCKED else None,
        registered_at=now if state.is_registered else None,
        password=make_password(None if is_elsewhere else password),
        password_changed_at=None if is_elsewhere else now,
    )
    if state is DemoState.OUT_OF_SCOPE:
        group = Group.objects.get(name=demo.left_out)
        Membership.objects.create(user=user, group=group)
    if state is DemoState.PREFILLED:
        _prefill(user, demo_user)
    if state.is_registered:
        register(user, demo_user)
    return user


def _prefill(user: User, demo_user: DemoUser) -> None:
    known = {
        Factor.OFFICE_PHONE: demo_user.office_phone,
        Factor.MOBILE_PHONE: demo_user.mobile_phone,
        Factor.EMAIL: demo_user.email,
    }
    for factor, value in known.items():
        sms_capable = factor is Factor.MOBILE_PHONE
        contacts_of_person.enter(user.pk, factor, value, sms_capable=sms_capable, held=False)
    factors.refresh([user.pk])


def register(user: User, demo_user: DemoUser) -> None:
    for factor, value in {
        Factor.MOBILE_PHONE: demo_user.mobile_phone,
        Factor.EMAIL: demo_user.email,
    }.items():
        now = timezone.now()
        method = RegisteredMethod(
            user=user,
            kind=factor,
            lookup=blind_index(value),
            sms_capable=factor is Factor.MOBILE_PHONE,
            created_at=now,
            verified_at=now,
        )
        method.data = seal_column(method, "data", value)
        method.save(force_insert=True)
    factors.refresh([user.pk])
    has_questions = policy_in_force().questions is not Questions.OFF
    if has_questions and not Role(user.role).is_administrator:
        save_answers(user, ANSWERS)


def _use_up_guesses(user: User) -> None:
    """Throttles a user. It ends by itself; the next seeding begins it again."""
    with suppress(Throttled):
        while throttle_of(user.pk) is None:
            count_a_guess(user.pk)
