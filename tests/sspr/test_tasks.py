"""Tasks of the workers: where they run, and what they raise an alarm about."""

import re
from uuid import uuid4

import pytest
import yaml
from celery import current_app
from celery.schedules import crontab
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from psycopg.errors import QueryCanceled
from structlog.testing import capture_logs

from audit.activities import Activity
from audit.models import Head
from audit.services import Actor, record
from delivery.queue import URGENT
from directory.connectors.health import ALARM_AFTER
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from isolation.scope import statement_limits
from sspr import run
from sspr.tasks import seal_audit, watch_audit
from sspr.workers import AT_ONCE, parts_of
from tests.console.people import behind_both, make_admin, make_operator
from tests.services.environment import BASE


@pytest.fixture(autouse=True)
def nothing_remembered():
    cache.clear()
    yield
    cache.clear()


def ours():
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if not name.startswith(("celery.", "tests."))}


def test_every_task_has_a_queue_of_its_own_choice(settings):
    assert set(settings.CELERY_TASK_ROUTES) == ours()
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} == {"codes", "bulk"}


def test_only_short_tasks_are_in_the_queue_of_codes(settings):
    urgent = {name for name, to in settings.CELERY_TASK_ROUTES.items() if to["queue"] == "codes"}

    assert urgent == {
        "verification.send_code",
        "verification.place_call",
        "delivery.sweep",
        "sspr.watch_audit",
        "sspr.stream_audit",
        "verification.check_directories",
    }


def test_no_statement_of_a_task_that_people_wait_for_may_take_long(settings, contoso):
    urgent = {name for name, to in settings.CELERY_TASK_ROUTES.items() if to["queue"] == "codes"}
    limits = {name: set() for name in urgent}
    current_app.loader.import_default_modules()

    def note(execute, *statement):
        limits[name].add(statement_limits())
        return execute(*statement)

    for name in urgent:
        of_a_message = name in {"verification.send_code", "verification.place_call"}
        with connection.execute_wrapper(note):
            current_app.tasks[name].run(*([contoso.pk, str(uuid4())] if of_a_message else []))

    assert limits == {name: {URGENT} for name in urgent}


def test_the_schedule_leaves_the_queue_to_the_routes(settings):
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in settings.CELERY_TASK_ROUTES
        assert "queue" not in entry["options"]


def commands():
    compose = yaml.safe_load((BASE / "docker-compose.yml").read_text())["services"]
    procfile = (BASE / "Procfile").read_text().splitlines()
    return {
        "Procfile": [line.partition(": ")[2] for line in procfile],
        "docker-compose.yml": [str(one.get("command", "")) for one in compose.values()],
        "make run": [run.WORKERS],
    }


@pytest.mark.parametrize("where", ["Procfile", "docker-compose.yml", "make run"])
def test_every_way_to_run_starts_all_workers_and_one_beat(where):
    arguments = [
        command.partition("sspr.workers")[2].split()
        for command in commands()[where]
        if "sspr.workers" in command
    ]

    assert arguments.count([]) == 1
    assert "beat" not in [name for names in arguments for name in names]


def test_every_queue_has_workers(settings):
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}

    assert set(AT_ONCE) == queues | {"beat"}


@pytest.mark.parametrize(
    ("argument", "threads"),
    [("codes", [4]), ("codes=8", [8]), ("bulk", [1, 1]), ("bulk=3", [1, 1, 1]), ("beat", [1])],
)
def test_codes_are_sent_by_threads_and_long_tasks_done_by_processes(argument, threads):
    assert [part.threads for part in parts_of(argument)] == threads


@pytest.mark.parametrize("argument", ["mail", "", "codes=many", "bulk=0", "beat=2"])
def test_a_part_that_does_not_exist_is_refused(argument):
    with pytest.raises(ValueError, match=r"no such part|invalid literal"):
        parts_of(argument)


def test_every_way_to_run_goes_through_the_gateway_that_drops_headers_with_underscores():
    for file in ("Procfile", "Dockerfile", "sspr/run.py"):
        text = (BASE / file).read_text()
        assert "sspr.rsgi:gateway" in text
        assert "sspr.wsgi" not in text


