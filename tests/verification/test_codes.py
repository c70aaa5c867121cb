"""Codes, from the question to the answer."""

import re
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.activities import Activity
from audit.models import Event
from delivery.models import Outgoing
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from tenants.policy import Method, Policy, Scope
from tenants.services import change_policy
from tests.builders import make_tenant, make_user
from tests.threads import all_at_once
from vault.services import sealed
from verification.models import Challenge, Purpose
from verification.rules.challenges import MAX_TRIES, next_send_at, typed_code
from verification.rules.verdicts import Verdict
from verification.services import challenges, guesses
from verification.services.challenges import ChallengeRequest, Refused, redeeming
from verification.services.guesses import Throttled

ADDRESS, PHONE = "minji.home@mail.example", "+821012345678"
WRONG, RIGHT = "x", "12345678"


def ask(user, context, **more):
    asked = {
        "user_id": user.pk,
        "actor_id": user.pk,
        "purpose": Purpose.RESET,
        "context": context,
        "method": Method.EMAIL,
        "destination": ADDRESS,
        "language": "en",
    }
    return challenges.open_challenge(ChallengeRequest(**(asked | more)))


def ask_for_text(user, context=None, **more):
    more = {"method": Method.MOBILE_TEXT, "destination": PHONE} | more
    return ask(user, context or uuid.uuid4(), **more)


def redeem(context, code, **more):
    return challenges.redeem_code(more.pop("purpose", Purpose.RESET), context, code, **more)


def committed_code(code=RIGHT):
    """A tenant, a user and an open challenge with a known code; for tests with real threads."""
    tenant = make_tenant()
    with in_tenant(tenant.pk):
        user = make_user()
        challenge = ask(user, uuid.uuid4())
        challenge.code_mac = challenges.code_mac(challenge, code)
        challenge.save()
    return tenant, user, challenge


def test_right_code_is_refused_after_five_wrong_ones(contoso, mailroom):
    context = uuid.uuid4()
    ask(make_user(), context)
    code = mailroom.code()

    verdicts = [redeem(context, WRONG) for _ in range(MAX_TRIES)]

    assert [answered.tries_left for answered in verdicts] == [4, 3, 2, 1, 0]
    assert verdicts[-1].verdict is Verdict.DEAD
    assert redeem(context, code).verdict is Verdict.DEAD


def test_the_fifth_try_may_still_be_right(contoso, mailroom):
    context = uuid.uuid4()
    ask(make_user(), context)
    code = mailroom.code()
    for _ in range(MAX_TRIES - 1):
        redeem(context, WRONG)

    assert redeem(context, code).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("method", "destination", "minutes"),
    [(Method.EMAIL, ADDRESS, 10), (Method.MOBILE_TEXT, PHONE, 5)],
)
def test_a_code_lives_as_long_as_the_policy_says(
    contoso, mailroom, clock, method, destination, minutes
):
    user, early, late = make_user(), uuid.uuid4(), uuid.uuid4()
    ask(user, early, method=method, destination=destination)
    code_in_time = mailroom.code()
    ask(user, late, method=method, destination=destination)
    code_too_late = mailroom.code()

    clock.shift(timedelta(minutes=minutes, seconds=-1))
    assert redeem(early, code_in_time).verdict is Verdict.RIGHT
    clock.shift(timedelta(seconds=1))
    assert redeem(late, code_too_late).verdict is Verdict.EXPIRED


def test_a_code_lives_from_when_it_was_sent(contoso, mailroom, clock):
    context = uuid.uuid4()
    ask_for_text(make_user(), context)
    clock.shift(timedelta(minutes=4))
    code = mailroom.code()
    clock.shift(timedelta(minutes=4))

    assert redeem(context, code).verdict is Verdict.RIGHT


def test_a_new_code_kills_the_old_and_says_so(contoso, mailroom, clock):
    context, user = uuid.uuid4(), make_user()
    ask(user, context)
    old = mailroom.code()
    clock.shift(timedelta(seconds=30))
    ask(user, context)
    new = mailroom.code()

    assert redeem(context, old).verdict is Verdict.OLDER
    assert redeem(context, new).verdict is Verdict.RIGHT


