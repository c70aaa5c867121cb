"""What a password costs an attacker who has the database, and what hashing may cost the service."""

import subprocess
import sys
import threading

import pytest
from django.contrib.auth.hashers import check_password, get_hasher, make_password

from passwords import hashing
from sspr import settings as services_own
from tests.services.environment import BASE, environment

MANY = """
import threading
from django.conf import settings
assert settings.PASSWORD_HASHERS
from passwords.hashing import Argon2

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))

def hash_twice():
    for _ in range(2):
        Argon2().encode("old horse battery", "salt" * 4)
    done.wait()

before, done = resident(), threading.Barrier(9)
threads = [threading.Thread(target=hash_twice) for _ in range(8)]
for thread in threads:
    thread.start()
done.wait()
print(resident() - before)
"""


@pytest.fixture(autouse=True)
def as_in_service(settings):
    settings.PASSWORD_HASHERS = services_own.PASSWORD_HASHERS


def test_passwords_are_hashed_with_the_parameters_that_owasp_names():
    assert make_password("old horse battery").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_every_hash_has_a_salt_of_its_own():
    assert make_password("old horse battery") != make_password("old horse battery")


def test_only_the_same_password_matches():
    stored = make_password("old horse battery")

    assert check_password("old horse battery", stored)
    assert not check_password("old horse Battery", stored)


@pytest.mark.parametrize("parameters", ["m=8,t=1,p=1", "m=19456,t=1,p=1"])
def test_a_weaker_hash_is_to_be_made_anew(parameters):
    stored = make_password("old horse battery")
    weaker = stored.replace("m=19456,t=2,p=1", parameters)

    assert get_hasher().must_update(weaker)
    assert not get_hasher().must_update(stored)


@pytest.mark.parametrize("act", ["encode", "verify"])
def test_more_hashes_at_once_than_the_machine_can_take_are_refused(monkeypatch, act):
    stored = make_password("old horse battery")
    monkeypatch.setattr(hashing, "_at_once", threading.BoundedSemaphore(1))
    monkeypatch.setattr(hashing, "_WAIT_S", 0.01)
    hasher = get_hasher()

    with hashing._a_turn(), pytest.raises(hashing.Busy):
        hasher.encode("old horse battery", "salt" * 4) if act == "encode" else hasher.verify(
            "old horse battery", stored
        )

    assert check_password("old horse battery", stored)


def test_threads_that_hash_dont_each_keep_the_memory_of_a_hash(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        cwd=BASE,
        env=environment(tmp_path) | {"DJANGO_SETTINGS_MODULE": "sspr.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert float(done.stdout) < 60  # in MB; eight threads with an arena each keep 150
