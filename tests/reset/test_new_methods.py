"""A method that was registered just now resets nothing, where an older one could."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from account.services import freezing
from audit.services import Actor
from console.queries.policy import impact
from directory.models import User
from isolation.scope import in_tenant
from registration.queries import is_complete
from registration.services import manage
from reset.queries.eligibility import eligibility_of, is_capable
from reset.refusals import Refusal
from tenants.policy import Factor, Method, Policy, Scope
from tenants.queries import tenant_in_force
from tenants.services import change_policy
from tests.attacks.test_flows import choose, enter, identify
from tests.builders import (
    as_if_entered,
    make_email,
    make_method,
    make_phone,
    make_prefill,
    make_user,
    signed_in,
)
from tests.console.people import behind_both, code_now, make_admin, with_app
from tests.visits import register_email
from verification.models import RegisteredMethod
from verification.queries import methods_by_factor
from verification.services import contacts, factors

APPS = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.AUTHENTICATOR, Method.EMAIL}))


@pytest.fixture
def user(contoso):
    return make_user()


def old(method, days=30):
    """As if it had been registered that long ago."""
    then = timezone.now() - timedelta(days=days)
    RegisteredMethod.objects.filter(pk=method.pk).update(verified_at=then)
    return method


def offered(user):
    """What the portal offers a user who begins now."""
    client = Client()
    page = identify(client, user.upn)
    if page.context and page.context.get("refusal") is Refusal.NOT_VERIFIABLE:
        return set()
    return {option.method.factor for option in eligibility_of(user).options}


def prove(client, mailroom, method=Method.EMAIL):
    client.get("/ssprsetup/email")
    client.post("/security-info/proof", {"method": method})
    client.post("/security-info/proof/verify", {"code": mailroom.code()})


def test_a_new_phone_is_not_offered_and_opens_nothing_beside_an_older_mailbox(user, mailroom):
    old(make_email(user))
    make_phone(user)
    client = Client()
    identify(client)

    assert offered(user) == {Factor.EMAIL}
    choose(client, Method.MOBILE_TEXT)
    assert not mailroom.work()


def test_after_the_hours_it_counts(user):
    old(make_email(user))
    make_phone(user)

    with time_machine.travel(timezone.now() + timedelta(hours=24), tick=False):
        assert offered(user) == {Factor.EMAIL, Factor.MOBILE_PHONE}


def test_a_first_registration_counts_at_once(user):
    make_email(user)
    make_phone(user)

    assert offered(user) == {Factor.EMAIL, Factor.MOBILE_PHONE}


def test_it_counts_at_once_where_the_policy_says_so(contoso):
    change_policy(Policy(self_service=Scope.ALL, new_proof_hours=0))
    user = make_user()
    old(make_email(user))
    make_phone(user)

    with in_tenant(contoso.pk):
        assert offered(user) == {Factor.EMAIL, Factor.MOBILE_PHONE}


def test_an_older_method_that_the_policy_doesnt_want_holds_nothing_up(contoso):
    phones = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_TEXT}))
    change_policy(phones)
    user = make_user()
    old(make_email(user))
    make_phone(user)

    with in_tenant(contoso.pk):
        assert offered(user) == {Factor.MOBILE_PHONE}


def test_who_replaces_the_only_mailbox_doesnt_get_in_by_the_new_one(user, mailroom):
    """The takeover itself: the thief is in, and makes the way back their own."""
    old(make_email(user))
    client = signed_in(user)
    prove(client, mailroom)
    register_email(client, mailroom, "thief@mail.example")
    assert RegisteredMethod.objects.get(user=user).known_since is not None

    assert offered(user) == set()
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert offered(user) == {Factor.EMAIL}


def test_who_removes_the_older_one_doesnt_get_in_by_the_new_one(user):
    old(make_email(user))
    make_phone(user)

    manage.remove(user, Factor.EMAIL)

    assert offered(user) == set()


def test_who_mistypes_at_the_first_registration_corrects_it_freely(user, mailroom):
    client = signed_in(user)
    register_email(client, mailroom, "minij.home@mail.example")
    prove(client, mailroom)
    register_email(client, mailroom, "minji.home@mail.example")

    assert offered(user) == {Factor.EMAIL}


def test_verifying_the_same_address_again_makes_it_no_newer(user, mailroom):
    old(make_email(user, "minji.home@mail.example"))
    old(make_phone(user))
    client = signed_in(user)
    prove(client, mailroom)

    register_email(client, mailroom, "minji.home@mail.example")

    verified_at = methods_by_factor(user.pk)[Factor.EMAIL].verified_at
    assert timezone.now() - verified_at < timedelta(minutes=1)
    assert offered(user) == {Factor.EMAIL, Factor.MOBILE_PHONE}


def test_confirming_what_counted_already_makes_it_no_newer(contoso, mailroom):
    trusting = Policy(
        self_service=Scope.ALL, prefilled_usable=frozenset({Factor.EMAIL, Factor.OFFICE_PHONE})
    )
    change_policy(trusting)
    with in_tenant(contoso.pk):
        user = make_user()
        make_prefill(user, Factor.EMAIL, "minji.home@mail.example")
        make_prefill(user, Factor.OFFICE_PHONE, "+8221112222")
        then = timezone.now() - timedelta(days=3)
        as_if_entered(user, then)
        client = signed_in(user)
        register_email(client, mailroom, "minji.home@mail.example")

        assert methods_by_factor(user.pk)[Factor.EMAIL].since == then
        assert offered(user) == {Factor.EMAIL, Factor.OFFICE_PHONE}


def test_a_new_app_shows_no_right_code_at_a_reset_where_an_older_one_does(contoso, mailroom):
    change_policy(APPS)
    with in_tenant(contoso.pk):
        user = make_user()
        old(make_email(user))
        with_app(user)
        client = Client()
        identify(client)
        assert offered(user) == {Factor.EMAIL}

        first = with_app(user)
        then = timezone.now() - timedelta(days=3)
        RegisteredMethod.objects.filter(pk=first.pk).update(verified_at=then, counter=2**40)
        client = Client()
        identify(client)
        choose(client, Method.AUTHENTICATOR)
        page = client.post("/passwordreset/app", {"code": code_now()})

    assert page.status_code == 200


def test_hours_that_are_turned_on_hold_for_a_reset_under_way(contoso, mailroom):
    change_policy(Policy(self_service=Scope.ALL, new_proof_hours=0))
    with in_tenant(contoso.pk):
        user = make_user()
        old(make_email(user))
        make_phone(user)
        client = Client()
        identify(client)
        choose(client, Method.MOBILE_TEXT)
        enter(client, mailroom.code())
        assert client.get("/passwordreset/new-password").status_code == 200

        change_policy(Policy(self_service=Scope.ALL, new_proof_hours=24))

    assert client.get("/passwordreset/new-password").url == "/passwordreset/verify"


def test_registration_is_complete_whatever_the_hours(contoso):
    two = Policy(self_service=Scope.ALL, methods_required=2)
    change_policy(two)
    with in_tenant(contoso.pk):
        user = make_user()
        old(make_email(user))
        make_phone(user)

        assert is_complete(user)


def test_pages_say_from_when_it_counts(user):
    old(make_email(user))
    make_phone(user)
    person, admin = signed_in(user), behind_both(make_admin())

    for page in ("/security-info", "/ssprsetup"):
        assert person.get(page).text.count("Can be used for a reset from") == 1
    shown = admin.get(f"/admin/people/{user.pk}/").text
    assert "Mobile phone is new and can be used for a reset" in shown
    assert "Yes, with alternate email" in shown


def test_nothing_is_said_where_nothing_waits(user):
    make_email(user)
    make_phone(user)

    assert "Can be used for a reset from" not in signed_in(user).get("/security-info").text


def test_what_is_taken_back_by_a_veto_makes_nothing_else_wait(user, mailroom):
    old(make_email(user))
    phone = make_phone(user)

    freezing.remove_added_methods(user, added=phone.pk, since=timezone.now())

    assert User.objects.get(pk=user.pk).older_proof_lost_at is None
    assert offered(user) == {Factor.EMAIL}


MONTH = Policy(
    self_service=Scope.ALL,
    email_min_age_days=30,
    prefilled_usable=frozenset({Factor.EMAIL, Factor.OFFICE_PHONE}),
)


def test_a_new_address_counts_when_it_has_the_minimum_age_and_a_phone_after_the_hours(user):
    change_policy(MONTH)
    now = timezone.now()
    old(make_phone(user))
    make_email(user)
    make_method(user, Factor.OFFICE_PHONE, "+8221112222")

    for days, counting in ((0, set()), (2, {Factor.OFFICE_PHONE}), (29, {Factor.OFFICE_PHONE})):
        with time_machine.travel(now + timedelta(days=days), tick=False):
            assert offered(user) == {Factor.MOBILE_PHONE} | counting
    with time_machine.travel(now + timedelta(days=30, seconds=1), tick=False):
        assert offered(user) == {Factor.MOBILE_PHONE, Factor.OFFICE_PHONE, Factor.EMAIL}


def test_a_first_address_counts_at_once_whatever_the_minimum_age(user):
    change_policy(MONTH)
    make_email(user)
    make_phone(user)

    assert offered(user) == {Factor.EMAIL, Factor.MOBILE_PHONE}


def test_an_address_that_is_changed_has_to_reach_the_minimum_age(user, mailroom):
    change_policy(MONTH)
    old(make_email(user), days=10)
    client = signed_in(user)
    prove(client, mailroom)
    register_email(client, mailroom, "thief@mail.example")

    for days in (0, 2, 29):
        with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
            assert offered(user) == set()
            changed = User.objects.get(pk=user.pk)
            assert eligibility_of(changed).refusal is Refusal.NOT_VERIFIABLE
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        assert offered(user) == {Factor.EMAIL}


def test_a_new_phone_waits_though_the_address_hasnt_the_minimum_age_yet(user):
    change_policy(MONTH)
    old(make_email(user), days=10)
    make_phone(user)

    assert offered(user) == {Factor.EMAIL}


def test_an_address_that_an_administrator_enters_later_has_to_reach_the_minimum_age(user):
    change_policy(MONTH)
    now = timezone.now()
    old(make_phone(user))
    contacts.enter(user, Factor.EMAIL, "a@mail.example", sms_capable=False, actor_id=Actor.COMMAND)

    for days, counting in ((2, set()), (31, {Factor.EMAIL})):
        with time_machine.travel(now + timedelta(days=days), tick=False):
            assert offered(user) == {Factor.MOBILE_PHONE} | counting


def test_an_address_that_is_entered_after_a_loss_has_to_reach_the_minimum_age(user):
    change_policy(MONTH)
    now = timezone.now()
    lost_at = now - timedelta(days=10)
    User.objects.filter(pk=user.pk).update(older_proof_lost_at=lost_at)
    contacts.enter(user, Factor.EMAIL, "a@mail.example", sms_capable=False, actor_id=Actor.COMMAND)

    for days, counting in ((29, set()), (31, {Factor.EMAIL})):
        with time_machine.travel(now + timedelta(days=days), tick=False):
            assert offered(user) == counting


def test_a_phone_that_is_entered_beside_it_leaves_an_address_held(user):
    change_policy(MONTH)
    now = timezone.now()
    old(make_phone(user))
    for days, factor, value in (
        (0, Factor.EMAIL, "a@mail.example"),
        (5, Factor.OFFICE_PHONE, "+8221112222"),
    ):
        with time_machine.travel(now + timedelta(days=days), tick=False):
            contacts.enter(user, factor, value, sms_capable=False, actor_id=Actor.COMMAND)

    with time_machine.travel(now + timedelta(days=7), tick=False):
        assert offered(user) == {Factor.MOBILE_PHONE, Factor.OFFICE_PHONE}


def test_a_minimum_age_counts_at_once_and_rewrites_no_row(user):
    old(make_phone(user))
    old(make_email(user), days=10)
    factors.refresh([user.pk])
    row = User.objects.values().get(pk=user.pk)
    needs_both = {
        days: replace(MONTH, methods_required=2, email_min_age_days=days) for days in (0, 9, 30)
    }

    change_policy(needs_both[30])

    assert User.objects.values().get(pk=user.pk) == row
    assert impact(needs_both[0], needs_both[30]).first_names == (user.upn,)
    for days, capable in ((0, True), (9, True), (30, False)):
        assert User.objects.filter(is_capable(needs_both[days])).exists() is capable


def test_a_minimum_age_that_is_set_meanwhile_holds_for_a_reset_under_way(user, mailroom):
    change_policy(replace(MONTH, email_min_age_days=0))
    old(make_phone(user))
    old(make_email(user), days=10)
    client = Client()
    identify(client)
    choose(client, Method.EMAIL)
    enter(client, mailroom.code())
    assert client.get("/passwordreset/new-password").status_code == 200

    change_policy(MONTH)

    assert client.get("/passwordreset/new-password").url == "/passwordreset/verify"


@pytest.mark.parametrize(
    ("language", "counts", "on_the_page_of_the_person"),
    [
        (
            "en",
            "Can be used for a reset from",
            "Alternate email is new and can be used for a reset",
        ),
        ("ko", "부터 재설정에 사용 가능", "새로 등록한 인증 방법(보조 이메일)"),
    ],
)
def test_pages_say_from_when_an_address_counts(user, language, counts, on_the_page_of_the_person):
    change_policy(MONTH)
    old(make_phone(user))
    verified_at = make_email(user).verified_at
    person, admin = signed_in(user), behind_both(make_admin())
    zone = ZoneInfo(tenant_in_force().time_zone)
    day = timezone.localtime(verified_at + timedelta(days=30), zone).date().isoformat()

    for page in ("/security-info", "/ssprsetup"):
        shown = person.get(page, headers={"accept-language": language}).text
        assert shown.count(f'<time datetime="{day}') == 1
        assert counts in shown
    address = f"/admin/people/{user.pk}/"
    shown = admin.get(address, headers={"accept-language": language}).text
    assert f'<time datetime="{day}' in shown
    assert on_the_page_of_the_person in shown


def test_an_app_that_was_taken_away_takes_along_what_it_proved(user):
    change_policy(replace(APPS, new_proof_hours=0))
    lost = with_app(user)
    with_app(user)
    client = Client()
    identify(client, user.upn)
    choose(client, "authenticator")
    client.post("/passwordreset/app", {"code": code_now()})
    assert client.get("/passwordreset/new-password").status_code == 200

    RegisteredMethod.objects.filter(pk=lost.pk).update(removed_at=timezone.now())

    assert client.get("/passwordreset/new-password").status_code == 302
