"""What the README says is true."""

import re
import tomllib

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
