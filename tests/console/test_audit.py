"""The audit log as its readers use it: who did what, in words, found without counting."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event, Head
from audit.services import Actor, record, seen_from
from audit.services.sealing import sweep
from console.queries import PAGE
from console.queries import audit as queries
from directory.models import User
from isolation.scope import in_tenant
from tenants.models import CustomQuestion
from tenants.policy import Method
from tenants.policy.values import with_changes
from tenants.queries import policy_in_force
from tenants.roles import Role
from tenants.services import change_policy
from tests.builders import make_email, make_user
from tests.console.people import behind_both, make_admin, make_operator, with_app
from tests.pages import stands_in, without_random
from tests.verification.test_contacts import by_the_admin
from typed.rules import folded

LIST = "/admin/audit/"
KOREAN = {"accept-language": "ko"}


@pytest.fixture
def client(boss):
    return behind_both(boss)


@pytest.fixture
def minji(contoso):
    return make_user("minji@contoso.example")


def rows(page):
    """The cells of each line of the list."""
    lines = re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", line)]
        for line in lines
    ]


def facts(page):
    """What the page of one record says: label → words."""
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page.text, re.DOTALL)
    return {label: re.sub(r"<[^>]+>", "", words).strip() for label, words in found}


def opened(client, **wanted):
    event = Event.objects.filter(**wanted).latest("id")
    return client.get(f"{LIST}{event.pk}/")


def test_the_list_says_who_did_what_to_whom(client, boss, minji):
    record(Activity.USER_DISABLED, subject_id=minji.pk, actor_id=boss.pk)
    record(Activity.BRANDING_CHANGED, actor_id=boss.pk, settings="colour")
    record(Activity.GUESSING_SUSPECTED, Outcome.FAILURE, actor_id=Actor.SERVICE)

    alarm, branding, disabled = rows(client.get(LIST))[:3]

    assert disabled[1:5] == ["User disabled", "Success", minji.upn, boss.upn]
    assert branding[1:5] == ["Branding changed", "Success", "–", boss.upn]
    assert alarm[1:5] == [
        "Unusually many wrong codes in an hour",
        "Failure",
        "–",
        "This service",
    ]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "root@service.example (service operator)"),
        (KOREAN, "root@service.example (서비스 운영자)"),
    ],
    ids=["en", "ko"],
)
def test_an_operator_is_named(client, headers, words):
    operator = make_operator("root@service.example")
    record(Activity.OPERATOR_ENTERED, actor_id=operator.pk)

    assert rows(client.get(LIST, headers=headers))[0][4] == words


@pytest.mark.parametrize("typed", ["root@service.example", "ROOT", "root"])
def test_an_operator_is_searched_by_name(client, minji, typed):
    operator = make_operator("root@service.example")
    record(Activity.OPERATOR_ENTERED, actor_id=operator.pk)
    record(Activity.USER_DISABLED, subject_id=minji.pk, actor_id=Actor.COMMAND)

    listed = rows(client.get(LIST, {"q": typed}))

    assert [row[1] for row in listed] == ["Operator entered this organisation"]


def test_an_operator_who_was_deleted_is_still_an_operator(client):
    record(Activity.OPERATOR_ENTERED, actor_id=4_000_000)

    assert rows(client.get(LIST))[0][4] == "Service operator"


@pytest.mark.parametrize(
    ("actor", "headers", "words"),
    [
        (Actor.COMMAND, {}, "Operator command"),
        (Actor.COMMAND, KOREAN, "운영자 명령"),
        (Actor.SERVICE, {}, "This service"),
        (Actor.SERVICE, KOREAN, "서비스 자체"),
    ],
)
def test_who_is_none_of_the_users_is_named_in_the_log_and_in_the_timeline(
    client, minji, actor, headers, words
):
    record(Activity.ROLE_CHANGED, subject_id=minji.pk, actor_id=actor, old="", new="helpdesk")

    assert rows(client.get(LIST, headers=headers))[0][4] == words
    assert words in client.get(f"/admin/people/{minji.pk}/timeline/", headers=headers).text


def test_a_role_given_in_the_shell_is_not_the_deed_of_the_person(client, minji):
    call_command("grant_role", minji.upn, "tenant_admin", stdout=io.StringIO())

    (row,) = [row for row in rows(client.get(LIST)) if row[1] == "Role changed"]
    assert row[3:5] == [minji.upn, "Operator command"]


def test_policy_and_second_factor_changed_in_the_shell_are_the_operators(client, minji):
    with_app(minji)
    call_command("set_policy", "--tenant", "contoso", "methods_required=2", stdout=io.StringIO())
    call_command("remove_second_factor", minji.upn, stdout=io.StringIO())

    listed = {row[1]: row[4] for row in rows(client.get(LIST))}
    assert listed["Self-service password reset policy changes"] == "Operator command"
    assert listed["Second factor removed"] == "Operator command"
    assert listed["Organisation created"] == "Operator command"


def test_an_import_is_of_who_pressed_the_button_though_a_worker_does_it(client, boss, mailroom):
    by_the_admin("user_principal_name\nnew@contoso.example\n", None, mailroom, boss)
    mailroom.work()

    assert {row[1]: row[4] for row in rows(client.get(LIST))}["Users imported"] == boss.upn


def test_a_code_that_verifies_a_caller_is_sent_by_the_agent(client, boss, minji, mailroom):
    make_email(minji)

    client.post(f"/admin/people/{minji.pk}/do/verify-caller/", {"method": "email"})

    (row,) = [row for row in rows(client.get(LIST)) if row[1] == "Verification sent"]
    assert row[3:5] == [minji.upn, boss.upn]


@pytest.mark.parametrize(
    ("headers", "label", "words"),
    [
        ({}, "Time", "4 May 2026, 06:36:07 KST"),
        (KOREAN, "시각", "2026년 5월 4일 오전 6:36:07 (KST)"),
    ],
    ids=["en", "ko"],
)
def test_a_record_says_day_time_to_the_second_and_zone(client, minji, headers, label, words):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    event = Event.objects.latest("id")
    at = datetime(2026, 5, 3, 21, 36, 7, tzinfo=UTC)
    copy = Event.objects.create(activity=event.activity, outcome=event.outcome, at=at)

    said = facts(client.get(f"{LIST}{copy.pk}/", headers=headers))

    assert said[label] == words


def test_what_anybody_may_bring_about_is_nobodys_deed(client, minji):
    record(Activity.SIGN_IN_LOCKED, Outcome.FAILURE, subject_id=minji.pk, actor_id=Actor.ANONYMOUS)
    record(Activity.RESET_PROGRESS, reason="identified", actor_id=Actor.ANONYMOUS)
    # As it was written before.
    happened = {"subject_id": minji.pk, "actor_id": minji.pk, "activity": "reset_flow_progress"}
    Event.objects.create(outcome="failure", reason="code_wrong", **happened)
    Event.objects.create(outcome="success", reason="gate_passed", **happened)

    listed = rows(client.get(LIST))[:4]
    found = rows(client.get(LIST, {"q": minji.upn}))
    korean = rows(client.get(LIST, headers=KOREAN))[1]

    assert [row[3:5] for row in listed] == [
        [minji.upn, minji.upn],
        [minji.upn, "A user who isn’t signed in"],
        ["–", "A user who isn’t signed in"],
        [minji.upn, "A user who isn’t signed in"],
    ]
    assert len(found) == 3
    assert korean[4] == "로그인하지 않은 사용자"


def test_a_record_of_a_newer_version_is_shown_by_its_stored_name(client):
    Event.objects.create(activity="from_a_newer_version", outcome="undecided", reason="newer_yet")

    listed = rows(client.get(LIST))[0]

    assert listed[1:3] == ["from_a_newer_version", "undecided"]
    assert opened(client, activity="from_a_newer_version").status_code == 200


@pytest.mark.parametrize(
    ("headers", "labels"),
    [
        ({}, {"Position in the chain": "5", "Known problems": "3"}),
        (KOREAN, {"체인에서의 순번": "5", "알려진 이상 항목": "3"}),
    ],
    ids=["en", "ko"],
)
def test_what_was_known_when_the_log_was_trusted_is_said_in_words(client, headers, labels):
    record(Activity.HISTORY_TRUSTED, number=5, findings=3, actor_id=Actor.SERVICE)
    event = Event.objects.get(activity=Activity.HISTORY_TRUSTED)

    said = facts(client.get(f"{LIST}{event.pk}/", headers=headers))

    assert labels.items() <= said.items()


def test_korean_readers_read_korean(client, minji):
    record(Activity.CODE_SENT, subject_id=minji.pk, method=Method.EMAIL, actor_id=minji.pk)

    listed = client.get(LIST, headers=KOREAN)
    one = client.get(f"{LIST}{Event.objects.latest('id').pk}/", headers=KOREAN)

    assert "<h1>감사 로그</h1>" in listed.text
    assert [label for label in ("사용자", "작업자") if f">{label}</th>" in listed.text] == [
        "사용자",
        "작업자",
    ]
    assert "<h1>감사 기록</h1>" in one.text
    assert "<h2>세부 정보</h2>" in one.text
    assert "event" not in re.sub(r"<[^>]+>", "", listed.text + one.text)


def test_a_page_of_people_is_asked_for_once(client, minji):
    def questions():
        with CaptureQueriesContext(connection) as asked:
            client.get(LIST)
        return len(asked)

    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    few = questions()
    for number in range(10):
        other = make_user(f"user{number}@contoso.example")
        record(Activity.SIGNED_IN, subject_id=other.pk, actor_id=other.pk)

    assert questions() == few


def test_a_change_of_the_policy_names_the_setting_and_both_values(client, boss):
    with seen_from("192.0.2.…"):
        changed = with_changes(
            policy_in_force(), ["code_digits=6", "notify_admins=no", "contact=off"]
        )
        change_policy(changed, actor_id=boss.pk)

    said = [
        facts(opened(client, details__setting=name))
        for name in ("code_digits", "notify_admins", "contact")
    ]

    assert said[0]["Digits of a code"] == "8 → 6"
    assert said[0]["Network"] == "192.0.2.…"
    assert said[0]["Done by"] == boss.upn
    assert said[0]["User"] == "–"
    assert "Yes → No" in said[1].values()
    assert said[2]["People ask for help by"].endswith("→ Not offered")


@pytest.mark.parametrize(
    ("activity", "details", "label", "words"),
    [
        (Activity.ROLE_CHANGED, {"old": "", "new": "helpdesk"}, "Before", "No role"),
        (Activity.ROLE_CHANGED, {"old": "", "new": "helpdesk"}, "After", "Helpdesk"),
        (Activity.CODE_SENT, {"method": "mobile_text"}, "Method", "Text to the mobile phone"),
        (Activity.CODE_SENT, {"method": "alternate_text"}, "Method", "Text to the alternate phone"),
        (
            Activity.PASSWORD_RESET,
            {"methods": "email,mobile_call"},
            "Methods",
            "Alternate email, Call to the mobile phone",
        ),
        (Activity.GROUP_CHANGED, {"group": "Sales", "change": "deleted"}, "Change", "deleted"),
        (
            Activity.BRANDING_CHANGED,
            {"settings": "colour,help_url"},
            "Settings",
            "Brand colour, Web page for help",
        ),
        (
            Activity.TEXT_CHANGED,
            {"text": "reset", "language": "ko"},
            "Text",
            "Password was reset",
        ),
        (Activity.ACCESS_PASS_ISSUED, {"once": True}, "Single use", "Yes"),
        (
            Activity.QUESTIONS_CHANGED,
            {"switched_off": "q07"},
            "Questions turned off",
            "What nickname did you give to a noisy neighbour?",
        ),
    ],
)
def test_details_are_said_in_words(client, activity, details, label, words):
    record(activity, **details, actor_id=Actor.SERVICE)

    assert facts(opened(client, activity=activity))[label] == words


def test_a_question_of_the_organisation_is_said_by_its_text(client):
    own = CustomQuestion.objects.create(texts={"en": "What did the first badge say?"})
    record(
        Activity.QUESTIONS_CHANGED,
        switched_on=f"c{own.pk}",
        switched_off="",
        actor_id=Actor.SERVICE,
    )

    said = facts(opened(client, activity=Activity.QUESTIONS_CHANGED))

    assert said["Questions turned on"] == "What did the first badge say?"
    assert "Questions turned off" not in said


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("code_wrong", "Wrong code or answer"),
        ("not_enabled", "R02 Your account isn’t enabled for password reset"),
        ("R03", "R03 We couldn’t verify your account"),
    ],
)
def test_reasons_are_said_in_words(client, reason, words):
    record(Activity.RESET_PROGRESS, Outcome.FAILURE, reason=reason, actor_id=Actor.ANONYMOUS)

    assert rows(client.get(LIST))[0][5] == words
    assert facts(opened(client, reason=reason))["Reason"] == words


def test_nothing_raw_is_left_on_the_page_of_a_record(client, boss):
    record(Activity.POLICY_CHANGED, actor_id=boss.pk, setting="code_digits", old="8", new="6")

    page = opened(client, activity=Activity.POLICY_CHANGED)

    shown = page.text.partition("<h1")[2]
    for raw in ("policy_changed", "code_digits", "+00:00<", "{", "/history/"):
        assert raw not in shown
    assert "None" not in without_random(shown)
    assert not stands_in("UTC", page.text)


@pytest.mark.parametrize("typed", ["k7qm-2x9d", "K7QM 2X9D", "k7qm2x9d"])
def test_a_support_code_finds_its_records_however_it_is_typed(client, minji, typed):
    record(
        Activity.RESET_PROGRESS,
        subject_id=minji.pk,
        support_code="K7QM2X9D",
        actor_id=Actor.ANONYMOUS,
    )
    record(
        Activity.RESET_PROGRESS,
        subject_id=minji.pk,
        support_code="00000000",
        actor_id=Actor.ANONYMOUS,
    )

    assert [row[6] for row in rows(client.get(LIST, {"q": typed}))] == ["K7QM-2X9D"]


@pytest.mark.parametrize("typed", ["minji@contoso.example", " MINJI@Contoso.example ", "김민지"])
def test_a_user_id_finds_what_somebody_did_and_what_was_done_to_them(client, boss, minji, typed):
    User.objects.filter(pk=minji.pk).update(folded_name=folded("김민지"))
    other = make_user("minjimin@contoso.example")
    record(Activity.USER_DISABLED, subject_id=minji.pk, actor_id=boss.pk)
    record(Activity.CONTACT_SHOWN, subject_id=other.pk, actor_id=minji.pk)
    record(Activity.SIGNED_IN, subject_id=other.pk, actor_id=other.pk)

    found = rows(client.get(LIST, {"q": typed}))

    assert [row[1] for row in found] == ["Contact data shown in full", "User disabled"]


@pytest.mark.parametrize("typed", ["sora", "SORA.b", "bae", "Bae Sora", "소라"])
def test_a_part_of_a_name_finds_a_person(client, minji, typed):
    sora = make_user("sora.bae@contoso.example", display_name="Bae Sora (배소라)")
    record(Activity.SIGNED_IN, subject_id=sora.pk, actor_id=sora.pk)
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)

    assert [row[3] for row in rows(client.get(LIST, {"q": typed}))] == [sora.upn]


@pytest.mark.parametrize(
    ("headers", "typed", "count"),
    [
        ({}, "boss", 1),
        ({}, "this service", 1),
        (KOREAN, "서비스 자체", 1),
        ({}, "isn’t signed in", 1),
        ({}, "minji@", 0),
        ({}, "root", 1),
    ],
)
def test_an_actor_narrows_the_list(client, boss, minji, headers, typed, count):
    operator = make_operator("root@service.example")
    for actor in (boss.pk, operator.pk, Actor.SERVICE, Actor.ANONYMOUS):
        record(Activity.BLOCK_CLEARED, subject_id=minji.pk, actor_id=actor)

    query = {"by": typed, "activity": "block_cleared"}
    assert len(rows(client.get(LIST, query, headers=headers))) == count


def test_a_result_narrows_the_list(client, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    record(
        *(Activity.SIGN_IN_FAILED, Outcome.FAILURE),
        subject_id=minji.pk,
        actor_id=Actor.ANONYMOUS,
    )

    listed = {
        outcome: [row[1] for row in rows(client.get(LIST, {"outcome": outcome, "q": minji.upn}))]
        for outcome in ("failure", "success")
    }

    assert listed == {"failure": ["Sign-in failed"], "success": ["Signed in"]}


def test_a_method_narrows_the_list_to_what_was_done_with_it(client, minji):
    for activity, details in (
        (Activity.CODE_SENT, {"method": "mobile_text"}),
        (Activity.METHOD_REGISTERED, {"method": "mobile_phone"}),
        (Activity.PASSWORD_RESET, {"methods": "email,mobile_text"}),
        (Activity.CODE_SENT, {"method": "email"}),
        (Activity.SIGNED_IN, {}),
    ):
        record(activity, subject_id=minji.pk, actor_id=minji.pk, **details)

    found = rows(client.get(LIST, {"method": "mobile_text"}))

    assert [row[1] for row in found] == [
        "Reset password (self-service)",
        "User registered security info",
        "Verification sent",
    ]


def test_the_list_says_which_setting_was_changed_and_is_narrowed_to_one(client, boss):
    typed = ["code_digits=6", "methods_required=2", "banned_words=nebula"]
    change_policy(with_changes(policy_in_force(), typed), actor_id=boss.pk)

    listed = [row[7] for row in rows(client.get(LIST, {"activity": "policy_changed"}))]
    one = [row[7] for row in rows(client.get(LIST, {"setting": "code_digits"}))]

    assert one == ["Digits of a code: 8 → 6"]
    assert {"Methods required to reset: 1 → 2", "Banned words: – → nebula", *one} == set(listed)


def test_the_list_says_which_role_was_given(client, minji, boss):
    record(Activity.ROLE_CHANGED, subject_id=minji.pk, actor_id=boss.pk, old="", new="helpdesk")

    assert rows(client.get(LIST))[0][7] == "Before: No role, After: Helpdesk"


def test_a_name_that_very_many_have_is_said_to_be_cut(client, monkeypatch):
    monkeypatch.setattr(queries, "MOST_PEOPLE", 2)
    for number in range(3):
        user = make_user(f"zoe{number}@contoso.example")
        record(Activity.SIGNED_IN, subject_id=user.pk, actor_id=user.pk)

    page = client.get(LIST, {"q": "zoe"})

    assert len(rows(page)) == 2
    assert "the first 2 people" in page.text
    assert "the first 2 people" not in client.get(LIST, {"q": "zoe1"}).text


def test_who_is_unknown_has_no_records(client):
    page = client.get(LIST, {"q": "nobody@contoso.example"})

    assert rows(page) == []
    assert "No record matches these filters." in page.text


def test_an_activity_narrows_the_list(client, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    record(Activity.SIGNED_OUT, subject_id=minji.pk, actor_id=minji.pk)

    found = rows(client.get(LIST, {"activity": "signed_out"}))

    assert [row[1] for row in found] == ["Signed out"]


def happened(minji, *instants):
    Event.objects.bulk_create(
        Event(activity=Activity.SIGNED_IN, outcome=Outcome.SUCCESS, subject_id=minji.pk, at=at)
        for at in instants
    )


def test_a_period_is_whole_days_of_the_organisation(client, minji):
    # Contoso is in Seoul: its 3rd of March begins at 15:00 UTC of the 2nd.
    first = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    happened(
        minji,
        first - timedelta(seconds=1),
        first,
        first + timedelta(days=2, seconds=-1),
        first + timedelta(days=2),
    )

    found = rows(client.get(LIST, {"since": "2026-03-03", "until": "2026-03-04"}))

    assert [row[0] for row in found] == ["4 March 2026, 23:59 KST", "3 March 2026, 00:00 KST"]


@pytest.mark.parametrize("typed", ["yesterday", "0001-01-01", "9999-12-31"])
def test_what_is_no_date_is_said(client, typed):
    for name in ("since", "until"):
        page = client.get(LIST, {name: typed})

        assert page.status_code == 200
        assert "Enter a date" in page.text


def test_pages_follow_each_other_without_a_gap_and_keep_the_filters(client, minji):
    begun = timezone.now() - timedelta(days=9)
    # Two of each instant: the number decides between them.
    happened(minji, *[begun + timedelta(minutes=number // 2) for number in range(2 * PAGE + 1)])
    seen, address = [], f"{LIST}?q=minji@&activity=signed_in&since=2020-01-01"
    while address:
        page = client.get(address)
        seen.append(re.findall(rf'href="{LIST}(\d+)/"', page.text))
        onward = re.search(r'href="(\?[^"]*before=[^"]*)">Next page', page.text)
        address = onward and LIST + onward[1].replace("&amp;", "&")

    wanted = Event.objects.filter(activity=Activity.SIGNED_IN, subject_id=minji.pk)
    order = [str(pk) for pk in wanted.order_by("-at", "-id").values_list("pk", flat=True)]
    assert [len(part) for part in seen] == [PAGE, PAGE, 1]
    assert [pk for part in seen for pk in part] == order


def test_the_log_is_never_counted(client, minji):
    happened(minji, *[timezone.now()] * (PAGE + 1))

    with CaptureQueriesContext(connection) as asked:
        client.get(LIST, {"q": "minji", "activity": "signed_in", "since": "2020-01-01"})

    about_events = [one["sql"] for one in asked if '"audit_event"' in one["sql"]]
    assert about_events
    assert not [sql for sql in about_events if "COUNT(" in sql.upper()]


def test_a_record_of_another_organisation_is_no_place_to_go_on_from(client, hanbit, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    with in_tenant(hanbit.pk):
        happened(minji, timezone.now() - timedelta(days=400))
        theirs = Event.objects.get(activity=Activity.SIGNED_IN)

    assert rows(client.get(LIST, {"before": theirs.pk})) == []


def test_another_organisations_people_and_codes_find_nothing(client, hanbit):
    with in_tenant(hanbit.pk):
        yuna = make_user("yuna@hanbit.example")
        record(Activity.SIGNED_IN, subject_id=yuna.pk, support_code="HANB1T00", actor_id=yuna.pk)
    # What a row here would say of them, if a phone number stood in it.
    record(Activity.SIGNED_IN, subject_id=yuna.pk, actor_id=yuna.pk)

    for typed in ("yuna@hanbit.example", "yuna", "HANB1T00"):
        assert rows(client.get(LIST, {"q": typed})) == []
    assert "yuna" not in without_random(client.get(LIST).text)


def test_only_who_may_see_people_is_led_to_them(contoso, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    link = f'href="/admin/people/{minji.pk}/"'

    pages = {
        role: opened(
            behind_both(make_admin(f"{role}@contoso.example", role=role)), subject_id=minji.pk
        )
        for role in (Role.HELPDESK, Role.REPORTS_READER)
    }

    assert link in pages[Role.HELPDESK].text
    assert link not in pages[Role.REPORTS_READER].text


def test_who_may_not_see_people_reads_what_happened_and_when_only(contoso, minji):
    with seen_from("192.0.2.…"):
        record(
            Activity.USER_DISABLED,
            subject_id=minji.pk,
            actor_id=minji.pk,
            reason="code_wrong",
            support_code="K7QM2X9D",
            note="she called",
        )
    event = Event.objects.latest("id")
    reader = behind_both(make_admin("reader@contoso.example", role=Role.REPORTS_READER))

    listed, one = reader.get(LIST), reader.get(f"{LIST}{event.pk}/")

    (row,) = [row for row in rows(listed) if "User disabled" in row]
    assert row[1:] == ["User disabled", "Success"]
    assert list(facts(one)) == ["Time", "Activity", "Result"]
    for told in (minji.upn, "192.0.2.…", "she called", "Wrong code or answer", "K7QM", 'name="q"'):
        assert told not in without_random(listed.text + one.text)


@pytest.mark.parametrize("typed", ["minji", "nobody", "K7QM-2X9D"])
def test_who_may_not_see_people_finds_nobody_by_name_or_code(contoso, minji, typed):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    reader = behind_both(make_admin("reader@contoso.example", role=Role.REPORTS_READER))

    assert rows(reader.get(LIST, {"q": typed})) == rows(reader.get(LIST))


def test_a_record_can_only_be_read(client, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    pk = Event.objects.latest("id").pk

    assert client.post(f"{LIST}{pk}/", {"reason": "rewritten"}).status_code == 405
    assert client.post(LIST).status_code == 405


def test_the_page_says_how_far_the_log_is_sealed_and_since_when_it_is_kept(client, boss):
    happened(boss, datetime(2026, 3, 1, 15, 0, 5, tzinfo=UTC))
    before = facts(client.get(LIST))
    sweep([boss.tenant_id])
    call_command("verify_audit", "--tenant", "contoso", stdout=io.StringIO())

    after = facts(client.get(LIST))

    assert (before["Sealed until"], before["First record kept"]) == ("Nothing yet", "–")
    assert before["Last verified"] == "Not yet. The operator of the service does this."
    assert after["First record kept"] == "2 March 2026, 00:00:05 KST"
    assert f"record {Head.objects.get().number} of the chain" in after["Sealed until"]
    assert after["Last verified"].endswith("Unaltered")
    assert after["Days the audit log is kept"].startswith("730")


def test_the_page_says_that_records_were_altered(client, boss):
    Head.objects.update(verified_at=timezone.now(), verified_findings=2)

    assert "Tell the operator of the service now." in facts(client.get(LIST))["Last verified"]
