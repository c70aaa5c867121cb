"""Taking security info away, and signing out elsewhere."""

import uuid

from django.db import transaction
from django.db.models import F

from audit.activities import Activity
from audit.services import record
from directory.models import User
from tenants.policy import Proof
from verification.queries import holds_only_codes, methods_by_proof, value_of
from verification.services import authenticators, notices, recovery_codes
from verification.services.notice_words import Notice


@transaction.atomic
def remove(user: User, proof: Proof) -> bool:
    """Removes one kind of security info; every known address hears of it, the removed one too.

    Returns:
        False when there was none.
    """
    method = methods_by_proof(user.pk).get(proof)
    if method is None:
        return False
    value = "" if proof is Proof.QUESTIONS else value_of(method)
    method.delete()
    record(Activity.METHOD_DELETED, subject_id=user.pk, method=proof)
    notices.tell(user, Notice.REMOVED, proof=proof, also_value=value)
    _keep_codes_from_being_alone(user)
    return True


@transaction.atomic
def remove_app(user: User, authenticator_id: uuid.UUID) -> bool:
    """Removes one authenticator app; every known address hears of it.

    Returns:
        False when there was none.
    """
    if not authenticators.remove(user.pk, authenticator_id):
        return False
    record(Activity.METHOD_DELETED, subject_id=user.pk, method=Proof.AUTHENTICATOR)
    notices.tell(user, Notice.REMOVED, proof=Proof.AUTHENTICATOR)
    _keep_codes_from_being_alone(user)
    return True


@transaction.atomic
def remove_recovery_codes(user: User) -> bool:
    """Removes the set of recovery codes; every known address hears of it.

    Returns:
        False when there was none.
    """
    if not recovery_codes.remove_all(user.pk):
        return False
    record(Activity.METHOD_DELETED, subject_id=user.pk, method=Proof.RECOVERY_CODE)
    notices.tell(user, Notice.REMOVED, proof=Proof.RECOVERY_CODE)
    return True


@transaction.atomic
def sign_out_everywhere(user: User) -> None:
    """Ends every session of the user; the caller keeps its own alive if it wants."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    record(Activity.SIGNED_OUT, subject_id=user.pk, reason="everywhere")
    user.refresh_from_db()


def _keep_codes_from_being_alone(user: User) -> None:
    """Codes on paper go with the last thing that they were beside."""
    if holds_only_codes(user.pk):
        remove_recovery_codes(user)
