from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from console.rules import AdminAction
from console.services.people import act
from directory.connectors.builtin import Builtin
from directory.models import User
from isolation.scope import current_tenant_id, in_tenant
from tenants.policy import Policy, Scope
from tenants.services import change_policy
from tests.builders import PASSWORD, make_tenant, make_user, signed_in
from tests.captcha import solved
from tests.console.people import make_admin
from tests.threads import all_at_once

NEW, NEWER = "correct horse battery", "another horse battery"
OPEN = Policy(self_service=Scope.ALL, require_registration=False)
USED = "Choose a password you have not used here before"


def decide(**settings):
    with in_tenant(current_tenant_id()):
        change_policy(replace(OPEN, **settings))


def change(client, old, new):
    typed = {"password": old, "new_password": new, "confirm_password": new}
    return client.post("/changepassword", typed)


def is_in(client):
    return client.get("/security-info").status_code == 200


def has(user, password):
    return Builtin().authenticate(User.objects.get(pk=user.pk), password).is_right


@pytest.mark.parametrize(
    ("history", "used"),
    [(0, set()), (1, {NEWER}), (2, {NEWER, NEW}), (3, {NEWER, NEW, PASSWORD})],
)
def test_so_many_passwords_dont_come_back(user, history, used):
    decide(password_history=history)
    client = signed_in(user)
    change(client, PASSWORD, NEW)
    change(client, NEW, NEWER)

    with in_tenant(current_tenant_id()):
        now = User.objects.get(pk=user.pk)
        found = {one for one in (PASSWORD, NEW, NEWER) if Builtin().was_used(now, one)}
    assert found == used
    page = change(client, NEWER, PASSWORD)
    assert (USED in page.text) == (PASSWORD in used)
    assert has(user, PASSWORD) == (PASSWORD not in used)


def test_a_reset_takes_no_password_that_may_not_come_back(user, mailroom):
    decide(password_history=1)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})

    typed = {"new_password": PASSWORD, "confirm_password": PASSWORD}
    page = client.post("/passwordreset/new-password", typed)

    assert USED in page.text
    typed = {"new_password": NEW, "confirm_password": NEW}
    assert client.post("/passwordreset/new-password", typed).status_code == 302
    assert has(user, NEW)


def test_a_user_with_a_wrong_password_does_not_learn_which_were_used(user):
    decide(password_history=5)

    page = change(signed_in(user), "wrong horse battery", PASSWORD)

    assert USED not in page.text
    assert "Your current password is not correct" in page.text


def test_no_more_is_kept_than_the_policy_needs(user):
    decide(password_history=3)
    with in_tenant(current_tenant_id()):
        for number in range(6):
            Builtin().set_password(user, f"horse number {number}")
    user.refresh_from_db()
    assert len(user.former_passwords.split()) == 2

    decide(password_history=0)
    with in_tenant(current_tenant_id()):
        Builtin().set_password(user, NEW)
    user.refresh_from_db()
    assert not user.former_passwords


def test_an_unusable_password_is_no_former_one(contoso):
    decide(password_history=5)
    nobody = make_user("new@contoso.example")
    nobody.set_unusable_password()
    nobody.save()

    Builtin().set_password(nobody, NEW)

    nobody.refresh_from_db()
    assert not nobody.former_passwords


def test_a_password_is_changed_once_in_so_many_hours(user):
    decide(password_min_age_hours=24)
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False) as clock:
        client = signed_in(user)
        assert change(client, PASSWORD, NEW).status_code == 302
        page = change(client, NEW, NEWER)
        assert "a short time ago" in page.text
        assert has(user, NEW)

        clock.shift(timedelta(hours=24))
        assert change(signed_in(user, NEW), NEW, NEWER).status_code == 302


def test_too_soon_is_said_only_to_who_knows_the_password(user):
    decide(password_min_age_hours=24)
    Builtin().set_password(user, NEW)

    page = change(signed_in(user, NEW), "wrong horse battery", NEWER)

    assert "a short time ago" not in page.text


