import os

# SQLite has no second wall: there is nothing to ask there.
of_the_second_wall = ["test_row_level.py", "test_wire.py", "test_pool.py", "test_limits.py"]
collect_ignore = [] if "DATABASE_URL" in os.environ else of_the_second_wall
