import os

# SQLite has no row-level security.
of_row_level_security = [
    "row_level",
    "wire",
    "pool",
    "limits",
    "transactions",
    "reads",
    "plans",
    "waiting",
]
collect_ignore = (
    [] if "DATABASE_URL" in os.environ else [f"test_{name}.py" for name in of_row_level_security]
)
