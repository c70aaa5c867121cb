"""Contact data that an administrator enters: every door records, notifies and holds the same."""

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from account.services import freezing
from audit.activities import Activity
from audit.models import Event
from audit.services import Actor
from directory.models import User
from directory.queries import prefilled
from isolation.scope import in_tenant
from provisioning.models import Import
from provisioning.services import jobs
from reset.queries.eligibility import eligibility_of, is_capable
from tenants.policy import Factor, Method, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.test_flows import choose, identify
from tests.builders import (
    as_if_entered,
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_tenant,
    make_user,
)
from tests.console.people import make_admin
from tests.pages import without_random
from tests.threads import all_at_once
from verification.models import ContactNotice, NoticeLink, RegisteredMethod
from verification.services import contacts, notices
from verification.services.notice_words import Notice

HOME, MOBILE = "minji.home@mail.example", "+821012345678"
PLANTED = "02-9999-9999"
STORED = "+82299999999"
QUESTIONS = Policy(self_service=Scope.ALL, questions=Questions.GATE)


@pytest.fixture
def emma(contoso):
    """A user who registered a mailbox, a phone and questions a month ago."""
    change_policy(QUESTIONS)
    user = make_user("emma@contoso.example")
    make_email(user, HOME)
    make_phone(user)
    make_questions(user)
    long_ago(user)
    return user


@pytest.fixture
def admin(contoso):
    return make_admin("insider@contoso.example")


def long_ago(user):
    then = timezone.now() - timedelta(days=30)
    RegisteredMethod.objects.filter(user=user).update(verified_at=then)


def by_the_form(text, _tmp_path, _mailroom, admin):
    columns, row = (line.split(",") for line in text.split())
    found = dict(zip(columns, row, strict=True))
    user = User.objects.get(upn=found["user_principal_name"])
    number = f"+82{found['office_phone'].replace('-', '')[1:]}"
    contacts.enter(user, Factor.OFFICE_PHONE, number, sms_capable=False, actor_id=admin.pk)


def by_the_command(text, tmp_path, _mailroom, _admin):
    file = tmp_path / "people.csv"
    file.write_text(text)
    call_command("import_users", str(file), "--tenant", "contoso", stdout=io.StringIO())


def by_the_admin(text, _tmp_path, mailroom, admin):
    file = text.encode()
    one = jobs.take(io.BytesIO(file), name="people.csv", size=len(file), actor_id=admin.pk)
    jobs.check(one)
    mailroom.work()
    jobs.start(Import.objects.get(pk=one.pk), actor_id=admin.pk)
    job = mailroom.published.pop(0)
    mailroom.published.append(job)


DOORS = pytest.mark.parametrize(
    "door", [by_the_form, by_the_command, by_the_admin], ids=["form", "command", "admin"]
)
IMPORTS = pytest.mark.parametrize("door", [by_the_command, by_the_admin], ids=["command", "admin"])


@pytest.fixture
def go_through(tmp_path, mailroom, admin):
    """Sends a file, or one row of it, through a door; answers with what left because of it."""

    def through(door, text):
        mailroom.work()
        door(text, tmp_path, mailroom, admin)
        return mailroom.work()

    return through


def planting(*names, column="office_phone", value=PLANTED):
    rows = "".join(f"{name}@contoso.example,{value}\n" for name in names)
    return f"user_principal_name,{column}\n{rows}"


def events_about(user):
    return list(Event.objects.filter(activity=Activity.CONTACT_ENTERED, subject_id=user.pk))


@DOORS
def test_a_planted_office_phone_is_told_where_the_person_registered(emma, go_through, door):
    sent = go_through(door, planting("emma"))

    assert {mail.destination for mail in sent} == {HOME, emma.upn}
    assert all("Office phone" in mail.text for mail in sent)
    assert all("/wasnt-me/" in mail.text for mail in sent)
    assert all("9999" not in without_random(mail.text) for mail in sent)


@DOORS
def test_a_planted_office_phone_opens_nothing_before_its_hours_are_over(
    emma, mailroom, go_through, door
):
    go_through(door, planting("emma"))
    client = Client()
    identify(client, emma.upn)
    choose(client, Method.OFFICE_CALL)

    assert mailroom.work() == []
    assert Factor.OFFICE_PHONE not in {o.method.factor for o in eligibility_of(emma).options}
    assert Factor.OFFICE_PHONE in eligibility_of(emma).waiting
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=False):
        assert Factor.OFFICE_PHONE in {o.method.factor for o in eligibility_of(emma).options}


@DOORS
def test_the_history_names_the_person_and_who_did_it(emma, admin, go_through, door):
    go_through(door, planting("emma"))

    (event,) = events_about(emma)
    assert event.actor_id == (Actor.COMMAND if door is by_the_command else admin.pk)
    assert event.details["method"] == Factor.OFFICE_PHONE
    assert "9999" not in without_random(str(event.details))
    if door is not by_the_form:
        imported = Event.objects.get(activity=Activity.USERS_IMPORTED)
        assert event.details["file"] == imported.details["file"] != ""


