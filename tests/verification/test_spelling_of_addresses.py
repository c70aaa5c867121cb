"""Spellings of an address that differ in case are one mailbox, and mail goes to what was typed."""

import io
import uuid
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from delivery.models import Kind, Outgoing
from delivery.rules.mailboxes import mailbox, mailbox_key
from delivery.services import gate
from directory.models import User
from directory.prefills import Prefill
from directory.queries import prefilled
from limits.rules import Limit
from registration.queries import address_problem, admin_entered_of
from tenants.policy import Factor, Method, Policy, Scope
from tenants.services import change_policy
from tests.attacks.test_flows import choose, identify
from tests.builders import PASSWORD, make_email, make_prefill, make_user
from tests.console.people import behind_both, make_admin
from tests.console.test_person import enter
from tests.verification.test_challenges import ask
from verification.models import RegisteredMethod
from verification.queries import blind_index, methods_by_factor, value_of
from verification.services import contacts, notices
from verification.services.challenges import Refused
from verification.services.notice_words import Notice

TYPED, OTHER = "Minji.Home@Mail.Example", "MINJI.HOME@mail.example"
STORED = "Minji.Home@mail.example"
TWO_SPELLINGS = st.text("abzAZ09._+'-#", min_size=1, max_size=30).flatmap(
    lambda local: st.tuples(
        *(
            st.lists(st.booleans(), min_size=len(local), max_size=len(local)).map(
                lambda flips: "".join(
                    one.swapcase() if flip else one for one, flip in zip(local, flips, strict=True)
                )
            )
            for _ in range(2)
        )
    )
)


def register(client, mailroom, address):
    client.post("/ssprsetup/email", {"email": address, "meant": address})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})
    return mailroom.work()


@given(TWO_SPELLINGS)
def test_every_comparison_takes_two_spellings_for_one_mailbox(spellings):
    first, second = (f"{local}@mail.example" for local in spellings)
    now = timezone.now()

    assert mailbox_key(first) == mailbox_key(second)
    assert gate.counted_destination(first) == gate.counted_destination(second)
    assert gate.without_extension(first) == first
    one, other = (
        Prefill(Factor.EMAIL, value, sms_capable=False, changed_at=now) for value in (first, second)
    )
    assert one.key == other.key


def test_the_mail_goes_to_what_was_typed(user, me, mailroom):
    register(me, mailroom, TYPED)
    code_to = mailroom.sent[0].destination
    stranger = Client()
    identify(stranger, user.upn)
    choose(stranger, Method.EMAIL)

    assert code_to == STORED
    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == STORED
    assert [mail.destination for mail in mailroom.work()] == [STORED]
    notices.tell(user, Notice.PASSWORD_CHANGED)
    assert STORED in [mail.destination for mail in mailroom.work()]


def test_another_spelling_stays_as_old_and_is_no_change(user, me, mailroom):
    then = timezone.now() - timedelta(days=30)
    register(me, mailroom, TYPED)
    RegisteredMethod.objects.filter(user=user).update(known_since=then, verified_at=then)
    before = RegisteredMethod.objects.get(user=user)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        browser = Client()
        browser.post("/signin", {"username": user.upn, "password": PASSWORD})
        browser.get("/ssprsetup/email")
        browser.post("/security-info/proof", {"method": "email"})
        browser.post("/security-info/proof/verify", {"code": mailroom.code()})
        sent = register(browser, mailroom, OTHER)

    after = RegisteredMethod.objects.get(user=user)
    assert value_of(after) == OTHER
    assert (after.pk, after.since) == (before.pk, then)
    assert not {STORED, OTHER} & {mail.destination for mail in sent}
    assert not any("was changed" in mail.text for mail in sent)


def test_the_wait_for_a_second_code_is_the_same(user, mailroom):
    context = uuid.uuid4()
    ask(user, context, destination=STORED)

    with pytest.raises(Refused) as refusal:
        ask(user, context, destination=OTHER)

    assert refusal.value.too_soon


def test_the_limits_count_one_mailbox(contoso, mailroom):
    most = Limit.CODES_TO_AN_EMAIL.value.times
    for number in range(most):
        person = make_user(f"u{number}@contoso.example")
        address = STORED if number % 2 else OTHER
        ask(person, uuid.uuid4(), destination=address)

    with pytest.raises(Refused):
        ask(make_user(), uuid.uuid4(), destination=STORED.lower())


