"""What an administrator knows of one person, changed one by one."""

from directory.models import Prefill
from directory.queries import prefilled_value, seal_prefill
from tenants.policy import Proof


def enter(user_id: int, proof: Proof, value: str, *, textable: bool) -> bool:
    """Keeps a number (E.164, `#` and extension behind it) or address; an empty one takes it away.

    Returns:
        Whether that changed anything.
    """
    row = Prefill.objects.filter(user_id=user_id, proof=proof).first()
    if not value:
        if row is not None:
            row.delete()
        return row is not None
    if row is not None and (prefilled_value(row), row.textable) == (value, textable):
        return False
    kept = row or Prefill(user_id=user_id, proof=proof)
    kept.textable = textable
    seal_prefill(kept, value)
    kept.save()
    return True
