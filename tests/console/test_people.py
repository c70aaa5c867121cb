import re
from contextlib import suppress

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.activities import Activity
from directory.models import Membership, User
from directory.queries import prefilled
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import FOR_GOOD, Limit, Rate
from reset.models import ResetAttempt
from reset.queries.attempts import Reads, attempt_of, state_of
from reset.services.attempts import begin
from reset.services.attempts import block as block_attempt
from reset.services.gates import GateVerification
from tenants.models import Group
from tenants.policy import Factor, Method, Policy, Scope
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_phone, make_prefill, make_questions, make_user
from tests.console.people import (
    behind_both,
    block,
    confirm,
    events,
    make_admin,
    time_passes,
    with_app,
)
from tests.pages import without_random
from verification.flow import verify
from verification.methods.base import ChallengeAnswer
from verification.services.guesses import Throttled, count_a_guess, throttle_of

LIST = "/admin/people/"
OPEN = Policy(self_service=Scope.ALL, excluded_groups=frozenset({"Guests"}))


@pytest.fixture
def guests(contoso):
    group = Group.objects.create(name="Guests")
    change_policy(OPEN)
    return group


@pytest.fixture
def admin(guests):
    return behind_both(make_admin())


@pytest.fixture
def helpdesk(guests):
    return behind_both(make_admin("help@contoso.example", role=Role.HELPDESK))


def do(client, person, action, note="ticket 12"):
    return confirm(client, f"{LIST}{person.pk}/do/{action}/", note=note)


def names(page):
    return [row["upn"].partition("@")[0] for row in page.context["rows"]]


@pytest.fixture
def crowd(guests):
    """One person in every state."""
    people = {
        name: make_user(f"{name}@contoso.example", display_name=name.title())
        for name in ("able", "partly", "nothing", "guest", "gone", "stuck")
    }
    make_email(people["able"])
    make_email(people["guest"])
    make_email(people["gone"])
    make_email(people["stuck"])
    make_questions(people["partly"])
    make_prefill(people["partly"], Factor.MOBILE_PHONE, "+821012345678")
    Membership.objects.create(user=people["guest"], group=guests)
    User.objects.filter(pk=people["gone"].pk).update(enabled=False)
    block(people["stuck"])
    begin("stuck@contoso.example", network="192.0.2.1")
    change_policy(Policy(self_service=Scope.ALL, excluded_groups=frozenset({"Guests"})))
    return people


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("capable", ["able"]),
        ("partial", ["admin", "partly"]),
        ("none", ["nothing"]),
        ("out", ["guest"]),
        ("disabled", ["gone"]),
        ("blocked", ["stuck"]),
    ],
)
def test_people_are_found_by_where_they_stand(crowd, admin, state, expected):
    assert names(admin.get(LIST, {"state": state})) == expected


def test_nobody_is_out_of_scope_where_everybody_may_reset(crowd, admin):
    change_policy(Policy(self_service=Scope.ALL))

    assert names(admin.get(LIST, {"state": "out"})) == []


def test_filter_and_word_on_the_line_never_disagree(crowd, admin):
    everybody = admin.get(LIST).context["rows"]

    for state, words in {"capable": "Can reset", "none": "Not registered"}.items():
        listed = {row["upn"] for row in admin.get(LIST, {"state": state}).context["rows"]}
        assert listed == {row["upn"] for row in everybody if words in said_of(row)}


def said_of(row):
    return {row["state"], "Not registered"} if row["to_register"] else {row["state"]}


@pytest.mark.parametrize(("language", "words"), [("en", "Not registered"), ("ko", "미등록")])
def test_who_registered_nothing_is_found_whatever_was_entered(guests, admin, language, words):
    able, blocked = make_user("able@contoso.example"), make_user("blocked@contoso.example")
    for user in (able, blocked):
        make_prefill(user, Factor.OFFICE_PHONE, "+82212345678")
    make_email(make_user("registered@contoso.example"))
    with_app(make_user("with.app@contoso.example"))
    block(blocked)
    begin(blocked.upn, network="192.0.2.1")

    page = admin.get(LIST, {"state": "none"}, headers={"accept-language": language})

    assert names(page) == ["able", "blocked"]
    assert names(admin.get(LIST, {"state": "capable"})) == ["able", "registered"]
    assert page.text.count(f'<span class="tag">{words}</span>') == 2


