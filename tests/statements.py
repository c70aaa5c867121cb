"""The statements that a piece of work sends to the database."""

from django.db import connection
from django.test.utils import CaptureQueriesContext


def data_statements(work):
    """The texts of those that read or write rows.

    PostgreSQL is also told whose rows it may show, once for each scope of a transaction.
    """
    with CaptureQueriesContext(connection) as sent:
        work()
    return [query["sql"] for query in sent if "set_config(" not in query["sql"]]
