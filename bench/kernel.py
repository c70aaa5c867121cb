"""What processes cost, as the kernel counts it: processor time and memory, with all descendants."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.services.processes import descendants

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME = 11
"""Place of utime behind the name in /proc/PID/stat; stime, cutime and cstime follow."""


@dataclass(frozen=True, slots=True)
class Memory:
    """In megabytes. Shared pages count once for each process in `rss`, once altogether in `pss`."""

    rss: float
    pss: float

    def __str__(self) -> str:
        return f"{self.rss:4.0f} RSS {self.pss:4.0f} PSS"


def cpu_ms(roots: Iterable[int]) -> float:
    """Processor time of these processes, their descendants, and descendants that have ended.

    The kernel counts in ticks of 10 ms: look at sums over many requests only.

    Source: proc(5), /proc/pid/stat.
    """
    ticks = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            behind_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, behind_name[_UTIME : _UTIME + 4]))
    return ticks * 1000 / _TICKS_PER_S


def memory_mb(roots: Iterable[int]) -> Memory:
    """Memory of these processes and their descendants."""
    return memory_of(tree(roots))


def memory_of(pids: Iterable[int]) -> Memory:
    """Memory of these processes alone.

    Source: proc(5), /proc/pid/smaps_rollup.
    """
    kilobytes = {"Rss:": 0, "Pss:": 0}
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, amount = line.split()[:2]
                if name in kilobytes:
                    kilobytes[name] += int(amount)
    return Memory(kilobytes["Rss:"] / 1024, kilobytes["Pss:"] / 1024)


def postmaster_of(cluster: Path) -> int:
    """PID of the PostgreSQL in this folder; its sessions are its descendants."""
    return int((cluster / "data/postmaster.pid").read_text().split()[0])


def tree(roots: Iterable[int]) -> list[int]:
    """These processes and their descendants."""
    return [pid for root in roots for pid in (root, *descendants(root))]
