import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from audit.activities import Activity, Outcome
from audit.models import Event
from directory.models import User
from reset.models import ResetAttempt
from tenants.models import Branding
from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.captcha import solved

NEW = "correct horse battery staple"
PAGE = "/changepassword"


@pytest.fixture
def user(contoso):
    return make_user()


def change(client, old=PASSWORD, new=NEW, again=None):
    typed = {"password": old, "new_password": new, "confirm_password": again or new}
    return client.post(PAGE, typed)


def is_password(user, password) -> bool:
    answer = Client().post("/signin", {"username": user.upn, "password": password})
    return answer.status_code == 302


def test_who_knows_the_old_password_sets_a_new_one_and_stays_signed_in(user, mailroom):
    here, elsewhere = signed_in(user), signed_in(user)

    assert change(here).status_code == 302

    assert here.get("/security-info").status_code == 200
    assert elsewhere.get("/security-info").status_code == 302
    assert is_password(user, NEW)
    assert not is_password(user, PASSWORD)
    assert "was changed" in mailroom.work()[0].subject
    assert Event.objects.filter(activity=Activity.PASSWORD_CHANGED).exists()


@pytest.mark.parametrize("path", ["/", "/passwordreset", "/security-info"])
def test_who_knows_the_password_is_led_there_from_where_people_look_for_it(user, path):
    assert f'href="{PAGE}"' in signed_in(user).get(path).text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"old": "wrong"}, "Your current password is not correct"),
        ({"old": ""}, "Enter your current password"),
        ({"new": PASSWORD}, "The new password must differ from the current one"),
        ({"new": "short"}, "Use at least 12 characters"),
        ({"again": "something else entirely"}, "The passwords don’t match"),
        ({"new": "minji minji minji"}, "contains your name"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_said_at_the_field_and_changes_nothing(user, typed, words):
    page = change(signed_in(user), **typed)

    assert words in page.text
    assert is_password(user, PASSWORD)


def test_what_is_missing_is_asked_for_in_korean_and_not_just_named(user):
    client = signed_in(user)
    client.get(PAGE, {"lng": "ko"})

    page = client.post(PAGE, {"password": ""}).text

    assert page.count("새 비밀번호를 한 번 더 입력하세요") == 2


def test_eleventh_guess_at_the_old_password_isnt_looked_at(user):
    client = signed_in(user)
    for number in range(10):
        change(client, old=f"wrong {number}")

    page = change(client)

    assert "Paused until" in page.text
    assert is_password(user, PASSWORD)
    failed = Event.objects.filter(activity=Activity.PASSWORD_CHANGED, outcome=Outcome.FAILURE)
    assert failed.count() == 10


def test_only_who_is_signed_in_finds_the_page(user):
    assert Client().get(PAGE).url.startswith("/signin?next=")
    assert change(Client()).status_code == 302
    assert is_password(user, PASSWORD)


def test_a_password_kept_elsewhere_isnt_changed_here(user):
    client = signed_in(user)
    User.objects.filter(pk=user.pk).update(connector="ldap")

    page = change(client)

    assert "doesn’t let you change this password yourself" in page.text


def test_a_temporary_password_opens_nothing_but_its_change(user):
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    client = signed_in(user)

    for path in ("/", "/ssprsetup", "/security-info", "/admin/", "/passwordreset"):
        assert client.get(path).url == PAGE
    assert "password is temporary" in client.get(PAGE).text

    change(client)

    assert client.get("/security-info").status_code == 200


def test_who_has_to_change_a_temporary_password_sees_the_organisations_look_and_gets_more_time(
    user, contoso
):
    look = Branding.objects.create(colour="#0b6e4f")
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    client = signed_in(user)

    assert client.get(f"/brand/{look.public_id}/{look.edition}.css").status_code == 200
    extended = client.post("/session/extend", headers={"X-Requested-With": "fetch"})
    assert extended.status_code == 204
    assert client.post("/signout").url.startswith("/signin")


@pytest.mark.parametrize("path", ["/ssprsetup/email", "/security-info/sign-out-everywhere"])
def test_a_temporary_password_posts_nothing_elsewhere_either(user, path):
    User.objects.filter(pk=user.pk).update(must_change_password=True)

    assert signed_in(user).post(path, {"email": "thief@mail.example"}).url == PAGE
    assert User.objects.get(pk=user.pk).session_epoch == 0


def test_a_reset_that_was_under_way_ends(user):
    make_email(user)
    Client().post("/passwordreset", solved({"username": user.upn}))

    change(signed_in(user))

    assert ResetAttempt.objects.get().refused == "R07"


@pytest.mark.parametrize("blank", ["\xa0", "\u3000"])
def test_a_blank_of_another_kind_is_the_same_password(user, blank):
    new = f"a{blank}password{blank}from a document"

    assert change(signed_in(user), new=new, again=new.replace(blank, " ")).status_code == 302

    assert is_password(user, "a password from a document")
    assert is_password(user, new)
    repeated = change(signed_in(user, new), old=new, new=new.replace(blank, "\u2003"))
    assert "must differ" in repeated.text


def test_a_hash_that_was_made_with_another_blank_is_still_right(user):
    user.password = make_password("an\xa0older password")
    user.save()

    assert not is_password(user, "an older password")
    assert is_password(user, "an\xa0older password")
