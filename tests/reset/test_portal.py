import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery.models import Outgoing
from directory.connectors import connector_of
from directory.models import User
from limits import services as limits
from limits.rules import Limit
from reset.models import PassedGate, ResetAttempt
from tenants.models import Group
from tenants.policy import Contact, Factor, Method, Policy, Questions, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import (
    ANSWERS,
    PASSWORD,
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_user,
)
from tests.captcha import came_from, solved
from tests.console.people import behind_both
from tests.pages import stands_in
from verification.models import Challenge, RegisteredMethod
from verification.queries import drawn_questions, number_shown
from verification.services.calls import press

NEW = "correct horse battery"
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]+"')
CODE = re.compile(rb"[0-9A-Z]{4}-[0-9A-Z]{4}")


def identify(client, upn="minji@contoso.example"):
    client.post("/passwordreset", solved({"username": upn}))
    return client.get("/passwordreset/verify", follow=True)


def choose(client, method):
    return client.post("/passwordreset/verify", {"method": method}, follow=True)


def enter(client, code):
    return client.post("/passwordreset/code", {"code": code}, follow=True)


def set_password(client, password=NEW, again=None):
    return client.post(
        "/passwordreset/new-password",
        {"new_password": password, "confirm_password": again or password},
        follow=True,
    )


def has_password(user, password):
    return connector_of(user).authenticate(User.objects.get(pk=user.pk), password).is_right


@pytest.mark.parametrize(("host", "is_shown"), [("portal.example", True), ("other.example", False)])
def test_the_last_page_leads_back_to_a_listed_host_only(user, mailroom, client, host, is_shown):
    change_policy(Policy(self_service=Scope.ALL, return_to_hosts=frozenset({"portal.example"})))
    client.get(f"/passwordreset?return_to=https://{host}/apps")
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())

    page = set_password(client)

    assert page.redirect_chain[-1][0] == "/passwordreset/done"
    assert (f"https://{host}/apps" in page.text) == is_shown
    assert ("Continue to" in page.text) == is_shown


def test_one_gate_by_mail_sets_the_password(user, mailroom, client):
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    page = set_password(client)

    assert page.redirect_chain[-1][0] == "/passwordreset/done"
    assert "Continue to" not in page.text
    assert has_password(user, NEW)
    assert not has_password(user, PASSWORD)
    assert client.get("/security-info").url.startswith("/signin")
    assert Event.objects.filter(activity=Activity.PASSWORD_RESET, subject_id=user.pk).exists()


