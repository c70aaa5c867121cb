"""What the user disowns by "this wasn't me" is taken back, as an attacker would find out."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from account.services import change, freezing
from audit.activities import Activity
from audit.models import Event
from directory.models import User
from directory.queries import prefilled
from provisioning.services.contacts import Importer
from registration.services import enrol
from sspr.purge import purge
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.test_flows import choose, enter, identify, set_password
from tests.builders import (
    PASSWORD,
    make_email,
    make_phone,
    make_prefill,
    make_recovery_codes,
    make_user,
    signed_in,
)
from tests.captcha import solved
from tests.console.people import behind_both, confirm, make_admin, with_app
from tests.console.test_access_pass import enter as enter_pass
from tests.console.test_access_pass import issue as issue_pass
from tests.flow import confirm_contact
from tests.provisioning.test_import_users import load
from tests.registration.test_remembered_browser import asks, remembered
from tests.threads import all_at_once
from tests.visits import sign_in
from verification.models import AccessPass, NoticeLink, Purpose
from verification.queries import methods_by_factor, methods_of_kind, newest, recovery_set_of
from verification.rules.captcha import Action
from verification.services import notices
from verification.services.notice_words import Notice

LINK = re.compile(r"https?://\S+(/wasnt-me/\S+)")
THIEFS = "thief horse battery staple"
OWNERS = "owner horse battery staple"


@pytest.fixture
def person(person):
    make_email(person)
    return person


@pytest.fixture
def colleague(contoso):
    """Another member of the helpdesk."""
    return behind_both(make_admin("colleague@contoso.example", Role.HELPDESK))


def path_of(person, action):
    return f"/admin/people/{person.pk}/do/{action}/"


def temporary_password(client, person):
    page = confirm(client, path_of(person, "temporary-password"), note="ticket 1")
    return page.context["password"] if page.context else ""


def unfreeze(client, person):
    return client.post(path_of(person, "unfreeze"), {"note": "ticket 2"}, follow=True)


def gets_in(person, password):
    client = Client()
    fields = {"username": person.upn, "password": password}
    return client.post("/signin", solved(fields, action=Action.SIGN_IN)).status_code == 302


def change_to(client, old, new):
    typed = {"password": old, "new_password": new, "confirm_password": new}
    return client.post("/changepassword", typed)


def link_in(mailroom, subject):
    """The link of the newest message with these words in its subject."""
    mailroom.work()
    texts = [mail.text for mail in mailroom.sent if subject in mail.subject]
    return LINK.findall(texts[-1])[0]


def is_frozen(person):
    return User.objects.get(pk=person.pk).frozen_at is not None


def disown(link):
    return Client().post(link, follow=True)


def test_a_disowned_temporary_password_opens_nothing_any_more(
    person, helpdesk, colleague, mailroom
):
    password = temporary_password(helpdesk, person)
    link = link_in(mailroom, "temporary password")
    assert "Your password stops working" in Client().get(link).text

    page = disown(link)

    assert "Your password no longer works. Ask for a new one." in page.text
    assert not gets_in(person, password)
    unfreeze(colleague, person)
    assert not is_frozen(person)
    assert not gets_in(person, password)


def test_the_disowned_password_is_answered_like_any_wrong_one(person, helpdesk, mailroom):
    password = temporary_password(helpdesk, person)
    disown(link_in(mailroom, "temporary password"))

    pages = [
        Client().post("/signin", {"username": person.upn, "password": typed})
        for typed in (password, "some wrong password")
    ]

    said = [(page.status_code, str(page.context["form"].errors)) for page in pages]
    assert said[0] == said[1]
    assert "not correct" in said[0][1]


def test_what_a_thief_chose_after_a_temporary_password_goes_with_it(person, helpdesk, mailroom):
    password = temporary_password(helpdesk, person)
    link = link_in(mailroom, "temporary password")
    thief = signed_in(person, password)
    change_to(thief, password, THIEFS)
    assert gets_in(person, THIEFS)

    disown(link)

    assert not gets_in(person, THIEFS)
    assert thief.get("/security-info").url.startswith("/signin")


@pytest.mark.parametrize("once", [None, "on"])
def test_a_disowned_pass_opens_nothing_then_or_after_the_account_is_unfrozen(
    person, helpdesk, colleague, mailroom, once
):
    letters = issue_pass(helpdesk, person, once=once).context["letters"]
    inside = Client() if once else enter_pass(letters)[0]
    link = link_in(mailroom, "Temporary Access Pass")

    disown(link)

    assert not enter_pass(letters)[1]
    assert inside.get("/security-info").url.startswith("/signin")
    unfreeze(colleague, person)
    assert not enter_pass(letters)[1]


def test_a_standing_pass_goes_whatever_was_disowned(person, helpdesk, colleague, mailroom):
    letters = issue_pass(helpdesk, person).context["letters"]
    signed_in(person).post("/security-info/wasnt-me")

    assert not enter_pass(letters)[1]
    unfreeze(colleague, person)
    assert not enter_pass(letters)[1]


def test_what_was_registered_with_a_disowned_pass_goes_with_it(contoso, helpdesk, mailroom):
    person = make_user("new@contoso.example")
    letters = issue_pass(helpdesk, person).context["letters"]
    link = link_in(mailroom, "Temporary Access Pass")
    thief, _ = enter_pass(letters, person.upn)
    thief.post("/ssprsetup/email", {"email": "thief@mail.example"})
    thief.post("/ssprsetup/verify", {"code": mailroom.code()})
    assert Factor.EMAIL in methods_by_factor(person.pk)
    mailroom.work()
    before = len(mailroom.sent)

    disown(link)

    mailroom.work()
    assert not methods_by_factor(person.pk)
    assert "thief@mail.example" not in {mail.destination for mail in mailroom.sent[before:]}


def test_the_password_of_a_disowned_reset_opens_nothing_any_more(person, colleague, mailroom):
    thief = Client()
    identify(thief, person.upn)
    choose(thief, Method.EMAIL)
    enter(thief, mailroom.code())
    set_password(thief, THIEFS)
    assert gets_in(person, THIEFS)

    disown(link_in(mailroom, "password was reset"))

    assert not gets_in(person, THIEFS)
    unfreeze(colleague, person)
    assert not gets_in(person, THIEFS)


def test_the_password_of_a_disowned_change_opens_nothing_any_more(person, mailroom):
    change_to(signed_in(person), PASSWORD, THIEFS)

    disown(link_in(mailroom, "password was changed"))

    assert not gets_in(person, THIEFS)
    assert not gets_in(person, PASSWORD)


@pytest.mark.parametrize(
    "notice", [one for one in Notice if one.needs_a_link and not one.sets_a_password]
)
def test_other_notices_leave_a_password_that_is_older(person, mailroom, notice):
    notices.tell(person, notice)
    mailroom.work()

    disown(LINK.findall(mailroom.sent[-1].text)[0])

    assert is_frozen(person)
    assert gets_in(person, PASSWORD)


def test_a_password_that_was_set_after_a_disowned_method_goes_too(person, mailroom):
    """The thief adds a phone, and resets the password with it."""
    phone = make_phone(person)
    notices.tell(person, Notice.ADDED, factor=Factor.MOBILE_PHONE, added=phone.pk)
    link = link_in(mailroom, "method was added")
    change_to(signed_in(person), PASSWORD, THIEFS)

    disown(link)

    assert not gets_in(person, THIEFS)
    assert set(methods_by_factor(person.pk)) == {Factor.EMAIL}


def test_a_method_that_was_registered_again_since_is_taken_back_too(person, mailroom):
    """A thief who types the same number once more doesn't leave the notice without its method."""
    context = uuid.uuid4()

    def register(address):
        enrol.start_email(person, context, address, Method.EMAIL)
        challenge = newest(Purpose.REGISTER, context)
        assert confirm_contact(person, challenge, mailroom.code())

    person.methods.all().delete()
    register("thief@mail.example")
    link = link_in(mailroom, "method was added")
    context = uuid.uuid4()
    register("thief@mail.example")

    disown(link)

    assert not methods_by_factor(person.pk)


