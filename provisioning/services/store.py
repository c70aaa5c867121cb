"""Stores files of people and their reports in the database, in compressed and sealed parts."""

import io
import json
import tempfile
import uuid
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, BinaryIO, cast

from isolation.scope import in_tenant
from provisioning.models import Import, ImportPart
from provisioning.rules.problems import Reason, RowProblem
from provisioning.rules.reports import RowReport
from vault.services import opened, seal_column

PART_BYTES = 1 << 20
_PARTS_AT_ONCE = 4
_FAST = 1
_DIGITS = 8
"""Of a number: those in which spellings of the same number agree."""

Kind = ImportPart.Kind


def keep_file(job: Import, file: BinaryIO) -> int:
    """Stores each part in a transaction of its own, so that others can write in between.

    Returns:
        An estimate of the number of lines.
    """
    lines = 0
    file.seek(0)
    for number, chunk in enumerate(iter(partial(file.read, PART_BYTES), b"")):
        _keep(job, Kind.FILE, number, chunk)
        lines += chunk.count(b"\n") or chunk.count(b"\r")
    return lines


def beginning_of(job: Import) -> BinaryIO:
    """The first part of the file, for a preview."""
    first = ImportPart.objects.get(whole=job, kind=Kind.FILE, number=0)
    return io.BytesIO(_content(_StoredPart(first.pk, first.tenant_id), first.data))


@contextmanager
def file_of(job: Import) -> Iterator[BinaryIO]:
    """The whole file, readable in any thread. Its copy on this machine's disk stays sealed."""
    parts = ImportPart.objects.filter(whole=job, kind=Kind.FILE).order_by("number")
    stored: list[_StoredPart] = []
    with tempfile.TemporaryFile() as spool:
        while some := list(parts.filter(number__gte=len(stored))[:_PARTS_AT_ONCE]):
            for part in some:
                start = spool.tell()
                stored.append(_StoredPart(part.pk, part.tenant_id, start, spool.write(part.data)))
        with io.BufferedReader(_Spooled(spool, stored)) as file:
            yield cast("BinaryIO", file)


def keep_report(job: Import, number: int, rows: Iterable[RowReport]) -> None:
    """Adds a part to the report."""
    plain = [
        [
            row.line,
            row.refused,
            [[reason.problem, reason.column, dict(reason.values)] for reason in row.reasons],
            list(row.cells),
        ]
        for row in rows
    ]
    if plain:
        _keep(job, Kind.REPORT, number, json.dumps(plain, ensure_ascii=False).encode())


def replace_report(job: Import, number: int, rows: Iterable[RowReport]) -> None:
    """Puts a part of the report in the place of the one with this number."""
    ImportPart.objects.filter(whole=job, kind=Kind.REPORT, number=number).delete()
    keep_report(job, number, rows)


def report_of(job: Import) -> Iterator[RowReport]:
    """The reported rows, in the order of the file. Goes on after the request has ended."""
    with in_tenant(job.tenant_id):
        parts = ImportPart.objects.filter(whole=job, kind=Kind.REPORT).order_by("number")
        keys = list(parts.values_list("pk", flat=True))
    for key in keys:
        with in_tenant(job.tenant_id):
            part = ImportPart.objects.filter(pk=key).first()
        if part is None:
            continue
        for line, refused, plain, cells in json.loads(
            _content(_StoredPart(key, part.tenant_id), part.data)
        ):
            reasons = (Reason(RowProblem(code), column, values) for code, column, values in plain)
            yield RowReport(line, tuple(reasons), refused=refused, cells=cells)


def drop_from_reports(texts: Collection[str]) -> None:
    """Deletes from all reports of the tenant in force what quotes one of these.

    Args:
        texts: names, addresses, and numbers in their stored form. A report quotes numbers as they
            were typed, so their last digits are compared.
    """
    words = {json.dumps(text, ensure_ascii=False).casefold() for text in texts if text}
    phones = {_digits(text.partition("#")[0]) for text in texts if text.startswith("+")}
    numbers = {digits[-_DIGITS:] for digits in phones}
    parts = ImportPart.objects.filter(kind=Kind.REPORT).order_by("pk")
    for key in list(parts.values_list("pk", flat=True)):
        part = ImportPart.objects.filter(pk=key).first()
        if part is None:
            continue  # It was dropped meanwhile.
        rows = json.loads(_content(_StoredPart(key, part.tenant_id), part.data))
        remaining = [row for row in rows if not _quotes(row, words, numbers)]
        if not remaining:
            part.delete()
        elif len(remaining) < len(rows):
            data = _sealed(part, json.dumps(remaining, ensure_ascii=False).encode())
            ImportPart.objects.filter(pk=key).update(data=data)


def drop(job: Import, kind: Kind) -> None:
    ImportPart.objects.filter(whole=job, kind=kind).delete()


@dataclass(frozen=True, slots=True)
class _StoredPart:
    """Where a part is in the spooled file, and which row it comes from."""

    key: uuid.UUID
    tenant_id: int
    start: int = 0
    size: int = 0


class _Spooled(io.RawIOBase):
    """The parts as one file. Only the part that is read is in the clear."""

    def __init__(self, spool: IO[bytes], stored: list[_StoredPart]) -> None:
        self._spool, self._stored = spool, stored
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
        if number >= len(self._stored):
            return 0
        piece = self._part(number)[offset : offset + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _part(self, number: int) -> bytes:
        if self._open != number:
            stored = self._stored[number]
            self._spool.seek(stored.start)
            self._open, self._content = number, _content(stored, self._spool.read(stored.size))
        return self._content


def _keep(job: Import, kind: Kind, number: int, content: bytes) -> None:
    part = ImportPart(tenant_id=job.tenant_id, whole=job, kind=kind, number=number)
    part.data = _sealed(part, content)
    part.save(force_insert=True)


def _sealed(part: ImportPart, content: bytes) -> bytes:
    text = b64encode(zlib.compress(content, _FAST)).decode()
    return seal_column(part, "data", text)


def _quotes(row: object, words: Collection[str], numbers: Collection[str]) -> bool:
    text = json.dumps(row, ensure_ascii=False)
    folded, digits = text.casefold(), _digits(text)
    return any(word in folded for word in words) or any(number in digits for number in numbers)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _content(stored: _StoredPart, data: bytes | memoryview) -> bytes:
    associated_data = ImportPart.associated_data_of("data", stored.key)
    text = opened(data, tenant_id=stored.tenant_id, associated_data=associated_data)
    return zlib.decompress(b64decode(text))