def test_every_step_leads_straight_to_the_next(user, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    make_phone(user)

    identified = client.post("/passwordreset", solved({"username": user.upn}))
    choose(client, "email")
    after_one = client.post("/passwordreset/code", {"code": mailroom.code()})
    choose(client, "mobile_text")
    after_two = client.post("/passwordreset/code", {"code": mailroom.code()})

    assert identified.url == after_one.url == "/passwordreset/verify"
    assert after_two.url == "/passwordreset/new-password"


def test_who_cant_be_helped_is_told_at_once(contoso, client):
    asked = client.post("/passwordreset", solved({"username": "nobody@contoso.example"}))

    assert asked.url == "/passwordreset/ended"


def test_two_gates_are_needed_where_the_policy_asks_for_two(user, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    make_phone(user)
    identify(client)
    choose(client, "email")
    after_one = enter(client, mailroom.code())
    too_early = set_password(client)
    choose(client, "mobile_text")
    enter(client, mailroom.code())
    set_password(client)

    assert after_one.redirect_chain[-1][0] == "/passwordreset/verify"
    assert b"The first one is done" in after_one.content
    assert too_early.redirect_chain[0][0] == "/passwordreset/verify"
    assert has_password(user, NEW)


def test_a_call_to_the_phone_that_was_texted_is_no_second_gate(user, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    make_phone(user)
    identify(client)
    choose(client, "mobile_text")
    page = enter(client, mailroom.code())
    refused = choose(client, "mobile_call")

    assert b"mobile_call" not in page.content
    assert refused.request["PATH_INFO"] == "/passwordreset/verify"


def test_a_new_code_may_be_asked_for_later_and_kills_the_old(user, mailroom, client):
    with time_machine.travel(timezone.now(), tick=False) as now:
        identify(client)
        choose(client, "email")
        old = mailroom.code()
        too_soon = client.post("/passwordreset/resend", follow=True)
        now.shift(timedelta(seconds=30))
        again = client.post("/passwordreset/resend", follow=True)
        new = mailroom.code()
        refused = enter(client, old)
        passed = enter(client, new)

    assert b"You can get a new code in 30 seconds." in too_soon.content
    assert b"We sent a new code. The old one no longer works." in again.content
    assert old != new
    assert b"This is an earlier code" in refused.content
    assert passed.request["PATH_INFO"] == "/passwordreset/new-password"


def test_another_way_is_always_one_link_away(user, mailroom, client):
    make_phone(user)
    identify(client)
    page = choose(client, "email")
    other = client.get("/passwordreset/verify")

    assert b'href="/passwordreset/verify"' in page.content
    assert b"mobile_text" in other.content


def test_a_call_passes_only_after_the_number_was_typed_on_the_phone(user, mailroom, client):
    make_phone(user)
    identify(client)
    page = choose(client, "mobile_call")
    mailroom.work()
    challenge = Challenge.objects.get()
    before = client.post("/passwordreset/call", follow=True)
    press(challenge.pk, number_shown(challenge))
    after = client.post("/passwordreset/call", follow=True)

    assert stands_in(number_shown(challenge), page.text)
    assert before.request["PATH_INFO"] == "/passwordreset/call"
    assert after.request["PATH_INFO"] == "/passwordreset/new-password"


def test_a_number_typed_on_the_phone_opens_nothing_in_another_browser(user, mailroom, client):
    make_phone(user)
    identify(client)
    choose(client, "mobile_call")
    challenge = Challenge.objects.get()
    press(challenge.pk, number_shown(challenge))
    stranger = Client()
    identify(stranger)

    page = stranger.post("/passwordreset/call", follow=True)

    assert page.request["PATH_INFO"] == "/passwordreset/verify"


def test_whoever_answers_and_says_not_me_ends_the_attempt(user, mailroom, client):
    make_phone(user)
    identify(client)
    choose(client, "mobile_call")
    press(Challenge.objects.get().pk, "9")

    page = choose(client, "email")

    assert page.request["PATH_INFO"] == "/passwordreset/ended"
    assert b"someone else may be trying to get in" in page.content


def test_prefilled_office_phone_serves_without_registration(contoso, mailroom, client):
    user = make_user()
    make_prefill(user, Factor.OFFICE_PHONE, "+82212345678#12")

    page = identify(client)
    choose(client, "office_call")
    mailroom.work()

    assert b"Call my office phone" in page.content
    assert (mailroom.sent[-1].destination, mailroom.sent[-1].extension) == ("+82212345678", "12")


def test_one_phone_that_is_mobile_and_office_is_one_gate(contoso, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    user = make_user()
    make_phone(user, "010-1234-5678")
    make_prefill(user, Factor.OFFICE_PHONE, "+821012345678")

    assert b"R03" in identify(client).content


def test_questions_pass_only_all_together(contoso, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, questions=Questions.GATE))
    user = make_user()
    make_questions(user)
    identify(client)
    choose(client, "questions")
    drawn = drawn_questions(user.pk)
    right = {f"answer_{n}": ANSWERS[qid].upper() for n, qid in enumerate(drawn, start=1)}

    wrong = client.post("/passwordreset/questions", right | {"answer_2": "nonsense"}, follow=True)
    still = drawn_questions(user.pk)
    page = client.post("/passwordreset/questions", right, follow=True)

    assert b"One or more answers are not correct" in wrong.content
    assert still == drawn
    assert page.request["PATH_INFO"] == "/passwordreset/new-password"


def test_questions_allowed_as_second_proof_are_not_offered_first(user, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2, questions=Questions.SECOND))
    make_questions(user)
    first = identify(client)
    choose(client, "email")
    second = enter(client, mailroom.code())

    assert b"security questions" not in first.content
    assert b"security questions" in second.content


def test_a_password_that_breaks_the_rules_says_which_and_keeps_the_gates(user, mailroom, client):
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())

    short = set_password(client, "short")
    named = set_password(client, "minji and more words")
    unequal = set_password(client, NEW, "something else entirely")
    page = set_password(client)

    assert b"Use at least 12 characters. You entered 5." in short.content
    assert b"it contains your name" in named.content
    assert "The passwords don’t match" in unequal.text
    assert page.redirect_chain[-1][0] == "/passwordreset/done"


def test_everybody_is_signed_out_and_told_after_a_reset(user, mailroom, client):
    elsewhere = Client()
    elsewhere.force_login(user, backend="directory.backend.DirectoryBackend")
    assert elsewhere.get("/security-info").status_code == 200
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    set_password(client)

    notices = [message for message in mailroom.work() if "reset" in message.subject]

    assert elsewhere.get("/security-info").status_code == 302
    assert {message.destination for message in notices} == {
        "minji.home@mail.example",
        "minji@contoso.example",
    }
    assert not any(NEW in message.text for message in notices)


def test_other_administrators_hear_of_an_administrators_reset(user, mailroom, client):
    User.objects.filter(pk=user.pk).update(role=Role.TENANT_ADMIN)
    make_user("boss@contoso.example", role=Role.TENANT_ADMIN)
    make_phone(user)
    identify(client)
    for method in ("email", "mobile_text"):
        choose(client, method)
        enter(client, mailroom.code())
    set_password(client)

    assert "boss@contoso.example" in {message.destination for message in mailroom.work()}


def test_an_administrator_needs_two_gates_whatever_the_policy_says(user, mailroom, client):
    User.objects.filter(pk=user.pk).update(role=Role.HELPDESK)

    page = identify(client)

    assert b"R03" in page.content


def test_a_locked_user_may_unlock_and_keep_the_password(user, mailroom, client):
    User.objects.filter(pk=user.pk).update(locked_until=timezone.now() + timedelta(hours=1))
    client.post("/passwordreset", solved({"username": user.upn}))
    client.post("/passwordreset/choose", {"reason": "unlock"})
    choose(client, "email")
    enter(client, mailroom.code())
    opened = client.get("/passwordreset/unlock")
    still_locked = User.objects.get(pk=user.pk).is_locked
    page = client.post("/passwordreset/unlock", follow=True)

    assert opened.status_code == 200
    assert "<title>Unlock my account – " in opened.text
    assert still_locked
    assert b"Your account is unlocked" in page.content
    assert has_password(user, PASSWORD)
    assert not User.objects.get(pk=user.pk).is_locked


def body(client, page):
    return CODE.sub(b"", TOKEN.sub(b"", page.content)).replace(b"stranger", b"minji")


@pytest.mark.parametrize("state", ["unregistered", "disabled", "unknown", "unknown domain"])
def test_unknown_and_unregistered_users_get_the_same_page(contoso, mailroom, client, state):
    make_user("other@contoso.example")
    reference = identify(Client(), "other@contoso.example")
    upn = {
        "unregistered": "minji@contoso.example",
        "disabled": "minji@contoso.example",
        "unknown": "minji@contoso.example",
        "unknown domain": "minji@nowhere.example",
    }[state]
    if state in {"unregistered", "disabled"}:
        person = make_user(enabled=state == "unregistered")
        if state == "disabled":
            make_email(person)

    page = identify(client, upn)

    assert page.status_code == reference.status_code == 200
    assert body(client, page).replace(upn.encode(), b"") == body(client, reference).replace(
        b"other@contoso.example", b""
    )


def test_unknown_and_unregistered_users_cost_the_same_statements(
    contoso, mailroom, client, django_assert_max_num_queries
):
    make_user("unregistered@contoso.example")
    make_email(make_user("disabled@contoso.example", enabled=False))
    client.get("/passwordreset")
    counts = {}
    # In a test's one transaction the first visit leaves in force what the others begin with.
    for name in ("first", "unregistered", "disabled", "unknown"):
        with django_assert_max_num_queries(40) as counted:
            client.post("/passwordreset", solved({"username": f"{name}@contoso.example"}))
            client.get("/passwordreset/ended")
        counts[name] = [query["sql"].split(" ", 1)[0] for query in counted.captured_queries]

    assert counts["unknown"] == counts["unregistered"] == counts["disabled"]


def test_managed_elsewhere_is_r01_and_offers_no_mail(user, client):
    User.objects.filter(pk=user.pk).update(connector="ldap")

    page = identify(client)

    assert b"R01" in page.content
    assert b"/passwordreset/contact" not in page.content


@pytest.mark.parametrize("reason", ["tenant off", "out of scope", "admin off"])
def test_not_enabled_is_r02_and_offers_contact(user, client, reason):
    if reason == "tenant off":
        change_policy(Policy(self_service=Scope.NONE))
    elif reason == "out of scope":
        Group.objects.create(name="pilots")
        change_policy(Policy(self_service=Scope.GROUPS, groups=frozenset({"pilots"})))
    else:
        User.objects.filter(pk=user.pk).update(role=Role.TENANT_ADMIN)
        make_phone(user)
        change_policy(Policy(self_service=Scope.ALL, admin_self_reset=False))

    page = identify(client)

    assert b"R02" in page.content
    assert b"/passwordreset/contact" in page.content


def test_ten_wrong_codes_are_r04_and_signing_in_still_works(user, mailroom, client):
    for _round in range(2):
        browser = Client()
        identify(browser)
        choose(browser, "email")
        mailroom.work()
        for _try in range(5):
            enter(browser, "00000000")
    page = identify(client)
    sign_in = client.post("/signin", {"username": user.upn, "password": PASSWORD})

    assert page.status_code == 429
    assert b"R04" in page.content
    assert 0 < int(page.headers["Retry-After"]) <= 15 * 60
    assert sign_in.status_code == 302


def test_a_pause_that_only_the_helpdesk_ends_says_so_and_no_time(user, client):
    for _ in range(100):
        limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, str(user.pk))

    page = identify(client)

    assert "until your IT team turns it on again" in page.text
    assert "Retry-After" not in page.headers


