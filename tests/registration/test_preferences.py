"""Users and administrators choose their own language and time zone."""

import pytest
from django.conf import settings

from audit.activities import Activity
from audit.models import Event
from tenants.policy import Policy, Scope
from tenants.rules import named_time_zones
from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.console.people import behind_both, make_admin
from tests.pages import stands_in

NEW = "correct horse battery staple"
PAGE = "/security-info/preferences"


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, require_registration=False)


def chosen(client, language="usual", time_zone="usual"):
    return client.post(PAGE, {"language": language, "time_zone": time_zone}, follow=True)


def test_pages_speak_the_language_that_was_chosen_and_the_organisations_again(user):
    client = signed_in(user)

    assert "언어와 시간대를 저장했습니다." in chosen(client, "ko").text
    assert "보안 정보" in client.get("/security-info").text
    assert "보안 정보" in signed_in(user).get("/security-info").text
    assert "Your language and time zone were saved." in chosen(client).text


def test_times_are_the_users_and_the_organisations_zone_is_named(user):
    client = signed_in(user)
    assert stands_in("KST", client.get("/security-info").text)

    page = chosen(client, time_zone="Europe/London").text

    assert "United Kingdom (London)" in page
    assert "Your organisation uses the time of South Korea (Seoul)." in page
    assert stands_in("GMT", page) or stands_in("BST", page)
    assert not stands_in("KST", page)


def test_mails_follow_both(user, mailroom):
    make_email(user)
    client = signed_in(user)
    chosen(client, "ko", "Europe/London")

    passwords = {"password": PASSWORD, "new_password": NEW, "confirm_password": NEW}
    client.post("/changepassword", passwords)

    mail = mailroom.work()[0]
    assert "비밀번호" in mail.subject
    assert "(GMT)" in mail.text or "(BST)" in mail.text
    assert not stands_in("KST", mail.text)


def test_another_value_is_refused_beside_its_field(user):
    client = signed_in(user)

    page = chosen(client, "tlh", "Mars/Olympus").text

    assert "Select a language" in page
    assert "Select a time zone" in page
    user.refresh_from_db()
    assert (user.own_language, user.own_time_zone) == ("", "")


def test_the_choice_is_recorded(user):
    chosen(signed_in(user), "ko", "Asia/Tokyo")

    event = Event.objects.get(activity=Activity.PREFERENCES_CHANGED)
    assert (event.subject_id, event.actor_id) == (user.pk, user.pk)
    assert (event.details["language"], event.details["zone"]) == ("ko", "Asia/Tokyo")


def test_administrators_read_times_in_their_zone_and_switch_the_language(contoso):
    boss = make_admin()
    client = behind_both(boss)
    assert "Times are shown in the time zone South Korea (Seoul)." in client.get("/admin/").text
    boss.own_time_zone = "Europe/London"
    boss.save(update_fields=["own_time_zone"])

    page = client.get("/admin/audit/").text

    assert "your time zone, United Kingdom (London)" in page
    assert "South Korea (Seoul)" in page
    assert not stands_in("KST", page)
    assert 'href="?lng=ko"' in page
    assert "감사 로그" in client.get("/admin/audit/?lng=ko", follow=True).text


def test_the_list_of_people_filters_by_the_language_in_use(contoso):
    client = behind_both(make_admin(language="en"))
    make_user("own@contoso.example", language="en", own_language="ko")
    make_user("given@contoso.example", language="ko")
    make_user("other@contoso.example", language="ko", own_language="en")

    page = client.get("/admin/people/?language=ko").text

    assert "own@contoso.example" in page
    assert "given@contoso.example" in page
    assert "other@contoso.example" not in page


def test_every_zone_has_a_name_in_every_language():
    for language, _name in settings.LANGUAGES:
        names = [name for _zone, name in named_time_zones(language)]
        assert len(names) > 400
        assert len(set(names)) == len(names)
        assert all(names)
