"""Kinds of security info in the words of the pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from registration.queries import Overview, SecurityInfo
from registration.rules import Row, Status
from tenants.policy import Factor
from verification.methods.recovery_code import left_words
from verification.services.notices import proof_name

_PAGES = {
    Factor.EMAIL: "registration:email",
    Factor.MOBILE_PHONE: "registration:phone",
    Factor.ALTERNATE_PHONE: "registration:alternate",
    Factor.OFFICE_PHONE: "registration:office",
    Factor.QUESTIONS: "registration:questions",
    Factor.PASSKEY: "registration:passkey",
    Factor.AUTHENTICATOR: "registration:app",
    Factor.RECOVERY_CODE: "registration:recovery-codes",
}
_SEVERAL = {Factor.PASSKEY, Factor.AUTHENTICATOR}
"""A user may register several of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One line of the wizard or of the list."""

    name: str
    masked: str
    kind: str
    ready: bool
    counts: bool
    counts_from: datetime | None
    for_reset: bool
    tag: str
    by_admin: bool
    addable: bool
    action: str
    url: str


def shown_rows(rows: Iterable[Row]) -> list[ShownRow]:
    """What is to be confirmed first, then what is missing, then what is ready."""
    tags = {
        Status.CONFIRM: _("Check and confirm"),
        Status.MISSING: _("Not set up"),
        Status.READY: _("Ready"),
    }
    actions = {
        Status.CONFIRM: _("Confirm"),
        Status.MISSING: _("Set up"),
        Status.READY: _("Change"),
    }
    order = list(tags)
    shown = []
    for row in sorted(rows, key=lambda row: order.index(row.status)):
        # Apps and passkeys aren't changed: another one is added.
        action = actions[Status.MISSING if row.proof in _SEVERAL else row.status]
        shown.append(
            ShownRow(
                name=proof_name(row.proof),
                masked=row.masked,
                kind="email" if row.proof is Factor.EMAIL else "phone",
                ready=row.status is Status.READY,
                counts=row.counts,
                counts_from=row.counts_from,
                for_reset=row.for_reset,
                tag=tags[row.status],
                by_admin=row.status is Status.CONFIRM,
                addable=row.status is not Status.READY or row.proof in _SEVERAL,
                action=action if row.is_open else "",
                url=page_for(row.proof) if row.is_open else "",
            )
        )
    return shown


def confirm_url(proof: Factor) -> str:
    """Where something registered is confirmed again: answers are written anew, the rest proved."""
    return page_for(proof) if proof is Factor.QUESTIONS else reverse("registration:proof")


def page_for(proof: Factor) -> str:
    return reverse(_PAGES[proof])


def listed(kind: SecurityInfo, overview: Overview) -> dict[str, object]:
    """One thing that is registered, as the lists show it."""
    row = overview.row(kind.proof)
    changeable = row is not None and row.is_open and kind.proof not in _SEVERAL
    return {
        "key": kind.key,
        "app_name": kind.name if kind.left is None else left_words(kind.left),
        "name": proof_name(kind.proof),
        "masked": kind.masked,
        "mask_kind": "email" if kind.proof is Factor.EMAIL else "phone",
        "counts_from": row.counts_from if row else None,
        "last_used_at": kind.last_used_at,
        "change_url": page_for(kind.proof) if changeable else "",
        "confirm_url": confirm_url(kind.proof),
    }
