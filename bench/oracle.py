"""Whether response times differ between known and unknown user IDs.

    python -m bench.oracle [--samples 2000] [--without-beat]

Starts a PostgreSQL of its own. Requests resets of a known and an unknown user in random order,
through everything that Django does with a request, and compares what it took with the test of
Kolmogorov and Smirnov. Without the beat it shows what the work itself would tell. It needs the
packages of the group `bench`.
"""

import argparse
import os
import random  # noqa: TID251  # an order that is the same each time is what a seed is for
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_STEPS = ("identify", "methods", "send", "wrong code", "sign in")
_WHO = ("known", "unknown")
_PAIRS = 4
"""So many of each ask side by side: with the beat, most of the time is waited away."""
_DIGITS = 8
_TELLING = 0.01


def measure(samples: int, *, beat: bool) -> None:  # noqa: C901, PLR0915  # one after the other
    """In a process of its own, with a database of its own."""
    import django  # noqa: PLC0415  # settings come first

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from scipy.stats import ks_2samp  # noqa: PLC0415

    from isolation.scope import in_tenant  # noqa: PLC0415
    from limits.models import Counter  # noqa: PLC0415
    from tenants.policy import Policy, Scope, Unknown  # noqa: PLC0415
    from tests import forms  # noqa: PLC0415
    from tests.builders import make_email, make_phone, make_tenant, make_user  # noqa: PLC0415
    from tests.captcha import solved  # noqa: PLC0415
    from verification import middleware  # noqa: PLC0415
    from verification.models import SignInLockout  # noqa: PLC0415
    from verification.rules import captcha  # noqa: PLC0415

    settings.ALLOWED_HOSTS = ["*"]
    Client.request, Client.post = forms.request, forms.post  # type: ignore[method-assign]
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    # What the browser works for is made beforehand, and costs the server the same for all.
    captcha.ROUNDS, captcha._TRIES = 1, (4, 6, 8, 10)  # noqa: SLF001
    if not beat:
        middleware.sleep = lambda _seconds: None  # type: ignore[attr-defined]  # for this process
    tenant = make_tenant(policy=Policy(self_service=Scope.ALL, unknown_users=Unknown.DECOY))
    with in_tenant(tenant.pk):
        for number in range(_PAIRS):
            user = make_user(f"known{number}@contoso.example")
            make_email(user)  # type: ignore[no-untyped-call]
            make_phone(user, f"010-1234-{number:04d}")  # type: ignore[no-untyped-call]
    took: dict[tuple[str, str], list[float]] = {(s, who): [] for s in _STEPS for who in _WHO}

    def once(who: str, number: int) -> None:
        client = Client(SERVER_NAME="localhost", SERVER_PORT="8000")
        upn = f"{who}{number}@contoso.example"

        def timed(step: str, path: str, fields: dict[str, str] | None, leads_to: str = "") -> None:
            began = time.perf_counter()
            answer = client.get(path) if fields is None else client.post(path, fields)
            took[step, who].append(time.perf_counter() - began)
            # A refused form is answered alike for all: its time would show nothing.
            if (answer.status_code, answer.headers.get("Location", "")) != (
                302 if leads_to else 200,
                leads_to,
            ):
                raise AssertionError(step, answer.status_code, answer.headers.get("Location"))
            client.get(leads_to or path)

        work = solved({"username": upn})  # type: ignore[no-untyped-call]
        timed("identify", "/passwordreset", work, "/passwordreset/choose")
        client.post("/passwordreset/choose", {"reason": "forgot"})
        timed("methods", "/passwordreset/verify", None)
        timed("send", "/passwordreset/verify", {"method": "email"}, "/passwordreset/code")
        timed("wrong code", "/passwordreset/code", {"code": "1" * _DIGITS})
        timed("sign in", "/signin", {"username": upn, "password": "not that one"})
        Counter.objects.all().delete()
        with in_tenant(tenant.pk):
            SignInLockout.objects.all().delete()

    def many(number: int) -> None:
        order = [*_WHO] * (samples // _PAIRS)
        random.Random(number).shuffle(order)  # noqa: S311
        for who in order:
            once(who, number)

    for who in [*_WHO] * 20:
        once(who, 0)
    for times in took.values():
        times.clear()
    with ThreadPoolExecutor(_PAIRS) as pool:
        list(pool.map(many, range(_PAIRS)))
    for step in _STEPS:
        one, other = took[step, "known"], took[step, "unknown"]
        found = ks_2samp(one, other)
        apart_us = (statistics.median(one) - statistics.median(other)) * 1e6
        say(
            f"{step:11} median {statistics.median(one) * 1e3:7.2f} ms, apart {apart_us:7.0f} µs,"
            f" D {found.statistic:.4f}, p {found.pvalue:.3f}"
            f"{'  TELLS' if found.pvalue < _TELLING else ''}"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--without-beat", action="store_true")
    parser.add_argument("--here", action="store_true")
    options = parser.parse_args()
    if options.here:
        measure(options.samples, beat=not options.without_beat)
        return
    from tests.services.environment import BASE, environment  # noqa: PLC0415
    from tests.services.postgres import postgres  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "postgres") as cluster:
            env = environment(folder / "var", DATABASE_URL=cluster.url("sspr"))
            env["DJANGO_SETTINGS_MODULE"] = "sspr.settings"
            command = [sys.executable, "-m", "bench.oracle", "--here", *sys.argv[1:]]
            subprocess.run(command, cwd=BASE, env=env, check=True)  # noqa: S603


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")
    main()