def test_times_are_told_in_the_zone_of_the_organisation(user, mailroom, client):
    for _ in range(10):
        limits.hit(Limit.WRONG_GUESSES, str(user.pk))

    page = identify(client).content.decode()

    assert stands_in("KST", page)
    assert not stands_in("UTC", page)


def test_a_right_code_buys_no_fresh_guesses_at_the_second_gate(user, mailroom, client):
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))
    make_phone(user)
    for _round in range(2):
        browser = Client()
        identify(browser)
        choose(browser, "email")
        enter(browser, mailroom.code())
        choose(browser, "mobile_text")
        mailroom.work()
        for _try in range(5):
            page = enter(browser, "00000000")

    assert limits.blocked_until(Limit.WRONG_GUESSES, str(user.pk)) is not None
    assert page.status_code in {200, 429}


def test_an_attempt_ends_after_fifteen_minutes(user, mailroom, client):
    with time_machine.travel(timezone.now(), tick=False) as now:
        identify(client)
        choose(client, "email")
        enter(client, mailroom.code())
        now.shift(timedelta(minutes=15))
        page = set_password(client)

    assert b"R07" in page.content
    assert has_password(user, PASSWORD)


def test_a_finished_attempt_opened_again_is_r07(user, mailroom, client):
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    set_password(client)

    page = client.get("/passwordreset/new-password", follow=True)
    twice = set_password(client, "another long password")

    assert b"This reset is already finished" in page.content
    assert twice.request["PATH_INFO"] == "/passwordreset/ended"
    assert has_password(user, NEW)


