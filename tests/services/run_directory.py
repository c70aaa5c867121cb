"""`make run-directory`: `make run` beside a throwaway OpenLDAP server with the people of Fabrikam.

The directory is gone when this ends. The next one has the same people, with other passwords.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from tests.services.slapd import RELAX, Slapd, slapd

_PEOPLE = {
    "anna": ("Anna", "Schmidt", "en", "registered"),
    "paul": ("Paul", "Weber", "en", "not registered"),
    "mia": ("Mia", "Fischer", "en", "locked there"),
    "finn": ("Finn", "Keller", "en", "must change"),
    "jana": ("Jana", "Braun", "en", "expired"),
    "hyunwoo": ("현우", "송", "ko", "registered"),
    "jimin": ("지민", "오", "ko", "locked there"),
}
_DOMAIN = "fabrikam.example"
_GROUP = "Fabrikam Sales"
_FIRST_NUMBER = 5702


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="sspr-directory-") as folder,
        slapd(Path(folder) / "slapd") as server,
    ):
        description = Path(folder) / "description.json"
        description.touch(mode=0o600)
        description.write_text(json.dumps(describe(server)))
        env = os.environ | {"SSPR_DEMO_DIRECTORY": str(description)}
        service = subprocess.Popen([sys.executable, "-m", "sspr.run"], env=env)
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, lambda number, _frame: service.send_signal(number))
        return service.wait()


def describe(server: Slapd) -> dict[str, object]:
    """Adds the people. Gives what the demo has to know of them and of the directory."""
    people, dns = [], list[str]()
    for number, name in enumerate(_PEOPLE, start=_FIRST_NUMBER):
        person, dn = _add(server, name, number, manager=dns[:1])
        people.append(person)
        dns.append(dn)
    server.add_group(_GROUP, dns[1:])
    return {
        "connection": {
            "kind": server.kind,
            "servers": server.url,
            "ca_certificates": server.authority.pem,
            "base_dn": server.base_dn,
            "bind_dn": server.service.dn,
            "writeback": True,
            "unlocks": True,
            "people_filter": f"(mail=*@{_DOMAIN})",
            "group_filter": f"(cn={_GROUP})",
            "sign_in_attributes": ["uid"],
        },
        "bind_password": server.service.password,
        "people": people,
    }


def _add(
    server: Slapd, name: str, number: int, *, manager: list[str]
) -> tuple[dict[str, object], str]:
    """Adds a person. Gives the description and the distinguished name."""
    given_name, surname, language, state = _PEOPLE[name]
    upn = f"{name}@{_DOMAIN}"
    external_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{_DOMAIN}"))
    person = server.add_person(
        name,
        password=f"demo-{secrets.token_hex(4)}",
        givenName=given_name,
        sn=surname,
        cn=surname + given_name if language == "ko" else f"{given_name} {surname}",
        mail=upn,
        preferredLanguage=language,
        # One that can't be used, so that the run has something to report.
        mobile="1234" if state == "not registered" else f"010-1234-{number}",
        **({"manager": manager} if manager else {}),
    )
    server.set(person.dn, controls=[RELAX], entryUUID=external_id)
    becomes = {
        "locked there": server.lock,
        "must change": server.must_change,
        "expired": server.expire,
    }
    if state in becomes:
        becomes[state](person)
    description = {
        "upn": upn,
        "given_name": given_name,
        "surname": surname,
        "language": language,
        "state": state,
        "password": person.password,
        "number": number,
    }
    return description, person.dn


if __name__ == "__main__":
    sys.exit(main())
