"""Whether anything that must stay secret lies open where an attacker with a copy could read it.

A user registers everything, resets, changes, mistypes; then the database, the broker and the logs
of the running service are searched, byte for byte, for all that was said meanwhile.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
from redis import Redis

from tests.browser import people
from tests.browser.admins import App
from tests.services.codes import code_in
from tests.services.postgres import SUPERUSER, as_role
from tests.services.site import Site

NEW = "seventeen purple umbrellas"
WRONG = "not the right umbrella"
NUMBER, E164 = "010-5557-0717", "+821055570717"
EVERYTHING = "authenticator,email,mobile_text,mobile_call,office_call,recovery_code"


def test_no_secret_of_a_whole_life_lies_open(site, mailbox, twilio, open_page):
    organisation = people.found(
        site,
        methods_required=2,
        questions="gate",
        reset_methods=EVERYTHING,
        sign_in_methods="authenticator",
        sign_in_second_factor="registered",
        remember_browser_days=30,
        new_proof_hours=0,
    )
    upn, address = organisation.upn("user1"), f"umbrella@{organisation.slug}.mail.example"
    page = open_page()
    secrets = live(page, mailbox, twilio, upn, address)
    secrets |= cookies_of(page)

    stored = dict(everything(site))

    # The search finds what is meant to be there.
    assert upn.encode() in b"".join(stored.values())
    assert len(secrets) > 25
    open_ones = [
        f"{what} in {where}"
        for what, secret in secrets.items()
        for where, held in stored.items()
        if lies_in(secret, held)
    ]
    assert open_ones == []


def live(page, mailbox, twilio, upn, address) -> dict[str, str]:
    """All that a user does with the service. Gives what must stay secret of it."""
    secrets = {
        "first password": people.PASSWORD,
        "new password": NEW,
        "wrong password": WRONG,
        "address": address,
        "number": NUMBER,
        "number of the world": E164,
        "number without its country": E164.removeprefix("+82"),
    }

    def told(what: str, code: str) -> str:
        secrets[what] = code
        return code

    people.sign_in(page, upn, WRONG)
    people.sign_in(page, upn)
    page.goto("/ssprsetup/email")
    page.fill("[name=email]", address)
    people.go_on(page)
    people.type_code(page, told("wrong code", "73911937"))
    people.type_code(page, told("code by mail", people.mailed_code(mailbox, address)))
    page.goto("/ssprsetup/phone")
    page.fill("[name=phone]", NUMBER)
    page.check("[name=method][value=mobile_text]")
    people.go_on(page)
    people.type_code(page, told("code by text", code_in(twilio.wait_for_text(E164))))
    for number, answer in enumerate(people.register_questions(page).values()):
        secrets[f"answer {number}"] = answer
    app = pair(page)
    secrets |= {"seed as shown": app.key, "seed": base64.b32decode(app.key).hex()}
    page.goto("/ssprsetup/recovery-codes")
    people.go_on(page)
    for number, code in enumerate(page.locator(".codes code").all_inner_texts()):
        secrets |= {f"recovery code {number}": code, f"{number} without": code.replace("-", "")}
    people.go_on(page)
    page.check("[name=saved]")
    people.go_on(page)
    people.sign_out(page)

    people.begin_reset(page, upn)
    secrets |= {f"{name} of the attempt": value for name, value in cookies_of(page).items()}
    people.choose(page, "email")
    people.type_code(page, told("code of the reset", people.mailed_code(mailbox, address)))
    people.choose(page, "recovery_code")
    people.type_code(page, secrets["recovery code 3"])
    people.new_password(page, NEW)
    assert page.url.endswith("/passwordreset/done")
    people.sign_in(page, upn, NEW)
    return secrets


def cookies_of(page) -> dict[str, str]:
    """All of them but the language, which is no secret."""
    held = {f"cookie {one['name']}": one["value"] for one in page.context.cookies()}
    return {name: value for name, value in held.items() if "language" not in name}


def pair(page) -> App:
    page.goto("/ssprsetup/app")
    app = App(page.text_content("code.key") or "")
    page.fill("[name=name]", "phone")
    people.type_code(page, app.code())
    return app


def everything(site: Site) -> Iterator[tuple[str, bytes]]:
    """Whatever the service keeps, by where it lies."""
    for log in site.var.glob("*.log"):
        yield log.name, log.read_bytes()
    if "DATABASE_URL" in site.env:
        yield from tables(site.env["DATABASE_URL"])
    else:
        for file in site.var.glob("sspr.sqlite3*"):
            yield file.name, file.read_bytes()
    if "REDIS_URL" in site.env:
        yield "redis", redis(site.env["REDIS_URL"])
    else:
        yield "broker", b"".join(map(Path.read_bytes, files(site.var / "broker")))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def tables(url: str) -> Iterator[tuple[str, bytes]]:
    with psycopg.connect(as_role(url, SUPERUSER)) as connection:
        named = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in named.fetchall():
            with connection.cursor().copy(f'COPY "{name}" TO STDOUT') as rows:
                yield name, b"".join(map(bytes, rows))


def redis(url: str) -> bytes:
    found = []
    with Redis.from_url(url) as server:
        for name in server.scan_iter():
            found += [name, server.dump(name) or b""]
    return b"\n".join(found)


def lies_in(secret: str, held: bytes) -> bool:
    """Whether it is there as it is, or as it would be written down."""
    if secret.isdigit() and len(secret) < len("123456789"):
        # So few digits are in any long number.
        return bool(re.search(rb"(?<![0-9a-f.])%b(?![0-9a-f])" % secret.encode(), held))
    raw = [secret.encode()]
    if re.fullmatch(r"[0-9a-f]{32,}", secret):
        raw.append(bytes.fromhex(secret))
    coded = {
        form
        for one in raw
        for form in (
            one,
            one.hex().encode(),
            base64.b64encode(one).rstrip(b"="),
            base64.urlsafe_b64encode(one).rstrip(b"="),
        )
    }
    return any(form in held for form in coded)
