"""Looks up the addresses of servers in DNS, with a limit of time.

The system's resolver has no limit that a caller sets, and can't be interrupted. So it runs in a
thread of its own, which is left behind when the time is up. Each name has one thread at most, and
what waits for it has a place of its own: a DNS that hangs takes few threads.
"""

import os
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address

_LOCK = threading.Lock()
_running: dict[tuple[int, str], Future[list[str]]] = {}
"""By process, since a fork copies this and not the threads, and by name."""


class DnsSilent(TimeoutError):
    """The DNS didn't answer in time."""


def addresses_of(host: str, seconds: float) -> list[str]:
    """Never empty. An address stands for itself.

    Raises:
        DnsSilent: it goes on in its thread, and the next one that needs the name waits for that.
        OSError: there is no such name. Also `UnicodeError`.
    """
    with suppress(ValueError):
        return [str(ip_address(host))]
    name = os.getpid(), host
    with _LOCK:
        lookup, is_new = _running.get(name) or Future(), name not in _running
        _running[name] = lookup
    if is_new:
        threading.Thread(target=_look_up, args=[name, lookup], daemon=True).start()
    try:
        return lookup.result(seconds)
    except TimeoutError:
        raise DnsSilent from None


def _look_up(name: tuple[int, str], lookup: "Future[list[str]]") -> None:
    try:
        answers = socket.getaddrinfo(name[1], None, type=socket.SOCK_STREAM)
        lookup.set_result([str(answer[4][0]) for answer in answers])
    except (OSError, UnicodeError) as problem:
        lookup.set_exception(problem)
    finally:
        with _LOCK:
            del _running[name]
