"""Columns that are computed from other columns of their row."""

from collections.abc import Sequence
from typing import Any

from django.db import models

from typed.rules import folded


class FoldedField(models.CharField):  # type: ignore[type-arg]  # not generic at run time
    """Texts of the same row, folded by `typed.rules.folded`, to find them in any case and width.

    `save` and `bulk_create` write it. `update`, `bulk_update` and `provisioning.bulk` have to be
    given its value.

    Args:
        of: names of the fields whose texts it holds, in this order.
    """

    def __init__(self, *args: Any, of: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.of = tuple(of)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: ARG002, FBT001  (Django's)
        texts = (getattr(model_instance, name) for name in self.of)
        value = folded(" ".join(texts))[: self.max_length]
        setattr(model_instance, self.attname, value)
        return value
