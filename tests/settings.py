"""The service's own settings, with what an operator would have to give."""

import atexit
import os
import shutil
import tempfile

from tests.services.environment import own_share

os.environ.setdefault("SSPR_SECRET_KEY", "only-for-tests-" * 4)
os.environ.setdefault("SSPR_ENCRYPTION_KEYS", "only-for-tests-" * 4)
os.environ.setdefault("SSPR_DEMO", "1")
if "SSPR_VAR" not in os.environ:
    os.environ["SSPR_VAR"] = tempfile.mkdtemp(prefix="sspr-tests-")
    atexit.register(shutil.rmtree, os.environ["SSPR_VAR"], ignore_errors=True)
os.environ.setdefault("SSPR_TESTING", "1")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ |= own_share(os.environ, int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")))

from sspr.settings import *  # noqa: F403

OWN_HOSTS += ["testserver"]  # noqa: F405

# tests/passwords/test_hashing.py holds the parameters that the service itself uses.
PASSWORD_HASHERS = ["tests.hashing.QuickArgon2"]

STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, as in real life: threads of an in-memory database share one cache and its locks.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "test.sqlite3")}  # noqa: F405