def old_and_new(mailroom, clock, context, user):
    ask(user, context)
    old = mailroom.code()
    clock.shift(timedelta(seconds=30))
    ask(user, context)
    return old, mailroom.code()


def test_an_older_code_costs_no_try_three_times(contoso, mailroom, clock):
    context, user = uuid.uuid4(), make_user()
    old, new = old_and_new(mailroom, clock, context, user)
    told = [redeem(context, old) for _ in range(3)]

    assert {answered.verdict for answered in told} == {Verdict.OLDER}
    assert {answered.tries_left for answered in told} == {MAX_TRIES}
    assert all(answered.is_no_guess for answered in told)
    assert redeem(context, "00000000").tries_left == MAX_TRIES - 1
    assert redeem(context, new).verdict is Verdict.RIGHT


def test_from_then_on_an_older_code_costs_a_try_like_any_other(contoso, mailroom, clock):
    context, user = uuid.uuid4(), make_user()
    old, new = old_and_new(mailroom, clock, context, user)
    told = [redeem(context, old) for _ in range(3 + MAX_TRIES)]

    assert [answered.is_no_guess for answered in told] == [True] * 3 + [False] * MAX_TRIES
    assert told[-1].verdict is Verdict.DEAD
    assert redeem(context, new).verdict is Verdict.DEAD


def test_older_codes_of_another_attempt_are_wrong_ones(contoso, mailroom, clock):
    context, other, user = uuid.uuid4(), uuid.uuid4(), make_user()
    old, _ = old_and_new(mailroom, clock, other, user)
    clock.shift(timedelta(seconds=60))
    ask(user, context)

    assert redeem(context, old).tries_left == MAX_TRIES - 1


def test_another_method_leaves_the_code_of_the_first_alone(contoso, mailroom):
    context, user = uuid.uuid4(), make_user()
    ask(user, context)
    mailed = mailroom.code()
    ask_for_text(user, context)
    mailroom.work()

    assert redeem(context, mailed, method=Method.MOBILE_TEXT).verdict is Verdict.WRONG
    assert redeem(context, mailed, method=Method.EMAIL).verdict is Verdict.RIGHT


def test_a_second_try_of_the_worker_makes_another_code(contoso, mailroom):
    context = uuid.uuid4()
    challenge = ask(make_user(), context)
    first = mailroom.code()
    Outgoing.objects.update(state=Outgoing.State.QUEUED)
    Outgoing.objects.update(destination=_sealed_again(challenge))
    mailroom.published.append(("verification.send_code", contoso.pk, challenge.outgoing_id))
    second = mailroom.code()

    assert second != first
    assert redeem(context, first).verdict is Verdict.WRONG
    assert redeem(context, second).verdict is Verdict.RIGHT


@pytest.mark.parametrize("end", ["spent", "replaced", "used up", "over"])
def test_no_code_is_sent_that_nobody_waits_for(contoso, mailroom, clock, end):
    context, user = uuid.uuid4(), make_user()
    challenge = ask_for_text(user, context)
    if end == "spent":
        Challenge.objects.update(spent_at=timezone.now())
    elif end == "replaced":
        mailroom.published.clear()
        clock.shift(timedelta(seconds=30))
        ask_for_text(user, context)
        mailroom.published = [("verification.send_code", contoso.pk, challenge.outgoing_id)]
    elif end == "used up":
        for _ in range(MAX_TRIES):
            redeem(context, WRONG)
    else:
        clock.shift(timedelta(minutes=5))

    assert mailroom.work() == []
    assert Outgoing.objects.get(pk=challenge.outgoing_id).state == Outgoing.State.EXPIRED


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param({"purpose": Purpose.REGISTER}, id="purpose"),
        pytest.param({"context": uuid.uuid4()}, id="attempt"),
        pytest.param({"method": Method.MOBILE_TEXT}, id="method"),
    ],
)
def test_a_code_is_good_for_what_it_was_sent_for_only(contoso, mailroom, elsewhere):
    context = uuid.uuid4()
    ask(make_user(), context)
    code = mailroom.code()

    answered = redeem(**({"context": context, "code": code} | elsewhere))

    assert answered.verdict is Verdict.EXPIRED
    assert redeem(context, code).verdict is Verdict.RIGHT


