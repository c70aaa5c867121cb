"""The demo's organisation whose people are in the directory that `make run-directory` starts."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from directory.connectors.base import PasswordCheck
from directory.connectors.ldap import account_connector_of
from directory.models import DirectoryAccount, DirectoryConnection, Membership
from isolation.scope import in_tenant
from provisioning.models import SyncRun, SyncState
from provisioning.rules.problems import RowProblem
from provisioning.services.sync_report import problems_of
from tenants.models import Tenant
from tests.services.run_directory import describe
from tests.services.slapd import slapd

CHECKS = {
    "anna": PasswordCheck.RIGHT,
    "paul": PasswordCheck.RIGHT,
    "hyunwoo": PasswordCheck.RIGHT,
    "mia": PasswordCheck.LOCKED,
    "jimin": PasswordCheck.LOCKED,
    "finn": PasswordCheck.MUST_CHANGE,
    "jana": PasswordCheck.MUST_CHANGE,
}


@pytest.fixture
def seeded(db, settings, tmp_path):
    """Seeds the demo beside a directory, and gives what was printed."""
    description = tmp_path / "description.json"
    settings.DEMO, settings.VAR, settings.DEMO_DIRECTORY = True, tmp_path, str(description)

    def seed(server):
        out = StringIO()
        description.write_text(json.dumps(describe(server)))
        call_command("seed_demo", stdout=out)
        return out.getvalue()

    return seed


def fabrikam():
    return in_tenant(Tenant.objects.get(slug="fabrikam").pk)


def passwords(printed):
    rows = [line.split() for line in printed.splitlines() if line.startswith("fabrikam")]
    return {row[1].partition("@")[0]: row[-1] for row in rows}


def test_people_meet_in_the_directory_what_their_printed_state_says(seeded, openldap):
    printed = passwords(seeded(openldap))

    with fabrikam():
        connector = account_connector_of(DirectoryConnection.objects.get())
        accounts = DirectoryAccount.objects.select_related("user")
        checks = {
            name: connector.check_password(account, printed[name])
            for account in accounts
            for name in [account.user.upn.partition("@")[0]]
        }
        unregistered = [row.user.upn for row in accounts if row.user.registered_at is None]
    assert checks == CHECKS
    assert unregistered == ["paul@fabrikam.example"]


def test_people_come_by_a_synchronisation_with_a_report(seeded, tmp_path):
    with slapd(tmp_path / "slapd") as server:
        seeded(server)

    with fabrikam():
        run = SyncRun.objects.get()
        assert (run.state, run.created, run.groups) == (SyncState.DONE, len(CHECKS), 1)
        assert [problem.code for problem in problems_of(run)] == [RowProblem.NOT_A_PHONE]
        assert Membership.objects.count() == len(CHECKS) - 1
        accounts = DirectoryAccount.objects.filter(manager__upn="anna@fabrikam.example")
        assert accounts.count() == len(CHECKS) - 1


def test_the_next_directory_has_the_same_people_and_keeps_their_accounts(
    seeded, openldap, tmp_path
):
    def rows():
        with fabrikam():
            return list(
                DirectoryAccount.objects.order_by("external_id").values_list("pk", "external_id")
            )

    printed = []
    with slapd(tmp_path / "first") as server:
        printed.append(passwords(seeded(server)))
        before = rows()
    with slapd(tmp_path / "second") as server:
        printed.append(passwords(seeded(server)))
        port = server.tls_port

    assert rows() == before
    assert printed[0].keys() == printed[1].keys()
    assert printed[0]["admin"] == printed[1]["admin"]
    assert printed[0]["anna"] != printed[1]["anna"]
    with fabrikam():
        assert str(port) in DirectoryConnection.objects.get().servers
