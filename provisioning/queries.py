"""Imports of people, for the pages about them."""

import uuid

from provisioning.models import Import

_LISTED = 50


def newest() -> list[Import]:
    return list(Import.objects.order_by("-created_at")[:_LISTED])


def import_of(import_id: uuid.UUID) -> Import | None:
    return Import.objects.filter(pk=import_id).first()
