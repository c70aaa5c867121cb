"""A Temporary Access Pass given to somebody, written down and told to them."""

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from console.services.people import NotTrusted, ends_with_role, require_trust
from directory.models import User
from verification.rules.access_passes import Terms
from verification.services import access_passes, notices
from verification.services.notice_words import Notice

REFUSED = (NotTrusted, access_passes.AccountFrozen)


@transaction.atomic
def issue(admin: User, person: User, terms: Terms, *, note: str) -> str:
    """A new pass in place of the one before.

    Returns:
        The pass, the only time that it is seen.

    Raises:
        NotTrusted: this administrator may not open a way into the account now.
        verification.services.access_passes.AccountFrozen: it has to be unfrozen first.
    """
    require_trust(admin, person)
    letters = access_passes.issue(
        person, terms, issued_by=admin.pk, ends_with_role=ends_with_role(admin)
    )
    record(
        Activity.ACCESS_PASS_ISSUED,
        subject_id=person.pk,
        actor_id=admin.pk,
        note=note,
        minutes=int((terms.ends_at - terms.starts_at).total_seconds()) // 60,
        once=terms.once,
    )
    notices.tell(person, Notice.ACCESS_PASS, until=terms.ends_at, actor_id=admin.pk)
    return letters