def test_who_is_paused_is_found_before_the_portal_refuses_them(crowd, admin, mailroom):
    begun = begin(crowd["able"].upn, network="192.0.2.2")
    gate = GateVerification(state_of(attempt_of(begun.cookie), Reads.METHODS))
    verify.begin(gate, Method.EMAIL)
    mailroom.work()
    gate = GateVerification(state_of(attempt_of(begun.cookie), Reads.METHODS))
    verify.answer(gate, Method.EMAIL, ChallengeAnswer(text="wrong"))
    block(crowd["able"])

    assert names(admin.get(LIST, {"state": "blocked"})) == ["able", "stuck"]
    assert names(admin.get(LIST, {"state": "capable"})) == []


def test_who_is_refused_until_somebody_helps_is_found_as_blocked(crowd, admin, monkeypatch):
    attempt = begin(crowd["able"].upn, network="192.0.2.2").attempt
    three = Rate(3, FOR_GOOD)
    monkeypatch.setattr(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, "_value_", three)
    with suppress(Throttled):
        while True:
            count_a_guess(crowd["able"].pk)
    block_attempt(attempt, None)

    assert names(admin.get(LIST, {"state": "blocked"})) == ["able", "stuck"]


def test_a_disabled_account_is_called_disabled_whatever_else_it_is(crowd, admin):
    block(crowd["gone"])

    (row,) = admin.get(LIST, {"q": "gone"}).context["rows"]
    assert (row["state"], row["until"]) == ("Disabled", None)


def test_people_are_found_by_language(crowd, admin):
    User.objects.filter(pk=crowd["able"].pk).update(language="ko")
    User.objects.filter(pk=crowd["stuck"].pk).update(language="en")

    assert names(admin.get(LIST, {"language": "ko"})) == ["able"]
    # The others are written to in the organisation's language.
    assert len(names(admin.get(LIST, {"language": "en"}))) == 6


def test_people_are_found_by_contact_data_that_they_never_confirmed(crowd, admin):
    make_prefill(crowd["able"], Factor.EMAIL, "able.home@mail.example")

    assert names(admin.get(LIST, {"unconfirmed": "on"})) == ["partly"]


@pytest.mark.parametrize("typed", ["\0", "a\0b", "%", "²", "x" * 300, "⅐⅐⅐⅐⅐⅐⅐⅐"])
def test_whatever_is_typed_into_the_searches_the_pages_come(admin, typed):
    person = User.objects.get(upn="admin@contoso.example")

    assert admin.get(LIST, {"q": typed}).status_code == 200
    assert admin.get("/admin/find/", {"code": typed}).status_code == 302
    path = f"{LIST}{person.pk}/timeline/"
    assert admin.get(path, {"before": "9" * 5000}).status_code == 200


@pytest.mark.parametrize("typed", ["%", "_", "%able", "a_le", "ab%", "[a]ble", "*"])
def test_wild_cards_stand_for_themselves(crowd, admin, typed):
    assert names(admin.get(LIST, {"q": typed})) == []


@pytest.mark.parametrize("typed", ["ABLE@contoso", "able", "Able"])
def test_people_are_found_by_the_beginning_of_their_user_id_or_by_name(crowd, admin, typed):
    assert names(admin.get(LIST, {"q": typed})) == ["able"]


def test_a_support_code_finds_whose_attempt_it_was(crowd, admin):
    code = ResetAttempt.objects.get(user_id=crowd["stuck"].pk).support_code
    typed = f"{code[:4]}-{code[4:]}".lower()

    assert names(admin.get(LIST, {"q": typed})) == ["stuck"]
    found = admin.get("/admin/find/", {"code": typed}).url
    assert f"/people/{crowd['stuck'].pk}/timeline/?" in found
    assert f'id="{code}"' in admin.get(found).text
    assert (
        "No attempt has this support code"
        in admin.get("/admin/find/", {"code": "ZZZZZZZZ"}, follow=True).text
    )


def test_the_list_goes_on_where_the_page_before_ended(admin):
    for number in range(120):
        make_user(f"p{number:03d}@contoso.example")

    seen, page = [], admin.get(LIST)
    while True:
        seen += names(page)
        if not page.context["next"]:
            break
        page = admin.get(f"{LIST}?{page.context['next']}")

    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 121


