"""Small rules of the room that no page of it shows by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from directory.factors import VERIFIED, Factors, FactorSummary
from tenants.policy import Factor, Method, Policy, Questions
from verification.rules import captcha, passkeys
from verification.rules.access_passes import (
    BEYOND_GUESSING,
    LATEST_START,
    LETTERS,
    MOST_TRIES,
    Allowance,
    allowance,
    typed_pass,
)
from verification.rules.access_passes import grouped as grouped_pass
from verification.rules.answers import AnswerProblem, answer_problems, normal_answer
from verification.rules.beat import FORM_BEAT_S, PAGE_BEAT_S, until_the_beat
from verification.rules.captcha import Action, Finding, Suspicion, ripe
from verification.rules.challenges import (
    MAX_CALL_TRIES,
    MAX_TRIES,
    MOST_OLDER_CODES,
    next_send_at,
    typed_code,
)
from verification.rules.factors import Counted, answered, counted
from verification.rules.hold_period import AccountFacts, beginning, is_known
from verification.rules.links import without_links
from verification.rules.lockout import FORGOTTEN_AFTER, LONGEST, LockoutState, Strictness, tried
from verification.rules.masking import mask
from verification.rules.method_options import MethodOption, UserFactor, methods_of
from verification.rules.passkeys import MOST_ANSWER, Site, can_be_made_for
from verification.rules.phones import named_again, number_of
from verification.rules.recovery_codes import ALPHABET, FEW, LENGTH, SET_SIZE, grouped
from verification.rules.recovery_codes import typed_code as typed_recovery_code
from verification.rules.texts import first_that_fits, fits

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
STRICT = Strictness(threshold=2, first=MINUTE)
ALL_ENTERED = frozenset({Factor.EMAIL, Factor.MOBILE_PHONE, Factor.OFFICE_PHONE})


def test_forms_wait_for_a_longer_beat_than_pages():
    assert (FORM_BEAT_S, PAGE_BEAT_S) == (0.2, 0.05)


@pytest.mark.parametrize(
    ("began", "now", "wait"),
    [(5.0, 5.05, 0.15), (5.05, 5.1, 0.15), (5.05, 5.3, 0.15), (5.05, 5.05, 0.2)],
)
def test_the_next_beat_is_counted_from_the_beginning_of_the_request(began, now, wait):
    assert until_the_beat(0.2, began, now) == pytest.approx(wait)


def test_what_is_held_is_verified_and_takes_no_texts_until_that_is_known():
    assert UserFactor(factor=Factor.EMAIL) == UserFactor(
        factor=Factor.EMAIL, sms_capable=False, since=None, verified=True, held=False
    )
    assert MethodOption(Method.EMAIL) == MethodOption(Method.EMAIL, "")


def test_a_phone_that_takes_no_texts_is_only_called():
    phone = UserFactor(factor=Factor.MOBILE_PHONE)
    mobile = UserFactor(factor=Factor.MOBILE_PHONE, sms_capable=True)

    assert methods_of([phone]) == [Method.MOBILE_CALL]
    assert methods_of([mobile]) == [Method.MOBILE_TEXT, Method.MOBILE_CALL]


def test_methods_are_given_strongest_first_and_each_once():
    held = [
        UserFactor(factor=Factor.QUESTIONS),
        UserFactor(factor=Factor.EMAIL),
        UserFactor(factor=Factor.EMAIL),
    ]

    assert methods_of(held) == [Method.EMAIL, Method.QUESTIONS]


def problem_of(answer, question="What is the name of your street?", *, names=("Kim", "Li")):
    found = answer_problems({question: answer}, names=names, shortest=3, longest=8)
    return found.get(question)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("ab", AnswerProblem.LENGTH),
        ("abc", None),
        ("abcdefgh", None),
        ("abcdefghi", AnswerProblem.LENGTH),
        ("", AnswerProblem.EMPTY),
        (" . ", AnswerProblem.EMPTY),
        ("old name", AnswerProblem.CONTAINS_QUESTION),
        ("the end", None),
        ("is it so", None),
        ("kims cat", AnswerProblem.PERSONAL),
        ("li park", None),
    ],
)
def test_what_is_wrong_with_an_answer(answer, problem):
    assert problem_of(answer) is problem


@pytest.mark.parametrize(
    ("answer", "problem"),
    [("서울 남산", AnswerProblem.CONTAINS_QUESTION), ("산 너머로", None)],
    ids=["two letters say something", "one says nothing"],
)
def test_a_short_word_of_a_dense_script_says_something(answer, problem):
    assert problem_of(answer, "서울 산 이름") is problem


@pytest.mark.parametrize("number", ["9001011234567", "900101-1234567", "900101 - 1234567"])
def test_an_identity_number_is_no_answer(number):
    found = answer_problems({"q": number}, names=(), shortest=3, longest=40)

    assert found == {"q": AnswerProblem.IDENTITY_NUMBER}


def test_of_two_equal_answers_the_second_is_refused():
    answers = {"first": "Blue", "second": "blue."}

    found = answer_problems(answers, names=(), shortest=3, longest=8)

    assert found == {"second": AnswerProblem.SAME}


def test_what_separates_no_words_is_dropped_from_an_answer():
    assert normal_answer("blue\x00 ho\x1buse\u3002. ") == "blue house"
    assert normal_answer("XX") == "xx"


def test_how_often_a_code_may_be_wrong():
    assert (MAX_TRIES, MAX_CALL_TRIES, MOST_OLDER_CODES) == (5, 3, 3)


@pytest.mark.parametrize(
    ("before", "last", "wait"),
    [
        (0, None, None),
        (0, NOON, None),
        (1, None, None),
        (1, NOON, 30 * SECOND),
        (2, NOON, 60 * SECOND),
        (3, NOON, 120 * SECOND),
        (9, NOON, 120 * SECOND),
    ],
)
def test_when_another_code_may_be_asked_for(before, last, wait):
    assert next_send_at(before, last) == (None if wait is None else NOON + wait)


def test_a_code_is_read_without_the_sign_of_the_bound_line():
    assert typed_code("#1234 5678") == "12345678"
    assert typed_code("12#34") == "12#34"


@pytest.mark.parametrize(
    ("more", "factors"),
    [
        ({}, {Factor.EMAIL, Factor.MOBILE_PHONE}),
        ({"verified_only": True}, {Factor.MOBILE_PHONE, Factor.QUESTIONS}),
    ],
)
def test_what_was_entered_and_too_few_answers_count_as_the_policy_says(more, factors):
    summary = FactorSummary(
        factors=VERIFIED[Factor.MOBILE_PHONE]
        | Factors.ENTERED_EMAIL
        | VERIFIED[Factor.QUESTIONS]
        | Factors.THREE_ANSWERS
    )
    policy = Policy(
        prefilled_usable=ALL_ENTERED,
        questions=Questions.GATE,
        questions_to_reset=4,
        questions_to_register=5,
    )

    assert counted(summary, policy, **more).factors == factors


def test_enough_answers_count():
    summary = FactorSummary(factors=VERIFIED[Factor.QUESTIONS] | answered(4))
    policy = Policy(questions=Questions.GATE, questions_to_reset=4, questions_to_register=5)

    assert counted(summary, policy).factors == {Factor.QUESTIONS}


def test_how_many_answers_there_are_is_at_least():
    three, four, five = Factors.THREE_ANSWERS, Factors.FOUR_ANSWERS, Factors.FIVE_ANSWERS

    assert answered(2) == Factors(0)
    assert answered(3) == three
    assert answered(4) == three | four
    assert answered(9) == three | four | five


def test_one_number_entered_twice_is_one_factor():
    phones = VERIFIED[Factor.MOBILE_PHONE] | VERIFIED[Factor.OFFICE_PHONE]
    policy = Policy()

    assert counted(FactorSummary(factors=phones), policy).factors == {
        Factor.MOBILE_PHONE,
        Factor.OFFICE_PHONE,
    }
    again = FactorSummary(factors=phones | Factors.OFFICE_IS_MOBILE)
    assert counted(again, policy).factors == {Factor.MOBILE_PHONE}


@pytest.mark.parametrize("sms_capable", [True, False])
def test_only_a_mobile_phone_takes_texts_of_what_was_entered(sms_capable):
    entered = Factors.ENTERED_MOBILE | Factors.ENTERED_OFFICE | Factors.ENTERED_EMAIL
    takes = Factors.ENTERED_MOBILE_TEXTS if sms_capable else Factors(0)
    held = counted(
        FactorSummary(factors=entered | takes), Policy(prefilled_usable=ALL_ENTERED)
    ).held

    assert {each.factor: each.sms_capable for each in held} == {
        Factor.MOBILE_PHONE: sms_capable,
        Factor.OFFICE_PHONE: False,
        Factor.EMAIL: False,
    }
    assert not any(each.verified or each.held for each in held)


def test_what_is_held_is_known_since_it_was_held():
    summary = FactorSummary(
        factors=Factors.ENTERED_EMAIL | Factors.HELD_EMAIL | Factors.ENTERED_MOBILE,
        admin_entered_since=NOON,
        held_since=NOON + MINUTE,
    )
    held = counted(summary, Policy(prefilled_usable=ALL_ENTERED)).held

    assert {each.factor: (each.held, each.since) for each in held} == {
        Factor.EMAIL: (True, NOON + MINUTE),
        Factor.MOBILE_PHONE: (False, NOON),
    }


def test_without_more_nothing_waits():
    assert Counted(()) == Counted((), {}, AccountFacts())


def test_a_lock_doubles_up_to_five_hours():
    standing, now = LockoutState(), NOON
    lengths = []
    for number in range(12):
        standing = tried(standing, f"wrong {number}", now, STRICT)
        if standing.is_locked(now):
            lengths.append(standing.locked_until - now)
            now = standing.locked_until
    minutes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]

    assert lengths == [minute * MINUTE for minute in minutes]
    assert timedelta(hours=5) == LONGEST


def test_the_last_three_wrong_passwords_are_not_counted_again():
    rules = Strictness(threshold=99, first=MINUTE)
    standing = LockoutState()
    for password in ("a", "b", "c", "a", "d", "b", "a"):
        standing = tried(standing, password, NOON, rules)

    assert standing.failures == 5
    assert standing.recent == ("a", "d", "c")
    assert tried(standing, "a", NOON + MINUTE, rules).last_at == NOON + MINUTE


def test_after_a_day_without_a_failure_it_begins_anew():
    once = tried(LockoutState(), "a", NOON, STRICT)

    assert timedelta(hours=24) == FORGOTTEN_AFTER
    assert tried(once, "b", NOON + FORGOTTEN_AFTER, STRICT).failures == 1
    assert tried(once, "b", NOON + FORGOTTEN_AFTER - SECOND, STRICT).failures == 2
    again = tried(once, "a", NOON + MINUTE, STRICT)
    assert tried(again, "b", NOON + FORGOTTEN_AFTER, STRICT).failures == 2


def test_a_lock_is_over_at_its_end():
    locked = LockoutState(locked_until=NOON)

    assert locked.is_locked(NOON - SECOND)
    assert not locked.is_locked(NOON)
    assert not LockoutState().is_locked(NOON)


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("+821012345678", "••• ••• ••78"),
        ("+82212345678#12", "••• ••• ••78"),
        ("alice@gmail.com", "a•••e@g•••.com"),
        ("bob@mail.co.kr", "b•••b@m•••.kr"),
        ("al@gmail.com", "•••@g•••.com"),
        ('"a@b"@mail.example', '"•••"@m•••.example'),
    ],
)
def test_what_is_shown_of_an_address_or_a_number(value, masked):
    assert mask(value) == masked
    assert mask(value, "*") == masked.replace("•", "*")


def test_the_extension_of_a_number_makes_no_other_phone():
    mobile, office = Factor.MOBILE_PHONE, Factor.OFFICE_PHONE

    assert number_of("+8221#2#3") == "+8221"
    assert named_again({mobile: "+821", office: "+821#1"}) == {office}
    assert named_again({mobile: "", office: "+821"}) == frozenset()
    assert named_again({mobile: "+821", Factor.ALTERNATE_PHONE: "+821", office: "+821"}) == {
        Factor.ALTERNATE_PHONE,
        office,
    }


def test_a_set_of_recovery_codes():
    assert (LENGTH, SET_SIZE, FEW) == (24, 10, 3)
    assert ALPHABET == "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert grouped("0123456789ABCDEFGHJKMNPQ") == "0123-4567-89AB-CDEF-GHJK-MNPQ"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("oil0-2345 6789-abcd efgh-jkmn", "011023456789ABCDEFGHJKMN"),
        ("0" * 24, "0" * 24),
        ("0" * 23, ""),
        ("0" * 25, ""),
        ("0" * 23 + "u", ""),
    ],
)
def test_what_is_meant_by_a_recovery_code(typed, meant):
    assert typed_recovery_code(typed) == meant


@pytest.mark.parametrize(
    ("text", "one_message"),
    [
        ("a" * 160, True),
        ("a" * 161, False),
        ("가" * 40, True),
        ("가" * 40 + "a", False),
        ("ж" + "a" * 62, True),
        ("ж" + "a" * 63, False),
        ("똠", True),
    ],
    ids=["160 letters", "161", "80 bytes of Korean", "81 bytes", "63 units", "64 units", "rare"],
)
def test_what_goes_out_as_one_message(text, one_message):
    assert fits(text) is one_message


def test_the_first_text_that_fits_is_sent_and_else_the_last():
    assert first_that_fits(["a" * 161, "b", "c"]) == "b"
    assert first_that_fits(["a" * 161, "b" * 161]) == "b" * 161
    assert first_that_fits(["a" * 161, "b" * 161, "c" * 161]) == "c" * 161
    assert first_that_fits(["a" * 161]) == "a" * 161


def test_what_is_new_waits_where_something_older_can_begin_a_reset():
    old, new = NOON - 30 * DAY, NOON - MINUTE
    factors = VERIFIED[Factor.EMAIL] | VERIFIED[Factor.MOBILE_PHONE] | Factors.MOBILE_TEXTS
    summary = FactorSummary(factors=factors, since={Factor.EMAIL: old, Factor.MOBILE_PHONE: new})
    policy = Policy(new_proof_hours=24)

    now = counted(summary, policy, deliverable=frozenset(Method), at=NOON)

    email = UserFactor(factor=Factor.EMAIL, since=old)
    assert now.held == (email,)
    assert now.waiting == {Factor.MOBILE_PHONE: new + DAY}
    assert set(now.account.can_begin) == {
        email,
        UserFactor(factor=Factor.MOBILE_PHONE, sms_capable=True, since=new),
    }
    without_mail = counted(summary, policy, deliverable=frozenset({Method.MOBILE_TEXT}), at=NOON)
    assert without_mail.factors == {Factor.EMAIL, Factor.MOBILE_PHONE}
    assert counted(summary, policy).factors == {Factor.EMAIL, Factor.MOBILE_PHONE}


def test_what_is_new_waits_after_something_older_was_lost():
    summary = FactorSummary(
        factors=VERIFIED[Factor.EMAIL], since={Factor.EMAIL: NOON - MINUTE}, lost_at=NOON - MINUTE
    )
    policy = Policy(new_proof_hours=24)

    now = counted(summary, policy, deliverable=frozenset(Method), at=NOON)

    assert now.held == ()
    assert now.account.lost_at == NOON - MINUTE


def test_what_was_verified_is_given_whole_whatever_is_missing_before_it():
    summary = FactorSummary(
        factors=VERIFIED[Factor.QUESTIONS]
        | Factors.THREE_ANSWERS
        | VERIFIED[Factor.PASSKEY]
        | VERIFIED[Factor.MOBILE_PHONE],
        since={Factor.PASSKEY: NOON},
    )
    policy = Policy(questions=Questions.GATE, questions_to_reset=4, questions_to_register=5)

    assert counted(summary, policy).held == (
        UserFactor(factor=Factor.MOBILE_PHONE, sms_capable=False, since=None),
        UserFactor(factor=Factor.PASSKEY, since=NOON),
    )


def test_what_is_new_is_not_known_so_that_its_loss_is_no_loss():
    policy = Policy(new_proof_hours=24)
    new, old = (UserFactor(factor=Factor.EMAIL, since=NOON - age) for age in (DAY - MINUTE, DAY))

    assert not is_known(new, policy, NOON)
    assert is_known(old, policy, NOON)


def test_a_reset_begins_with_what_is_allowed_and_can_be_sent():
    policy = Policy(reset_methods=frozenset({Method.EMAIL, Method.MOBILE_TEXT}))

    assert beginning(policy, frozenset({Method.EMAIL, Method.PASSKEY})) == {Method.EMAIL}


FILES = [
    "bmp",
    "csv",
    "doc",
    "docx",
    "eml",
    "exe",
    "gif",
    "htm",
    "html",
    "hwp",
    "hwpx",
    "ini",
    "jpeg",
    "jpg",
    "json",
    "log",
    "msg",
    "pdf",
    "png",
    "ppt",
    "pptx",
    "txt",
    "xls",
    "xlsx",
    "xml",
    "EXE",
]


@pytest.mark.parametrize("ending", FILES)
def test_the_name_of_a_file_stays_as_it_is(ending):
    assert without_links(f"See report.{ending}") == f"See report.{ending}"
    assert without_links(f"See kim.report.{ending}") == f"See kim.report.{ending}"


def test_the_name_of_a_host_is_one_in_capitals_too():
    assert without_links("Now.PLEASE call") == "Now. PLEASE call"


@pytest.mark.parametrize(
    ("suspicion", "tries", "wait"),
    [
        (Suspicion.NONE, range(200, 601), 10),
        (Suspicion.SOME, range(800, 2_401), 20),
        (Suspicion.MUCH, range(3_200, 9_601), 40),
        (Suspicion.MOST, range(12_800, 38_401), 80),
    ],
)
def test_the_more_suspicion_the_more_work_and_the_longer_the_wait(
    monkeypatch, suspicion, tries, wait
):
    monkeypatch.undo()  # What makes the work of other tests easy.

    assert suspicion.tries == tries
    assert suspicion.wait == timedelta(seconds=wait)
    assert suspicion.waits_within(timedelta(seconds=3 * wait + 1)) == 3


@pytest.mark.parametrize(
    ("waited", "finding"),
    [(19, Finding.EARLY), (20, Finding.PASSED), (599, Finding.PASSED), (600, Finding.EXPIRED)],
)
def test_a_ticket_is_good_after_its_wait_and_for_ten_minutes(waited, finding):
    assert ripe(NOON, NOON + waited * SECOND, Suspicion.SOME) is finding


def test_what_work_is_for_and_how_long_it_is_good(monkeypatch):
    assert (Action.IDENTIFY, Action.SIGN_IN) == ("identify", "sign-in")
    assert timedelta(minutes=10) == captcha.LIFETIME
    monkeypatch.undo()
    assert captcha.ROUNDS == 500


def test_what_a_policy_lets_an_administrator_choose_of_a_pass():
    policy = Policy(access_pass_minutes=60, access_pass_most_minutes=480, access_pass_once=True)

    assert allowance(policy) == Allowance(least=10, usual=60, most=480, always_once=True)
    assert not allowance(Policy(access_pass_once=False)).always_once


def test_a_pass_has_no_letters_that_look_alike():
    assert LETTERS == "abcdefghjkmnpqrstuvwxyz23456789"
    assert (100, 13, timedelta(days=30)) == (MOST_TRIES, BEYOND_GUESSING, LATEST_START)
    assert len(LETTERS) ** BEYOND_GUESSING >= 2**64


@pytest.mark.parametrize(
    ("letters", "shown"),
    [("", ""), ("abcd", "abcd"), ("abcde", "abcd-e"), ("abcdefgh", "abcd-efgh")],
)
def test_a_pass_is_shown_in_groups_and_read_without(letters, shown):
    assert grouped_pass(letters) == shown
    assert typed_pass(f" {shown.upper()}. ") == letters


@pytest.mark.parametrize(
    ("host", "can_be"),
    [
        ("id.contoso.example", True),
        ("localhost", True),
        ("a-b.example", True),
        ("192.0.2.7", False),
        ("2001:db8::1", False),
        ("", False),
        ("id.contoso.example.", False),
        ("Contoso.example", False),
        ("id_.example", False),
    ],
)
def test_passkeys_are_made_for_names_only(host, can_be):
    assert can_be_made_for(host) is can_be


@pytest.mark.parametrize(
    ("origin", "rp_id"),
    [
        ("https://id.contoso.example:8443", "id.contoso.example"),
        ("http://localhost", "localhost"),
        ("", ""),
    ],
)
def test_a_passkey_is_made_for_the_host_of_the_page(origin, rp_id):
    assert Site(origin).rp_id == rp_id
    assert (passkeys.MOST, MOST_ANSWER) == (10, 20_000)
