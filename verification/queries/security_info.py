"""What a user registered, as lists on pages show it."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from tenants.policy import Factor
from verification.queries import methods_in_force, value_of
from verification.rules.masking import mask


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityInfo:
    """One method that a user registered; a set of codes is one.

    Args:
        key: tells it from other methods of the user, in addresses.
        name: that the user gave it.
        left: of a set of codes, how many weren't redeemed yet.
    """

    factor: Factor
    key: str
    pk: uuid.UUID
    masked: str
    name: str
    verified_at: datetime
    last_used_at: datetime | None
    left: int | None = None

    @property
    def seen_at(self) -> datetime:
        """When it was last known to be in the user's hands."""
        return max(self.verified_at, self.last_used_at or self.verified_at)


def security_info_of(user_id: int) -> list[SecurityInfo]:
    """All that the user verified and still has, in the order of `Factor`."""
    rows = list(methods_in_force().filter(user_id=user_id).order_by("created_at"))
    listed = []
    for kind in Factor:
        of_kind = [row for row in rows if row.kind == kind]
        # The codes of a set are one entry.
        for same in [of_kind] if kind.is_set and of_kind else [[row] for row in of_kind]:
            row, redeemed = same[0], [each.removed_at for each in same if each.removed_at]
            info = SecurityInfo(
                factor=kind,
                key=str(row.pk) if kind.is_device else kind.value,
                pk=row.pk,
                masked=mask(value_of(row)) if kind.is_contact else "",
                name=row.label,
                verified_at=max(each.verified_at for each in same if each.verified_at),
                last_used_at=max(redeemed, default=row.last_used_at),
                left=len(same) - len(redeemed) if kind.is_set else None,
            )
            listed.append(info)
    return listed
