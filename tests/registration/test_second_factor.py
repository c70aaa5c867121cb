"""The second factor at sign-in: who needs it, what passes it, and which pages are open before."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from delivery import channels
from directory.models import User
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.services.manage import sign_out_everywhere
from reset.models import PassedGate
from tenants.policy import Factor, Method, Policy, Questions, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import (
    ANSWERS,
    make_email,
    make_phone,
    make_prefill,
    make_questions,
    make_recovery_codes,
    make_tenant,
    make_user,
)
from tests.captcha import solved, without_work
from tests.console.people import code_now, make_admin, with_app, wrong_code
from tests.threads import all_at_once
from tests.visits import sign_in
from verification.models import Challenge, RegisteredMethod
from verification.queries import drawn_questions, number_shown
from verification.services.calls import press
from verification.services.guesses import count_a_guess

CHOOSE, VERIFY = "/signin/second-factor", "/signin/second-factor/verify"
HOLDINGS = {
    "nothing": lambda _user: None,
    "questions": make_questions,
    "email": make_email,
    "phone": make_phone,
    "app": with_app,
    "entered office phone": lambda user: make_prefill(user, Factor.OFFICE_PHONE, "+82212340001"),
}


def asks(setting=SecondFactor.REGISTERED, **more):
    change_policy(
        Policy(
            self_service=more.pop("self_service", Scope.ALL),
            questions=Questions.GATE,
            sign_in_second_factor=setting,
            **({"require_registration": False} | more),
        )
    )


@pytest.fixture
def contoso(contoso):
    asks()
    return contoso


def with_pending_sign_in(user) -> Client:
    client = Client()
    sign_in(client, user)
    return client


def is_signed_in(client):
    return client.get("/security-info").status_code == 200


@pytest.mark.parametrize(
    ("setting", "held", "leads_to"),
    [
        *(("off", held, "/") for held in HOLDINGS),
        ("registered", "nothing", "/"),
        ("registered", "questions", "/"),
        ("registered", "entered office phone", "/"),
        ("registered", "email", CHOOSE),
        ("registered", "phone", CHOOSE),
        ("registered", "app", VERIFY),
        ("required", "nothing", "/ssprsetup"),
        ("required", "questions", "/ssprsetup"),
        ("required", "entered office phone", "/ssprsetup"),
        ("required", "email", CHOOSE),
        ("required", "phone", CHOOSE),
        ("required", "app", VERIFY),
    ],
)
def test_policy_and_what_is_held_decide_what_the_password_opens(user, setting, held, leads_to):
    asks(SecondFactor(setting))
    HOLDINGS[held](user)
    client = Client()

    page = sign_in(client, user)

    assert is_signed_in(client) == (leads_to == "/")
    assert leads_to in {"/", page.url}


def test_a_code_to_a_reset_method_signs_in_and_is_a_fresh_proof(user, mailroom):
    make_email(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "email"})

    page = client.post(VERIFY, {"code": mailroom.code()})

    assert page.url == "/security-info"
    assert is_signed_in(client)
    assert client.get("/ssprsetup/phone").status_code == 200


def test_a_call_signs_in(user):
    make_phone(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "mobile_call"})
    early = client.post(VERIFY)
    challenge = Challenge.objects.get()
    press(challenge.pk, number_shown(challenge))

    page = client.post(VERIFY)

    assert early.status_code == 200
    assert client.get("/signin/second-factor/call").url == "/signin"
    assert page.url == "/security-info"


def test_the_app_is_asked_for_at_once_and_leads_where_one_was_going(user):
    with_app(user)
    client = Client()
    sign_in(client, user, "/signin?next=/changepassword")

    page = client.post(VERIFY, {"code": code_now()})

    assert page.url == "/changepassword"
    assert client.get(page.url).status_code == 200


def test_a_wrong_code_opens_nothing(user):
    with_app(user)
    client = with_pending_sign_in(user)

    page = client.post(VERIFY, {"code": wrong_code()})

    assert "This code is not correct" in page.text
    assert not is_signed_in(client)


def test_who_said_on_the_phone_that_it_was_not_them_ends_the_sign_in(user, mailroom):
    make_phone(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "mobile_call"})
    Challenge.objects.update(denied_at=timezone.now(), closed_at=timezone.now())

    page = client.get(CHOOSE)

    assert page.url == "/signin"
    assert client.post(CHOOSE, {"method": "mobile_text"}).url == "/signin"
    assert client.get(CHOOSE).url == "/signin"


def portal_urls():
    """Every address of the portal, each with an argument where it takes one."""
    found = []
    for room in get_resolver().url_patterns:
        for page in getattr(room, "url_patterns", [room]):
            if not hasattr(page, "name"):
                continue
            name = ":".join(filter(None, [getattr(room, "app_name", ""), page.name or ""]))
            if getattr(room, "app_name", "") in {"admin", "console"} or not page.name:
                continue
            kinds = page.pattern.converters
            args = {"slug": "prove", "int": 1, "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
            filled = {
                name: args.get(type(kind).__name__.removesuffix("Converter").lower(), "x")
                for name, kind in kinds.items()
            }
            found.append((name, reverse(name, kwargs=filled)))
    return found


def test_a_pending_sign_in_reaches_no_page_of_a_signed_in_user(user):
    make_email(user)
    make_phone(user)
    client, stranger = with_pending_sign_in(user), Client()
    own = {CHOOSE, VERIFY, "/signin/second-factor/resend", "/signin/second-factor/call"}
    walked = [url for _name, url in portal_urls() if url not in own]

    for url in walked:
        as_pending, as_stranger = client.get(url), stranger.get(url)

        assert as_pending.status_code == as_stranger.status_code, url
        assert as_pending.get("Location") == as_stranger.get("Location"), url
        assert user.display_name not in getattr(as_pending, "text", ""), url
    assert {"/security-info", "/ssprsetup", "/changepassword", "/security-info/proof"} <= {*walked}


@pytest.mark.parametrize(
    "url",
    [
        "/security-info/sign-out-everywhere",
        "/security-info/proof",
        "/security-info/resend/prove",
        "/session/extend",
        "/ssprsetup",
        "/changepassword",
        "/security-info/default",
    ],
)
def test_a_pending_sign_in_changes_nothing(user, url):
    make_email(user)
    client = with_pending_sign_in(user)

    page = client.post(url, {"method": "email"})

    assert page.url.startswith("/signin")
    assert User.objects.get().session_epoch == 0
    assert not Challenge.objects.exists()


def test_a_challenge_of_the_sign_in_can_not_be_answered_as_a_proof_for_changes(user, mailroom):
    make_email(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "email"})

    page = client.post("/security-info/proof/verify", {"code": mailroom.code()})

    assert page.url.startswith("/signin")
    assert not is_signed_in(client)


def test_a_pending_sign_in_lasts_ten_minutes(user, mailroom):
    make_email(user)
    with time_machine.travel(timezone.now(), tick=False) as now:
        client = with_pending_sign_in(user)
        client.post(CHOOSE, {"method": "email"})
        code = mailroom.code()
        now.shift(timedelta(minutes=9, seconds=59))
        in_time = client.get(VERIFY)
        now.shift(timedelta(seconds=1))
        page = client.post(VERIFY, {"code": code}, follow=True)

    assert in_time.status_code == 200
    assert "Your sign-in has ended." in page.text
    assert not is_signed_in(client)


@pytest.mark.parametrize("end", ["sign out everywhere", "disable"])
def test_what_ends_every_session_ends_pending_sign_ins(user, mailroom, end):
    make_email(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "email"})
    if end == "disable":
        User.objects.update(enabled=False)
    else:
        sign_out_everywhere(user)

    page = client.post(VERIFY, {"code": mailroom.code()})

    assert page.url == "/signin"
    assert not is_signed_in(client)


def test_signing_out_ends_a_pending_sign_in(user):
    make_email(user)
    client = with_pending_sign_in(user)

    client.post("/signout")

    assert client.get(CHOOSE).url == "/signin"


def test_the_session_has_a_new_key_at_each_step(user):
    with_app(user)
    client = Client()
    client.get("/signin?username=minji@contoso.example")
    keys = [client.session.session_key]
    sign_in(client, user)
    keys.append(client.session.session_key)
    client.post(VERIFY, {"code": code_now()})
    keys.append(client.session.session_key)

    assert len(set(keys)) == 3


def test_a_code_of_the_app_opens_one_of_two_browsers(user):
    with_app(user)
    first, second = with_pending_sign_in(user), with_pending_sign_in(user)
    code = code_now()

    first.post(VERIFY, {"code": code})
    page = second.post(VERIFY, {"code": code})

    assert is_signed_in(first)
    assert "This code is not correct" in page.text
    assert not is_signed_in(second)


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_with_one_code_at_once_one_gets_in(mailroom):
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        asks()
        user = make_user()
        with_app(user)
        browsers = [with_pending_sign_in(user) for _ in range(2)]
    code, waiting = code_now(), list(browsers)

    all_at_once(2, lambda: waiting.pop().post(VERIFY, {"code": code}), tenant_id=tenant.pk)

    assert sorted(is_signed_in(browser) for browser in browsers) == [False, True]


def test_a_pending_sign_in_opens_nothing_of_the_admin(user):
    admin = make_admin()
    with_app(admin)
    client = with_pending_sign_in(admin)

    answer = client.get("/admin/")

    assert answer.status_code == 302
    assert answer.url.startswith("/signin")


def test_the_code_of_another_sign_in_opens_nothing(user, mailroom):
    make_email(user)
    mine, theirs = with_pending_sign_in(user), with_pending_sign_in(user)
    mine.post(CHOOSE, {"method": "email"})
    code = mailroom.code()
    with time_machine.travel(timezone.now() + timedelta(seconds=40)):
        theirs.post(CHOOSE, {"method": "email"})
        mailroom.work()
        theirs.post(VERIFY, {"code": code})

    assert not is_signed_in(theirs)


def test_answers_never_pass_for_a_second_factor(user):
    make_questions(user)
    make_email(user)
    client = with_pending_sign_in(user)

    client.post(CHOOSE, {"method": "questions"})

    assert "Answer my security questions" not in client.get(CHOOSE).text
    assert not Challenge.objects.exists()
    assert client.post(VERIFY, ANSWERS).url == CHOOSE


def test_a_method_that_the_policy_took_back_meanwhile_passes_nothing(user, mailroom):
    make_email(user)
    make_phone(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "email"})
    code = mailroom.code()
    asks(reset_methods=frozenset({Method.MOBILE_TEXT}))

    client.post(VERIFY, {"code": code})

    assert not is_signed_in(client)


def test_a_method_removed_meanwhile_passes_nothing(user, mailroom):
    make_email(user)
    make_phone(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "email"})
    RegisteredMethod.objects.filter(kind=Factor.EMAIL).delete()

    client.post(VERIFY, {"code": mailroom.code()})

    assert not is_signed_in(client)


@pytest.mark.parametrize("setting", [SecondFactor.REGISTERED, SecondFactor.REQUIRED])
def test_what_can_not_be_delivered_is_no_way_past_and_no_dead_end(user, monkeypatch, setting):
    asks(setting)
    make_phone(user)
    monkeypatch.setattr(channels, "_module", lambda kind: "email" if kind == "email" else None)
    client = with_pending_sign_in(user)

    page = client.get(CHOOSE)

    assert page.status_code == 200
    assert "You can’t use any of your registered methods here right now." in page.text
    assert "Please contact your IT team directly." in page.text
    assert not is_signed_in(client)


def test_guesses_are_counted_over_all_sign_ins(user, mailroom):
    make_email(user)
    with time_machine.travel(timezone.now(), tick=False) as now:
        for _ in range(2):
            client = with_pending_sign_in(user)
            client.post(CHOOSE, {"method": "email"})
            for _try in range(5):
                client.post(VERIFY, {"code": "00000000"})
            now.shift(timedelta(minutes=2))
        client = with_pending_sign_in(user)
        client.post(CHOOSE, {"method": "email"})
        page = client.post(VERIFY, {"code": mailroom.code()}, follow=True)

    assert "Paused until" in page.text
    assert not is_signed_in(client)


def test_guesses_at_a_reset_keep_nobody_from_signing_in(user, mailroom):
    make_email(user)
    for _ in range(10):
        count_a_guess(user.pk)
    assert limits.blocked_until(Limit.WRONG_GUESSES, str(user.pk))
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "email"})

    client.post(VERIFY, {"code": mailroom.code()})

    assert is_signed_in(client)


def test_a_sign_in_is_written_down_when_it_is_whole(user):
    with_app(user)
    client = with_pending_sign_in(user)
    before = set(Event.objects.values_list("activity", flat=True))
    client.post(VERIFY, {"code": code_now()})

    assert Activity.PASSWORD_ACCEPTED in before
    assert Activity.SIGNED_IN not in before
    assert Event.objects.filter(activity=Activity.SIGNED_IN).count() == 1


def test_wrong_password_says_the_same_to_everybody(user):
    make_email(user)
    known = Client().post("/signin", {"username": user.upn, "password": "wrong"})
    unknown = Client().post("/signin", {"username": "x@contoso.example", "password": "wrong"})

    told = [re.sub(r'value="[^"]*"', "", without_work(page.text)) for page in (known, unknown)]
    assert told[0] == told[1]
    assert known.cookies.keys() == unknown.cookies.keys()


def test_who_must_register_first_gets_in_by_registering(user, mailroom):
    asks(SecondFactor.REQUIRED)
    client = with_pending_sign_in(user)
    led = [client.get(url).url for url in ("/security-info", "/changepassword", "/")]
    wizard = client.get("/ssprsetup").text

    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})

    assert led == ["/ssprsetup"] * 3
    assert "Register a method for it to continue." in wizard
    assert "Skip for now" not in wizard
    assert is_signed_in(client)
    assert sign_in(Client(), user).url == CHOOSE


def test_answers_alone_do_not_let_in_who_must_register_first(user):
    asks(SecondFactor.REQUIRED)
    make_questions(user)
    client = with_pending_sign_in(user)
    client.post("/security-info/proof", {"method": "questions"})
    asked = drawn_questions(user.pk)
    answers = {f"answer_{n}": ANSWERS[one] for n, one in enumerate(asked, start=1)}
    client.post("/security-info/proof/verify", answers)

    assert client.get("/security-info").url == "/ssprsetup"
    assert client.get("/ssprsetup/email").status_code == 200


def test_what_somebody_else_registered_meanwhile_lets_in_nobody(user):
    asks(SecondFactor.REQUIRED)
    client = with_pending_sign_in(user)
    make_email(user)

    assert client.get("/security-info").url == "/ssprsetup"
    assert client.get("/ssprsetup/email").url == "/security-info/proof"


def test_who_may_not_reset_registers_for_sign_in_all_the_same(user, mailroom):
    asks(SecondFactor.REQUIRED, self_service=Scope.NONE)
    client = with_pending_sign_in(user)
    wizard = client.get("/ssprsetup").text
    assert "/ssprsetup/email" in wizard
    assert "reset your password" not in wizard
    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})

    page = client.get("/security-info")

    assert page.status_code == 200
    assert "to be able to reset your password" not in page.text


def test_where_nothing_can_be_registered_it_is_said_whom_to_contact(user, monkeypatch):
    only = frozenset({Method.MOBILE_TEXT})
    change_policy(
        Policy(
            self_service=Scope.ALL,
            sign_in_second_factor=SecondFactor.REQUIRED,
            sign_in_methods=only,
            reset_methods=only,
        )
    )
    monkeypatch.setattr(channels, "_module", lambda _kind: None)
    client = with_pending_sign_in(user)

    page = client.get("/security-info", follow=True)

    assert page.request["PATH_INFO"] == "/ssprsetup"
    assert "Contact your administrator." in page.text


def test_a_temporary_password_and_a_missing_factor_send_nobody_in_circles(user):
    asks(SecondFactor.REQUIRED)
    User.objects.update(must_change_password=True)
    client = with_pending_sign_in(user)

    page = client.get("/security-info", follow=True)

    assert page.request["PATH_INFO"] == "/changepassword"


def test_a_method_only_for_sign_in_is_registered_and_is_no_gate(user, mailroom):
    asks(
        sign_in_methods=frozenset({Method.AUTHENTICATOR}),
        reset_methods=frozenset({Method.EMAIL}),
        methods_required=1,
    )
    with_app(user)
    make_email(user)
    client = with_pending_sign_in(user)
    client.post(VERIFY, {"code": code_now()})

    wizard = client.get("/ssprsetup").text
    assert "For sign-in only" in wizard
    reset = Client()
    reset.post("/passwordreset", solved({"username": user.upn}))
    reset.post("/passwordreset/verify", {"method": "authenticator"})
    reset.post("/passwordreset/app", {"code": code_now(steps=1)})

    assert "authenticator" not in reset.get("/passwordreset/verify").text
    assert not PassedGate.objects.exists()


def test_an_app_that_only_signs_in_makes_nobody_ready_to_reset(user):
    asks(reset_methods=frozenset({Method.EMAIL}), require_registration=True)
    with_app(user)
    client = with_pending_sign_in(user)

    page = client.post(VERIFY, {"code": code_now()})

    assert page.url == "/ssprsetup"
    assert "0 of 1 methods set up" in client.get("/ssprsetup").text


def test_nothing_is_offered_for_sign_in_while_sign_in_asks_for_nothing(user):
    asks(SecondFactor.OFF)
    client = with_pending_sign_in(user)

    assert "/ssprsetup/app" not in client.get("/ssprsetup").text
    assert client.get("/ssprsetup/app").url == "/ssprsetup"


def test_a_recovery_code_signs_in_and_is_used_up(user):
    asks(reset_methods=frozenset({Method.EMAIL, Method.RECOVERY_CODE}))
    make_email(user)
    code = make_recovery_codes(user)[0]
    client, other = with_pending_sign_in(user), with_pending_sign_in(user)
    for one in (client, other):
        one.post(CHOOSE, {"method": "recovery_code"})

    wrong = client.post(VERIFY, {"code": "0000-0000-0000-0000-0000-0000"})
    assert not is_signed_in(client)
    assert "not correct" in wrong.text
    page = client.post(VERIFY, {"code": code}, follow=True)
    other.post(VERIFY, {"code": code})

    assert is_signed_in(client)
    assert "9 recovery codes left" in page.text
    assert not is_signed_in(other)


def test_recovery_codes_may_be_for_signing_in_alone(user):
    asks(
        reset_methods=frozenset({Method.EMAIL}),
        sign_in_methods=frozenset({Method.AUTHENTICATOR, Method.RECOVERY_CODE}),
    )
    with_app(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "authenticator"})
    client.post(VERIFY, {"code": code_now()})
    offered = client.get("/ssprsetup/recovery-codes")
    codes = make_recovery_codes(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "recovery_code"})
    client.post(VERIFY, {"code": codes[0]})
    reset = Client()
    reset.post("/passwordreset", solved({"username": user.upn}))

    assert offered.status_code == 200
    assert is_signed_in(client)
    assert 'value="recovery_code"' not in reset.get("/passwordreset/verify", follow=True).text


def test_codes_for_a_reset_need_something_else_that_a_reset_takes(user):
    asks(
        reset_methods=frozenset({Method.EMAIL, Method.RECOVERY_CODE}),
        sign_in_methods=frozenset({Method.AUTHENTICATOR}),
    )
    with_app(user)
    client = with_pending_sign_in(user)
    client.post(CHOOSE, {"method": "authenticator"})
    client.post(VERIFY, {"code": code_now()})

    assert client.get("/ssprsetup/recovery-codes").status_code == 302
