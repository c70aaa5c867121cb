"""kill -9 of a real worker in the middle of an import or of a sync, and a cancel meanwhile."""

import json

import pytest

from tests.services.faults import Fault, Operation, faults
from tests.services.processes import wait_until
from tests.services.site import site_alone
from tests.services.slapd import slapd

pytestmark = pytest.mark.timeout(600)

ROWS = 30_000
PEOPLE = 1_500
"""Of a directory, which sends 500 at a time."""
SEARCHES = 4
_REDIS = 3
_IN_TENANT = """
import json, time
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from isolation.scope import in_tenant
from directory.models import Membership, User
from provisioning.models import Import, ImportPart
from provisioning.services import jobs
from tenants.models import Tenant
with in_tenant(Tenant.objects.get(slug="{slug}").pk):
    one = Import.objects.first()
    {act}
"""
_FOUND = """
import tests.builders
tests.builders.make_tenant("{slug}")
"""
_UPLOAD = """
    with open({path!r}, "rb") as file:
        jobs.check(jobs.take(file, name="people.csv", size=1, actor_id=1))
"""
_LOOK = """
    print(json.dumps({
        "state": one.state, "line": one.line, "read": one.read, "created": one.created,
        "unchanged": one.unchanged, "refused": one.refused, "reported": one.reported,
        "turn": one.turn, "resumed": one.resumed_at_line, "users": User.objects.count(),
        "members": Membership.objects.count(),
        "file": ImportPart.objects.filter(kind="file").count(),
    }))
"""
_START = "jobs.start(one, actor_id=1)"
_START_AND_CANCEL = """
    jobs.start(one, actor_id=1)
    while one.state == "checked" or one.line == 0:
        time.sleep(0.02)
        one.refresh_from_db()
    jobs.cancel(one, actor_id=1)
"""
_SETTLE = """
    with transaction.atomic():
        Import.objects.select_for_update().get()
"""
_TIME_PASSES = """
    Import.objects.update(lease_until=timezone.now(), due_at=timezone.now())
"""
_CONNECT = """
    from directory.models import DirectoryConnection
    from provisioning.services import sync_jobs
    from vault.services import seal_column
    with open({path!r}) as file:
        given = json.load(file)
    row = DirectoryConnection.objects.create(**given["row"])
    row.bind_password = seal_column(row, "bind_password", given["password"])
    row.save()
    sync_jobs.start(row, actor_id=1)
"""
_LOOK_AT_SYNC = """
    from audit.models import Event
    from directory.models import DirectoryAccount
    from provisioning.models import SyncRun
    run = SyncRun.objects.get()
    print(json.dumps({
        "state": run.state, "read": run.read, "created": run.created, "disabled": run.disabled,
        "problems": run.problems, "turn": run.turn, "users": User.objects.count(),
        "accounts": DirectoryAccount.objects.filter(missing_since=None).count(),
        "enabled": User.objects.filter(enabled=True).count(),
        "events": Event.objects.filter(activity="directory_synced").count(),
    }))
"""
_LEASE_ENDS = """
    from provisioning.models import SyncRun
    SyncRun.objects.update(lease_until=timezone.now(), due_at=timezone.now())
"""
_SWEEP = """
from provisioning.services import sync_jobs
sync_jobs.sweep()
"""


