"""The running service, its surroundings and a browser. They start once and serve all of these."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.services.browser import Reader, chromium, page_for
from tests.services.postgres import for_a_service, fresh_database
from tests.services.redis import another_database
from tests.services.site import Site
from tests.services.site import site as running_site
from tests.services.smtp import Mailbox, smtp
from tests.services.twilio import Twilio
from tests.services.twilio import twilio as running_twilio

_SITES_REDIS = 1


_FORGET_THE_NETWORK = "from limits.models import Counter; Counter.objects.all().delete()"


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with smtp() as running:
        yield running


@pytest.fixture(scope="session")
def twilio() -> Iterator[Twilio]:
    with running_twilio() as running:
        yield running


@pytest.fixture(scope="session")
def site(
    mailbox: Mailbox, twilio: Twilio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The service on the kind of database and broker that this run of the tests uses."""
    settings = {"EMAIL_URL": mailbox.url, **twilio.env}
    owner = ""
    with ExitStack() as stack:
        if "DATABASE_URL" in os.environ:
            owner = stack.enter_context(fresh_database(os.environ["DATABASE_URL"]))
            settings["DATABASE_URL"] = for_a_service(owner)
        if "REDIS_URL" in os.environ:
            settings["REDIS_URL"] = another_database(os.environ["REDIS_URL"], _SITES_REDIS)
        yield stack.enter_context(
            running_site(tmp_path_factory.mktemp("site"), settings, owner=owner)
        )


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """`open_page(language="ko-KR", width=375, dark=True, …)`: see `Reader`. Paths are enough."""
    with ExitStack() as stack:

        def opened(**reader: Any) -> Page:
            if not reader.get("javascript", True):
                # Of a network with many user IDs lately, a browser without script has to wait. All
                # tests of a process come from one network.
                site.manage("shell", "--command", _FORGET_THE_NETWORK)
            return stack.enter_context(page_for(browser, site.url, Reader(**reader)))

        yield opened


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()