def test_recovery_codes_go_when_the_use_of_one_is_disowned(person, mailroom):
    make_recovery_codes(person)
    notices.tell(person, Notice.RECOVERY_CODE_USED)

    disown(link_in(mailroom, "recovery code was used"))

    assert recovery_set_of(person.pk) is None


def test_contact_data_that_the_person_disowns_is_taken_back(person, mailroom):
    make_prefill(person, Factor.OFFICE_PHONE, "+8225550100")
    notices.tell(person, Notice.CONTACT_ENTERED, factor=Factor.OFFICE_PHONE)

    disown(link_in(mailroom, "contact information"))

    assert not prefilled(person.pk)


def test_remembered_browsers_and_running_sign_ins_end_with_the_veto(person, mailroom):
    asks()
    with_app(person)
    remembering = remembered(person)
    half = Client()
    sign_in(half, person)
    assert half.get("/signin/second-factor").status_code == 200

    notices.tell(person, Notice.UNLOCKED)
    disown(link_in(mailroom, "was unlocked"))

    assert half.get("/signin/second-factor").url == "/signin"
    assert "second-factor" in sign_in(remembering, person).url


def test_a_change_that_compared_the_old_password_before_the_veto_changes_nothing(person, mailroom):
    notices.tell(person, Notice.PASSWORD_CHANGED)
    as_the_request_saw_it = User.objects.get(pk=person.pk)
    disown(link_in(mailroom, "password was changed"))

    with pytest.raises(change.SessionEnded):
        change.change(as_the_request_saw_it, PASSWORD, THIEFS)

    assert not gets_in(person, THIEFS)


