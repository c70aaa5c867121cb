"""The installed packages are the locked ones, and none has a known weakness."""

import re
import tomllib
from importlib.metadata import distributions

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.services.environment import BASE

LOCKS = ("requirements.lock", "requirements-dev.lock")
EVERY_LOCK = (*LOCKS, "requirements-uv.lock", "requirements-mutants.lock")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
# What comes with a virtual environment, and what installs the rest.
OF_THE_ENVIRONMENT = {"pip", "setuptools", "uv", "wheel"}
ADVISORIES = tomllib.loads((BASE / "tests/house/advisories.toml").read_text())["advisory"]


def locked(name):
    text = (BASE / name).read_text()
    return {canonicalize_name(package): Version(at) for package, at in PINNED.findall(text)}


@pytest.mark.parametrize("name", EVERY_LOCK)
def test_everything_locked_has_a_hash(name):
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (BASE / name).read_text())
    pinned = [block for block in blocks if PINNED.match(block)]

    assert pinned
    assert [block.split()[0] for block in pinned if "--hash=sha256:" not in block] == []


def test_both_locks_agree():
    service, tests = map(locked, LOCKS)

    assert {name: at for name, at in service.items() if tests.get(name) != at} == {}


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_that_is_known_to_be_weak_is_locked(name):
    found = locked(name)
    weak = {
        one["id"]: str(found[one["package"]])
        for one in ADVISORIES
        if one["package"] in found and found[one["package"]] < Version(one["fixed"])
    }

    assert weak == {}


def test_what_is_installed_is_what_is_locked():
    wanted = locked("requirements-dev.lock")
    installed = {
        canonicalize_name(one.metadata["Name"]): Version(one.version) for one in distributions()
    }
    others = {
        name: str(at)
        for name, at in installed.items()
        if name not in OF_THE_ENVIRONMENT and wanted.get(name) != at
    }

    assert others == {}


def test_what_installs_the_rest_is_installed_by_its_hash_alone():
    text = (BASE / "Makefile").read_text() + (BASE / "Dockerfile").read_text()
    installs = [line for line in text.splitlines() if "pip inst" in line]

    assert len(installs) == 5
    assert [line for line in installs if "--require-hashes" not in line] == []
