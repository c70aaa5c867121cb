"""What the proof of work costs a browser, and what it costs the server beside one password hash.

    python -m bench.captcha

A browser of this machine solves it on a page of its own, at full speed and slowed down four times
as a phone of some years ago would be. The server's share is both of its tries for one page.
"""

import json
import os
import statistics
import sys
import time

import django
from playwright.sync_api import Page

_RUNS = 15
_SLOWER = 4


def solving_ms(page: Page, script: str, challenge: str) -> float:
    """From the page being there until the field is filled."""
    page.goto("http://localhost/")
    page.set_content(
        "<body data-wait='' data-show='' data-hide='' data-visible='' data-hidden=''>"
        "<form><input name=altcha type=hidden><p role=status></p></form><p id=voice></p>"
    )
    page.eval_on_selector("[role=status]", "(p, it) => { p.dataset.altcha = it; }", challenge)
    began = time.perf_counter()
    page.add_script_tag(content=script, type="module")
    page.wait_for_function("document.forms[0].elements.altcha.value")
    return (time.perf_counter() - began) * 1000


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415  # needs the settings
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415

    from tests.services.browser import chromium  # noqa: PLC0415
    from verification.rules.captcha import Action, Suspicion  # noqa: PLC0415
    from verification.services.captcha import Captcha  # noqa: PLC0415

    script = (settings.BASE_DIR / "static/js/app.js").read_text()
    with chromium() as browser:
        page = browser.new_page()
        page.route("http://localhost/", lambda route: route.fulfill(body=""))
        slow = page.context.new_cdp_session(page)
        for factor in (1, _SLOWER):
            slow.send("Emulation.setCPUThrottlingRate", {"rate": factor})
            for suspicion in Suspicion:
                asked = Captcha(Action.IDENTIFY, "192.0.2.1", {}, suspicion)
                took = [solving_ms(page, script, asked.challenge) for _ in range(_RUNS)]
                worst = max(took)
                sys.stdout.write(
                    f"browser ÷{factor}  {suspicion.name:5} "
                    f"median {statistics.median(took):7.0f} ms, worst {worst:7.0f} ms\n"
                )
    asked = Captcha(Action.IDENTIFY, "192.0.2.1", {})
    began = time.perf_counter()
    for _ in range(100):
        json.loads(asked.challenge)
    making_ms = (time.perf_counter() - began) * 10
    began = time.perf_counter()
    for _ in range(20):
        make_password("a password to compare with")
    hashing_ms = (time.perf_counter() - began) * 50
    sys.stdout.write(
        f"server: made {making_ms:.2f} ms, one password hash {hashing_ms:.1f} ms: "
        f"ratio {2 * making_ms / hashing_ms:.3f} for making and judging\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
