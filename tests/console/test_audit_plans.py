"""Each filter of the audit log reads an index, and little more than it lists."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.activities import Activity, Outcome
from audit.services import record
from isolation.scope import all_tenants
from tests.builders import make_user
from tests.console.people import behind_both

EVENTS = 20_000
MANY_EVENTS = """
    INSERT INTO audit_event
        (tenant_id, at, activity, outcome, actor_id, subject_id, support_code, reason, details)
    SELECT
        %s + n %% 2, now() - n * interval '1 minute', 'user_enabled', 'success',
        1000000 + n %% 300, 2000000 + n %% 3000, upper(lpad(to_hex(n), 8, '0')), '',
        (CASE n %% 3 WHEN 0 THEN '{"method": "passkey"}' ELSE '{}' END)::jsonb
    FROM generate_series(1, %s) AS n
"""
FILTERS = {
    "person": {"q": "sora@"},
    "actor": {"by": "sora@"},
    "result": {"outcome": "failure"},
    "method": {"method": "email"},
    "setting": {"setting": "code_digits"},
    "activity": {"activity": "signed_in"},
    "support code": {"q": "K7QM-2X9D"},
    "period": {"since": "2020-01-01", "until": "2020-02-01"},
    "none": {},
}


def read(plan):
    """How many rows the nodes of a plan read, also those that they dropped."""
    here = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    below = sum(read(each) for each in plan.get("Plans", []))
    return here * plan.get("Actual Loops", 1) + below


if connection.vendor == "postgresql":

    @pytest.mark.parametrize("query", FILTERS.values(), ids=FILTERS)
    def test_every_filter_reads_an_index_of_the_organisation(boss, query):
        client = behind_both(boss)
        sora = make_user("sora@contoso.example")
        record(Activity.SIGNED_IN, Outcome.FAILURE, subject_id=sora.pk, actor_id=sora.pk)
        with all_tenants(), connection.cursor() as cursor:
            cursor.execute(MANY_EVENTS, [boss.tenant_id, EVENTS])
            cursor.execute("ANALYZE audit_event")
        with CaptureQueriesContext(connection) as asked:
            client.get("/admin/audit/", query)

        (statement,) = [
            found[0]
            for one in asked
            if (found := re.search(r'SELECT [^;]*FROM "audit_event".* LIMIT 51', one["sql"]))
        ]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
            ((plan,),) = cursor.fetchall()

        assert "Seq Scan" not in json.dumps(plan)
        assert read(plan[0]["Plan"]) < 1_000
