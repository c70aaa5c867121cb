"""The clock as a process of its own."""

import subprocess
import sys

from tests.services.environment import BASE, environment
from tests.services.processes import end, wait_until


def test_the_clock_publishes_jobs_where_their_workers_look_and_ends_when_told_to(tmp_path):
    env = environment(tmp_path)
    with (tmp_path / "log").open("wb") as log:
        clock = subprocess.Popen(
            [sys.executable, "-m", "sspr.workers", "beat"],
            cwd=BASE,
            env=env,
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(
                lambda: any((tmp_path / "broker").glob("*.codes.msg")),
                what="The sweep of the outbox is published",
                timeout=60,
                detail=(tmp_path / "log").read_text,
            )
        finally:
            end(clock)

    assert clock.returncode == 0