@DOORS
def test_a_person_who_registered_a_minute_ago_is_protected_too(contoso, go_through, door):
    user = make_user("emma@contoso.example")
    make_email(user, HOME)

    sent = go_through(door, planting("emma"))

    assert {mail.destination for mail in sent} == {HOME, user.upn}
    assert {o.method.factor for o in eligibility_of(user).options} == {Factor.EMAIL}


@DOORS
def test_a_person_who_just_removed_everything_is_not_opened_by_what_is_entered_now(
    contoso, go_through, door
):
    now = timezone.now()
    user = make_user("emma@contoso.example", older_proof_lost_at=now - timedelta(hours=1))

    go_through(door, planting("emma"))

    assert eligibility_of(user).options == ()


@DOORS
def test_what_nobody_registered_beside_counts_at_once(contoso, go_through, door):
    user = make_user("emma@contoso.example")

    go_through(door, planting("emma"))

    assert {o.method.factor for o in eligibility_of(user).options} == {Factor.OFFICE_PHONE}


@DOORS
def test_the_same_again_changes_nothing_and_tells_nobody(emma, go_through, door):
    make_prefill(emma, Factor.OFFICE_PHONE, STORED)
    as_if_entered(emma, timezone.now() - timedelta(days=3))

    sent = go_through(door, planting("emma"))

    assert sent == []
    assert events_about(emma) == []
    assert Factor.OFFICE_PHONE in {o.method.factor for o in eligibility_of(emma).options}


@IMPORTS
def test_a_replaced_mobile_phone_that_counted_is_texted(contoso, go_through, door):
    change_policy(Policy(self_service=Scope.ALL, prefilled_usable=frozenset({Factor.MOBILE_PHONE})))
    user = make_user("emma@contoso.example")
    make_prefill(user, Factor.MOBILE_PHONE, MOBILE, sms_capable=True)

    sent = go_through(door, planting("emma", column="mobile_phone", value="010-9999-9999"))

    assert {message.destination for message in sent} == {MOBILE, user.upn}


@IMPORTS
def test_one_person_gets_one_notice_about_all_that_a_file_changes(emma, go_through, door):
    text = (
        f"user_principal_name,office_phone,alternate_email\nemma@contoso.example,{PLANTED},{HOME}\n"
    )

    sent = go_through(door, text)

    assert sorted(mail.destination for mail in sent) == sorted([HOME, emma.upn])
    assert all("Alternate email, Office phone" in mail.text for mail in sent)
    assert len(events_about(emma)) == 2


@IMPORTS
def test_a_first_onboarding_of_a_hundred_people_sends_nothing_and_holds_nothing(
    contoso, go_through, door
):
    names = [f"new{number:03}" for number in range(100)]

    sent = go_through(door, planting(*names))

    assert User.objects.filter(upn__startswith="new").count() == 100
    assert sent == []
    assert not ContactNotice.objects.exists()
    assert User.objects.filter(is_capable(QUESTIONS), upn__startswith="new").count() == 100


@IMPORTS
def test_people_without_a_password_or_anything_known_are_onboarded_in_silence(
    contoso, go_through, door
):
    go_through(door, "user_principal_name,display_name\nnew@contoso.example,New\n")

    assert go_through(door, planting("new")) == []
    assert len(events_about(User.objects.get(upn="new@contoso.example"))) == 1


@IMPORTS
def test_what_was_verified_otherwise_is_left_alone_by_both_doors(emma, go_through, door):
    go_through(door, planting("emma", column="mobile_phone", value="010-9999-9999"))

    assert Factor.MOBILE_PHONE not in prefilled(emma.pk)
    assert events_about(emma) == []


def test_a_dry_run_records_holds_and_tells_nothing(emma, tmp_path, mailroom):
    file = tmp_path / "people.csv"
    file.write_text(planting("emma"))

    call_command(
        "import_users", str(file), "--tenant", "contoso", "--dry-run", stdout=io.StringIO()
    )

    assert mailroom.work() == []
    assert events_about(emma) == []
    assert not ContactNotice.objects.exists()
    assert not prefilled(emma.pk)


def test_many_are_notified_in_portions(contoso, mailroom, monkeypatch, tmp_path):
    monkeypatch.setattr(contacts, "NOTIFIED_AT_ONCE", 3)
    names = [f"old{number}" for number in range(8)]
    for name in names:
        make_user(f"{name}@contoso.example")

    by_the_command(planting(*names), tmp_path, mailroom, None)
    assert len(mailroom.published) == 1
    sent = mailroom.work()

    assert sorted(mail.destination for mail in sent) == [
        f"{name}@contoso.example" for name in names
    ]
    assert not ContactNotice.objects.exists()


