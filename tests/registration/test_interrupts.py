"""What a sign-in asks before it leads on, and which users it doesn't hold up."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from console.rules import AdminAction
from console.services import people
from delivery import channels
from directory.models import User
from registration import queries as registration_queries
from tenants.models import Group
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_questions, make_user
from tests.visits import register_email
from verification.queries import methods_by_factor

SETUP, LATER, LIST = "/ssprsetup", "/ssprsetup/later", "/security-info"
RECONFIRM = "/security-info/reconfirm"


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as now:
        yield now


def sign_in(user, path="/signin") -> tuple[Client, str]:
    client = Client()
    page = client.post(path, {"username": user.upn, "password": PASSWORD})
    return client, page["Location"]


def policy(**more):
    change_policy(Policy(self_service=Scope.ALL, **more))


def ask_again(user):
    User.objects.filter(pk=user.pk).update(must_register_at=timezone.now(), registered_at=None)


def prove(client, mailroom, method="email"):
    client.post("/security-info/proof", {"method": method})
    return client.post("/security-info/proof/verify", {"code": mailroom.code()})


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "Skip for now (7 days left)"),
        (5, "Skip for now (2 days left)"),
        (6, "Today is the last day you can skip this."),
        (7, "You can’t skip this any more."),
        (30, "You can’t skip this any more."),
    ],
)
def test_registering_may_be_put_off_for_as_many_days_as_the_policy_says(user, clock, days, said):
    sign_in(user)
    clock.shift(timedelta(days=days))
    client, first = sign_in(user)

    page = client.get(SETUP)

    assert first == SETUP
    assert "<h1>More information required</h1>" in page.text
    assert page.text.split("<title>")[1].strip().startswith("More information required")
    assert said in page.text
    assert ("Skip for now" in page.text) == (days < 7)


def test_not_now_leads_to_where_the_person_was_going_and_is_written_down(user):
    client, first = sign_in(user, "/signin?next=/changepassword")

    page = client.post(LATER)

    assert first == SETUP
    assert page.url == "/changepassword"
    assert client.get(page.url).status_code == 200
    assert Event.objects.filter(activity=Activity.REGISTRATION_SKIPPED).count() == 1


def test_not_now_needs_a_post(user):
    client, _ = sign_in(user)

    assert client.get(LATER).status_code == 405


@pytest.mark.parametrize(
    "path",
    [LIST, "/changepassword", "/", "/admin/", "/security-info/reconfirm"],
)
def test_after_the_last_day_every_other_address_leads_to_the_wizard(user, clock, path):
    sign_in(user)
    clock.shift(timedelta(days=7))
    client, _ = sign_in(user)

    assert client.get(path).url == SETUP
    assert client.post(LATER).url == SETUP
    assert client.post("/security-info/sign-out-everywhere").url == SETUP
    assert not Event.objects.filter(activity=Activity.REGISTRATION_SKIPPED).exists()


@pytest.mark.parametrize(
    "path", [SETUP, "/ssprsetup/email", "/ssprsetup/phone", "/passwordreset", "/healthz"]
)
def test_the_wizard_and_a_reset_stay_open(user, clock, path):
    policy(registration_skip_days=0)
    client, _ = sign_in(user)

    assert client.get(path).status_code == 200


def test_who_is_held_up_may_sign_out_and_change_the_language(user):
    policy(registration_skip_days=0)
    client, _ = sign_in(user)

    korean = client.get(f"{LIST}?lng=ko", follow=True)

    assert korean.request["PATH_INFO"] == SETUP
    assert 'lang="ko"' in korean.text
    assert client.post("/signout").url == "/signin?out"


def test_zero_days_hold_up_at_once_and_registering_opens_everything(user, mailroom):
    policy(registration_skip_days=0)
    client, first = sign_in(user)
    closed = client.get(LIST)

    register_email(client, mailroom)

    assert (first, closed.url) == (SETUP, SETUP)
    assert client.get(LIST).status_code == 200
    assert client.post(SETUP).url == "/ssprsetup/done"
    assert sign_in(user)[1] == LIST


def test_the_days_begin_anew_after_everything_was_registered_once(user, mailroom, clock):
    client, _ = sign_in(user)
    register_email(client, mailroom)
    client.post(SETUP)
    clock.shift(timedelta(days=30))
    policy(methods_required=2)
    client, first = sign_in(user)

    page = client.get(SETUP)

    assert first == SETUP
    assert "Skip for now (7 days left)" in page.text


def test_partial_registration_asks_only_for_what_is_missing(user):
    make_email(user)
    policy(methods_required=2)
    client, first = sign_in(user)

    page = client.get(first)

    assert "Almost done. Add one more of these." in page.text
    assert "Mobile phone" in page.text
    assert "Alternate email" not in page.text


def test_the_last_missing_method_leads_back_to_the_wizard_of_who_was_asked(user, mailroom):
    policy(methods_required=2)
    make_phone(user)
    User.objects.filter(pk=user.pk).update(registered_at=timezone.now() - timedelta(days=9))
    client, _ = sign_in(user)
    client.post("/security-info/proof", {"method": "mobile_text"})
    client.post("/security-info/proof/verify", {"code": mailroom.code()})

    page = register_email(client, mailroom)

    assert page.request["PATH_INFO"] == SETUP


def test_of_administrators_two_methods_are_asked(user):
    admin = make_user("admin@contoso.example", role=Role.TENANT_ADMIN)
    make_email(admin)

    assert sign_in(admin, "/signin?next=/admin/")[1] == SETUP
    make_phone(admin)
    assert sign_in(admin, "/signin?next=/admin/")[1] == "/admin/"


@pytest.mark.parametrize("must", [False, True])
def test_who_is_out_of_scope_is_never_interrupted(user, must):
    Group.objects.create(name="pilot")
    change_policy(
        Policy(self_service=Scope.GROUPS, groups=frozenset({"pilot"}), registration_skip_days=0)
    )
    if must:
        ask_again(user)
    client, first = sign_in(user)

    assert first == LIST
    assert client.get(LIST).status_code == 200


def test_where_registration_is_not_required_nobody_is_asked(user):
    policy(require_registration=False, registration_skip_days=0)
    client, first = sign_in(user)

    assert first == LIST
    assert client.get(LIST).status_code == 200


def test_a_temporary_password_is_changed_first_and_then_registering_is_asked(user):
    policy(registration_skip_days=0)
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    client, _ = sign_in(user)
    new = "correct horse battery staple"
    typed = {"password": PASSWORD, "new_password": new, "confirm_password": new}

    first = client.get(SETUP)
    changed = client.post("/changepassword", typed)

    assert first.url == "/changepassword"
    assert changed.url == SETUP
    assert client.get(LIST).url == SETUP


def test_nobody_is_kept_out_for_what_cannot_be_delivered_here(user, monkeypatch):
    policy(
        reset_methods=frozenset({Method.EMAIL, Method.MOBILE_TEXT}),
        methods_required=2,
        registration_skip_days=0,
    )
    monkeypatch.setattr("verification.queries.deliverable.available", lambda kind: kind == "email")
    client, first = sign_in(user)

    page = client.get(first)

    assert first == SETUP
    assert "Contact your administrator. You can continue until then." in page.text
    assert client.get(LIST).status_code == 200


def test_an_administrator_asks_again_at_once_and_without_grace(user):
    make_email(user)
    client, _ = sign_in(user)
    before = client.get(LIST)
    ask_again(user)

    assert before.status_code == 200
    assert client.get(LIST).url == SETUP
    assert "Skip for now" not in client.get(SETUP).text
    assert client.post(LATER).url == SETUP


def test_asked_again_each_method_is_confirmed_singly_not_by_pressing_finish(user, mailroom, clock):
    make_email(user)
    make_phone(user)
    clock.shift(timedelta(hours=1))
    ask_again(user)
    clock.shift(timedelta(hours=1))
    client, _ = sign_in(user)

    nothing = client.post(SETUP)
    prove(client, mailroom)
    half = client.post(SETUP)
    clock.shift(timedelta(minutes=1))
    prove(client, mailroom, "mobile_text")
    both = client.post(SETUP)

    assert "Confirm each of your methods before you finish" in nothing.text
    assert nothing.text.count(">Confirm<") == 2
    assert "Confirm each of your methods before you finish" in half.text
    assert half.text.count(">Confirm<") == 1
    assert both.url == "/ssprsetup/done"
    assert client.get(LIST).status_code == 200
    user.refresh_from_db()
    assert user.registered_at
    assert user.must_register_at is None


def test_asked_again_a_lost_method_can_be_removed_instead(user, mailroom, clock):
    make_email(user)
    make_phone(user)
    clock.shift(timedelta(hours=1))
    ask_again(user)
    client, _ = sign_in(user)
    prove(client, mailroom)

    client.post("/security-info/remove/mobile_phone")

    assert set(methods_by_factor(user.pk)) == {Factor.EMAIL}
    assert client.post(SETUP).url == "/ssprsetup/done"


def test_asked_again_answers_are_written_anew(user, mailroom, clock):
    make_email(user)
    make_questions(user)
    clock.shift(timedelta(hours=1))
    ask_again(user)
    client, _ = sign_in(user)

    page = client.get(SETUP)

    assert '"/ssprsetup/questions"' in page.text


def test_what_cannot_be_confirmed_here_keeps_nobody_out_and_is_asked_another_time(
    user, monkeypatch
):
    make_email(user)
    ask_again(user)
    monkeypatch.setattr(channels, "available", lambda _kind: False)
    monkeypatch.setattr(registration_queries, "options_to_verify", lambda _user: [])
    client, first = sign_in(user)

    page = client.get(first)

    assert "You can continue until then." in page.text
    assert client.get(LIST).status_code == 200
    client.post(SETUP)
    user.refresh_from_db()
    assert user.must_register_at is not None


def test_an_administrators_button_holds_the_person_up(user):
    admin = make_user("admin@contoso.example", role=Role.TENANT_ADMIN)
    make_email(user)
    client, _ = sign_in(user)

    people.act(AdminAction.REREGISTER, admin, user, note="")

    assert client.get(LIST).url == SETUP


def test_reconfirming_is_due_after_the_days_of_the_policy(user, clock):
    make_email(user)
    User.objects.filter(pk=user.pk).update(registered_at=timezone.now())
    clock.shift(timedelta(days=179))
    before = sign_in(user)[1]
    clock.shift(timedelta(days=1))
    client, first = sign_in(user, "/signin?next=/changepassword")
    page = client.get(first)

    good = client.post(RECONFIRM)

    assert (before, first) == (LIST, RECONFIRM)
    assert "Is this still correct?" in page.text
    assert "minji.home@mail.example" not in page.text
    assert good.url == "/changepassword"
    assert sign_in(user)[1] == LIST
    assert Event.objects.filter(activity=Activity.METHODS_REVIEWED).count() == 1
    clock.shift(timedelta(days=180))
    assert sign_in(user)[1] == RECONFIRM


def test_who_never_pressed_finish_reconfirms_too(user, clock):
    make_email(user)
    clock.shift(timedelta(days=180))

    assert sign_in(user)[1] == RECONFIRM


def test_reconfirming_keeps_nobody_from_anything_and_zero_days_mean_never(user, clock):
    make_email(user)
    clock.shift(timedelta(days=730))
    client, _ = sign_in(user)

    assert client.get(LIST).status_code == 200
    policy(reconfirm_days=0)
    assert sign_in(user)[1] == LIST
    assert client.get(RECONFIRM).url == LIST


def test_a_click_before_it_is_due_stamps_nothing(user):
    make_email(user)
    client, _ = sign_in(user)

    client.post(RECONFIRM)

    user.refresh_from_db()
    assert user.reconfirmed_at is None
