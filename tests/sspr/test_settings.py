"""What the environment makes of the settings, each in a process of its own."""

import json
import stat
import subprocess
import sys

import pytest
from celery import current_app
from django.core.exceptions import ImproperlyConfigured
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads, prepare_accept_content

from sspr.environment import base_url
from tests.services.environment import BASE, environment

SHOW = """
import json
from django.conf import settings
names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME", "ATTEMPT_COOKIE_NAME",
         "BROWSER_COOKIE_NAME", "FORM_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
         "SESSION_COOKIE_HTTPONLY", "OWN_HOSTS", "SECURE_HSTS_SECONDS", "DEBUG"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def run(tmp_path, *command, **settings):
    return subprocess.run(
        [sys.executable, *command],
        cwd=BASE,
        env=environment(tmp_path, **settings) | {"DJANGO_SETTINGS_MODULE": "sspr.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_behind_https_every_cookie_is_bound_to_the_host_and_secure(tmp_path):
    done = run(tmp_path, "-c", SHOW, SSPR_BASE_URL="https://sspr.contoso.example")
    shown = json.loads(done.stdout)

    cookies = [name for name in shown if name.endswith("COOKIE_NAME")]
    assert all(shown[name].startswith("__Host-") for name in cookies)
    assert shown["SESSION_COOKIE_SECURE"]
    assert shown["CSRF_COOKIE_SECURE"]
    assert shown["OWN_HOSTS"] == ["sspr.contoso.example"]
    assert shown["SECURE_HSTS_SECONDS"] > 0


def test_on_loopback_cookies_lose_the_prefix_and_nothing_else(tmp_path):
    done = run(tmp_path, "-c", SHOW, SSPR_BASE_URL="http://127.0.0.1:8000")
    shown = json.loads(done.stdout)

    assert shown["SESSION_COOKIE_NAME"] == "session"
    assert shown["SESSION_COOKIE_HTTPONLY"]
    assert not shown["DEBUG"]


@pytest.mark.parametrize("url", ["http://sspr.contoso.example", "http://192.0.2.7:8000"])
def test_plain_http_beyond_loopback_is_refused(tmp_path, url):
    done = run(tmp_path, "-c", SHOW, SSPR_BASE_URL=url)

    assert done.returncode != 0
    assert "use https" in done.stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://sspr.example/", "https://sspr.example"),
        ("https://sspr.example//", "https://sspr.example"),
        (" https://SSPR.Example:443 ", "https://sspr.example"),
        ("https://sspr.example:8443/", "https://sspr.example:8443"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_a_public_address_with_something_too_much_is_mended(given, meant):
    assert base_url(given) == meant


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("https://sspr.example/reset", "nothing may stand behind the host"),
        ("https://sspr.example/?a=1", "nothing may stand behind the host"),
        ("https://sspr.example?", "nothing may stand behind the host"),
        ("https://sspr.example#x", "nothing may stand behind the host"),
        ("https://user:word@sspr.example", "no user name or password"),
        ("https://@sspr.example", "no user name or password"),
        ("sspr.example", "write https://"),
        ("https://", "write https://"),
        ("https:///reset", "write https://"),
        ("ftp://sspr.example", "write https://"),
        ("https://sspr.example:x", "is not an address"),
        ("http://sspr.example", "use https"),
        ("", "write https://"),
    ],
)
def test_a_public_address_that_cant_be_one_is_refused_with_the_reason(given, why):
    with pytest.raises(ImproperlyConfigured, match=why) as refused:
        base_url(given)

    assert "word" not in str(refused.value).replace("password", "")


def test_a_slash_behind_the_public_address_breaks_no_link(tmp_path):
    show = """
