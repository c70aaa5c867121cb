"""The container set-up: no secret in the image, in arguments or shared; as little power as works.

Containers can't be started by the tests: what is tested is what the files say.
"""

import re
import stat
import subprocess
from pathlib import PurePosixPath

import pytest
import yaml

from tests.services.environment import BASE

COMPOSE = yaml.safe_load((BASE / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (BASE / "Dockerfile").read_text()
PASSWORDS = {"superuser_password", "owner_password", "service_password", "redis_password"}


def in_the_image(path):
    """Whether Docker would send the file to the build. As moby's patternmatcher: the last wins.

    A pattern fits the file or any folder above it; `*` stays within a name, `**` doesn't.
    """
    tried = [path, *(str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")]
    kept = True
    for line in (BASE / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        negated, pattern = pattern.startswith("!"), pattern.removeprefix("!").strip("/")
        if any(regex_of(pattern).fullmatch(one) for one in tried):
            kept = negated
    return kept


def regex_of(pattern):
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts))


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.production",
        "secrets/secret_key",
        "sspr/.env",
        "reset/deep/down/.env.local",
        "var/env",
        "var/sspr.sqlite3",
        "copy.sqlite3",
        "dump.sql",
        "id_rsa",
        "server.key",
        ".git/config",
        ".venv/bin/python",
        "tests/settings.py",
        "docker-compose.override.yml",
    ],
)
def test_what_may_hold_a_secret_never_gets_into_the_image(path):
    assert not in_the_image(path)


def test_what_the_service_is_made_of_gets_into_the_image():
    rooms = {path.parent.relative_to(BASE).as_posix() for path in BASE.glob("*/__init__.py")}
    files = [f"{room}/__init__.py" for room in rooms - {"tests", "bench"}]
    files += ["manage.py", "requirements.lock", "locale/ko/LC_MESSAGES/django.po"]
    files += ["templates/base.html", "account/views/change.py"]
    files += [path.relative_to(BASE).as_posix() for path in BASE.glob("static/*/*.css")]

    assert [path for path in files if not in_the_image(path)] == []


@pytest.mark.parametrize("path", [".env", ".env.production", "secrets/secret_key", "var/env"])
def test_what_holds_secrets_is_never_committed(path):
    done = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=BASE, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_as_little_power_as_works(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].partition(":")[0]) > 0
    assert "/tmp" in service["tmpfs"]
    assert "privileged" not in service


def test_the_image_runs_as_the_user_that_the_containers_name():
    assert f"USER {SERVICES['web']['user']}" in DOCKERFILE
    assert "--uid 10001 " in DOCKERFILE


def test_every_image_is_pinned_to_a_release():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images = bases + [one["image"] for one in SERVICES.values() if "build" not in one]

    assert len(images) == 3
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?-\w+", image), image


def test_secrets_come_as_files_and_nothing_else():
    assert all(list(source) == ["file"] for source in COMPOSE["secrets"].values())
    assert all(list(source) == ["file"] for source in COMPOSE["configs"].values())
    said = yaml.safe_dump({name: {**one, "secrets": []} for name, one in SERVICES.items()})
    for word in re.findall(r"\$\{(\w+)", said):
        assert not re.search("KEY|PASSWORD|TOKEN|_URL$", word) or word == "SSPR_BASE_URL"


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_gets_a_secret_that_it_does_not_use(name):
    service = SERVICES[name]
    said = yaml.safe_dump({**service, "secrets": []})
    if name == "postgres":
        said += (BASE / COMPOSE["configs"]["roles"]["file"]).read_text()

    used = set(re.findall(r"/run/secrets/(\w+)", said))

    assert used == set(service["secrets"])


def test_no_argument_of_a_process_is_a_secret():
    commands = [str(one.get("command", "")) for one in SERVICES.values()]
    script = (BASE / COMPOSE["configs"]["roles"]["file"]).read_text()
    checks = [str(one["healthcheck"]["test"]) for one in SERVICES.values() if "healthcheck" in one]

    assert not re.search("requirepass|PASSWORD|--pass|_URL", " ".join(commands))
    assert 'REDISCLI_AUTH="$$(cat /run/secrets/redis_password)"' in " ".join(checks)
    assert "-a " not in SERVICES["redis"]["healthcheck"]["test"][1]
    assert "--set owner" not in script


@pytest.fixture
def made(tmp_path):
    """What the script makes, in a copy."""
    (tmp_path / "containers").mkdir()
    script = tmp_path / "containers/make-secrets"
    script.write_bytes((BASE / "containers/make-secrets").read_bytes())

    def make():
        done = subprocess.run(["sh", str(script)], check=True, capture_output=True, text=True)
        make.said = done.stderr
        return {file.name: file.read_text().strip() for file in (tmp_path / "secrets").iterdir()}

    return make


def test_the_script_makes_every_secret_and_no_two_passwords_alike(made, tmp_path):
    secrets = made()

    assert {f"./secrets/{name}" for name in secrets} == {
        one["file"] for one in COMPOSE["secrets"].values()
    }
    random = [secrets[name] for name in PASSWORDS | {"secret_key", "encryption_keys"}]
    assert len(set(random)) == len(random)
    assert all(len(value) == 64 for value in random)
    assert secrets["service_password"] in secrets["database_url"]
    assert secrets["owner_password"] in secrets["owner_database_url"]
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_the_script_changes_no_secret_that_is_there(made, tmp_path):
    before = made()
    mine = {name: f"mine: {name}" for name in before}
    for name, value in mine.items():
        (tmp_path / "secrets" / name).chmod(0o600)
        (tmp_path / "secrets" / name).write_text(f"{value}\n")

    assert made() == mine


def test_the_script_takes_passwords_that_are_there_into_the_addresses_that_it_makes(made, tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/service_password").write_text("mine\n")

    assert made()["database_url"] == "postgres://sspr:mine@postgres:5432/sspr"


def test_the_script_says_which_files_no_longer_fit_a_password(made, tmp_path):
    made()
    assert made.said == ""
    (tmp_path / "secrets/redis_password").chmod(0o600)
    (tmp_path / "secrets/redis_password").write_text("exchanged\n")

    made()

    said = [line.partition(" ")[0] for line in made.said.splitlines()]
    assert said == ["secrets/redis_url", "secrets/redis_conf"]
    assert "exchanged" not in made.said


def test_the_image_can_be_read_by_its_user_whatever_the_modes_of_the_checkout():
    assert re.search(r"chmod -R a\+rX /srv/sspr /srv/static\b", DOCKERFILE)


def test_the_script_opens_what_a_container_of_another_user_mounts(made, tmp_path):
    script = tmp_path / "containers/roles.sh"
    script.touch(mode=0o600)

    made()

    assert stat.S_IMODE(script.stat().st_mode) == 0o644


def test_the_database_stays_on_the_system_whose_sorting_its_volumes_know():
    image = SERVICES["postgres"]["image"]

    assert image.endswith("-trixie")
    assert f"imagetools inspect {image}" in (BASE / "docs/operators.md").read_text()
