"""Memory of the workers and the beat: at rest, and after tasks of each kind.

    python -m bench.memory [--tasks 200] [--brokers files redis]

Starts what the Procfile has beside the web server: with SQLite and the broker in files, then with
PostgreSQL and Redis. Then so many codes leave by mail, as many notices do, a file of people is
checked, and every job of the beat runs again and again. PSS counts a page that processes share
once altogether, RSS once for each of them.
"""

import argparse
import csv
import math
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from bench.closed_loop import say
from bench.kernel import cpu_ms, memory_mb, memory_of, tree
from bench.mail import mail_server
from bench.products import person, process, procfile, run
from tests.services.environment import environment
from tests.services.postgres import postgres
from tests.services.processes import wait_until
from tests.services.redis import redis

_FILES, _REDIS = "files", "redis"
_PATIENCE_S = 600
_LOOK_S, _AT_REST_MS = 5, 100
"""At rest are processes that work less than so many milliseconds from one look to the next."""
_SETTINGS = {"DJANGO_SETTINGS_MODULE": "sspr.settings", "SSPR_TESTING": "1"}
_ROWS_A_TASK = 20
_NOTICES_EACH = 10
"""Of one user: more would be gathered into one mail."""


def measure(broker: str, tasks: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sspr-bench-")))
        folder.chmod(0o755)
        mail = stack.enter_context(mail_server())
        settings, waiting = stack.enter_context(_services(broker, folder))
        env = environment(folder / "var", EMAIL_URL=mail.url, **_SETTINGS, **settings)
        run(env, "manage.py", "migrate", "--verbosity", "0")
        run(env, "-m", "bench.reset", "--populate", str(tasks))
        parts = {name: command for name, command in procfile(0).items() if name != "web"}
        roots = {
            name: stack.enter_context(process(command, env, folder, name))
            for name, command in parts.items()
        }
        _settle(roots.values())
        _report(f"{broker}, at rest", roots)
        run(env, "-m", "bench.memory", "--publish", str(tasks))
        wait_until(lambda: not waiting(), what="All tasks are done", timeout=_PATIENCE_S)
        _settle(roots.values())
        _report(f"{broker}, after the tasks", roots)


@contextmanager
def _services(broker: str, folder: Path) -> Iterator[tuple[dict[str, str], Callable[[], int]]]:
    """The settings that name them, and what counts the messages that wait for a worker."""
    if broker == _FILES:
        messages = folder / "var/broker"
        yield {}, lambda: len(list(messages.glob("*.msg")))
        return
    with postgres(folder / "postgres") as cluster, redis(folder / "redis") as url:
        client = Redis.from_url(url)
        yield (
            {"DATABASE_URL": cluster.url("sspr"), "REDIS_URL": url},
            lambda: (
                client.llen("sspr:codes") + client.llen("sspr:bulk") + client.hlen("sspr:unacked")
            ),
        )


def publish(tasks: int) -> None:
    """Publishes so many codes, as many notices, a file of people, and the jobs of the beat."""
    import django  # noqa: PLC0415  # settings come first

    django.setup()
    from celery import current_app  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    from directory.models import User  # noqa: PLC0415
    from isolation.scope import in_tenant  # noqa: PLC0415
    from provisioning.services import jobs  # noqa: PLC0415
    from tenants.policy import Method  # noqa: PLC0415
    from tenants.queries import tenant_by_slug  # noqa: PLC0415
    from verification.models import Purpose  # noqa: PLC0415
    from verification.services.challenges import ChallengeRequest, open_challenge  # noqa: PLC0415
    from verification.services.notice_words import Notice  # noqa: PLC0415
    from verification.services.notices import tell  # noqa: PLC0415

    slug, _, _ = person(0)
    tenant = tenant_by_slug(slug)
    assert tenant is not None
    with in_tenant(tenant.pk):
        for number in range(tasks):
            _, upn, address = person(number)
            user = User.objects.get(upn=upn)
            asked = ChallengeRequest(
                user_id=user.pk,
                actor_id=user.pk,
                purpose=Purpose.RESET,
                context=uuid.uuid4(),
                method=Method.EMAIL,
                destination=address,
                language=("en", "ko")[number % 2],
            )
            open_challenge(asked)
            tell(user, list(Notice)[number % _NOTICES_EACH])
        jobs.check(_file_of(tasks * _ROWS_A_TASK, slug))
    for _ in range(tasks // 10):
        for job in settings.CELERY_BEAT_SCHEDULE.values():
            current_app.send_task(job["task"])


def _file_of(rows: int, slug: str) -> Any:
    from provisioning.services import jobs  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w+", suffix=".csv", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["user_principal_name", "display_name", "mobile_phone", "alternate_email"])
        for number in range(rows):
            phone = f"010-{2000 + number // 9000}-{1000 + number % 9000}"
            out.writerow([f"new{number}@{slug}.example", "Kim Minji", phone, ""])
        file.flush()
        with Path(file.name).open("rb") as again:
            return jobs.take(again, name="people.csv", size=1, actor_id=1)


def _settle(roots: Iterable[int]) -> None:
    spent, before = cpu_ms(roots), -math.inf
    while spent - before > _AT_REST_MS:
        time.sleep(_LOOK_S)
        before, spent = spent, cpu_ms(roots)


def _report(when: str, roots: dict[str, int]) -> None:
    say(f"{when:26} {memory_mb(roots.values())} MB")
    for name, root in roots.items():
        for pid in tree([root]):
            command = Path(f"/proc/{pid}/comm").read_text().strip()
            say(f"    {name:10} {command:10} {memory_of([pid])}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--brokers", nargs="+", default=[_FILES, _REDIS])
    parser.add_argument("--publish", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish:
        publish(options.publish)
        return
    for broker in options.brokers:
        measure(broker, options.tasks)


if __name__ == "__main__":
    main()
