"""Files of people and reports about them, in the database: cut up, compressed and sealed."""

import io
import json
import tempfile
import uuid
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, BinaryIO, cast

from isolation.scope import in_tenant
from provisioning.models import Import, ImportPart
from provisioning.rules.problems import Problem, Reason
from provisioning.services.batches import Told
from vault.services import opened, sealed

PART_BYTES = 1 << 20
_PARTS_AT_ONCE = 4
_FAST = 1

Kind = ImportPart.Kind


def keep_file(kept: Import, file: BinaryIO) -> int:
    """Stores the file part by part, each in a transaction of its own: others can write between.

    Returns:
        About how many lines it has.
    """
    lines = 0
    file.seek(0)
    for number, chunk in enumerate(iter(partial(file.read, PART_BYTES), b"")):
        _keep(kept, Kind.FILE, number, chunk)
        lines += chunk.count(b"\n") or chunk.count(b"\r")
    return lines


def beginning_of(kept: Import) -> BinaryIO:
    """The first part of the file, to look at."""
    first = ImportPart.objects.get(whole=kept, kind=Kind.FILE, number=0)
    return io.BytesIO(_content(_Lying(first.pk, first.tenant_id), first.data))


@contextmanager
def file_of(kept: Import) -> Iterator[BinaryIO]:
    """The whole file, to be read in any thread. What lies on this machine's disk stays sealed."""
    parts = ImportPart.objects.filter(whole=kept, kind=Kind.FILE).order_by("number")
    lying: list[_Lying] = []
    with tempfile.TemporaryFile() as spool:
        while some := list(parts.filter(number__gte=len(lying))[:_PARTS_AT_ONCE]):
            for part in some:
                start = spool.tell()
                lying.append(_Lying(part.pk, part.tenant_id, start, spool.write(part.data)))
        with io.BufferedReader(_Spooled(spool, lying)) as file:
            yield cast("BinaryIO", file)


def keep_report(kept: Import, number: int, rows: Iterable[Told]) -> None:
    """Adds what is to be said about some rows."""
    plain = [[row.line, row.refused, list(map(_plain, row.reasons))] for row in rows]
    if plain:
        _keep(kept, Kind.REPORT, number, json.dumps(plain, ensure_ascii=False).encode())


def report_of(kept: Import) -> Iterator[Told]:
    """What was said about the rows, in their order. Outlives the request that asks for it."""
    with in_tenant(kept.tenant_id):
        parts = ImportPart.objects.filter(whole=kept, kind=Kind.REPORT).order_by("number")
        keys = list(parts.values_list("pk", flat=True))
    for key in keys:
        with in_tenant(kept.tenant_id):
            part = ImportPart.objects.filter(pk=key).first()
        if part is not None:
            yield from map(_told, json.loads(_content(_Lying(key, part.tenant_id), part.data)))


def drop(kept: Import, kind: Kind) -> None:
    ImportPart.objects.filter(whole=kept, kind=kind).delete()


@dataclass(frozen=True, slots=True)
class _Lying:
    """Where a part is."""

    key: uuid.UUID
    tenant_id: int
    start: int = 0
    size: int = 0

    @property
    def place(self) -> str:
        return ImportPart.place_of("data", self.key)


class _Spooled(io.RawIOBase):
    """Parts one behind the other, of which the one that is read is open."""

    def __init__(self, spool: IO[bytes], lying: list[_Lying]) -> None:
        self._spool, self._lying = spool, lying
        self._at, self._open, self._content = 0, -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        number, offset = divmod(self._at, PART_BYTES)
        if number >= len(self._lying):
            return 0
        piece = self._part(number)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _part(self, number: int) -> bytes:
        if self._open != number:
            lying = self._lying[number]
            self._spool.seek(lying.start)
            self._open, self._content = number, _content(lying, self._spool.read(lying.size))
        return self._content


def _keep(kept: Import, kind: Kind, number: int, content: bytes) -> None:
    part = ImportPart(tenant_id=kept.tenant_id, whole=kept, kind=kind, number=number)
    text = b64encode(zlib.compress(content, _FAST)).decode()
    part.data = sealed(text, tenant_id=part.tenant_id, place=part.place_of("data", part.pk))
    part.save(force_insert=True)


def _content(lying: _Lying, data: bytes | memoryview) -> bytes:
    return zlib.decompress(b64decode(opened(data, tenant_id=lying.tenant_id, place=lying.place)))


def _plain(reason: Reason) -> list[Any]:
    return [reason.problem.value, reason.column, dict(reason.values)]


def _told(plain: list[Any]) -> Told:
    line, refused, reasons = plain
    found = tuple(Reason(Problem(code), column, values) for code, column, values in reasons)
    return Told(line, found, refused=refused)