def test_a_code_is_no_good_in_another_tenant(contoso, hanbit, mailroom):
    context = uuid.uuid4()
    ask(make_user(), context)
    code = mailroom.code()

    with in_tenant(hanbit.pk):
        assert redeem(context, code).verdict is Verdict.EXPIRED


@pytest.mark.parametrize("field", ["tenant_id", "purpose", "context", "method", "id"])
def test_what_is_stored_of_a_code_is_bound_to_everything(contoso, field):
    challenge = Challenge(purpose=Purpose.RESET, context=uuid.uuid4(), method=Method.EMAIL)
    before = challenges.code_mac(challenge, RIGHT)
    changed = {
        "tenant_id": contoso.pk + 1,
        "purpose": Purpose.REGISTER,
        "context": uuid.uuid4(),
        "method": Method.MOBILE_TEXT,
        "id": uuid.uuid4(),
    }
    setattr(challenge, field, changed[field])

    assert challenges.code_mac(challenge, RIGHT) != before


@pytest.mark.parametrize("digits", [6, 8])
def test_codes_have_as_many_digits_as_the_policy_says(contoso, mailroom, digits):
    change_policy(Policy(self_service=Scope.ALL, code_digits=digits))
    ask(make_user(), uuid.uuid4())

    assert len(mailroom.code()) == digits


def test_a_code_is_stored_nowhere(contoso, mailroom):
    challenge = ask(make_user(), uuid.uuid4())
    code = mailroom.code()
    challenge.refresh_from_db()

    assert code not in challenge.code_mac
    assert ADDRESS.encode() not in bytes(challenge.destination)


def test_resending_waits_longer_each_time(contoso, mailroom, clock):
    user, context = make_user(), uuid.uuid4()
    ask(user, context)
    for wait in (30, 60, 120, 120):
        clock.shift(timedelta(seconds=wait - 1))
        with pytest.raises(Refused) as refusal:
            ask(user, context)
        assert refusal.value.too_soon
        assert refusal.value.until == timezone.now() + timedelta(seconds=1)
        clock.shift(timedelta(seconds=1))
        ask(user, context)


def test_five_codes_an_hour_go_to_one_phone_whoever_asks(contoso, mailroom, clock):
    asking = [make_user(f"user{number}@contoso.example") for number in range(6)]
    for user in asking[:5]:
        ask_for_text(user)

    with pytest.raises(Refused) as refusal:
        ask_for_text(asking[5])
    assert not refusal.value.too_soon
    assert refusal.value.until <= timezone.now() + timedelta(hours=1)
    refused = Event.objects.get(activity=Activity.CODE_NOT_SENT)
    assert refused.reason == "codes_to_a_phone"
    assert Challenge.objects.count() == 5

    clock.shift(timedelta(hours=1))
    ask_for_text(asking[5])


def test_calls_and_texts_to_one_phone_count_together(contoso, mailroom):
    user = make_user()
    for number in range(5):
        method = Method.MOBILE_CALL if number % 2 else Method.MOBILE_TEXT
        ask_for_text(user, method=method)

    with pytest.raises(Refused):
        ask_for_text(user, method=Method.OFFICE_CALL)


def test_tenants_together_ring_a_phone_no_more_often(contoso, hanbit, mailroom):
    for _ in range(5):
        ask_for_text(make_user(f"{uuid.uuid4().hex}@contoso.example"))

    with in_tenant(hanbit.pk), pytest.raises(Refused):
        ask_for_text(make_user("minji@hanbit.example"))


