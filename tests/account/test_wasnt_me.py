"""The user who gets a notice can freeze the account with one button; others can't."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from account.services import freezing
from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from limits.rules import Limit
from registration.services import enrol, manage
from reset.models import AttemptOutcome, ResetAttempt
from tenants.models import Branding
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.attacks.test_flows import choose, enter, identify, set_password
from tests.builders import PASSWORD, make_phone, make_user, signed_in
from tests.console.people import make_admin
from tests.flow import confirm_contact
from tests.visits import register_email
from verification.models import Challenge, NoticeLink, RegisteredMethod
from verification.queries import methods_by_factor, recovery_set_of, value_of
from verification.services import notices, recovery_codes
from verification.services.notice_words import Notice

LINK = re.compile(r"https?://\S+(/wasnt-me/\S+)")
NEW = "correct horse battery staple"


def link_in(messages):
    """The link of the first message that has one."""
    return next(found[1] for message in messages if (found := LINK.search(message.text)))


def told(user, mailroom, notice=Notice.RESET, **more):
    notices.tell(user, notice, **more)
    return link_in(mailroom.work())


def is_frozen(user):
    return User.objects.get(pk=user.pk).frozen_at is not None


@pytest.mark.parametrize("notice", [one for one in Notice if one.needs_a_link])
def test_every_notice_carries_a_link_of_its_own(user, mailroom, notice):
    first, second = told(user, mailroom, notice), told(user, mailroom, notice)

    assert first != second
    assert NoticeLink.objects.count() == 2
    page = Client().get(first)
    assert page.status_code == 200
    assert "Don’t recognise something?" in page.text


def test_the_page_asks_about_the_user_only_what_the_user_could_have_done(user, mailroom):
    own = Client().get(told(user, mailroom, Notice.RESET)).text
    of_an_administrator = Client().get(told(user, mailroom, Notice.TEMPORARY_PASSWORD)).text

    assert "If this was you" in own
    assert "If this was you" not in of_an_administrator
    assert "If you asked for this" in of_an_administrator


def test_the_button_of_a_notice_stops_everything(user, mailroom):
    admin, helpdesk = make_admin(), make_admin("desk@contoso.example", Role.HELPDESK)
    session, running = signed_in(user), Client()
    identify(running)
    link = told(user, mailroom)

    after = Client().post(link, follow=True)

    assert "Password reset is stopped for your account" in after.text
    assert is_frozen(user)
    assert session.get("/security-info").status_code == 302
    assert running.get("/passwordreset/verify").url == "/passwordreset/ended"
    assert ResetAttempt.objects.get().outcome == AttemptOutcome.FAILED
    event = Event.objects.get(activity=Activity.SELF_SERVICE_FROZEN)
    assert (event.subject_id, event.reason) == (user.pk, "notice")
    mails = {mail.destination: mail.text for mail in mailroom.work()}
    assert "Self-service is stopped" in mails[admin.upn]
    assert "Self-service is stopped" in mails[helpdesk.upn]
    assert "/wasnt-me/" not in "".join(mails.values())
    assert f"/admin/people/{user.pk}/timeline/" in mails[admin.upn]


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_does_nothing(user, mailroom, method):
    link = told(user, mailroom)

    getattr(Client(), method)(link)

    assert not is_frozen(user)
    assert not mailroom.work()


def test_a_scanner_that_opens_every_link_of_the_mail_does_nothing(user, mailroom):
    """It follows links and redirects, in the text and in the HTML; it sends no forms."""
    notices.tell(user, Notice.RESET)
    for mail in mailroom.work():
        for address in re.findall(r"https?://[^\s\"<]+", mail.text + mail.html):
            Client().get("/" + address.split("/", 3)[3], follow=True)

    assert not is_frozen(user)


def test_no_account_is_frozen_without_the_token_of_the_form(user, mailroom):
    link = told(user, mailroom)

    answer = Client(enforce_csrf_checks=True).post(link)

    assert answer.status_code == 403
    assert not is_frozen(user)


def without_tokens(page):
    return re.sub(r'(csrfmiddlewaretoken" value="|nonce=")[^"]+', "", page.text)


@pytest.mark.parametrize("method", ["get", "post"])
def test_unknown_used_up_and_mangled_links_give_one_page(user, mailroom, method):
    late = told(user, mailroom)
    ask = getattr(Client(), method)
    with time_machine.travel(timezone.now() + timedelta(days=7), tick=False):
        expired = ask(late)
    others = [ask(f"/wasnt-me/{token}") for token in ("A" * 22, late[-21:], "%00", "ünbekannt")]

    assert expired.status_code == 404
    assert not is_frozen(user)
    assert {(page.status_code, without_tokens(page)) for page in others} == {
        (404, without_tokens(expired))
    }


def test_a_link_is_good_for_seven_days(user, mailroom):
    link = told(user, mailroom)

    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23), tick=False):
        Client().post(link)

    assert is_frozen(user)


def test_only_a_fingerprint_of_the_token_is_stored(user, mailroom):
    token = told(user, mailroom).rpartition("/")[2]

    stored = NoticeLink.objects.values().get()

    assert len(token) >= 22
    assert token not in str(stored)


def test_a_link_stops_its_own_user_in_its_own_organisation_only(user, hanbit, mailroom):
    with in_tenant(hanbit.pk):
        kim = make_user("kim@hanbit.example")
        link = told(kim, mailroom)
    bystander = make_user("sua@contoso.example")

    Client().post(link)

    assert not is_frozen(user)
    assert not is_frozen(bystander)
    with in_tenant(hanbit.pk):
        assert is_frozen(kim)


def test_a_link_is_unknown_on_the_host_of_another_organisation(user, hanbit, mailroom):
    with in_tenant(hanbit.pk):
        Branding.objects.create(portal_host="login.hanbit.example")
    link = told(user, mailroom)

    answer = Client().post(link, headers={"host": "login.hanbit.example"})

    assert answer.status_code == 404
    assert not is_frozen(user)


def test_the_link_can_be_used_again_and_says_that_it_is_done(user, mailroom):
    link = told(user, mailroom)
    Client().post(link)
    mailroom.work()

    again, page = Client().post(link), Client().get(link)

    assert again.status_code == 302
    assert "is stopped for your account" in page.text
    assert not mailroom.work()
    assert Event.objects.filter(activity=Activity.SELF_SERVICE_FROZEN).count() == 1


def test_a_network_that_guesses_too_often_is_put_off(user, mailroom):
    for _ in range(Limit.DISAVOWALS_FROM_A_NETWORK.value.times):
        assert Client().post("/wasnt-me/guess").status_code == 404

    assert Client().post("/wasnt-me/guess").status_code == 429


def test_guesses_from_the_users_network_dont_stop_the_link_of_a_notice(user, mailroom):
    link = told(user, mailroom)
    for _ in range(Limit.DISAVOWALS_FROM_A_NETWORK.value.times + 1):
        Client().post("/wasnt-me/guess")

    answer = Client().post(link)

    assert answer.status_code == 302
    assert is_frozen(user)


def test_a_link_of_a_notice_counts_as_no_guess(user, mailroom):
    link = told(user, mailroom)
    for _ in range(Limit.DISAVOWALS_FROM_A_NETWORK.value.times):
        Client().post(link)

    assert Client().post("/wasnt-me/guess").status_code == 404


def test_opening_a_link_that_is_too_old_counts_as_no_guess(contoso):
    for _ in range(Limit.DISAVOWALS_FROM_A_NETWORK.value.times + 1):
        assert Client().get("/wasnt-me/guess").status_code == 404

    assert Client().post("/wasnt-me/guess").status_code == 404


def test_the_portal_says_of_a_frozen_account_what_it_says_of_an_unknown_one(user):
    freezing.freeze(user, reason="notice")

    def shown(upn):
        page = identify(Client(), upn)
        words = page.text.replace(upn, "…")
        return re.sub(r"[0-9A-Z]{4}-[0-9A-Z]{4}", "CODE", without_tokens(page)), len(words)

    frozen, unknown = shown(user.upn), shown("monji@contoso.example")

    assert "R03" in frozen[0]
    assert frozen[0].replace(user.upn, "") == unknown[0].replace("monji@contoso.example", "")
    assert frozen[1] == unknown[1]


def test_a_reset_that_passed_its_gate_is_stopped_before_the_password(user, mailroom):
    client = Client()
    identify(client)
    choose(client, Method.EMAIL)
    enter(client, mailroom.code())
    assert client.get("/passwordreset/new-password").status_code == 200

    freezing.freeze(user, reason="notice")
    set_password(client)

    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


FROZEN_DOORS = [
    "/ssprsetup",
    "/ssprsetup/phone",
    "/ssprsetup/alternate",
    "/ssprsetup/email",
    "/ssprsetup/questions",
    "/ssprsetup/app",
    "/ssprsetup/token",
    "/ssprsetup/entered/office_phone",
    "/ssprsetup/verify",
    "/security-info/proof",
    "/security-info/proof/verify",
    "/security-info/resend/register",
    "/security-info/remove/email",
    "/changepassword",
]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("door", FROZEN_DOORS)
def test_a_frozen_person_can_sign_in_but_change_nothing(user, door, method):
    freezing.freeze(user, reason="notice")
    client = signed_in(user)

    answer = getattr(client, method)(door)

    assert answer.status_code in {302, 405}
    assert answer.status_code == 405 or answer.url == "/security-info"
    assert "Password reset is stopped for your account" in client.get("/security-info").text


def test_a_temporary_password_of_an_administrator_can_be_changed_while_frozen(user):
    freezing.freeze(user, reason="notice")
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    client = signed_in(user)

    typed = {"password": PASSWORD, "new_password": NEW, "confirm_password": NEW}
    client.post("/changepassword", typed)

    assert User.objects.get(pk=user.pk).check_password(NEW)


def test_a_signed_in_person_stops_it_without_any_notice(user, mailroom):
    client, elsewhere = signed_in(user), signed_in(user)
    assert "/security-info/wasnt-me" in client.get("/security-info").text
    assert not is_frozen(user)

    page = client.post("/security-info/wasnt-me", follow=True)

    assert "You are signed out everywhere" in page.text
    assert is_frozen(user)
    for session in (client, elsewhere):
        assert session.get("/security-info").url.startswith("/signin")


def test_the_veto_takes_away_what_was_added(contoso, mailroom):
    """A thief with the password registers their own mailbox first."""
    user = make_user()
    client = signed_in(user)
    register_email(client, mailroom, "thief@mail.example")
    assert Factor.EMAIL in methods_by_factor(user.pk)
    link = link_in(mailroom.work() or mailroom.sent)
    assert "is removed, too" in Client().get(link).text

    Client().post(link)

    assert is_frozen(user)
    assert not methods_by_factor(user.pk)
    removal = Event.objects.get(activity=Activity.METHOD_DELETED)
    assert removal.reason == "wasnt_me"
    assert not any(mail.destination == "thief@mail.example" for mail in mailroom.work())


def test_the_veto_leaves_what_was_there_before(user, mailroom):
    phone = make_phone(user)
    link = told(user, mailroom, Notice.ADDED, factor=Factor.MOBILE_PHONE, added=phone.pk)

    Client().post(link)

    assert set(methods_by_factor(user.pk)) == {Factor.EMAIL}


def test_of_two_added_methods_each_notice_takes_its_own_away(user, mailroom):
    phone = make_phone(user)
    email = RegisteredMethod.objects.get(kind=Factor.EMAIL)
    first = told(user, mailroom, Notice.ADDED, factor=Factor.MOBILE_PHONE, added=phone.pk)
    second = told(user, mailroom, Notice.ADDED, factor=Factor.EMAIL, added=email.pk)
    Client().post(first)
    assert "Protect my account" in Client().get(second).text

    Client().post(second)

    assert not methods_by_factor(user.pk)


def test_a_veto_never_reaches_another_users_method(user, mailroom):
    other = make_user("sua@contoso.example")
    theirs = make_phone(other)
    link = told(user, mailroom, Notice.ADDED, factor=Factor.MOBILE_PHONE, added=theirs.pk)

    Client().post(link)

    assert Factor.MOBILE_PHONE in methods_by_factor(other.pk)


def test_a_change_under_way_when_everything_is_stopped_changes_nothing(user, mailroom):
    """Both were let in while the account was still running."""
    before = User.objects.get(pk=user.pk)
    freezing.freeze(user, reason="notice")

    with pytest.raises(manage.Frozen):
        manage.remove(before, Factor.EMAIL)
    context = uuid.uuid4()
    enrol.start_email(before, context, "thief@mail.example", Method.EMAIL)
    with pytest.raises(manage.Frozen):
        confirm_contact(before, Challenge.objects.get(context=context), mailroom.code())

    assert value_of(methods_by_factor(user.pk)[Factor.EMAIL]) == "minji.home@mail.example"


def test_the_veto_takes_recovery_codes_away(user, mailroom):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            reset_methods=frozenset({Method.EMAIL, Method.RECOVERY_CODE}),
        )
    )
    session = uuid.uuid4()
    with in_tenant(user.tenant_id):
        recovery_codes.new_set(user, session)
        assert enrol.save_recovery_codes(user, session)
    link = link_in(mailroom.work())

    Client().post(link)

    with in_tenant(user.tenant_id):
        assert recovery_set_of(user.pk) is None
        assert set(methods_by_factor(user.pk)) == {Factor.EMAIL}


def test_who_is_frozen_gets_no_task_that_cant_be_done(contoso):
    bare = make_user("bare@contoso.example", frozen_at=timezone.now())
    client = Client()

    page = client.post("/signin", {"username": bare.upn, "password": PASSWORD})

    assert page.url == "/security-info"
    assert client.get("/security-info").status_code == 200
