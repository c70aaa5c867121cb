"""The admin's step-up, and the organisation that an operator acts in."""

import uuid

from django.db import transaction

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from isolation.scope import NO_TENANT, current_tenant_id, in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.services.manage import Frozen, require_running
from registration.services.second_factor import note_passed
from tenants.models import Tenant
from tenants.policy import Factor
from tenants.queries import short_name
from verification.queries import methods_of_kind
from verification.services import authenticators, notices
from verification.services.authenticators import Pairing
from verification.services.guesses import Throttled
from verification.services.notice_words import Notice
from verification.session import Session

_SERVICE = "SSPR"


def pairing(user: User, context: uuid.UUID) -> Pairing:
    """The key of the user's first app, for the page that shows it."""
    name = _SERVICE if current_tenant_id() == NO_TENANT else short_name()
    return authenticators.pairing_of(user, context, issuer=name)


def confirm(session: Session, user: User, code: str) -> bool:
    """Whether the code is right. If so, the session has passed the step-up.

    Where no app counts yet, the code confirms the one that was shown to this session.

    Raises:
        Throttled: too many wrong codes; nothing was compared.
    """
    # A counter of its own: wrong codes at a reset don't lock the admin.
    verdict = limits.hit(Limit.SECOND_FACTOR_GUESSES, str(user.pk))
    if not verdict.allowed:
        raise Throttled(verdict.until)
    is_first = not methods_of_kind(user.pk, Factor.AUTHENTICATOR).exists()
    right = (
        _pairs(user, session.context(), code)
        if is_first
        else authenticators.is_right(user.pk, code)
    )
    if not right:
        record(
            Activity.SECOND_FACTOR_FAILED,
            Outcome.FAILURE,
            subject_id=user.pk,
            actor_id=user.pk,
        )
        return False
    limits.give_back(Limit.SECOND_FACTOR_GUESSES, str(user.pk))
    with transaction.atomic():
        if is_first:
            record(Activity.SECOND_FACTOR_REGISTERED, subject_id=user.pk, actor_id=user.pk)
            if user.tenant_id is not None:
                app = methods_of_kind(user.pk, Factor.AUTHENTICATOR).latest("verified_at")
                notices.tell(user, Notice.ADDED, factor=Factor.AUTHENTICATOR, added=app.pk)
        record(Activity.ADMIN_SIGNED_IN, subject_id=user.pk, actor_id=user.pk)
    note_passed(session, user)
    return True


@transaction.atomic
def enter_organisation(session: Session, operator: User, tenant: Tenant) -> None:
    """The operator acts inside this organisation from now on; its audit log says so."""
    leave_organisation(session, operator)
    with in_tenant(tenant.pk):
        record(Activity.OPERATOR_ENTERED, actor_id=operator.pk)
    session.acting_tenant_id = tenant.pk


@transaction.atomic
def leave_organisation(session: Session, operator: User) -> None:
    left, session.acting_tenant_id = session.acting_tenant_id, None
    if left is not None:
        with in_tenant(left):
            record(Activity.OPERATOR_LEFT, actor_id=operator.pk)


def _pairs(user: User, context: uuid.UUID, code: str) -> bool:
    """Confirms the first app, unless the session was ended or the account frozen meanwhile."""
    if user.tenant_id is None:
        return authenticators.finish_pairing(user, context, code)
    try:
        with transaction.atomic():
            require_running(user)
            return authenticators.finish_pairing(user, context, code)
    except Frozen:
        return False
