"""What may stand as the reason of an event has a name in one list, and words."""

import pytest

from audit.activities import EventReason
from audit.words import REASONS
from delivery.services import Share
from delivery.services.gate import codes_for, codes_to
from limits.rules import Limit
from reset.refusals import Refusal
from reset.rules import Goal
from verification.rules.verdicts import Verdict

LIMITS_OF_CODES = [
    *codes_to("minji@contoso.example"),
    *codes_to("+821012345678"),
    *(count.limit for count in codes_for(Share.ANONYMOUS, "1")),
    Limit.DENIED_CALLS_TO_A_PHONE,
    Limit.MESSAGES_OF_A_TENANT,
    Limit.MAILS_OF_A_TENANT,
]


@pytest.mark.parametrize("limit", LIMITS_OF_CODES, ids=str)
def test_a_code_that_a_limit_stops_has_a_reason(limit):
    assert EventReason[limit.name] == limit.name.lower()


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_a_refused_reset_has_a_reason(refusal):
    assert EventReason[refusal.name] == refusal.name.lower()


def test_choosing_and_answering_have_reasons():
    reasons = {f"chose_{goal}" for goal in Goal}
    reasons |= {f"code_{verdict}" for verdict in Verdict if verdict is not Verdict.RIGHT}

    assert reasons <= set(EventReason)


def test_every_reason_has_words():
    """Refusals have those of the portal."""
    assert {reason.name for reason in EventReason} == {
        *(reason.name for reason in REASONS),
        *(refusal.name for refusal in Refusal),
    }
