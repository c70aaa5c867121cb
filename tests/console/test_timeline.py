"""The timeline of a person: every attempt with its support code, result and messages."""

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Event
from delivery.models import Outgoing
from isolation.scope import in_tenant
from reset.models import ResetAttempt
from reset.rules import LIFETIME
from tests.builders import make_email, make_user
from tests.reset.test_portal import choose, enter, identify, set_password

LIST = "/admin/people/"


@pytest.fixture
def ann(contoso):
    user = make_user("ann@contoso.example")
    make_email(user)
    return user


def stretches(client, person, **query):
    return client.get(f"{LIST}{person.pk}/timeline/", query).context["entries"]


def attempts(client, person, **query):
    return [one for one in stretches(client, person, **query) if "code" in one]


def begin(person):
    """A user at the page where the code of the mail is typed."""
    browser = Client()
    identify(browser, person.upn)
    choose(browser, "email")
    return browser


def test_an_attempt_is_told_whole_from_its_beginning_with_its_result(admin, ann, mailroom):
    browser = begin(ann)
    enter(browser, "00000000")
    enter(browser, mailroom.code())
    set_password(browser)

    (one,) = attempts(admin, ann)

    assert str(one["result"]) == "succeeded"
    told = [entry.get("reason") or str(entry["what"]) for entry in one["events"]]
    assert told[0] == "User ID entered"
    sent, wrong = told.index("Verification sent"), told.index("Wrong code or answer")
    assert sent < wrong < told.index("Verified")
    assert "password" in told[-1].casefold()


def test_a_code_is_told_once_with_what_became_of_it(admin, ann, mailroom):
    begin(ann)
    Outgoing.objects.update(state=Outgoing.State.FAILED, failure="mailbox_full")

    text = admin.get(f"{LIST}{ann.pk}/timeline/").text

    assert text.count("Verification sent") == 1
    assert "not delivered" in text
    assert "mailbox_full" in text


def test_a_code_is_told_after_its_message_was_wiped(admin, ann, mailroom):
    begin(ann)
    Outgoing.objects.all().delete()

    (one,) = attempts(admin, ann)

    assert "Verification sent" in [str(entry["what"]) for entry in one["events"]]


@pytest.mark.parametrize(
    ("language", "entered", "wrong"),
    [
        ("en", "User ID entered", "Wrong code or answer"),
        ("ko", "사용자 ID 입력", "인증번호 또는 답변 불일치"),
    ],
)
def test_why_it_came_so_is_said_in_words(admin, ann, mailroom, language, entered, wrong):
    enter(begin(ann), "00000000")

    for path in ("", "timeline/"):
        page = admin.get(f"{LIST}{ann.pk}/{path}", {"lng": language}, follow=True)

        assert entered in page.text
        assert wrong in page.text
        assert "identified" not in page.text
        assert "code_wrong" not in page.text


def test_an_attempt_that_was_left_is_not_finished(admin, ann):
    identify(Client(), ann.upn)
    assert [str(one["result"]) for one in attempts(admin, ann)] == ["in progress"]

    ResetAttempt.objects.update(started_at=timezone.now() - LIFETIME)

    assert [str(one["result"]) for one in attempts(admin, ann)] == ["not finished"]


def test_a_refused_attempt_says_with_which_words(admin, contoso):
    nobody = make_user("ben@contoso.example")
    identify(Client(), nobody.upn)

    (one,) = attempts(admin, nobody)

    assert (str(one["result"]), one["refused"]) == ("refused", "R03")


def test_what_belongs_to_no_attempt_stands_on_its_own(admin, ann):
    admin.post(f"{LIST}{ann.pk}/do/reregister/", {"note": "ticket 1"})
    identify(Client(), ann.upn)

    kinds = ["code" in one for one in stretches(admin, ann)]

    assert kinds == [True, False]


def test_a_support_code_opens_its_attempt_however_old_it_is(admin, ann):
    identify(Client(), ann.upn)
    code = ResetAttempt.objects.get().support_code
    for _ in range(60):
        Event.objects.create(activity="signed_in", outcome="success", subject_id=ann.pk)

    page = admin.get("/admin/find/", {"code": code}, follow=True)

    assert f'id="{code}"' in page.text
    assert page.text.count("<details open>") == 1
    assert code not in [one.get("code") for one in stretches(admin, ann)]


def test_no_attempt_is_told_twice_on_two_pages(admin, ann):
    identify(Client(), ann.upn)
    for _ in range(49):
        Event.objects.create(activity="signed_in", outcome="success", subject_id=ann.pk)
    begun = Event.objects.filter(support_code__gt="").first()
    Event.objects.create(
        activity="reset_flow_progress",
        outcome="failure",
        subject_id=ann.pk,
        support_code=begun.support_code,
    )

    first = admin.get(f"{LIST}{ann.pk}/timeline/")
    later = attempts(admin, ann, before=first.context["before"])

    assert len([one for one in first.context["entries"] if "code" in one]) == 1
    assert later == []


def test_the_code_of_somebody_else_opens_nothing(admin, ann, hanbit):
    with in_tenant(hanbit.pk):
        identify(Client(), make_user("kim@hanbit.example").upn)
    theirs = ResetAttempt.unscoped.exclude(tenant_id=ann.tenant_id).get().support_code

    page = admin.get(f"{LIST}{ann.pk}/timeline/", {"attempt": theirs})

    assert page.status_code == 200
    assert f'id="{theirs}"' not in page.text


@pytest.mark.parametrize("typed", ["\0", "²", "x" * 300, '"><script>'])
def test_whatever_stands_in_the_address_the_page_comes(admin, ann, typed):
    page = admin.get(f"{LIST}{ann.pk}/timeline/", {"attempt": typed, "before": typed})

    assert page.status_code == 200
    assert "<script>" not in page.text.split("<main")[-1]