def test_a_temporary_password_is_never_too_new_to_be_changed(user):
    decide(password_min_age_hours=24)
    temporary = act(AdminAction.TEMPORARY_PASSWORD, make_admin(), user, note="called")

    assert change(signed_in(user, temporary), temporary, NEW).status_code == 302


def test_an_old_password_is_changed_before_anything_else(user):
    decide(password_lifetime_days=90)
    Builtin().set_password(user, NEW)

    with time_machine.travel(timezone.now() + timedelta(days=89), tick=False):
        assert is_in(signed_in(user, NEW))
    with time_machine.travel(timezone.now() + timedelta(days=90), tick=False):
        client = signed_in(user, NEW)
        page = client.get("/security-info", follow=True)
        assert page.request["PATH_INFO"] == "/changepassword"
        assert "must change your password before you continue" in page.text
        assert change(client, NEW, NEWER).status_code == 302
        assert is_in(client)


def test_an_old_password_and_missing_security_info_lead_no_user_in_circles(contoso):
    with in_tenant(contoso.pk):
        change_policy(
            Policy(self_service=Scope.ALL, password_lifetime_days=90, registration_skip_days=0)
        )
    bare = make_user("bare@contoso.example")
    Builtin().set_password(bare, NEW)

    with time_machine.travel(timezone.now() + timedelta(days=90), tick=False):
        client = signed_in(bare, NEW)
        assert client.get("/", follow=True).status_code == 200
        assert client.get("/changepassword").status_code == 200
        change(client, NEW, NEWER)
        assert client.get("/security-info", follow=True).request["PATH_INFO"] == "/ssprsetup"


def test_a_temporary_password_ends(user):
    decide(temporary_password_hours=2)
    temporary = act(AdminAction.TEMPORARY_PASSWORD, make_admin(), user, note="called")
    wrong = signed_in(user, "wrong horse battery")

    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        late = signed_in(user, temporary)

    assert not is_in(late)
    assert not is_in(wrong)
    assert Event.objects.filter(activity=Activity.SIGN_IN_FAILED).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_both_former_passwords_are_remembered():
    policy = replace(OPEN, password_history=5)
    tenant = make_tenant("race", policy=policy)
    with in_tenant(tenant.pk):
        one = make_user("one@race.example")
    work = [NEW, NEWER]

    all_at_once(
        2,
        lambda: Builtin().set_password(User.objects.get(pk=one.pk), work.pop()),
        tenant_id=tenant.pk,
    )

    with in_tenant(tenant.pk):
        known = [PASSWORD, NEW, NEWER]
        now = User.objects.get(pk=one.pk)
        assert [Builtin().was_used(now, password) for password in known] == [True, True, True]


def test_where_all_is_stopped_an_old_password_isnt_changed_either(user):
    decide(password_lifetime_days=90)
    Builtin().set_password(user, NEW)
    with time_machine.travel(timezone.now() + timedelta(days=90), tick=False):
        User.objects.filter(pk=user.pk).update(frozen_at=timezone.now())
        client = signed_in(user, NEW)

        assert client.get("/", follow=True).status_code == 200
        change(client, NEW, NEWER)

    assert has(user, NEW)


TOO_MANY_TRIED = "You tried too many new passwords. Try again after"


def test_comparing_with_former_passwords_has_a_limit_when_changing(user):
    decide(password_history=24, password_min_age_hours=0)
    client = signed_in(user)
    change(client, PASSWORD, NEW)
    pages = [change(client, NEW, PASSWORD).text for _ in range(15)]

    assert [USED in page for page in pages] == [True] * 14 + [False]
    assert TOO_MANY_TRIED in pages[-1]
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert USED in change(signed_in(user, NEW), NEW, PASSWORD).text


def test_comparing_with_former_passwords_has_a_limit_at_the_end_of_a_reset(user, mailroom):
    decide(password_history=24)
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})
    typed = {"new_password": PASSWORD, "confirm_password": PASSWORD}
    pages = [client.post("/passwordreset/new-password", typed).text for _ in range(16)]

    assert [USED in page for page in pages] == [True] * 15 + [False]
    assert TOO_MANY_TRIED in pages[-1]
