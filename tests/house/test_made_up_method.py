"""A made-up method is added to a copy of the service: every page that lists methods shows it."""

import shutil
import subprocess
import sys

import pytest

from tests.services.environment import BASE, environment

DECLARATION = """
    MESSENGER = (
        "messenger",
        MethodTraits(
            factor=Factor.MOBILE_PHONE,
            label=_("Message to the mobile phone"),
            carrier=Carrier.TEXT,
        ),
    )
"""
MODULE = """
from tenants.policy import Method
from verification.methods.base import MethodModule
from verification.methods.typed_code import TYPED_CODE
from verification.services.challenges import open_challenge

MESSENGER = MethodModule(
    options={Method.MESSENGER: "Message my mobile {masked}"},
    registrations={},
    send_words="Message me a code",
    begin=open_challenge,
    verifier=TYPED_CODE,
)
"""
NOT_COPIED = shutil.ignore_patterns(".*", "var", "node_modules", "__pycache__")


@pytest.fixture
def copy(tmp_path):
    """A copy of the service with three files changed: the declaration, the module, its line."""
    copy = tmp_path / "copy"
    shutil.copytree(BASE, copy, ignore=NOT_COPIED, symlinks=True)
    insert(copy / "tenants/policy/methods.py", DECLARATION, before="    MOBILE_CALL = (\n")
    (copy / "verification/methods/messenger.py").write_text(MODULE)
    registry = copy / "verification/methods/__init__.py"
    line = "from verification.methods.messenger import MESSENGER\n"
    insert(registry, line, before="from verification.methods.passkey")
    insert(registry, "MESSENGER, ", before="CALL, QUESTIONS")
    return copy


def insert(path, text, *, before):
    source = path.read_text()
    assert source.count(before) == 1, path
    path.write_text(source.replace(before, text + before))


def test_a_new_method_is_on_every_page_by_its_declaration_and_its_module(copy, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", "tests/house/made_up_method.py"],
        cwd=copy,
        env=environment(tmp_path / "var"),
        check=False,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout[-5_000:]
