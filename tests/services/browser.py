"""Debian's Chromium, driven by Playwright, and axe-core for accessibility."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
STANDARDS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
_FLAGS = [
    "--no-sandbox",  # Chromium refuses to run as root with its sandbox; the pages are our own.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# Two databases are tested at once on two cores: what takes a second alone may take ten.
_PATIENCE_MS = 40_000
_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


@dataclass(frozen=True, slots=True)
class Violation:
    """One accessibility rule that a page breaks."""

    rule: str
    impact: str
    help: str
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Someone in front of the screen."""

    language: str = "en-US"
    width: int = 1280
    height: int = 800
    dark: bool = False
    javascript: bool = True
    reduced_motion: bool = True


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a screen.

    Playwright keeps an event loop in the thread of the tests, which Django takes for asynchronous
    code; it's allowed as long as the browser runs.
    """
    before = os.environ.get(_UNSAFE)
    os.environ[_UNSAFE] = "1"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
            yield browser
            browser.close()
    finally:
        del os.environ[_UNSAFE]
        if before is not None:
            os.environ[_UNSAFE] = before


@contextmanager
def page_for(browser: Browser, base_url: str, reader: Reader) -> Iterator[Page]:
    """A page in a browser profile of its own: no cookies, nothing cached.

    Raises:
        AssertionError: at the end, when a script failed or the content security policy was broken.
    """
    context = browser.new_context(
        base_url=base_url,
        locale=reader.language,
        viewport={"width": reader.width, "height": reader.height},
        color_scheme="dark" if reader.dark else "light",
        reduced_motion="reduce" if reader.reduced_motion else "no-preference",
        java_script_enabled=reader.javascript,
    )
    context.set_default_timeout(_PATIENCE_MS)
    broken: list[str] = []
    context.on("weberror", lambda error: broken.append(str(error.error)))
    context.on("console", lambda line: broken.extend(_policy_breaks(line.text)))
    try:
        yield context.new_page()
    finally:
        context.close()
    assert not broken, f"The browser complained: {broken}"


def axe(page: Page) -> list[Violation]:
    """What axe-core finds wrong with the page as it is now."""
    # Every rule runs on every element; only of violations all the elements are written down.
    options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options)
    return [
        Violation(
            rule=one["id"],
            impact=str(one["impact"]),
            help=one["help"],
            where=tuple(str(node["target"]) for node in one["nodes"]),
        )
        for one in found.response["violations"]
    ]


def _policy_breaks(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line else []
