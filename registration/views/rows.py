"""Kinds of security info in the words of the pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from registration.queries import Overview
from registration.rules import Row, Status
from tenants.policy import Factor
from verification.methods import REGISTRATIONS
from verification.methods.recovery_code import left_words
from verification.queries.security_info import SecurityInfo
from verification.services.notices import factor_name


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
        action = actions[Status.MISSING if row.factor.is_device else row.status]
        shown.append(
            ShownRow(
                name=factor_name(row.factor),
                masked=row.masked,
                kind="phone" if row.factor.is_phone else "email",
                ready=row.status is Status.READY,
                counts=row.counts,
                counts_from=row.counts_from,
                for_reset=row.for_reset,
                tag=tags[row.status],
                by_admin=row.status is Status.CONFIRM,
                addable=row.status is not Status.READY or row.factor.is_device,
                action=action if row.is_open else "",
                url=page_for(row.factor) if row.is_open else "",
            )
        )
    return shown


def confirm_url(factor: Factor) -> str:
    """Where something registered is confirmed again: answers are written anew, the rest proved."""
    return page_for(factor) if factor.is_knowledge else reverse("registration:proof")


def page_for(factor: Factor) -> str:
    return reverse(REGISTRATIONS[factor].page)


def listed(kind: SecurityInfo, overview: Overview) -> dict[str, object]:
    """One thing that is registered, as the lists show it."""
    row = overview.row(kind.factor)
    changeable = row is not None and row.is_open and not kind.factor.is_device
    return {
        "key": kind.key,
        "app_name": kind.name if kind.left is None else left_words(kind.left),
        "name": factor_name(kind.factor),
        "masked": kind.masked,
        "mask_kind": "phone" if kind.factor.is_phone else "email",
        "counts_from": row.counts_from if row else None,
        "last_used_at": kind.last_used_at,
        "change_url": page_for(kind.factor) if changeable else "",
        "confirm_url": confirm_url(kind.factor),
    }