@pytest.mark.parametrize(
    ("language", "one", "many", "about"),
    [
        ("en", "1 person", "10,000 people", "About 11,000 people"),
        ("ko", "사용자 1명", "사용자 10,000명", "사용자 약 11,000명"),
    ],
)
def test_the_list_says_how_many_were_found_exactly_up_to_ten_thousand(
    admin, guests, language, one, many, about
):
    User.objects.bulk_create(
        [User(upn=f"p{n:04d}@contoso.example", tenant_id=guests.tenant_id) for n in range(9_999)]
    )

    def counted(**query):
        page = admin.get(LIST, query, headers={"accept-language": language})
        found = re.search(r'<p class="hint">\s*(.*?)\s*</p>', page.text)
        return found and found[1]

    assert counted(q="admin") == one
    assert counted() == many
    assert counted(after="p0900@contoso.example") == many
    assert counted(q="nobody at all") is None
    User.objects.bulk_create(
        [User(upn=f"q{n:03d}@contoso.example", tenant_id=guests.tenant_id) for n in range(600)]
    )
    assert counted() == about


def test_a_filtered_list_is_counted_on_each_of_its_pages(admin):
    def counted(**query):
        return admin.get(LIST, query).context["how_many"]

    for number in range(51):
        make_email(make_user(f"p{number:03d}@contoso.example"))

    assert counted(state="capable") == 51
    assert counted(state="capable", after="p048@contoso.example") == 51
    assert counted(state="partial") == 1
    assert counted(state="none") == 0


def test_fifty_people_cost_no_more_questions_than_one(admin):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            admin.get(LIST)
        return len(asked)

    admin.get(LIST)
    few = queries()
    for number in range(50):
        make_email(make_user(f"p{number:03d}@contoso.example"))

    assert queries() == few


def test_a_person_is_shown_masked_and_answers_never(crowd, admin):
    make_phone(crowd["partly"])
    with_app(crowd["partly"])

    text = admin.get(f"{LIST}{crowd['partly'].pk}/").text

    assert "••• ••• ••78" in text or "78" in text
    assert "1012345678" not in text
    assert "10-1234-5678" not in text
    assert "spaghetto" not in text
    assert crowd["partly"].password.rpartition("$")[2] not in text


@pytest.mark.parametrize(
    ("who", "code", "words"),
    [
        ("able", None, "Yes, with"),
        ("nothing", "R03", "Too few usable methods"),
        ("guest", "R02", "excluded by the group Guests"),
        ("gone", "R03", "The account is disabled"),
        ("stuck", "R04", "too many failed attempts"),
    ],
)
def test_the_page_says_what_the_portal_would_do(crowd, admin, who, code, words):
    page = admin.get(f"{LIST}{crowd[who].pk}/")

    assert words in page.text
    assert page.context["eligibility"].refusal == code
    assert begin(crowd[who].upn, network="192.0.2.2").attempt.refused == (code or "")


def test_clearing_a_block_lets_the_person_reset_again_and_is_on_record(crowd, helpdesk, mailroom):
    do(helpdesk, crowd["stuck"], "clear")

    assert throttle_of(crowd["stuck"].pk) is None
    (event,) = events(Activity.BLOCK_CLEARED)
    assert event.subject_id == crowd["stuck"].pk
    assert User.objects.get(pk=event.actor_id).upn == "help@contoso.example"
    assert event.details["note"] == "ticket 12"
    assert any("reset your" in mail.subject for mail in mailroom.work())


def test_clearing_a_block_lets_somebody_reset_who_did_so_too_often(crowd, helpdesk):
    for _ in range(5):
        limits.hit(Limit.RESETS_OF_A_USER, str(crowd["able"].pk))

    do(helpdesk, crowd["able"], "clear")

    assert limits.hit(Limit.RESETS_OF_A_USER, str(crowd["able"].pk)).allowed


@pytest.mark.parametrize("note", ["", " ", "\u200b\u200b", "\u202e"])
def test_no_reason_nothing_happens(crowd, helpdesk, note):
    page = do(helpdesk, crowd["stuck"], "clear", note=note)

    assert "Enter a reason" in page.text
    assert throttle_of(crowd["stuck"].pk) is not None


def test_signing_somebody_out_ends_their_sessions(crowd, helpdesk, mailroom):
    client = Client()
    client.post("/signin", {"username": crowd["able"].upn, "password": PASSWORD})
    do(helpdesk, crowd["able"], "sign-out")

    assert client.get("/security-info").status_code == 302
    assert mailroom.work()