def test_an_import_sets_no_password_while_the_account_is_frozen(person, mailroom):
    notices.tell(person, Notice.PASSWORD_CHANGED)
    disown(link_in(mailroom, "password was changed"))

    load(f"user_principal_name,password\n{person.upn},{THIEFS}\n")

    assert not gets_in(person, THIEFS)


def test_the_staff_are_told_whose_act_it_was_and_that_a_password_is_needed(
    person, helpdesk, mailroom
):
    admin = make_admin("boss@contoso.example")
    agent = User.objects.get(role=Role.HELPDESK)
    temporary_password(helpdesk, person)
    disown(link_in(mailroom, "temporary password"))

    mailroom.work()
    (mail,) = [m for m in mailroom.sent if m.destination == admin.upn]
    assert f"something that {agent.upn} did" in mail.text
    assert "The password of this account no longer works" in mail.text
    event = Event.objects.get(activity=Activity.SELF_SERVICE_FROZEN)
    assert event.details["agent_ids"] == str(agent.pk)
    assert Event.objects.filter(activity=Activity.PASSWORD_WITHDRAWN, subject_id=person.pk).exists()


class TestTheDisownedAgent:
    @pytest.fixture(autouse=True)
    def disowned(self, person, helpdesk, mailroom):
        temporary_password(helpdesk, person)
        disown(link_in(mailroom, "temporary password"))

    def test_cant_lift_the_stop(self, person, helpdesk, colleague):
        page = unfreeze(helpdesk, person)

        assert "something you did" in page.text
        assert is_frozen(person)
        unfreeze(colleague, person)
        assert not is_frozen(person)

    def test_cant_lift_it_either_when_the_link_is_over(self, person):
        change_policy(Policy(self_service=Scope.ALL, require_registration=False))
        with time_machine.travel(timezone.now() + timedelta(days=9), tick=False):
            purge()
            again = behind_both(User.objects.get(role=Role.HELPDESK, upn__startswith="help"))
            page = unfreeze(again, person)

        assert "something you did" in page.text
        assert is_frozen(person)

    def test_cant_open_another_way_in(self, person, helpdesk):
        assert not temporary_password(helpdesk, person)
        assert not AccessPass.objects.filter(revoked_at=None).exists()
        assert issue_pass(helpdesk, person).status_code == 404

    def test_isnt_offered_what_somebody_else_has_to_do(self, person, helpdesk, colleague):
        page = helpdesk.get(f"/admin/people/{person.pk}/")
        other = colleague.get(f"/admin/people/{person.pk}/")

        for action in ("unfreeze", "temporary-password", "access-pass"):
            assert f"/do/{action}/" not in page.text
        assert "has to unfreeze the account" in page.text
        assert "/do/unfreeze/" in other.text
        assert "has to unfreeze the account" not in other.text

    def test_helps_again_once_another_has_lifted_the_stop(self, person, helpdesk, colleague):
        unfreeze(colleague, person)

        assert gets_in(person, temporary_password(helpdesk, person))


