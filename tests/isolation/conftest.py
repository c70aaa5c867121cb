import os

# SQLite has no second wall: there is nothing to ask there.
collect_ignore = [] if "DATABASE_URL" in os.environ else ["test_row_level.py"]
