"""Made-up methods are added to a copy of the service: every page that lists methods shows them."""

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
FACTOR = """
    WRISTBAND = (
        "wristband",
        FactorTraits(label=_("Wristband"), bit=24, is_device=True),
    )
"""
METHOD_OF_FACTOR = """
    WRISTBAND = (
        "wristband",
        MethodTraits(factor=Factor.WRISTBAND, label=_("Wristband code")),
    )
"""
SERVICE = '''
from django.utils import timezone

from tenants.policy import Factor
from verification.models import RegisteredMethod
from verification.queries import methods_of_kind
from verification.services import factors

CODE = "271828"


def register(user, code):
    """The wristband that shows this code, which counts from now on."""
    if code != CODE:
        return None
    now = timezone.now()
    with factors.changing(user.pk):
        return RegisteredMethod.objects.create(
            user=user, kind=Factor.WRISTBAND, created_at=now, verified_at=now
        )


def is_right(user_id, code):
    return methods_of_kind(user_id, Factor.WRISTBAND).exists() and code == CODE
'''
MODULE_OF_FACTOR = """
from django.db.models import Q

from tenants.policy import Factor, Method
from verification.methods.base import DeviceCode, MethodModule, Registration, Verifier, code_in
from verification.methods.typed_code import CodeForm
from verification.services import wristbands
from verification.services.challenges import open_unsent, redeem_judged


def _activate(user, _context, entered):
    row = wristbands.register(user, entered["code"])
    return row.pk if row else None


def _check(context, method, answer):
    right = wristbands.is_right(context.verify_id, answer.text)
    return redeem_judged(context.purpose, context.id, method, right=right, among=context.challenges)


WRISTBAND = MethodModule(
    options={Method.WRISTBAND: "Enter a code from my wristband"},
    registrations={
        Factor.WRISTBAND: Registration(
            page="registration:wristband",
            registered_words="Your wristband is ready",
            by_code=DeviceCode(
                template="registration/wristband.html",
                heading="Set up a wristband",
                form=lambda data: CodeForm(data, length=6),
                shown=lambda _user, _context: {},
                activate=_activate,
                wrong_words="The wristband shows another code.",
            ),
        ),
    },
    begin=open_unsent,
    verifier=Verifier(
        page="wristband",
        heading="Enter the code from your wristband",
        form=lambda data, _context: CodeForm(data, length=6),
        answer=code_in,
        check=_check,
        error_words=lambda _result: "The wristband shows another code.",
    ),
    is_device=True,
    ended_by_restore={"wristbands": Q(kind=Factor.WRISTBAND)},
)
"""
TEMPLATE = """{% extends "registration/device.html" %}
{% block steps %}<p>Put the wristband on.</p>{% endblock steps %}
"""
NOT_COPIED = shutil.ignore_patterns(".*", "var", "node_modules", "__pycache__")
MOST_FILES = 6


@pytest.fixture
def copy(tmp_path):
    """A copy of the service."""
    copy = tmp_path / "copy"
    shutil.copytree(BASE, copy, ignore=NOT_COPIED, symlinks=True)
    return copy


def test_a_new_method_is_on_every_page_by_its_declaration_and_its_module(copy, tmp_path):
    methods = copy / "tenants/policy/methods.py"
    insert(methods, DECLARATION, before="    MOBILE_CALL = (\n")
    (copy / "verification/methods/messenger.py").write_text(MODULE)
    register(copy, "messenger", "MESSENGER")

    run(copy, tmp_path, "-m", "pytest", "-q", "--tb=short", "tests/house/made_up_method.py")

    assert len(changed_files(copy)) == 3


def test_a_new_factor_is_on_every_page_by_six_files(copy, tmp_path):
    methods = copy / "tenants/policy/methods.py"
    insert(
        methods, FACTOR, before='    AUTHENTICATOR = (\n        "authenticator",\n        Factor'
    )
    insert(methods, METHOD_OF_FACTOR, before='    EMAIL = (\n        "email",\n        Meth')
    (copy / "verification/services/wristbands.py").write_text(SERVICE)
    (copy / "verification/methods/wristband.py").write_text(MODULE_OF_FACTOR)
    (copy / "templates/registration/wristband.html").write_text(TEMPLATE)
    register(copy, "wristband", "WRISTBAND")
    run(copy, tmp_path, "manage.py", "makemigrations", "--name", "wristband")

    run(
        copy,
        tmp_path,
        *("-m", "pytest", "-q", "--tb=short", "tests/house/made_up_factor.py"),
        "tests/directory/test_factors.py::test_every_bit_is_used_once",
    )

    changed = changed_files(copy)
    assert len(changed) == MOST_FILES, changed
    assert sum("/migrations/" in path for path in changed) == 1


def insert(path, text, *, before):
    source = path.read_text()
    assert source.count(before) == 1, path
    path.write_text(source.replace(before, text.lstrip("\n") + before))


def register(copy, module, name):
    registry = copy / "verification/methods/__init__.py"
    line = f"from verification.methods.{module} import {name}\n"
    insert(registry, line, before="\nMODULES = ")
    insert(registry, f"{name}, ", before="CALL, QUESTIONS")


def run(copy, tmp_path, *command):
    run = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=environment(tmp_path / "var"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-5_000:] + run.stderr[-2_000:]


def changed_files(copy):
    """Paths of the source files and templates that the copy has anew, or with other content."""
    paths = [path.relative_to(copy) for end in ("py", "html") for path in copy.rglob(f"*.{end}")]
    return [
        path.as_posix()
        for path in paths
        if not (BASE / path).exists() or (BASE / path).read_bytes() != (copy / path).read_bytes()
    ]
