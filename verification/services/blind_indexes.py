"""Making blind indexes anew, where they were made under a key that isn't used any more."""

import structlog

from tenants.policy import Proof
from vault.envelope import Unopenable
from verification.models import AuthenticationMethod
from verification.queries import blind_index, value_of

log = structlog.get_logger(__name__)


def renew() -> int:
    """Rewrites those of the tenant in force that differ. Says how many.

    One by one, and only where the row is as it was read: nothing that somebody registers meanwhile
    is lost, and what was broken off is finished the next time.
    """
    done = 0
    rows = AuthenticationMethod.objects.exclude(proof=Proof.QUESTIONS).order_by("pk")
    for row in rows.iterator(chunk_size=1_000):
        try:
            index = blind_index(value_of(row))
        except Unopenable:
            log.warning("envelope_unopenable", row=str(row.pk))
            continue
        if index != row.index:
            same = AuthenticationMethod.objects.filter(pk=row.pk, index=row.index)
            done += same.update(index=index)
    return done
