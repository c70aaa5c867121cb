"""The broker of a single machine: kombu's messages in files, each seen whole or not at all.

kombu creates a file and then writes it. A worker that looks in between finds it empty, fails to
read it and ends. Here every file appears by renaming, when all of it is there.
"""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic_ns
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class FilesChannel(filesystem.Channel):
    """kombu's channel, with the two places mended that write."""

    def _put(self, queue: str, payload: dict[str, Any], **_kwargs: Any) -> None:  # type: ignore[override]  # kombu names it two ways
        name = f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        _appear(Path(self.data_folder_out) / name, dumps(payload))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with _alone(self.control_folder):
            table = self.get_table(exchange)
            if bound not in table:
                _appear(self._exchange_file(exchange), dumps([bound, *table]))


class Transport(filesystem.Transport):
    Channel = FilesChannel


def _appear(file: Path, text: str) -> None:
    hidden = file.with_name(f".{uuid.uuid4()}")
    hidden.write_text(text)
    hidden.replace(file)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
