"""What `make run` starts, by what the environment gives."""

import pytest

from sspr.run import Ended, Household, environment, live


class Recorder(Household):
    """Starts nothing, and writes down what would have been started."""

    def start(self, name, *command):
        self.parts[name] = command

    def manage(self, *_arguments, capture=False):
        return ""

    def watch(self, until):
        raise Ended("Stopped.")


def started(tmp_path, **given):
    secret = tmp_path / "secret"
    secret.write_text("x://y")
    given = {name: str(secret) if name.endswith("_FILE") else one for name, one in given.items()}
    household = Recorder(environment({"SSPR_VAR": str(tmp_path / "var"), "PORT": "0"} | given))
    with pytest.raises(Ended):
        live(household)
    return household


@pytest.mark.parametrize("name", ["EMAIL_URL", "EMAIL_URL_FILE"])
def test_a_mail_server_that_is_given_takes_the_place_of_the_mailbox(tmp_path, name):
    household = started(tmp_path, **{name: "smtp://relay:25"})

    assert "mailbox" not in household.parts
    assert household.env.get("EMAIL_URL", "smtp://relay:25") == "smtp://relay:25"


def test_without_a_mail_server_the_demo_has_a_mailbox(tmp_path):
    household = started(tmp_path)

    assert "mailbox" in household.parts
    assert household.env["EMAIL_URL"].startswith("smtp://127.0.0.1:")


def test_all_workers_and_the_beat_are_started(tmp_path):
    household = started(tmp_path)

    assert household.parts["workers"][-1] == "sspr.workers"