def test_an_administrator_whose_act_was_disowned_needs_another_one(person, mailroom):
    boss, other = make_admin("boss@contoso.example"), make_admin("other@contoso.example")
    client = behind_both(boss)
    client.post(f"/admin/people/{person.pk}/contact/", {"office_phone": "02-555-0100"})
    disown(link_in(mailroom, "contact information"))

    unfreeze(client, person)
    page = client.post(f"/admin/people/{person.pk}/contact/", {"office_phone": "02-555-0100"})

    assert is_frozen(person)
    assert page.status_code == 302
    assert not prefilled(person.pk)
    unfreeze(behind_both(other), person)
    assert not is_frozen(person)


def test_who_was_disowned_enters_no_contact_data_for_a_month_after_the_stop(person, mailroom):
    boss, other = make_admin("boss@contoso.example"), make_admin("other@contoso.example")
    client, typed = behind_both(boss), {"office_phone": "02-555-0100"}
    path = f"/admin/people/{person.pk}/contact/"
    client.post(path, typed)
    disown(link_in(mailroom, "contact information"))
    unfreeze(behind_both(other), person)
    importer = Importer(actor_id=boss.pk, number="1")
    row = f"user_principal_name,office_phone\n{person.upn},02-555-0100\n"

    page = client.post(path, typed, follow=True)
    purge()
    load(row, importer=importer)

    assert "something you did" in page.text
    assert not prefilled(person.pk)
    with time_machine.travel(timezone.now() + timedelta(days=29), tick=False):
        purge()
        load(row, importer=importer)
        assert not prefilled(person.pk)
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        purge()
        load(row, importer=importer)
        assert prefilled(person.pk)
        assert not NoticeLink.objects.filter(disowned_at__isnull=False).exists()


def test_another_administrator_enters_contact_data_as_soon_as_the_stop_is_lifted(person, mailroom):
    boss = behind_both(make_admin("boss@contoso.example"))
    other = behind_both(make_admin("other@contoso.example"))
    typed, path = {"office_phone": "02-555-0100"}, f"/admin/people/{person.pk}/contact/"
    boss.post(path, typed)
    disown(link_in(mailroom, "contact information"))
    unfreeze(other, person)

    other.post(path, typed)

    assert prefilled(person.pk)


def test_the_record_of_a_stop_names_everybody_whose_acts_were_disowned(person, helpdesk):
    agents = [make_admin("boss@contoso.example"), make_admin("other@contoso.example")]
    freezing.freeze(person, reason="notice", agent_ids=[agent.pk for agent in agents])

    event = Event.objects.get(activity=Activity.SELF_SERVICE_FROZEN)
    page = behind_both(agents[0]).get(f"/admin/audit/{event.pk}/")

    assert "boss@contoso.example, other@contoso.example" in page.text


def test_lifting_the_stop_needs_a_verified_caller_where_the_policy_says_so(person, helpdesk):
    change_policy(Policy(self_service=Scope.ALL, verify_callers=True))
    freezing.freeze(person, reason="notice")

    page = unfreeze(helpdesk, person)

    assert "Verify the caller first." in page.text
    assert is_frozen(person)


