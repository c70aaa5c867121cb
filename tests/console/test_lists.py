"""What the long lists of the admin have in common: what narrows them, and their pages."""

import re

import pytest
from django.utils import timezone

from audit.models import Event
from directory.models import Membership, User

LISTS = ["people/", "audit/", "groups/", "groups/{group}/"]
LONG = ["people/", "audit/", "groups/{group}/"]


def onward(page):
    """Where the button to the next page leads."""
    found = re.search(r'href="([^"]*)">(?:Next page|다음 페이지)<', page.text)
    return found and found[1].replace("&amp;", "&")


@pytest.mark.parametrize("path", LISTS)
def test_a_narrowed_list_keeps_what_was_typed_and_can_be_shown_whole_again(admin, staff, path):
    address = f"/admin/{path.format(group=staff.pk)}"

    whole, narrowed = admin.get(address), admin.get(address, {"q": "zzzz"})

    assert "Show all" not in whole.text
    assert "Show all" in narrowed.text
    assert 'value="zzzz"' in narrowed.text
    assert narrowed.text.count('role="search"') == 1


@pytest.mark.parametrize("path", LONG)
def test_every_page_of_a_long_list_leads_to_the_next_with_what_was_typed(admin, staff, path):
    User.objects.bulk_create(
        [User(upn=f"p{n:03d}@contoso.example", tenant_id=staff.tenant_id) for n in range(101)]
    )
    people = User.objects.filter(upn__startswith="p")
    Membership.objects.bulk_create([Membership(user=one, group=staff) for one in people])
    somebody = people.order_by("upn")[0]
    for _ in range(101):
        Event.objects.create(
            at=timezone.now(), activity="signed_in", outcome="success", subject_id=somebody.pk
        )
    typed = somebody.upn if path == "audit/" else "p"
    page = admin.get(f"/admin/{path.format(group=staff.pk)}", {"q": typed})
    lengths = []

    while True:
        lengths.append(page.text.count('<th scope="row">'))
        if not (address := onward(page)):
            break
        assert "q=p" in address
        page = admin.get(f"/admin/{path.format(group=staff.pk)}?{address.partition('?')[2]}")

    assert lengths == [50, 50, 1]
