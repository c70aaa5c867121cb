import os

# SQLite has no sessions that could be kept.
collect_ignore = [] if "DATABASE_URL" in os.environ else ["test_workers.py"]