def test_a_notice_that_the_broker_lost_is_sent_a_minute_later(contoso, mailroom, tmp_path):
    make_user("emma@contoso.example")
    by_the_command(planting("emma"), tmp_path, mailroom, None)
    mailroom.published.clear()

    contacts.sweep()
    assert mailroom.published == []
    ContactNotice.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    contacts.sweep()

    assert [mail.destination for mail in mailroom.work()] == ["emma@contoso.example"]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_notifies(mailroom):
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        user = make_user("one@race.example")
        change = contacts.ContactChange(user, {}, {Factor.OFFICE_PHONE})
        contacts.follow_import([change], actor_id=Actor.COMMAND, file="1")

    all_at_once(2, lambda: contacts.notify_of_imports(tenant.pk), tenant_id=tenant.pk)

    with in_tenant(tenant.pk):
        assert [mail.destination for mail in mailroom.work()] == ["one@race.example"]


@IMPORTS
def test_no_import_enters_a_phone_for_someone_who_disowned_an_act_of_the_administrator(
    emma, admin, go_through, client, door
):
    [told, *_] = go_through(by_the_form, planting("emma"))
    [link] = re.findall(r"/wasnt-me/[\w-]+", told.text)
    client.post(link)
    assert Factor.OFFICE_PHONE not in prefilled(emma.pk)
    entered = Event.objects.filter(activity=Activity.CONTACT_ENTERED).count()

    sent = go_through(door, planting("emma"))

    assert Factor.OFFICE_PHONE not in prefilled(emma.pk)
    assert Event.objects.filter(activity=Activity.CONTACT_ENTERED).count() == entered
    assert sent == []


def test_no_hours_hold_nothing(emma, go_through):
    change_policy(replace(QUESTIONS, new_proof_hours=0))

    go_through(by_the_command, planting("emma"))

    assert Factor.OFFICE_PHONE in {o.method.factor for o in eligibility_of(emma).options}


def test_taking_a_held_phone_away_ends_what_is_held(emma, admin):
    contacts.enter(emma, Factor.OFFICE_PHONE, STORED, sms_capable=False, actor_id=admin.pk)

    contacts.enter(emma, Factor.OFFICE_PHONE, "", sms_capable=False, actor_id=admin.pk)

    emma.refresh_from_db()
    assert (emma.prefill_held_kinds, emma.prefill_held_since) == (0, None)


def test_a_notice_that_cant_be_opened_holds_up_no_other(contoso, mailroom, tmp_path):
    make_user("emma@contoso.example")
    make_user("noah@contoso.example")
    by_the_command(planting("emma", "noah"), tmp_path, mailroom, None)
    lost = ContactNotice.objects.get(user__upn="emma@contoso.example")
    ContactNotice.objects.filter(pk=lost.pk).update(
        before=b"sealed by a key that is gone", created_at=lost.created_at - timedelta(minutes=5)
    )

    with capture_logs() as logged:
        contacts.notify_of_imports(contoso.pk)

    assert [mail.destination for mail in mailroom.work()] == ["noah@contoso.example"]
    assert [line["event"] for line in logged] == ["contact_notice_unopenable"]
    assert not ContactNotice.objects.filter(created_at__lte=lost.created_at).exists()


@pytest.mark.parametrize("broken", [1, 2, 5])
def test_jobs_about_notices_that_cant_be_opened_come_to_an_end(
    contoso, mailroom, tmp_path, monkeypatch, broken
):
    monkeypatch.setattr(contacts, "NOTIFIED_AT_ONCE", 2)
    names = [f"user{number}" for number in range(5)]
    for name in names:
        make_user(f"{name}@contoso.example")
    by_the_command(planting(*names), tmp_path, mailroom, None)
    some = list(ContactNotice.objects.order_by("created_at", "pk").values_list("pk", flat=True))
    ContactNotice.objects.filter(pk__in=some[:broken]).update(before=b"sealed by a lost key")

    for _ in range(4):
        mailroom.work()
        contacts.notify_of_imports(contoso.pk)

    assert len({mail.destination for mail in mailroom.sent}) == len(names) - broken


def test_who_was_disowned_meanwhile_enters_nothing(emma, admin):
    """The form was sent before the person said that it wasn't them."""
    actor = User.objects.get(role=Role.TENANT_ADMIN)
    notices.tell(emma, Notice.CONTACT_ENTERED, factors=[Factor.OFFICE_PHONE], actor_id=actor.pk)
    freezing.report_not_me(NoticeLink.objects.get(user=emma))

    with pytest.raises(contacts.EntryRefused):
        contacts.enter(
            emma, Factor.OFFICE_PHONE, "+8225550199", sms_capable=False, actor_id=actor.pk
        )

    assert Factor.OFFICE_PHONE not in prefilled(emma.pk)