@pytest.mark.parametrize("file", ["Procfile", "Dockerfile", "sspr/run.py"])
def test_every_web_server_ends_connections_without_a_request(file):
    words = re.sub(r'[",\[\]]', " ", (BASE / file).read_text()).split()

    flags = " ".join(words[words.index("--interface") : words.index("--port")])

    assert flags.startswith("--interface rsgi --no-ws --http 1 --http1-header-read-timeout 10000")


def test_no_container_brings_a_web_server_of_its_own():
    services = yaml.safe_load((BASE / "docker-compose.yml").read_text())["services"]

    assert "command" not in services["web"]


def test_the_task_that_seals_seals_every_organisation(contoso, hanbit):
    record(Activity.SIGNED_IN, actor_id=Actor.SERVICE)

    seal_audit()

    assert set(Head.unscoped.values_list("tenant_id", flat=True)) >= {contoso.pk, hanbit.pk}
    assert Head.objects.get().number > 0


@pytest.mark.parametrize("is_good", [True, False])
def test_an_audit_log_that_isnt_sealed_is_an_error_in_the_log_and_in_the_readiness(
    contoso, is_good
):
    seal_audit()
    if not is_good:
        Head.objects.update(mac="ff")

    with capture_logs() as lines:
        watch_audit()
    answer = Client().get("/readyz")

    alarms = [(line["event"], line["log_level"], line["chains"]) for line in lines]
    assert alarms == ([] if is_good else [("audit_overdue", "error", 1)])
    assert answer.json()["audit"] is is_good
    assert answer.status_code == 200


def test_the_readiness_says_what_it_is_when_the_audit_log_cant_be_looked_up_in_time(contoso):
    looks = []

    def too_late(execute, sql, *rest):
        if "audit_head" in sql:
            looks.append(statement_limits())
            raise OperationalError from QueryCanceled()
        return execute(sql, *rest)

    with connection.execute_wrapper(too_late):
        answers = [Client().get("/readyz") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.json()["audit"] for answer in answers] == [False] * 3
    assert [limits.statement_s for limits in looks] == [2]


def test_the_readiness_says_that_a_directory_is_down_and_to_operators_which(contoso):
    row = DirectoryConnection.objects.create(name="Head office", kind="ldap", servers="ldaps://d")
    DirectoryConnection.objects.create(name="Off", kind="ldap", servers="ldaps://e", enabled=False)
    DirectoryConnection.objects.update(
        down_since=timezone.now() - ALARM_AFTER, last_failure=DirectoryFailure.NO_ANSWER
    )

    clients = Client(), behind_both(make_admin()), behind_both(make_operator())
    answers = [client.get("/readyz") for client in clients]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.json()["directories"] for answer in answers] == [False] * 3
    assert ["each_directory" in answer.json() for answer in answers] == [False, False, True]
    (shown,) = answers[2].json()["each_directory"]
    assert (shown["organisation"], shown["directory"]) == (contoso.pk, row.name)
    assert (shown["works"], shown["last_failure"]) == (False, DirectoryFailure.NO_ANSWER)


def test_a_directory_that_works_or_just_failed_leaves_the_readiness_as_it_is(contoso):
    DirectoryConnection.objects.create(name="Works", kind="ldap", servers="ldaps://d")
    DirectoryConnection.objects.create(
        name="Just failed", kind="ldap", servers="ldaps://e", down_since=timezone.now()
    )

    assert Client().get("/readyz").json()["directories"] is True


def test_what_is_done_once_a_day_has_an_hour_so_that_no_restart_puts_it_off(settings):
    seconds = [
        entry["schedule"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if not isinstance(entry["schedule"], crontab)
    ]

    purge = settings.CELERY_BEAT_SCHEDULE["sspr.purge"]["schedule"]
    assert max(seconds) < 3600
    assert (purge.hour, purge.minute) == ({3}, {0})
    assert str(current_app.timezone) == "UTC"
