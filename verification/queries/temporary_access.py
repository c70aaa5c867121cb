"""What was registered while staff who may not give roles had let the user in."""

from django.db.models import Q

from tenants.policy import Factor
from verification.models import AuthenticationMethod
from verification.queries import authenticators_of, passkeys_of, recovery_codes_of

TEMPORARY = Q(temporary_access=True)
_DEVICES = {
    Factor.AUTHENTICATOR: authenticators_of,
    Factor.PASSKEY: passkeys_of,
    Factor.RECOVERY_CODE: recovery_codes_of,
}


def temporary_holdings(user_id: int) -> list[Factor]:
    """The kinds of which the user has something that a role ends; see `change_role`."""
    return [proof for proof in Factor if has_temporary(user_id, proof)]


def has_temporary(user_id: int, proof: Factor) -> bool:
    """Whether a role ends something of this kind that the user has."""
    if proof in _DEVICES:
        return _DEVICES[proof](user_id).filter(TEMPORARY).exists()
    rows = AuthenticationMethod.objects.filter(TEMPORARY, user_id=user_id, proof=proof)
    return rows.exists()