def test_lifting_the_stop_spends_the_links_from_before(person, colleague, helpdesk, mailroom):
    notices.tell(person, Notice.UNLOCKED)
    unused = link_in(mailroom, "was unlocked")
    temporary_password(helpdesk, person)
    used = link_in(mailroom, "temporary password")
    disown(used)
    unfreeze(colleague, person)

    answers = [Client().post(link) for link in (used, unused)]

    assert {answer.status_code for answer in answers} == {404}
    assert not is_frozen(person)
    mailroom.work()
    disown(link_in(mailroom, "works again"))
    assert is_frozen(person)


def test_an_account_that_isnt_frozen_cant_be_unfrozen_to_spend_its_links(
    person, helpdesk, mailroom
):
    password = temporary_password(helpdesk, person)
    link = link_in(mailroom, "temporary password")

    assert unfreeze(helpdesk, person).status_code == 404
    disown(link)

    assert not gets_in(person, password)


class TestHelpWhileFrozen:
    """The owner calls, and the helpdesk gives them a temporary password."""

    @pytest.fixture
    def password(self, person, helpdesk, colleague, mailroom):
        temporary_password(helpdesk, person)
        self.old_link = link_in(mailroom, "temporary password")
        disown(self.old_link)
        return temporary_password(colleague, person)

    def test_the_owner_chooses_a_password_with_it(self, person, password):
        client = signed_in(person, password)
        change_to(client, password, OWNERS)

        assert gets_in(person, OWNERS)
        assert is_frozen(person)
        assert client.get("/ssprsetup").url == "/security-info"

    def test_a_link_from_before_leaves_it(self, person, password):
        disown(self.old_link)

        assert gets_in(person, password)

    def test_the_link_about_it_takes_it_back(self, person, password, mailroom):
        change_to(signed_in(person, password), password, THIEFS)
        link = link_in(mailroom, "temporary password")
        mailroom.work()
        before = len(mailroom.sent)

        disown(link)

        assert not gets_in(person, THIEFS)
        mailroom.work()
        assert any("reported “This wasn’t me”" in mail.subject for mail in mailroom.sent[before:])

    def test_whoever_issued_it_cant_lift_the_stop_to_save_it(
        self, person, password, colleague, mailroom
    ):
        link = link_in(mailroom, "temporary password")
        unfreeze(colleague, person)

        disown(link)

        assert is_frozen(person)
        assert not gets_in(person, password)


def test_no_pass_is_issued_or_works_while_the_account_is_frozen(person, helpdesk, colleague):
    letters = issue_pass(helpdesk, person).context["letters"]
    User.objects.filter(pk=person.pk).update(frozen_at=timezone.now())

    assert not enter_pass(letters)[1]
    assert issue_pass(colleague, person).status_code == 404


def test_an_administrator_pairs_no_first_app_while_frozen(contoso, mailroom):
    boss = make_admin("boss@contoso.example")
    with_app(boss)
    freezing.freeze(boss, reason="notice")
    boss.methods.all().delete()
    thief = signed_in(boss)

    assert thief.get("/admin/second-factor/set-up/").status_code in {302, 404}
    assert not methods_of_kind(boss.pk, Factor.AUTHENTICATOR).exists()


@pytest.mark.django_db(transaction=True)
def test_a_veto_and_unfreezing_at_once_leave_no_link_that_could_freeze_again(contoso, mailroom):
    user = make_user()
    notices.tell(user, Notice.PASSWORD_CHANGED)
    link = NoticeLink.objects.get()
    freezing.freeze(user, reason="notice")
    turns = iter([(freezing.report_not_me, link), (freezing.unfreeze, user)])

    def act():
        do, with_it = next(turns)
        do(with_it)

    all_at_once(2, act, tenant_id=contoso.pk)

    assert not is_frozen(user)
    assert not NoticeLink.objects.exists()