def test_another_browser_is_r07(user, mailroom, client):
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())

    page = Client().get("/passwordreset/new-password", follow=True)

    assert b"R07" in page.content


def test_the_cookie_changes_at_the_gate_and_the_old_one_opens_nothing(user, mailroom, client):
    identify(client)
    choose(client, "email")
    old = client.cookies["reset"].value
    enter(client, mailroom.code())
    thief = Client()
    thief.cookies["reset"] = old

    page = thief.get("/passwordreset/new-password", follow=True)

    assert client.cookies["reset"].value != old
    assert b"R07" in page.content


@pytest.mark.parametrize("change", ["disabled", "password changed", "method removed by policy"])
def test_what_changes_meanwhile_stops_an_open_attempt(user, mailroom, client, change):
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    if change == "disabled":
        User.objects.filter(pk=user.pk).update(enabled=False)
    elif change == "password changed":
        connector_of(user).set_password(user, "somebody else was here")
    else:
        change_policy(Policy(self_service=Scope.ALL, reset_methods=frozenset({Method.MOBILE_TEXT})))
    page = set_password(client)

    assert "/passwordreset/done" not in [url for url, _status in page.redirect_chain]
    assert not has_password(user, NEW)


@pytest.mark.parametrize("registered_anew", [False, True])
def test_what_is_taken_away_meanwhile_proves_nothing_any_more(
    user, mailroom, client, registered_anew
):
    make_phone(user)
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    RegisteredMethod.objects.filter(user=user, kind=Factor.EMAIL).delete()
    if registered_anew:
        make_email(user, "thief@mail.example")

    page = set_password(client)

    assert page.redirect_chain[0][0] == "/passwordreset/verify"
    assert not has_password(user, NEW)


def test_what_was_registered_anew_is_proved_anew(user, mailroom, client):
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    RegisteredMethod.objects.filter(user=user).delete()
    make_email(user, "new.home@mail.example")
    Challenge.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    choose(client, "email")
    enter(client, mailroom.code())

    assert set_password(client).redirect_chain[-1][0] == "/passwordreset/done"


def test_a_policy_made_stricter_meanwhile_counts(user, mailroom, client):
    make_phone(user)
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    change_policy(Policy(self_service=Scope.ALL, methods_required=2))

    page = set_password(client)

    assert page.redirect_chain[0][0] == "/passwordreset/verify"


def test_a_reset_ends_the_users_other_attempts(user, mailroom, client):
    other = Client()
    identify(other)
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())
    set_password(client)

    assert b"R07" in other.get("/passwordreset/verify", follow=True).content


