"""A throwaway Redis server on loopback that writes nothing to disk."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as NotUp

from tests.services.processes import as_child_of_ours, end, free_port, wait_until


@contextmanager
def redis(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """A server in the folder, on any free port unless one is given. Gives its database 0's URL."""
    folder.mkdir(parents=True)
    port = port or free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port)]
    command += ["--dir", str(folder), "--save", "", "--appendonly", "no", "--databases", "256"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(as_child_of_ours(command), stdout=log, start_new_session=True)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: _answers(url), what="Redis answers", timeout=60)
        yield url
    finally:
        end(server)


def another_database(url: str, number: int) -> str:
    """The URL of the database that many numbers further, of the same server."""
    server, _, own = url.rpartition("/")
    return f"{server}/{int(own) + number}"


def _answers(url: str) -> bool:
    with Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except NotUp:
            return False
