"""kill -9 of a worker, a lost broker, tasks that come twice: with a real worker and mail server."""

import asyncio
import json
import re
import uuid

import pytest

from tests.pages import numbers_in
from tests.services.codes import code_in
from tests.services.processes import free_port, wait_until
from tests.services.site import site_alone
from tests.services.smtp import Mailbox, plain_text, smtp

pytestmark = pytest.mark.timeout(600)

ADDRESS = "minji.home@mail.example"
_REDIS = 2
_PREPARE = """
import json, uuid
from isolation.scope import in_tenant
from tests.builders import make_tenant, make_user
tenant = make_tenant()
with in_tenant(tenant.pk):
    print(json.dumps([tenant.pk, make_user().pk]))
"""
_ASK = """
import time, uuid
from isolation.scope import in_tenant
from tenants.policy import Method
from verification.models import Purpose
from verification.services.challenges import ChallengeRequest, open_challenge
with in_tenant({tenant}):
    asked = ChallengeRequest(user_id={user}, actor_id={user}, purpose=Purpose.RESET,
        context=uuid.UUID("{context}"), method=Method.EMAIL, language="en",
        destination="minji.home@mail.example")
    start = time.monotonic()
    outgoing_id = open_challenge(asked).outgoing_id
    print(outgoing_id, time.monotonic() - start)
"""
_SPEND = """
import uuid
from isolation.scope import in_tenant
from verification.models import Purpose
from verification.services.challenges import redeem_code
with in_tenant({tenant}):
    print(redeem_code(Purpose.RESET, uuid.UUID("{context}"), "{code}").verdict)
"""
_PUBLISH_AGAIN = """
import uuid
from delivery import queue
for _ in range(3):
    queue.publish("verification.send_code", {tenant}, uuid.UUID("{outgoing}"), queue="codes")
"""


class Stall:
    """Lets a mail server keep silent after it took the whole mail, as long as it's `on`."""

    def __init__(self):
        self.on = False
        self.reached = 0

    async def until_released(self):
        self.reached += 1
        while self.on:  # noqa: ASYNC110  # it is let go by another thread
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def stall():
    return Stall()


@pytest.fixture(scope="module")
def mailbox(stall):
    keep = Mailbox.handle_DATA

    async def handle_after_stall(self, server, session, envelope):
        if stall.on:
            await stall.until_released()
            return "451 4.3.0 Too late"
        return await keep(self, server, session, envelope)

    with pytest.MonkeyPatch.context() as patch, smtp() as running:
        patch.setattr(Mailbox, "handle_DATA", handle_after_stall)
        yield running


class House:
    """A database, a worker and a mail server; what a web server would do is done by a shell."""

    def __init__(self, site, mailbox):
        self.site, self.mailbox = site, mailbox
        self.tenant, self.user = json.loads(self.shell(_PREPARE))

    def shell(self, script, **values):
        values = {"tenant": getattr(self, "tenant", 0), "user": getattr(self, "user", 0)} | values
        code = script if script is _PREPARE else script.format(**values)
        return self.site.manage("shell", "--no-imports", "-c", code).strip()

    def ask(self, context):
        outgoing, took = self.shell(_ASK, context=context).split()
        return outgoing, float(took)

    def work(self):
        """Starts the worker, unless it works already."""
        if "worker" not in self.site._running:
            self.site.start_worker()

    def mails(self):
        return self.mailbox.all_to(ADDRESS)


@pytest.fixture(scope="module")
def house(mailbox, tmp_path_factory):
    settings = {"EMAIL_URL": mailbox.url}
    with site_alone(tmp_path_factory.mktemp("kill"), settings, redis=_REDIS) as running:
        yield House(running, mailbox)


def test_messages_that_a_broker_lost_are_sent_by_the_sweeper(house, monkeypatch, tmp_path):
    lost = {"SSPR_VAR": str(tmp_path), "DATABASE_URL": database_of(house.site)}
    if "REDIS_URL" in house.site.env:
        lost["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    with monkeypatch.context() as patch:
        for name, value in lost.items():
            patch.setitem(house.site.env, name, value)
        _outgoing, took = house.ask(uuid.uuid4())

    house.work()
    house.mailbox.wait_for(ADDRESS, timeout=60)

    assert took < 10
    assert len(house.mails()) == 1


def test_a_killed_workers_code_arrives_once_a_worker_is_back(house, stall):
    house.work()
    before, context = len(house.mails()), uuid.uuid4()
    stall.on = True
    outgoing, _took = house.ask(context)
    wait_until(lambda: stall.reached == 1, what="The worker is sending", timeout=60)
    house.site.kill_worker()
    stall.on = False
    assert len(house.mails()) == before

    house.site.start_worker()
    mail = house.mailbox.wait_for(ADDRESS, timeout=60)
    verdict = house.shell(_SPEND, context=context, code=code_in(plain_text(mail)))

    assert verdict == "right"
    assert len(house.mails()) == before + 1

    already = tasks_done(house.site.log("worker"))
    house.shell(_PUBLISH_AGAIN, outgoing=outgoing)
    wait_until(
        lambda: tasks_done(house.site.log("worker")) >= already + 3,
        what="The repeated tasks are done",
        timeout=60,
        detail=lambda: house.site.log("worker"),
    )
    assert len(house.mails()) == before + 1


def test_every_line_of_the_worker_is_json_and_tells_nothing(house):
    house.work()
    context = uuid.uuid4()
    house.ask(context)
    code = code_in(plain_text(house.mailbox.wait_for(ADDRESS)))
    log = house.site.log("worker")

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any("verification.send_code" in line["event"] for line in lines)
    assert not [line for line in lines if line["level"] in {"error", "critical"}]
    assert code not in numbers_in(log)
    for secret in (ADDRESS, "minji@contoso.example"):
        assert secret not in log


def tasks_done(log):
    """How often a worker wrote that it ended the job of sending a code."""
    return len(re.findall(r"Task verification.send_code\S+ succeeded", log))


def database_of(site):
    return site.env.get("DATABASE_URL", f"sqlite:///{site.var / 'sspr.sqlite3'}")