def test_six_resets_in_a_day_are_r04(user, mailroom):
    for _ in range(5):
        limits.hit(Limit.RESETS_OF_A_USER, str(user.pk))
    client = Client()
    identify(client)
    choose(client, "email")
    enter(client, mailroom.code())

    page = set_password(client)

    assert b"R04" in page.content
    assert has_password(user, PASSWORD)


def test_contact_mails_the_helpdesk_once_an_hour(contoso, mailroom, client):
    make_user()
    make_user("help@contoso.example", role=Role.HELPDESK)
    identify(client)
    message = (
        "Call me at 123.\nhttp://evil.example/click\nor evil.example/login, ftp://evil.example"
    )

    sent = client.post("/passwordreset/contact", {"message": message})
    again = client.post("/passwordreset/contact", {"message": message})

    (mail,) = mailroom.work()
    attempt = ResetAttempt.objects.get()
    assert mail.destination == "help@contoso.example"
    assert attempt.support_code[:4] in mail.text
    assert "Call me at 123." in mail.text
    assert "evil.example" not in mail.text
    assert b"Your request was sent" in sent.content
    assert b"We already told your IT team" in again.content


@pytest.mark.parametrize("who", ["minji@contoso.example", "nobody@nowhere.example"])
def test_no_page_says_that_a_request_was_sent_where_there_is_no_mailbox(
    contoso, mailroom, client, who
):
    make_user()
    identify(client, who)

    page = client.get("/passwordreset/contact")
    sent = client.post("/passwordreset/contact", {"message": "hello"}, follow=True)

    assert "Please contact your IT team directly." in page.text
    assert "textarea" not in page.text
    assert "request was sent" not in sent.text
    assert mailroom.work() == []


def test_a_disabled_administrator_is_no_mailbox(contoso, mailroom, client):
    make_user()
    make_user("admin@contoso.example", role=Role.TENANT_ADMIN, enabled=False)
    identify(client)

    assert "contact your IT team directly" in client.get("/passwordreset/contact").text


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"contact": Contact.URL, "contact_url": "https://it.example/help"}, b"it.example/help"),
        ({"contact": Contact.OFF}, b"contact your IT team directly"),
    ],
)
def test_contact_follows_the_policy(contoso, mailroom, client, changes, seen):
    change_policy(Policy(self_service=Scope.ALL, **changes))
    make_user()
    identify(client)

    assert seen in client.get("/passwordreset/contact").content


def test_user_ids_from_one_network_are_r04_after_two_thousand(contoso, mailroom, client):
    came_from(Limit.USER_IDS_FROM_A_NETWORK_AT_MOST)

    page = identify(client)

    assert page.status_code == 429
    assert b"Too many requests came from your network" in page.content


def test_the_address_keeps_no_name(client, contoso):
    page = client.get("/passwordreset?username=minji@contoso.example", follow=True)

    assert page.request["QUERY_STRING"] == ""
    assert b'value="minji@contoso.example"' in page.content


@pytest.mark.parametrize("page", ["/passwordreset", "/signin"])
def test_a_plus_in_the_address_is_no_blank(client, contoso, page):
    shown = client.get(f"{page}?username=minji+work@contoso.example", follow=True)

    assert b'value="minji+work@contoso.example"' in shown.content


def test_opening_pages_sends_nothing_and_changes_nothing(user, mailroom, client):
    identify(client)
    for path in ("verify", "code", "call", "questions", "new-password", "done", "contact"):
        client.get(f"/passwordreset/{path}")

    assert not Outgoing.objects.exists()
    assert not PassedGate.objects.exists()


def test_support_code_finds_the_attempt_in_the_audit(user, mailroom, client):
    User.objects.filter(pk=user.pk).update(connector="ldap")
    page = identify(client)
    code = ResetAttempt.objects.get().support_code

    admin = make_user("boss@contoso.example", role=Role.TENANT_ADMIN)
    found = behind_both(admin).get("/admin/audit/", {"q": f"{code[:4]}-{code[4:]}".lower()})

    assert f"{code[:4]}-{code[4:]}".encode() in page.content
    assert f"{code[:4]}-{code[4:]}".encode() in found.content
    assert found.text.count("<tr>") == 2, "a heading and one record"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a" * 5000),
        ("username", "\x00@contoso.example"),
        ("username", "minji"),
        ("username[]", "minji@contoso.example"),
    ],
)
def test_odd_user_ids_are_a_plain_error(contoso, client, field, value):
    page = client.post("/passwordreset", solved({field: value}))

    assert page.status_code == 200
    assert b'role="alert"' in page.content
