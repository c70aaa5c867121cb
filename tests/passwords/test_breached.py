"""A search in a file of hashes that is never read whole."""

import hashlib
import random

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from directory.services.passwords import judged
from passwords.breached import BreachedPasswords, NotAHashList, breached_passwords
from passwords.rules import Problem
from tests.builders import make_user

STOLEN = [f"stolen {number}" for number in range(2_000)]


def hashed(password):
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def write(path, passwords, *, end="\n", last_end=True, count=True):
    lines = sorted(f"{hashed(one)}{f':{len(one)}' if count else ''}" for one in passwords)
    text = end.join(lines) + (end if last_end else "")
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("last_end", [True, False], ids=["ended", "not ended"])
@pytest.mark.parametrize("count", [True, False], ids=["counts", "no counts"])
def test_every_hash_of_the_list_matches_and_no_other(tmp_path, end, last_end, count):
    path = write(tmp_path / "list", STOLEN, end=end, last_end=last_end, count=count)
    found = BreachedPasswords(path)

    assert all(one in found for one in STOLEN)
    assert not any(f"safe {number}" in found for number in range(2_000))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_first_and_last_of_a_short_list_are_found(tmp_path, size):
    found = BreachedPasswords(write(tmp_path / "list", STOLEN[:size]))

    assert [one in found for one in STOLEN[: size + 1]] == [True] * size + [False]


def test_a_blank_line_at_the_end_and_counts_of_any_length_are_no_matter(tmp_path):
    chance = random.Random(1)
    lines = sorted(f"{hashed(one)}:{chance.randint(1, 10**9)}" for one in STOLEN)
    path = tmp_path / "list"
    path.write_text("\n".join(lines) + "\n\n")
    found = BreachedPasswords(path)

    assert all(one in found for one in STOLEN)


def test_lower_case_hashes_are_found_too(tmp_path):
    path = tmp_path / "list"
    path.write_text("\n".join(sorted(hashed(one).lower() for one in STOLEN)) + "\n")

    assert "stolen 7" in BreachedPasswords(path)


@pytest.mark.parametrize("content", ["", "hello", "password\n" * 20])
def test_a_file_that_is_no_list_of_hashes_is_an_error(tmp_path, content):
    path = tmp_path / "list"
    path.write_text(content)

    with pytest.raises(NotAHashList):
        BreachedPasswords(path)


@pytest.mark.parametrize("there", [True, False])
def test_the_operator_is_told_at_the_start(tmp_path, there):
    path = tmp_path / "list"
    if there:
        path.write_text("not a list")
    with override_settings(BREACHED_PASSWORDS=str(path)):
        problems = [one for one in run_checks() if "SSPR_BREACHED_PASSWORDS" in one.msg]

    assert len(problems) == 1


def test_a_stolen_password_is_refused_and_without_the_file_users_go_on(contoso, tmp_path):
    user, stolen = make_user(), "a very long stolen sentence"
    path = write(tmp_path / "list", [stolen])
    with override_settings(BREACHED_PASSWORDS=str(path)):
        assert [f.problem for f in judged(stolen, user).findings] == [Problem.BREACHED]
    breached_passwords.cache_clear()
    with override_settings(BREACHED_PASSWORDS=str(tmp_path / "gone")):
        assert judged(stolen, user).findings == []