import django
django.setup()
from tenants.queries import public_url
print(public_url("/wasnt-me/T"))
"""
    done = run(tmp_path, "-c", show, SSPR_BASE_URL="https://sspr.contoso.example/")

    assert done.stdout.strip() == "https://sspr.contoso.example/wasnt-me/T"


def test_every_link_that_leaves_the_service_is_made_by_one_function():
    using = {
        path.relative_to(BASE).as_posix()
        for path in BASE.glob("*/**/*.py")
        if "{settings.BASE_URL}" in path.read_text() and "tests/" not in str(path)
    }

    assert using == {"tenants/queries/__init__.py"}


def test_every_setting_may_come_from_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-" * 5 + "\n")
    show = "from django.conf import settings; print(settings.SECRET_KEY, settings.TWILIO_FROM)"
    files = {"SSPR_SECRET_KEY_FILE": str(secret), "TWILIO_FROM_FILE": str(secret)}

    done = run(tmp_path, "-c", show, **files)

    assert done.stdout.split() == ["from-a-file-" * 5] * 2


def test_a_file_of_a_secret_that_cant_be_read_is_said_at_the_start(tmp_path):
    done = run(tmp_path, "-c", SHOW, DATABASE_URL_FILE=str(tmp_path / "missing"))

    assert done.returncode != 0
    assert "DATABASE_URL_FILE: " in done.stderr


def open_to_others(folder):
    everything = [folder, *folder.rglob("*")]
    return {path.name for path in everything if path.stat().st_mode & 0o077}


def migrated(folder, **settings):
    """What a fresh machine does, on which others may read everybody's files by default."""
    env = environment(folder.parent / "unused") | {"SSPR_VAR": str(folder)} | settings
    command = f"umask 022; exec {sys.executable} manage.py migrate audit 0001 --verbosity 0"
    subprocess.run(["bash", "-c", command], cwd=BASE, env=env, check=True)


def test_data_and_messages_are_for_the_services_user_alone_whichever_command_comes_first(tmp_path):
    var = tmp_path / "deep" / "var"

    migrated(var)

    assert {"sspr.sqlite3", "broker", "broker-control"} <= {path.name for path in var.iterdir()}
    assert open_to_others(var) == set()


def test_data_of_before_that_others_could_read_is_shut(tmp_path):
    var, elsewhere = tmp_path / "var", tmp_path / "elsewhere.sqlite3"
    (var / "broker").mkdir(parents=True)
    elsewhere.touch()
    for path in (var, var / "broker", elsewhere):
        path.chmod(0o755)

    migrated(var, DATABASE_URL=f"sqlite:///{elsewhere}")

    assert open_to_others(var) == set()
    assert open_to_others(elsewhere) == set()


def test_a_folder_that_everybody_may_write_to_is_refused_and_left_as_it_is(tmp_path):
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)

    done = run(tmp_path, "-c", SHOW, SSPR_VAR=str(shared))

    assert "SSPR_VAR: " in done.stderr
    assert done.returncode != 0
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert list(shared.iterdir()) == []


def test_a_folder_in_which_others_have_their_things_too_is_left_open(tmp_path):
    shared = tmp_path / "srv"
    (shared / "www").mkdir(parents=True)
    for path in (shared, shared / "www"):
        path.chmod(0o755)

    migrated(shared)
    migrated(shared)

    assert open_to_others(shared) == {"srv", "www"}


def test_the_deployment_check_finds_nothing(tmp_path):
    arguments = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    keys = {"SSPR_SECRET_KEY": "Zq3xW9bT" * 8, "SSPR_ENCRYPTION_KEYS": "Wp7kR2mC" * 8}
    done = run(tmp_path, *arguments, SSPR_BASE_URL="https://sspr.contoso.example", **keys)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("demo", "found"), [("1", "there"), ("0", "nowhere")])
def test_the_outbox_page_exists_in_the_demo_only(tmp_path, demo, found):
    look = """
import django
django.setup()
from django.urls import Resolver404, resolve
try:
    resolve("/demo/outbox")
except Resolver404:
    print("nowhere")
else:
    print("there")
"""
    assert run(tmp_path, "-c", look, SSPR_DEMO=demo).stdout.strip() == found


ASKED = """
from django.conf import settings
from kombu import Connection
print(Connection(settings.CELERY_BROKER_URL).ssl)
"""


@pytest.mark.parametrize("more", ["", "?ssl_ca_certs=/ca.pem"])
def test_a_broker_with_tls_is_asked_for_its_certificate(tmp_path, more):
    done = run(tmp_path, "-c", ASKED, REDIS_URL=f"rediss://:secret@redis.example:6380/0{more}")

    assert "CERT_REQUIRED" in done.stdout


@pytest.mark.parametrize("name", ["SSPR_SECRET_KEY", "SSPR_ENCRYPTION_KEYS"])
def test_without_secrets_of_its_own_it_does_not_start(tmp_path, name):
    known = environment(tmp_path) | {"DJANGO_SETTINGS_MODULE": "sspr.settings"}
    del known[name]

    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=BASE,
        env=known,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert name in done.stderr


@pytest.mark.parametrize("kind", ["application/x-python-serialize", "application/x-yaml"])
def test_workers_take_nothing_but_json(kind):
    taken = prepare_accept_content(current_app.conf.accept_content)

    assert loads(b"[1]", "application/json", "utf-8", accept=taken) == [1]
    with pytest.raises(ContentDisallowed):
        loads(b"x", kind, "binary", accept=taken)