def test_a_tenants_budget_ends_texts_but_not_mail(contoso, mailroom):
    change_policy(Policy(self_service=Scope.ALL, daily_message_cap=1))
    user = make_user()
    ask_for_text(user)

    with pytest.raises(Refused):
        ask_for_text(user, destination="+821099998888")
    ask(user, uuid.uuid4())


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_the_right_code_pass_one_gate(mailroom, monkeypatch):
    tenant, _user, challenge = committed_code()
    both_counted = threading.Barrier(2, timeout=30)
    code_mac = challenges.code_mac

    def compare_together(*args):
        both_counted.wait()
        return code_mac(*args)

    monkeypatch.setattr(redeeming, "code_mac", compare_together)
    answers = all_at_once(2, lambda: redeem(challenge.context, RIGHT), tenant_id=tenant.pk)

    assert sorted(answered.verdict is Verdict.RIGHT for answered in answers) == [False, True]


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_with_the_right_code_in_transactions_pass_one_gate(mailroom):
    tenant, _user, challenge = committed_code()

    def pass_gate():
        with transaction.atomic():
            return redeem(challenge.context, RIGHT)

    answers = all_at_once(20, pass_gate, tenant_id=tenant.pk)

    assert [answered.verdict for answered in answers].count(Verdict.RIGHT) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_guesses_at_once_five_are_looked_at(mailroom):
    tenant, user, challenge = committed_code()

    def guess():
        try:
            guesses.count_a_guess(user.pk)
        except Throttled:
            return None
        return redeem(challenge.context, WRONG)

    answers = [answer for _ in range(5) for answer in all_at_once(40, guess, tenant_id=tenant.pk)]
    compared = [answer for answer in answers if answer is not None and answer.challenge]

    with in_tenant(tenant.pk):
        assert Challenge.objects.get().tries == MAX_TRIES
        assert redeem(challenge.context, RIGHT).verdict is Verdict.DEAD
    assert len(compared) == MAX_TRIES
    assert sum(answer is not None for answer in answers) == Limit.WRONG_GUESSES.value.times


def test_new_codes_buy_no_more_guesses_than_ten_a_day(contoso):
    for _ in range(10):
        guesses.count_a_guess(1)

    with pytest.raises(Throttled) as throttle:
        guesses.count_a_guess(1)
    assert throttle.value.until is not None
    assert guesses.throttle_of(1).until == throttle.value.until
    guesses.count_a_guess(2)


def test_tries_during_a_pause_are_no_guesses(contoso, clock):
    for _ in range(10):
        guesses.count_a_guess(1)
    for _ in range(100):
        with pytest.raises(Throttled):
            guesses.count_a_guess(1)
    clock.shift(timedelta(minutes=15))

    guesses.count_a_guess(1)


def test_a_hundred_wrong_guesses_in_a_row_end_it_until_the_helpdesk_helps(contoso, clock):
    for _ in range(100):
        limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, "1")

    with pytest.raises(Throttled) as throttle:
        guesses.count_a_guess(1)
    assert throttle.value.until is None
    assert guesses.throttle_of(1).until is None
    assert guesses.throttled_among([1]) == {1: None}
    clock.shift(timedelta(days=30))
    with pytest.raises(Throttled):
        guesses.count_a_guess(1)

    guesses.reset(1)
    guesses.count_a_guess(1)


def test_a_right_guess_is_given_back_and_the_wrong_ones_stay(contoso):
    for _ in range(9):
        guesses.count_a_guess(1)
    for _ in range(20):
        guesses.count_a_guess(1)
        guesses.uncount(1)
    guesses.count_a_guess(1)

    with pytest.raises(Throttled):
        guesses.count_a_guess(1)


@pytest.mark.parametrize(
    "text",
    [
        "1234 5678",
        "1234-5678",
        " 12345678\n",
        "１２３４５６７８",
        "#12345678",
        "١٢٣٤٥٦٧٨",
        "1234\u200b5678",
        "\u202a12345678\u202c",
        "\u20681234\xad5678\u2069",
        "12345678.",
        "12345678。",
        "1234\u22125678\xa0",
        "۱۲۳۴۵۶۷۸",
    ],
)
def test_a_code_may_be_typed_in_many_ways(text):
    assert typed_code(text) == RIGHT


@given(st.text())
def test_whatever_is_typed_no_blank_or_hyphen_is_left_of_it(text):
    assert not re.search(r"[\s-]", typed_code(text))


@given(st.integers(1, 50), st.datetimes())
def test_waits_never_shrink(sent, last):
    assert next_send_at(sent, last) <= next_send_at(sent + 1, last)


def _sealed_again(challenge):
    return sealed(
        ADDRESS,
        tenant_id=challenge.tenant_id,
        associated_data=f"delivery.outgoing.destination:{challenge.outgoing_id}",
    )
