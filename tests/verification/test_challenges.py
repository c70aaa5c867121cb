import uuid

import pytest

from tenants.policy import Method
from tests.builders import make_user
from verification.models import Purpose
from verification.rules.verdicts import Verdict
from verification.services import challenges
from verification.services.challenges import ChallengeRequest, Refused


def ask(user, context, **more):
    asked = {
        "user_id": user.pk,
        "actor_id": user.pk,
        "purpose": Purpose.RESET,
        "context": context,
        "method": Method.EMAIL,
        "destination": "minji.home@mail.example",
        "language": "en",
    }
    return challenges.open_challenge(ChallengeRequest(**(asked | more)))


def test_right_code_is_spent_once(contoso, mailroom):
    context = uuid.uuid4()
    ask(make_user(), context)
    code = mailroom.code()

    first = challenges.redeem_code(Purpose.RESET, context, code)
    second = challenges.redeem_code(Purpose.RESET, context, code)

    assert first.verdict is Verdict.RIGHT
    assert second.verdict is Verdict.EXPIRED


def test_code_is_no_good_for_another_attempt(contoso, mailroom):
    mine, other = uuid.uuid4(), uuid.uuid4()
    user = make_user()
    ask(user, mine)
    code = mailroom.code()
    ask(user, other)
    mailroom.work()

    assert challenges.redeem_code(Purpose.RESET, other, code).verdict is Verdict.WRONG


def test_new_code_may_be_asked_for_after_thirty_seconds_only(contoso, mailroom):
    context = uuid.uuid4()
    user = make_user()
    ask(user, context)

    with pytest.raises(Refused) as refusal:
        ask(user, context)

    assert refusal.value.too_soon