def test_registration_that_is_required_again_is_where_the_next_sign_in_leads(
    crowd, helpdesk, mailroom
):
    typed = {"username": crowd["able"].upn, "password": PASSWORD}
    do(helpdesk, crowd["able"], "reregister")
    client = Client()

    answer = client.post("/signin", typed)
    client.post("/ssprsetup")
    still = Client().post("/signin", typed)
    client.post("/security-info/proof", {"method": "email"})
    client.post("/security-info/proof/verify", {"code": mailroom.code()})
    client.post("/ssprsetup")
    again = Client().post("/signin", typed)

    assert answer.url == "/ssprsetup"
    assert still.url == "/ssprsetup"
    assert again.url == "/security-info"


def test_a_temporary_password_is_shown_once_works_and_must_be_changed(crowd, helpdesk, mailroom):
    page = do(helpdesk, crowd["able"], "temporary-password")
    password = page.context["password"]

    assert password in page.text
    assert len(password) >= 16
    assert page.headers["Cache-Control"] == "no-store"
    client = Client()
    signed_in = client.post("/signin", {"username": crowd["able"].upn, "password": password})
    assert signed_in.status_code == 302
    assert client.get("/security-info").url == "/changepassword"
    old = Client().post("/signin", {"username": crowd["able"].upn, "password": PASSWORD})
    assert old.status_code == 200
    (event,) = events(Activity.TEMPORARY_PASSWORD)
    assert password not in str(event.details)
    assert all(password not in mail.text for mail in mailroom.work())


def test_nobody_gets_a_temporary_password_for_what_is_kept_elsewhere(crowd, helpdesk):
    User.objects.filter(pk=crowd["able"].pk).update(connector="ldap")

    page = do(helpdesk, crowd["able"], "temporary-password")

    assert "password" not in page.context
    assert not events(Activity.TEMPORARY_PASSWORD)


def test_disabling_ends_sessions_and_resets_under_way(crowd, admin):
    begin(crowd["able"].upn, network="192.0.2.2")
    do(admin, crowd["able"], "disable")

    person = User.objects.get(pk=crowd["able"].pk)
    assert not person.enabled
    assert ResetAttempt.objects.get(user_id=person.pk).refused == "R07"
    do(admin, crowd["able"], "enable")
    assert User.objects.get(pk=person.pk).enabled


@pytest.mark.parametrize("action", ["temporary-password", "disable"])
def test_what_is_dangerous_needs_a_fresh_second_factor(crowd, admin, action):
    time_passes(admin, 601)

    answer = do(admin, crowd["able"], action)

    assert answer.url == "/admin/second-factor/"
    assert User.objects.get(pk=crowd["able"].pk).enabled
    assert not events(Activity.TEMPORARY_PASSWORD)


@pytest.mark.parametrize(
    "action", ["clear", "reregister", "sign-out", "temporary-password", "disable", "enable"]
)
def test_helpdesk_acts_on_nobody_who_has_a_role(crowd, helpdesk, action):
    boss = make_admin("boss@contoso.example")

    assert do(helpdesk, boss, action).status_code == 404
    assert helpdesk.get(f"{LIST}{boss.pk}/do/{action}/").status_code == 404
    assert events(Activity.TEMPORARY_PASSWORD) == []


@pytest.mark.parametrize("action", ["disable", "enable"])
def test_helpdesk_disables_and_enables_nobody(crowd, helpdesk, action):
    assert do(helpdesk, crowd["able"], action).status_code == 404
    assert User.objects.get(pk=crowd["able"].pk).enabled


@pytest.mark.parametrize("action", ["temporary-password", "disable", "clear"])
def test_nobody_does_this_to_themselves(admin, action):
    me = User.objects.get(upn="admin@contoso.example")

    assert do(admin, me, action).status_code == 404


def test_an_action_that_there_isnt_isnt_there(crowd, admin):
    assert do(admin, crowd["able"], "delete").status_code == 404


def test_a_number_in_full_needs_a_reason_and_leaves_a_trace(crowd, admin):
    make_phone(crowd["able"])
    path = f"{LIST}{crowd['able'].pk}/reveal/mobile_phone/"

    before = admin.get(path)
    after = admin.post(path, {"note": "call back"})

    assert "010-1234-5678" not in before.text
    assert "010-1234-5678" in after.text
    (event,) = events(Activity.CONTACT_SHOWN)
    said = {name: value for name, value in event.details.items() if name != "place"}
    assert said == {"method": "mobile_phone", "note": "call back"}


