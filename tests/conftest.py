import gc
import os
import secrets
import uuid
from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass, field
from itertools import chain

import pytest
import time_machine
from celery import current_app
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone
from hypothesis import HealthCheck, settings

from delivery import queue
from delivery.channels.base import Message, Receipt
from delivery.services import outbox
from directory.connectors import bulkhead
from directory.connectors.ldap import probe, transport, wire
from directory.services import health
from directory.services.preflight import checks
from isolation.scope import in_tenant
from tenants.policy import Policy, Scope
from tests import forms
from tests.attacks import catalogue
from tests.builders import PASSWORD, make_tenant, make_user
from tests.directory.fake import Directories
from tests.services.ds389 import Ds389
from tests.services.ds389 import ds389 as running_ds389
from tests.services.samba import Samba
from tests.services.samba import samba as running_samba
from tests.services.slapd import Slapd
from tests.services.slapd import slapd as running_slapd
from vault import keyring, services
from verification import middleware
from verification.rules import captcha
from verification.services.challenges import codes

# On a busy machine examples are slow to come: that is no fault of what is tested, and pytest ends
# what hangs. Every run tries the same examples, so that none fails by an unlucky one; `make fuzz`
# tries new ones.
settings.register_profile(
    "here",
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("here")


def pytest_collection_modifyitems(config, items):
    """Marks what the catalogue of attacks names, in whatever room it stands: `-m attack`."""
    attacks = chain.from_iterable(catalogue.groups().values())
    named = {f"{path}::{test}" for attack in attacks for path, test in attack.tests}
    for item in items:
        path = item.path.relative_to(config.rootpath).as_posix()
        if f"{path}::{item.name.partition('[')[0]}" in named:
            item.add_marker("attack")


def pytest_collection_finish():
    """Thousands of collected tests stay until the end: the garbage collector may pass them by."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def quick_work(monkeypatch):
    """The same work in few tries; other tests measure its cost."""
    monkeypatch.setattr(captcha, "ROUNDS", 1)
    monkeypatch.setattr(captcha, "_TRIES", (4, 6, 8, 10))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Answers leave at once; one test alone tests the waiting."""
    monkeypatch.setattr(middleware, "sleep", lambda _seconds: None)


@pytest.fixture(autouse=True)
def no_memory_of_directories():
    """Each test's directories are new, though they have the primary keys of other tests' ones."""
    bulkhead._process._directories.clear()


@pytest.fixture(autouse=True)
def patience_with_directories(monkeypatch):
    """A real server on a busy machine answers late. Tests of these limits set their own."""
    limits = {
        wire: ("CONNECT_S", "OPERATION_S"),
        transport: ("OPERATION_S", "WRITE_S"),
        bulkhead: ("PAGE_S",),
        health: ("PAGE_S",),
        probe: ("PROBE_S",),
        checks: ("BUDGET_S",),
    }
    for module, names in limits.items():
        for name in names:
            monkeypatch.setattr(module, name, 60.0)


class NoDigitTwice:
    """Draws digits as the service does, but never the same one twice in a row."""

    def __init__(self) -> None:
        self._last = ""

    def choice(self, digits: str) -> str:
        self._last = secrets.choice(digits.replace(self._last, "") if self._last else digits)
        return self._last


@pytest.fixture(autouse=True)
def codes_without_a_digit_twice(monkeypatch):
    """A wrong code such as 00000000 is wrong for certain, whatever code was sent."""
    monkeypatch.setattr(codes, "secrets", NoDigitTwice())


@pytest.fixture(autouse=True)
def requests_begin_with_nobody_in_force(monkeypatch):
    """As a web server's do, whatever tenant the test itself has in force."""
    answer = ClientHandler.__call__
    monkeypatch.setattr(
        ClientHandler, "__call__", lambda *args, **more: Context().run(answer, *args, **more)
    )


@pytest.fixture(autouse=True)
def forms_are_sent_as_drawn(monkeypatch):
    """With the hidden field that says which attempt or challenge the page was drawn for."""
    monkeypatch.setattr(Client, "request", forms.request)
    monkeypatch.setattr(Client, "post", forms.post)


@pytest.fixture(scope="session")
def openldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """An OpenLDAP server for all tests of this process. Who changes a person adds their own."""
    with running_slapd(tmp_path_factory.mktemp("slapd") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def ds389(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ds389]:
    """A 389 Directory Server, in the same way."""
    with running_ds389(tmp_path_factory.mktemp("ds389") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    """An Active Directory domain controller, in the same way."""
    with running_samba(tmp_path_factory.mktemp("samba") / "server") as server:
        yield server


@pytest.fixture
def contoso_policy():
    """What contoso decides. A module that needs another policy has a fixture of this name."""
    return Policy(self_service=Scope.ALL)


@pytest.fixture
def contoso(db, contoso_policy):
    tenant = make_tenant("contoso", policy=contoso_policy)
    with in_tenant(tenant.pk):
        yield tenant


@pytest.fixture
def user(contoso, mailroom):
    """A user of contoso with nothing registered; messages wait in the mailroom."""
    return make_user()


@pytest.fixture
def me(user, client):
    """The user's browser, signed in."""
    client.post("/signin", {"username": user.upn, "password": PASSWORD})
    return client


@pytest.fixture
def clock(db):
    """Stops the clock; the test shifts it."""
    with time_machine.travel(timezone.now(), tick=False) as travel:
        yield travel


@pytest.fixture
def hanbit(db):
    return make_tenant("hanbit", language="ko")


@dataclass
class Mailroom:
    """The worker and the channels: `work` does the published jobs, `sent` has the messages."""

    published: list[tuple[str | int | uuid.UUID, ...]] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    def publish(self, job, tenant_id, *ids, queue):
        self.published.append((job, tenant_id, *ids))

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt(f"SM{len(self.sent)}")

    def work(self) -> list[Message]:
        """Does every published job, as a worker would. Answers with what left just now."""
        before = len(self.sent)
        while self.published:
            job, tenant_id, *ids = self.published.pop(0)
            current_app.tasks[job](tenant_id, *map(str, ids))
        return self.sent[before:]

    def code(self) -> str:
        """The code in the newest message."""
        self.work()
        words = self.sent[-1].text.replace("#", " ").split()
        return [word for word in words if word.isdigit() and len(word) >= 6][-1]


@pytest.fixture
def mailroom(monkeypatch):
    """No broker, no provider: jobs are done when the test says so."""
    room = Mailroom()
    current_app.loader.import_default_modules()
    monkeypatch.setattr(queue, "publish", room.publish)
    monkeypatch.setattr(outbox, "channel", lambda _kind: room)
    monkeypatch.setattr(transaction, "on_commit", lambda todo, **_more: todo())
    return room


@pytest.fixture
def ring(settings):
    """Puts keys into the ring, as after a restart."""

    def put(*keys):
        settings.ENCRYPTION_KEYS = list(keys)
        keyring.purpose_key.cache_clear()
        services._cached.clear()

    yield put
    keyring.purpose_key.cache_clear()
    services._cached.clear()


@pytest.fixture
def directories(contoso, monkeypatch):
    """Directories in memory, for contoso."""
    return Directories(monkeypatch)
