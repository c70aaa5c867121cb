"""The service's workers, which also know the tasks of tests: `python -m tests.services.workers`."""

import tests.services.imported_task
import tests.services.long_task
import tests.services.look_task  # noqa: F401
from sspr.workers import main

if __name__ == "__main__":
    main()