class House:
    """A database and a worker; what a web server would do is done by a shell."""

    def __init__(self, site, slug):
        self.site, self.slug = site, slug
        site.manage("shell", "--no-imports", "-c", _FOUND.format(slug=slug))

    def do(self, act):
        code = _IN_TENANT.replace("{slug}", self.slug).replace("{act}", act.strip())
        return self.site.manage("shell", "--no-imports", "-c", code).strip()

    def look(self):
        return json.loads(self.do(_LOOK))

    def work(self):
        """Starts the worker, unless it works already."""
        if "worker" not in self.site._running:
            self.site.start_worker()

    def wait_for(self, state):
        wait_until(
            lambda: self.look()["state"] == state,
            what=f"The import is {state}",
            timeout=120,
            detail=lambda: f"{self.look()}\n{self.site.log('worker')[-4_000:]}",
        )
        return self.look()

    def wait_for_batches(self, count):
        """Until so many were committed by the worker that runs."""
        wait_until(
            lambda: self.site.log("worker").count("import_progress") >= count,
            what=f"{count} batches are done",
            timeout=60,
            detail=lambda: self.site.log("worker")[-4_000:],
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with site_alone(tmp_path_factory.mktemp("kill"), {}, redis=_REDIS) as running:
        yield running


def file_of(house, folder):
    """A good row and a bad one by turns."""
    path = folder / "people.csv"
    with path.open("w") as file:
        file.write("user_principal_name,display_name,groups\n")
        for number in range(ROWS // 2):
            file.write(f"p{number}@{house.slug}.example,Person {number},Staff\n")
            file.write(f"p{number}@other.example,Person {number},Staff\n")
    return str(path)


def test_killed_worker_loses_nothing_and_doubles_nothing(site, tmp_path):
    house = House(site, "contoso")
    house.do(_UPLOAD.replace("{path!r}", repr(file_of(house, tmp_path))))
    house.work()
    checked = house.wait_for("checked")
    assert (checked["read"], checked["refused"], checked["users"]) == (ROWS, ROWS // 2, 0)

    site.stop_worker()
    house.do(_START)
    house.work()
    house.wait_for_batches(2)
    site.kill_worker()

    # The server may still be committing what the worker sent last: that holds a lock on the row.
    house.do(_SETTLE)
    left = house.look()
    assert left["state"] == "running"
    assert 0 < left["line"] < ROWS
    assert left["users"] == left["members"] == left["created"]

    house.do(_TIME_PASSES)
    house.work()
    done = house.wait_for("done")

    assert done["resumed"] == left["line"] + 1
    assert (done["read"], done["created"], done["unchanged"]) == (ROWS, ROWS // 2, 0)
    assert done["users"] == done["members"] == done["refused"] == ROWS // 2
    # All refused rows once, and the group that the first row made.
    assert done["reported"] == ROWS // 2 + 1
    assert done["file"] == 0


def test_cancelling_stops_a_worker_in_the_middle(site, tmp_path):
    house = House(site, "fabrikam")
    house.do(_UPLOAD.replace("{path!r}", repr(file_of(house, tmp_path))))
    house.work()
    house.wait_for("checked")

    house.do(_START_AND_CANCEL)

    wait_until(
        lambda: "import_overtaken" in site.log("worker"),
        what="The worker noticed",
        timeout=30,
        detail=lambda: f"{house.look()}\n{site.log('worker')[-4_000:]}",
    )
    left = house.look()
    assert left["state"] == "cancelled"
    assert 0 < left["line"] < ROWS
    assert left["users"] == left["members"] == left["created"]
    assert left["file"] == 0


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """An OpenLDAP with many people of an organisation."""
    with slapd(tmp_path_factory.mktemp("slapd") / "server") as server:
        with server.bound() as root:
            for number in range(PEOPLE):
                entry = {"cn": f"Person {number}", "sn": "Example", "uid": f"s{number}"}
                mail = {"mail": f"s{number}@hanbit.example"}
                root.add(f"uid=s{number},{server.people_dn}", "inetOrgPerson", entry | mail)
        yield server


def test_sync_of_a_killed_worker_goes_on_and_doubles_nothing(site, directory, tmp_path):
    house = House(site, "hanbit")
    with faults(directory, tmp_path / "proxy") as proxy:
        row = {
            "name": "Directory",
            "kind": directory.kind,
            "servers": proxy.url,
            "ca_certificates": directory.authority.pem,
            "base_dn": directory.base_dn,
            "bind_dn": directory.service.dn,
            "people_filter": "(mail=*@hanbit.example)",
        }
        path = tmp_path / "connection.json"
        path.write_text(json.dumps({"row": row, "password": directory.service.password}))
        # The first are about the server and its policies; then come pages of people.
        proxy.fail(Fault.SILENT_BEFORE, on=frozenset({Operation.SEARCH}), after=SEARCHES)
        house.do(_CONNECT.replace("{path!r}", repr(str(path))))
        house.work()
        wait_until(
            lambda: proxy.operations.count(Operation.SEARCH) > SEARCHES,
            what="The worker waits for a page",
            timeout=120,
            detail=lambda: site.log("worker")[-4_000:],
        )
        site.kill_worker()

        left = json.loads(house.do(_LOOK_AT_SYNC))
        assert (left["state"], left["turn"], left["disabled"]) == ("running", 1, 0)
        assert 0 < left["read"] < PEOPLE
        assert left["users"] == left["accounts"] == left["created"] == left["read"]

        proxy.pass_on()
        house.do(_LEASE_ENDS)
        site.manage("shell", "--no-imports", "-c", _SWEEP)
        house.work()
        wait_until(
            lambda: json.loads(house.do(_LOOK_AT_SYNC))["state"] != "running",
            what="The run ended",
            timeout=120,
            detail=lambda: site.log("worker")[-4_000:],
        )

    done = json.loads(house.do(_LOOK_AT_SYNC))
    assert (done["state"], done["turn"], done["problems"]) == ("done", 2, 0)
    assert done["read"] == done["created"] == done["users"] == done["accounts"] == PEOPLE
    assert (done["enabled"], done["disabled"], done["events"]) == (PEOPLE, 0, 1)
