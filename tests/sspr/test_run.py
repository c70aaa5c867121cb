"""What `make run` starts, by what the environment gives."""

import pytest

from sspr.run import Stopped, Supervisor, environment, live


class Recorder(Supervisor):
    """Starts nothing, and writes down what would have been started."""

    def start(self, name, *command):
        self.parts[name] = command

    def manage(self, *_arguments, capture=False):
        return ""

    def watch(self, until):
        raise Stopped("Stopped.")


def started(tmp_path, **given):
    secret = tmp_path / "secret"
    secret.write_text("x://y")
    given = {name: str(secret) if name.endswith("_FILE") else one for name, one in given.items()}
    supervisor = Recorder(environment({"SSPR_VAR": str(tmp_path / "var"), "PORT": "0"} | given))
    with pytest.raises(Stopped):
        live(supervisor)
    return supervisor


@pytest.mark.parametrize("name", ["EMAIL_URL", "EMAIL_URL_FILE"])
def test_a_mail_server_that_is_given_takes_the_place_of_the_mailbox(tmp_path, name):
    supervisor = started(tmp_path, **{name: "smtp://relay:25"})

    assert "mailbox" not in supervisor.parts
    assert supervisor.env.get("EMAIL_URL", "smtp://relay:25") == "smtp://relay:25"


def test_without_a_mail_server_the_demo_has_a_mailbox(tmp_path):
    supervisor = started(tmp_path)

    assert "mailbox" in supervisor.parts
    assert supervisor.env["EMAIL_URL"].startswith("smtp://127.0.0.1:")


def test_all_workers_and_the_beat_are_started(tmp_path):
    supervisor = started(tmp_path)

    assert supervisor.parts["workers"][-1] == "sspr.workers"
