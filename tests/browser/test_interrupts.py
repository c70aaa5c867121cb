"""What a sign-in asks before it leads on, as people meet it: small and wide, in both languages."""

import pytest

from tests.browser import people
from tests.browser.test_pages import Inspector

BACK = "https://portal.example.com/apps"


@pytest.fixture(scope="module", params=["en", "ko"])
def language(request):
    return request.param


@pytest.fixture(scope="module")
def organisation(site, language):
    """Only user 1 is registered, long ago."""
    organisation = people.found(
        site,
        people=2,
        language=language,
        methods_required=2,
        return_to_hosts="portal.example.com",
    )
    site.manage(
        "shell",
        "--command",
        f"""
from datetime import timedelta
from django.utils import timezone
from directory.models import User
from isolation.scope import in_tenant
from tenants.queries import tenant_by_slug
from tests.builders import make_email, make_phone
with in_tenant(tenant_by_slug("{organisation.slug}").pk):
    user = User.objects.get(upn="user1@{organisation.domain}")
    make_email(user)
    make_phone(user)
    long_ago = timezone.now() - timedelta(days=200)
    User.objects.filter(pk=user.pk).update(registered_at=long_ago)
""",
    )
    return organisation


@pytest.fixture
def page(open_page, language):
    wide = {"language": "en-US", "width": 1280}
    return open_page(**(wide if language == "en" else {"language": "ko-KR", "width": 375}))


def test_what_is_missing_is_asked_and_may_be_put_off(page, organisation):
    inspector = Inspector(page)

    people.sign_in(page, organisation.upn("user2"))
    inspector.look("asked to register")
    people.follow(page, "form[action='/ssprsetup/later'] button")
    inspector.look("put off")

    assert page.url.endswith("/security-info")
    assert inspector.wrong == []


def test_what_is_registered_is_looked_at_and_leads_back(page, organisation):
    inspector = Inspector(page)
    page.goto(f"/signin?return_to={BACK}")

    people.sign_in(page, organisation.upn("user1"))
    inspector.look("asked to reconfirm")
    people.go_on(page)
    inspector.look("confirmed")

    assert page.url.endswith("/security-info")
    assert page.get_attribute("main a[rel]", "href") == BACK
    assert inspector.wrong == []
