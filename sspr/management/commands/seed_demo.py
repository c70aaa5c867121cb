import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import override

from sspr.demo.directory import seed_directory
from sspr.demo.people import (
    ANSWERS,
    DEMO_TENANTS,
    FABRIKAM,
    OPERATOR,
    DemoState,
    DemoTenant,
)
from sspr.demo.seeding import seed
from tenants.predefined_questions import PREDEFINED

_SYLLABLES = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]


class Command(BaseCommand):
    help = "Create the demo's organisations and users, once, and print their passwords."

    def handle(self, **_options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("only where SSPR_DEMO is on: the passwords are printed")
        file: Path = settings.VAR / "demo-passwords.txt"
        passwords = _stored(file)
        tenants = (*DEMO_TENANTS, *([FABRIKAM] if settings.DEMO_DIRECTORY else []))
        accounts = _accounts(tenants)
        anew = {upn for _, upn, _ in accounts if upn not in passwords}
        passwords |= {upn: readable_password() for upn in sorted(anew)}
        table = _table(accounts, passwords)
        if anew:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.chmod(0o600)
            file.write_text(table)
        seed(tenants, passwords, anew=anew)
        self.stdout.write(table)
        if settings.DEMO_DIRECTORY:
            people = seed_directory(Path(settings.DEMO_DIRECTORY))
            rows = [(FABRIKAM.new_tenant.slug, each.upn, each.state) for each in people]
            self.stdout.write("In the directory of fabrikam, until this run ends:")
            self.stdout.write(_table(rows, {each.upn: each.password for each in people}))
        self.stdout.write("Security questions at contoso are answered:")
        with override("en"):
            for question, answer in ANSWERS.items():
                self.stdout.write(f"  {PREDEFINED[question]} {answer}")


def readable_password() -> str:
    """Three made-up words, 20 characters, 57 bits: to be typed from a screen, once."""
    words = ("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(3))
    return "-".join(words)


def _accounts(tenants: Iterable[DemoTenant]) -> list[tuple[str, str, DemoState]]:
    people = [(demo.new_tenant.slug, user) for demo in tenants for user in demo.users]
    accounts = [(slug, person.upn, person.state) for slug, person in people]
    return [*accounts, ("(all)", OPERATOR, DemoState.OPERATOR)]


def _table(accounts: Iterable[tuple[str, str, str]], passwords: Mapping[str, str]) -> str:
    rows: list[tuple[str, str, str, str]] = [("tenant", "user", "state", "password")]
    for slug, upn, state in accounts:
        shown = "(elsewhere)" if state is DemoState.ON_PREMISES else passwords[upn]
        rows.append((slug, upn, state, shown))
    return "".join(f"{a:<9}  {b:<25}  {c:<20}  {d}\n" for a, b, c, d in rows)


def _stored(file: Path) -> dict[str, str]:
    """The passwords of an earlier run, from its table: columns are two spaces apart."""
    if not file.exists():
        return {}
    rows = [re.split(r"\s{2,}", line.strip()) for line in file.read_text().splitlines()[1:]]
    return {row[1]: row[3] for row in rows if len(row) == 4}