def test_held_notices_to_one_mailbox_become_one_message(user, mailroom):
    for number in range(Limit.NOTICES_TO_A_MAILBOX_DAILY.value.times + 3):
        notices.tell(user, Notice.PASSWORD_CHANGED, also_value=OTHER if number % 2 else STORED)
        mailroom.work()

    states = Outgoing.objects.filter(kind=Kind.EMAIL).values_list("state", flat=True)
    assert Counter(states)[Outgoing.State.HELD] == 2
    assert Counter(states)[Outgoing.State.GATHERED] >= 2


def test_a_notice_goes_once_to_a_mailbox_and_not_to_the_one_that_was_proved(user, mailroom):
    make_email(user, STORED)
    notices.tell(user, Notice.ADDED, factor=Factor.EMAIL, also_value=OTHER)
    once = [mail.destination for mail in mailroom.work()]
    notices.tell(user, Notice.ADDED, factor=Factor.EMAIL, except_value=OTHER)

    assert once == [STORED, user.upn]
    assert [mail.destination for mail in mailroom.work()] == [user.upn]


def test_the_own_user_id_is_no_way_back_however_it_is_spelled(user, me, mailroom):
    change_policy(Policy(self_service=Scope.ALL, allow_tenant_mailboxes=True))
    own = "MINJI@contoso.example"
    page = me.post("/ssprsetup/email", {"email": own}, follow=True)
    make_prefill(user, Factor.EMAIL, own)
    admin = behind_both(make_admin())
    entered = enter(admin, user, email=own)

    assert address_problem(user, mailbox(own)) is not None
    assert "Enter a different address" in page.text
    assert mailroom.work() == []
    assert admin_entered_of(user) == {}
    assert "That mailbox needs the forgotten password" in entered.text


def test_an_address_of_the_organisation_is_refused_however_it_is_spelled(user, me, mailroom):
    page = me.post("/ssprsetup/email", {"email": "Team@CONTOSO.Example"}, follow=True)

    assert "contoso.example can’t be used" in page.text
    assert mailroom.work() == []


def test_what_was_entered_under_another_spelling_counts_from_then_and_stays_masked(
    user, me, mailroom
):
    policy = Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.EMAIL}))
    change_policy(policy)
    make_prefill(user, Factor.EMAIL, STORED)
    me.post("/ssprsetup/email", {"email": OTHER})
    form = me.get("/ssprsetup/email")
    me.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert OTHER not in form.text
    assert RegisteredMethod.objects.get().since == prefilled(user.pk)[Factor.EMAIL].changed_at


def test_a_code_still_counts_when_the_address_was_registered_anew_in_another_case(
    user, mailroom, client
):
    make_email(user, STORED)
    identify(client, user.upn)
    choose(client, Method.EMAIL)
    code = mailroom.code()
    RegisteredMethod.objects.all().delete()
    make_email(user, OTHER)
    page = client.post("/passwordreset/code", {"code": code}, follow=True)

    assert page.request["PATH_INFO"] == "/passwordreset/new-password"


def test_entering_another_spelling_changes_nothing(user, mailroom):
    admin = make_admin()
    assert contacts.enter(user, Factor.EMAIL, STORED, sms_capable=False, actor_id=admin.pk)

    assert not contacts.enter(user, Factor.EMAIL, OTHER, sms_capable=False, actor_id=admin.pk)
    assert prefilled(user.pk)[Factor.EMAIL].value == STORED
    assert Event.objects.filter(activity=Activity.CONTACT_ENTERED).count() == 1


def test_a_file_with_another_spelling_is_unchanged_and_keeps_what_was_verified(
    user, mailroom, tmp_path
):
    def imported(address):
        file, out = tmp_path / "people.csv", io.StringIO()
        file.write_text(f"user_principal_name,alternate_email\n{user.upn},{address}\n")
        call_command("import_users", str(file), "--tenant", "contoso", stdout=out)
        return out.getvalue()

    make_email(user, STORED.lower())
    assert blind_index(STORED) == blind_index(OTHER)
    first = imported(TYPED)
    again = imported(OTHER)

    assert "updated 1" in first
    assert "unchanged 1" in again
    assert prefilled(user.pk)[Factor.EMAIL].value == STORED


def test_a_new_person_is_stored_with_the_address_as_the_file_has_it(contoso, mailroom, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(f"user_principal_name,alternate_email\nann@contoso.example,{TYPED}\n")
    call_command("import_users", str(file), "--tenant", "contoso", stdout=io.StringIO())

    ann = User.objects.get(upn="ann@contoso.example")
    assert prefilled(ann.pk)[Factor.EMAIL].value == STORED
