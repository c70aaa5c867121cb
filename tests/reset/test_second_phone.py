from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from directory.models import User
from registration.services.manage import remove
from reset.models import PassedGate, ResetAttempt
from reset.queries.eligibility import eligibility_of, is_capable
from reset.refusals import Refusal
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.test_flows import choose, enter, has, identify, set_password
from tests.builders import (
    make_email,
    make_method,
    make_phone,
    make_prefill,
    make_second_phone,
    make_user,
)
from tests.pages import without_random
from verification.models import Challenge, RegisteredMethod

NEW = "correct horse battery staple"
FIRST, SECOND = "+821012345678", "+821087654321"


@pytest.fixture
def user(contoso, mailroom):
    user = make_user()
    make_phone(user)
    make_second_phone(user)
    return user


def offered(client):
    form = client.get("/passwordreset/verify").context["form"]
    return [value for value, _words in form.fields["method"].choices]


def could(policy):
    return set(User.objects.filter(is_capable(policy)).values_list("upn", flat=True))


def test_both_phones_are_offered_masked(user, client):
    page = identify(client)

    assert offered(client) == ["mobile_text", "mobile_call", "alternate_text", "alternate_call"]
    assert "Text a code to my alternate phone" in page.text
    assert "••• ••• ••78" in page.text
    assert "••• ••• ••21" in page.text
    assert "8765" not in without_random(page.text)


def test_a_code_goes_to_the_phone_that_was_chosen_and_opens_the_gate(user, client, mailroom):
    identify(client)
    choose(client, "alternate_text")
    enter(client, mailroom.code())
    set_password(client, NEW)

    assert mailroom.sent[0].destination == SECOND
    assert has(user, NEW)
    held = RegisteredMethod.objects.get(kind=Factor.ALTERNATE_PHONE)
    assert held.last_used_at
    assert not RegisteredMethod.objects.get(kind=Factor.MOBILE_PHONE).last_used_at


def test_a_code_sent_again_goes_to_the_same_phone(user, client, mailroom):
    identify(client)
    choose(client, "alternate_text")
    mailroom.work()
    Challenge.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    client.post("/passwordreset/resend")
    mailroom.work()

    assert [one.destination for one in mailroom.sent] == [SECOND, SECOND]


def test_the_code_of_one_phone_is_no_good_for_the_other(user, client, mailroom):
    identify(client)
    choose(client, "mobile_text")
    first = mailroom.code()
    choose(client, "alternate_text")
    mailroom.work()

    enter(client, first)

    assert not PassedGate.objects.exists()


def test_a_code_to_a_second_phone_that_was_removed_since_opens_nothing(user, client, mailroom):
    identify(client)
    choose(client, "alternate_text")
    code = mailroom.code()
    remove(user, Factor.ALTERNATE_PHONE)
    mailroom.sent.clear()

    enter(client, code)

    assert not PassedGate.objects.exists()


def test_two_phones_never_make_two_gates(user, client):
    two = Policy(self_service=Scope.ALL, methods_required=2)
    change_policy(two)

    assert "alternate" not in identify(client).text
    assert ResetAttempt.objects.get().refused == Refusal.NOT_VERIFIABLE
    assert eligibility_of(user).missing == 1
    assert could(two) == set()


def test_the_second_phone_isnt_offered_for_the_second_gate(user, client, mailroom):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    make_email(user)
    identify(client)
    choose(client, "mobile_text")
    enter(client, mailroom.code())

    assert offered(client) == ["email"]
    choose(client, "alternate_text")
    assert not Challenge.objects.filter(method=Method.ALTERNATE_TEXT).exists()


def test_an_administrator_with_two_phones_has_one_proof(contoso):
    admin = make_user("admin@contoso.example", role=Role.TENANT_ADMIN)
    make_phone(admin)
    make_second_phone(admin)
    change_policy(Policy(self_service=Scope.ALL))

    assert eligibility_of(admin).missing == 1
    assert could(Policy(self_service=Scope.ALL)) == set()


def test_a_second_phone_that_takes_texts_is_enough_where_the_first_takes_none(contoso, client):
    texts = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_TEXT}))
    change_policy(texts)
    user = make_user()
    make_method(user, Factor.MOBILE_PHONE, FIRST, sms_capable=False)
    make_second_phone(user)

    assert could(texts) == {user.upn}
    identify(client)
    assert offered(client) == ["alternate_text"]


def test_a_number_that_was_entered_as_the_office_phone_later_is_one_gate(user):
    two = Policy(self_service=Scope.ALL, methods_required=2)
    change_policy(two)
    make_prefill(user, Factor.OFFICE_PHONE, f"{SECOND}#12")

    assert eligibility_of(user).missing == 1
    assert could(two) == set()


def test_a_number_that_was_entered_as_the_mobile_phone_later_is_offered_once(contoso, client):
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.MOBILE_PHONE})))
    user = make_user()
    make_second_phone(user)
    make_prefill(user, Factor.MOBILE_PHONE, SECOND, sms_capable=True)

    identify(client)

    assert offered(client) == ["mobile_text", "mobile_call"]


def test_a_new_second_phone_waits_as_any_new_method_does(contoso, client):
    user = make_user()
    change_policy(Policy(self_service=Scope.ALL))
    old = make_phone(user)
    RegisteredMethod.objects.filter(pk=old.pk).update(
        verified_at=timezone.now() - timedelta(days=2)
    )
    make_second_phone(user)

    identify(client)

    assert offered(client) == ["mobile_text", "mobile_call"]
    assert Factor.ALTERNATE_PHONE in eligibility_of(user).waiting


def test_what_the_policy_doesnt_allow_of_the_mobile_phone_it_doesnt_of_the_second(user):
    calls = Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_CALL}))
    change_policy(calls)
    client = Client()
    identify(client)

    assert offered(client) == ["mobile_call", "alternate_call"]


def test_a_new_second_phone_takes_no_gate_away_by_being_the_office_phone(contoso):
    two = Policy(self_service=Scope.ALL, methods_required=2)
    change_policy(two)
    user = make_user()
    make_phone(user)
    RegisteredMethod.objects.update(verified_at=timezone.now() - timedelta(days=2))
    make_second_phone(user)
    make_prefill(user, Factor.OFFICE_PHONE, SECOND)

    assert eligibility_of(user).missing == 0
    assert could(two) == {user.upn}
