"""Races, run in earnest: real threads, each with its own connection to the database."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from isolation.scope import in_tenant

_T = TypeVar("_T")


def all_at_once(times: int, act: Callable[[], _T], *, tenant_id: int = 0) -> list[_T]:
    """Does it in so many threads that start at the same moment. Answers with what each got."""
    start = threading.Barrier(times, timeout=60)

    def run(_number: int) -> _T:
        try:
            with in_tenant(tenant_id):
                start.wait()
                return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))
