"""Which challenges an answer redeems, and what becomes of those that it doesn't."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tenants.policy import Method, Policy, Scope
from tests.builders import make_user
from verification.models import Challenge, Purpose
from verification.rules.verdicts import Verdict
from verification.services import challenges
from verification.services.challenges import ChallengeResult, code_mac, new_code

MINUTE, MINUTES = timedelta(minutes=1), timedelta(minutes=15)
RIGHT, WRONG, OLD = "12345678", "87654321", "11112222"
CONTEXT = uuid.UUID(int=7)


@pytest.fixture
def contoso_policy():
    return Policy(self_service=Scope.ALL, code_digits=6)


@pytest.fixture(autouse=True)
def clock(contoso):
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as travel:
        yield travel


@pytest.fixture
def user(contoso):
    return make_user()


def placed(user, code=RIGHT, *, age=0, **more):
    """A challenge that was opened so many minutes ago and ends in a quarter of an hour."""
    facts = {
        "user_id": user.pk,
        "purpose": Purpose.RESET,
        "context": CONTEXT,
        "method": Method.EMAIL,
        "created_at": timezone.now() - age * MINUTE,
        "expires_at": timezone.now() + MINUTES,
    }
    challenge = Challenge.objects.create(**(facts | more))
    challenge.code_mac = code_mac(challenge, code)
    challenge.save()
    return challenge


def redeem(code=RIGHT, **more):
    return challenges.redeem_code(Purpose.RESET, CONTEXT, code, **more)


def judged(*, right, method=Method.EMAIL, **more):
    return challenges.redeem_judged(Purpose.RESET, CONTEXT, method, right=right, **more)


def row(challenge):
    return Challenge.objects.get(pk=challenge.pk)


CLOSED = [
    pytest.param({"spent_at": "now"}, Verdict.EXPIRED, id="redeemed"),
    pytest.param({"closed_at": "now"}, Verdict.EXPIRED, id="closed"),
    pytest.param({"expires_at": "now"}, Verdict.EXPIRED, id="over"),
    pytest.param({"tries": 5}, Verdict.DEAD, id="used up"),
]


def at(facts):
    return {name: timezone.now() if value == "now" else value for name, value in facts.items()}


def test_the_right_code_redeems_its_challenge_once(user):
    challenge = placed(user)

    result = redeem()

    assert (result.verdict, result.tries_left, result.is_free) == (Verdict.RIGHT, 0, False)
    assert result.challenge.pk == challenge.pk
    assert result.challenge.spent_at == row(challenge).spent_at == timezone.now()
    assert row(challenge).tries == result.challenge.tries == 1
    assert redeem() == ChallengeResult(Verdict.EXPIRED)


def test_wrong_codes_are_counted_down_and_the_sixth_is_not_compared(user):
    challenge = placed(user)

    results = [redeem(WRONG) for _ in range(6)]

    left = [(one.verdict, one.tries_left) for one in results]
    assert [one.challenge for one in results] == [challenge] * 5 + [None]
    assert left == [(Verdict.WRONG, n) for n in (4, 3, 2, 1)] + [(Verdict.DEAD, 0)] * 2
    assert row(challenge).tries == 5
    assert redeem().verdict is Verdict.DEAD


@pytest.mark.parametrize(("facts", "verdict"), CLOSED)
def test_what_is_not_open_is_not_compared(user, facts, verdict):
    challenge = placed(user, **at(facts))
    before = row(challenge).tries

    assert redeem() == ChallengeResult(verdict)
    assert row(challenge).tries == before


@pytest.mark.parametrize(("facts", "verdict"), CLOSED)
def test_what_is_not_open_redeems_nothing_that_was_judged(user, facts, verdict):
    challenge = placed(user, **at(facts))
    before = row(challenge)

    assert judged(right=True).verdict is verdict
    assert row(challenge).tries == before.tries
    assert row(challenge).spent_at == before.spent_at


@pytest.mark.parametrize(("facts", "_verdict"), CLOSED)
def test_for_what_is_not_open_nothing_is_hashed(user, facts, _verdict):
    open_one, closed = placed(user), Challenge(method=Method.QUESTIONS, **at(facts))

    assert challenges.waits(Method.EMAIL, [open_one])
    assert not challenges.waits(Method.QUESTIONS, [open_one])
    closed.expires_at = closed.expires_at or timezone.now() + MINUTE
    assert not challenges.waits(Method.QUESTIONS, [open_one, closed])


@pytest.mark.parametrize("gone", ["spent_at", "closed_at"])
def test_what_was_redeemed_or_closed_is_over_however_often_it_was_tried(user, gone):
    placed(user, tries=5, **{gone: timezone.now()})

    assert redeem() == ChallengeResult(Verdict.EXPIRED)


def test_what_was_judged_is_for_its_method(user):
    mail, text = placed(user, age=1), placed(user, method=Method.MOBILE_TEXT)

    assert judged(right=True).challenge.pk == mail.pk
    assert row(text).tries == 0


def test_a_confirmed_call_is_found_by_its_purpose_and_attempt(user):
    call = placed(user, method=Method.MOBILE_CALL, confirmed_at=timezone.now())

    assert challenges.redeem_call(Purpose.SIGN_IN, CONTEXT) is None
    assert challenges.redeem_call(Purpose.RESET, uuid.uuid4()) is None
    assert challenges.redeem_call(Purpose.RESET, CONTEXT).pk == call.pk


@pytest.mark.parametrize("method", [Method.EMAIL, None])
def test_without_a_challenge_nothing_is_right(user, method):
    assert redeem(method=method) == ChallengeResult(Verdict.EXPIRED)
    assert judged(right=True) == ChallengeResult(Verdict.EXPIRED)
    assert challenges.redeem_call(Purpose.RESET, CONTEXT, method=method) is None
    assert ChallengeResult(Verdict.EXPIRED).sent_at is None
    assert ChallengeResult(Verdict.EXPIRED).challenge is None


def test_what_was_judged_counts_as_a_try_whether_or_not_it_is_right(user):
    challenge = placed(user)

    wrong = judged(right=False)
    assert (wrong.verdict, wrong.tries_left, row(challenge).tries) == (Verdict.WRONG, 4, 1)
    assert row(challenge).spent_at is None
    right = judged(right=True)
    assert (right.verdict, right.challenge.pk) == (Verdict.RIGHT, challenge.pk)
    assert right.challenge.spent_at == timezone.now()
    assert row(challenge).spent_at == timezone.now()
    Challenge.objects.update(spent_at=None, tries=4)
    assert judged(right=False) == ChallengeResult(Verdict.DEAD, 0, row(challenge))


def test_an_answer_is_for_its_method_its_purpose_and_its_attempt(user):
    mail, text = placed(user, age=1), placed(user, WRONG, method=Method.MOBILE_TEXT)

    assert redeem(WRONG, method=Method.EMAIL).verdict is Verdict.WRONG
    assert (row(mail).tries, row(text).tries) == (1, 0)
    assert redeem(method=Method.EMAIL).challenge.pk == mail.pk
    assert redeem(WRONG).challenge.pk == text.pk
    other = challenges.redeem_code(Purpose.SIGN_IN, CONTEXT, RIGHT)
    elsewhere = challenges.redeem_code(Purpose.RESET, uuid.uuid4(), RIGHT)
    assert other == elsewhere == ChallengeResult(Verdict.EXPIRED)


def test_of_challenges_that_were_read_the_newest_of_the_method_is_redeemed(user):
    text, mail = placed(user, method=Method.MOBILE_TEXT), placed(user, age=1)
    read = [text, mail]

    assert redeem(among=[]) == ChallengeResult(Verdict.EXPIRED)
    assert judged(right=True, among=[]) == ChallengeResult(Verdict.EXPIRED)
    assert redeem(method=Method.EMAIL, among=read).challenge.pk == mail.pk
    assert redeem(among=read).challenge.pk == text.pk
    assert redeem(method=Method.PASSKEY, among=read) == ChallengeResult(Verdict.EXPIRED)
    assert judged(right=True, method=Method.PASSKEY, among=read).verdict is Verdict.EXPIRED


def test_an_earlier_code_costs_no_try_three_times(user):
    old, new = placed(user, OLD, age=2), placed(user)

    results = [redeem(OLD) for _ in range(5)]

    assert [(one.verdict, one.tries_left, one.is_free) for one in results] == [
        (Verdict.OLDER, 5, True),
        (Verdict.OLDER, 5, True),
        (Verdict.OLDER, 5, True),
        (Verdict.OLDER, 4, False),
        (Verdict.OLDER, 3, False),
    ]
    assert [one.is_no_guess for one in results] == [True] * 3 + [False] * 2
    assert all(one.challenge.pk == new.pk for one in results)
    assert results[0].sent_at == timezone.now()
    assert (row(new).tries, row(new).older_codes, row(old).tries) == (2, 3, 0)


def test_an_earlier_code_as_the_last_try_uses_the_challenge_up(user):
    placed(user, OLD, age=2)
    placed(user, tries=4, older_codes=3)

    assert redeem(OLD).verdict is Verdict.DEAD


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"age": 16}, id="too long ago"),
        pytest.param({"age": 15}, id="just too long ago"),
        pytest.param({"age": 2, "method": Method.MOBILE_TEXT}, id="by another method"),
        pytest.param({"age": 2, "purpose": Purpose.SIGN_IN}, id="for something else"),
        pytest.param({"age": 2, "context": uuid.UUID(int=8)}, id="in another attempt"),
    ],
)
def test_a_code_of_elsewhere_is_a_wrong_code(user, facts):
    placed(user, OLD, **facts)
    placed(user)

    assert redeem(OLD, method=Method.EMAIL).verdict is Verdict.WRONG


def test_an_earlier_challenge_without_a_code_is_no_earlier_code(user):
    Challenge.objects.filter(pk=placed(user, age=2).pk).update(code_mac="")
    placed(user)

    assert redeem(OLD).verdict is Verdict.WRONG


def test_right_and_expired_codes_are_no_guesses():
    told = {verdict: ChallengeResult(verdict).is_no_guess for verdict in Verdict}

    assert {verdict for verdict, is_none in told.items() if is_none} == {
        Verdict.RIGHT,
        Verdict.EXPIRED,
    }


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"confirmed_at": "now", "spent_at": "now"},
        {"confirmed_at": "now", "closed_at": "now"},
        {"confirmed_at": "now", "denied_at": "now"},
        {"confirmed_at": "now", "expires_at": "now"},
    ],
)
def test_a_call_is_redeemed_only_while_it_is_open_and_confirmed(user, facts):
    call = placed(user, method=Method.MOBILE_CALL, **at(facts))

    assert challenges.redeem_call(Purpose.RESET, CONTEXT) is None
    assert row(call).spent_at == at(facts).get("spent_at")


def test_a_confirmed_call_is_redeemed_once(user):
    call = placed(user, method=Method.MOBILE_CALL, confirmed_at=timezone.now())
    mail = placed(user, age=1)

    def redeemed(method=None, among=None):
        return challenges.redeem_call(Purpose.RESET, CONTEXT, method=method, among=among)

    assert redeemed(Method.OFFICE_CALL) is None
    assert redeemed(among=[mail, call]) is None
    assert redeemed(Method.MOBILE_CALL, [mail, call]).pk == call.pk
    assert row(call).spent_at == timezone.now()
    assert redeemed() is None


@pytest.mark.parametrize("facts", [case.values[0] for case in CLOSED])
def test_no_code_is_made_for_what_is_not_open(user, contoso_policy, facts):
    challenge = placed(user, **at(facts))

    assert new_code(challenge, contoso_policy) is None
    assert row(challenge).code_mac == challenge.code_mac


def test_a_new_code_replaces_the_one_before_and_lasts_as_the_policy_says(user, contoso_policy):
    challenge, other = placed(user), placed(user, age=1)

    code = new_code(challenge, contoso_policy)

    assert len(code) == 6
    assert code.isdecimal()
    assert row(challenge).code_mac == code_mac(challenge, code) != challenge.code_mac
    lifetime = contoso_policy.code_lifetime(Method.EMAIL)
    assert row(challenge).expires_at == timezone.now() + lifetime
    assert row(other).code_mac == other.code_mac


def test_a_code_is_bound_to_all_that_it_is_for(user):
    challenge = placed(user)
    stored = code_mac(challenge, RIGHT)

    for name, value in {
        "tenant_id": challenge.tenant_id + 1,
        "purpose": Purpose.SIGN_IN,
        "context": uuid.UUID(int=8),
        "method": Method.MOBILE_TEXT,
        "pk": uuid.UUID(int=9),
    }.items():
        other = row(challenge)
        setattr(other, name, value)
        assert code_mac(other, RIGHT) != stored
    assert code_mac(challenge, WRONG) != stored
    assert code_mac(row(challenge), RIGHT) == stored