def test_helpdesk_sees_nothing_in_full(crowd, helpdesk):
    make_phone(crowd["able"])
    path = f"{LIST}{crowd['able'].pk}/reveal/mobile_phone/"

    assert helpdesk.get(path).status_code == 404
    assert helpdesk.post(path, {"note": "x"}).status_code == 404
    assert helpdesk.get(f"{LIST}{crowd['able'].pk}/contact/").status_code == 404


def test_contact_data_is_kept_sealed_told_and_not_written_down(crowd, admin, mailroom):
    person = crowd["nothing"]

    admin.post(
        f"{LIST}{person.pk}/contact/",
        {"office_phone": "02-1234-5678 ext 12", "mobile_phone": "010 2222 3333", "email": ""},
    )

    known = prefilled(person.pk)
    assert known[Factor.OFFICE_PHONE].value == "+82212345678#12"
    assert known[Factor.MOBILE_PHONE].value == "+821022223333"
    assert known[Factor.MOBILE_PHONE].sms_capable
    for event in events(Activity.CONTACT_ENTERED):
        assert "1234" not in without_random(str(event.details))
    assert any("contact information" in mail.subject for mail in mailroom.work())


def test_what_is_left_empty_is_taken_away(crowd, admin):
    make_prefill(crowd["nothing"], Factor.OFFICE_PHONE, "+82212345678")

    admin.post(f"{LIST}{crowd['nothing'].pk}/contact/", {"office_phone": ""})

    assert not prefilled(crowd["nothing"].pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("office_phone", "12"),
        ("mobile_phone", "+44 20 7946 0018"),
        ("mobile_phone", "02-1234-5678 ext 12"),
        ("email", "nobody"),
    ],
)
def test_bad_contact_data_is_said_at_the_field_and_nothing_is_written(crowd, admin, field, value):
    person = crowd["nothing"]
    typed = {"office_phone": "02-1234-5678", "mobile_phone": "", "email": "", field: value}

    page = admin.post(f"{LIST}{person.pk}/contact/", typed)

    assert set(page.context["form"].errors) == {field}
    assert not prefilled(person.pk)


def test_verified_data_isnt_touched_by_what_an_administrator_enters(crowd, admin):
    make_phone(crowd["able"], "010-1234-5678")

    admin.post(f"{LIST}{crowd['able'].pk}/contact/", {"mobile_phone": "010-9999-9999"})

    text = admin.get(f"{LIST}{crowd['able'].pk}/").text
    assert "Verified" in text
    assert begin(crowd["able"].upn, network="192.0.2.3").attempt.refused == ""


def test_the_timeline_goes_back_to_the_beginning(crowd, admin):
    for _ in range(60):
        begin(crowd["able"].upn, network="192.0.2.3")
    path = f"{LIST}{crowd['able'].pk}/timeline/"

    first = admin.get(path)
    second = admin.get(path, {"before": first.context["before"]})

    assert len(first.context["entries"]) == 50
    assert len(second.context["entries"]) >= 10
    assert second.context["before"] is None


def test_reports_readers_see_no_people(guests, crowd):
    client = behind_both(make_admin("reports@contoso.example", role=Role.REPORTS_READER))

    for path in (LIST, f"{LIST}{crowd['able'].pk}/", "/admin/find/?code=x"):
        assert client.get(path).status_code == 404


def test_people_of_another_organisation_arent_there(admin, hanbit):
    with in_tenant(hanbit.pk):
        theirs = make_user("kim@hanbit.example")
        make_email(theirs)

    assert names(admin.get(LIST, {"q": "kim@"})) == []
    for path in ("", "timeline/", "contact/", "reveal/email/", "do/clear/"):
        assert admin.get(f"{LIST}{theirs.pk}/{path}").status_code == 404
        assert admin.post(f"{LIST}{theirs.pk}/{path}", {"note": "x"}).status_code in {404, 405}


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("Jürgen MÜLLER", "müller"),
        ("Jürgen Müller", "JÜRGEN"),
        ("Иван Петров", "петРОВ"),
        ("Γιώργος", "ΓΙΏΡ"),
        ("Straße", "STRASSE"),
        ("Ｌｅｅ Minsu", "lee minsu"),
        ("김민지", "민지"),
        ("Sean O’Brien", "o'brien"),
        ("100% Sure_Name", "% sure_"),
    ],
)
def test_a_name_is_found_in_any_case_and_width(admin, name, search):
    make_user("wanted@contoso.example", display_name=name)
    make_user("other@contoso.example", display_name="Somebody Else")

    assert names(admin.get(LIST, {"q": search})) == ["wanted"]
