import os

# SQLite has no second wall: there is nothing to ask there.
of_the_second_wall = [
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
    [] if "DATABASE_URL" in os.environ else [f"test_{name}.py" for name in of_the_second_wall]
)
