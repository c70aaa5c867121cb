"""Imports of people, for the pages about them."""

import uuid
from collections.abc import Mapping

from directory.models import Import
from tenants.policy import Proof
from verification.models import AuthenticationMethod
from verification.queries import blind_index

_LISTED = 50


def newest() -> list[Import]:
    return list(Import.objects.order_by("-created_at")[:_LISTED])


def import_of(import_id: uuid.UUID) -> Import | None:
    return Import.objects.filter(pk=import_id).first()


def verified_otherwise(
    values: Mapping[int, Mapping[Proof, str]],
) -> list[tuple[int, Proof]]:
    """Which of the contact data, by user id, the user verified something else for."""
    proofs = {proof for found in values.values() for proof in found}
    rows = AuthenticationMethod.objects.filter(user_id__in=list(values), proof__in=proofs)
    return [
        (user_id, Proof(proof))
        for user_id, proof, index in rows.values_list("user_id", "proof", "index")
        if (value := values[user_id].get(Proof(proof))) and blind_index(value) != index
    ]
