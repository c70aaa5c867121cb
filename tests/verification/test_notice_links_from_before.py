"""Notice links that were issued before there was a column for when."""

from datetime import timedelta
from importlib import import_module

from django.apps import apps
from django.utils import timezone

from tests.builders import make_user
from verification.models import NoticeLink
from verification.services import notice_links
from verification.services.notice_words import Notice


def test_a_link_from_before_gets_the_time_at_which_it_was_issued(contoso):
    notice_links.issue(make_user(), Notice.ADDED)
    three_days_ago = timezone.now() - timedelta(days=3)
    NoticeLink.objects.update(
        issued_at=timezone.now(), expires_at=three_days_ago + notice_links.LIFETIME
    )

    import_module("verification.migrations.0015_notice_link_of_an_act").date_back(apps, None)

    assert NoticeLink.objects.get().issued_at == three_days_ago
