"""What the README says is true."""

import re
import subprocess
import tomllib

from sspr.run import environment
from tests.services.environment import BASE

README = (BASE / "README.md").read_text()


def test_every_setting_has_a_line_in_the_environment_table():
    settings = (BASE / "sspr/settings.py").read_text()
    read = set(re.findall(r"env(?:\.\w+)?\(\s*\"(\w+)\"", settings))

    assert "SSPR_SECRET_KEY" in read
    assert {name for name in read if f"`{name}`" not in README} == set()


def test_every_dependency_has_a_reason():
    project = tomllib.loads((BASE / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[<>=~!]", line)[0].strip() for line in project["dependencies"]}
    reasons = README.split("## Why each dependency")[1].casefold()

    assert {name for name in names if name.casefold() not in reasons} == set()


def test_every_room_is_on_the_map():
    rooms = {path.parent.name for path in BASE.glob("*/apps.py")}
    places = README.split("## Where things are")[1].split("## Why")[0]

    assert rooms
    assert {room for room in rooms if f"`{room}/`" not in places} == set()


def test_every_picture_is_there():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)

    assert pictures
    assert all((BASE / picture).is_file() for picture in pictures)


def test_a_shell_can_take_over_the_keys_of_what_make_run_started(tmp_path):
    made = environment({"SSPR_VAR": str(tmp_path / "var")})
    (commands,) = re.findall(r"`set -a; \. var/env; set \+a`", README)
    shown = subprocess.run(
        ["sh", "-c", f"{commands.strip('`')}; env"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    for name in ("SSPR_SECRET_KEY", "SSPR_ENCRYPTION_KEYS"):
        assert f"{name}={made[name]}\n" in shown
