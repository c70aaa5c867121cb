"""The subject of an attempt: nothing that a decoy shows depends on a user."""

from dataclasses import fields, replace
from inspect import getmembers
from uuid import UUID

import pytest

from reset.refusals import Refusal
from reset.subjects import Decoy, Known, Subject, decoy_id, kind_of_subject
from tenants.policy import Method, Policy, Unknown, for_administrators
from tests.builders import make_user
from verification.flow.verify import NumberWanted
from verification.models import Purpose
from verification.rules.method_options import MethodOption
from verification.rules.verdicts import CallState, Verdict
from verification.services.challenges import ChallengeRequest

POLICY = Policy(unknown_users=Unknown.DECOY)
MAIL = [MethodOption(Method.EMAIL, "a•••e@g•••.com")]
REQUEST = ChallengeRequest(
    user_id=5,
    actor_id=5,
    purpose=Purpose.RESET,
    context=UUID(int=5),
    method=Method.MOBILE_TEXT,
    destination="+821012345678",
)
SHOWN = {
    "disclosure": lambda subject: subject.disclosure,
    "is_refused": lambda subject: subject.is_refused,
    "is_denied": lambda subject: subject.is_denied,
    "offered": lambda subject: [
        subject.offered(ways, passed)
        for ways in ([], MAIL)
        for passed in (frozenset(), frozenset({Method.EMAIL}))
    ],
    "takes_number": lambda subject: subject.takes_number(is_right=False),
    "request_once_replaced": lambda subject: subject.request_once_replaced(REQUEST).destination,
    "verdict_once_replaced": lambda subject: [*map(subject.verdict_once_replaced, Verdict)],
    "whose_passkeys": lambda subject: subject.whose_passkeys(),
    "steps": lambda subject: [subject.steps(gates) for gates in (1, 2)],
}
UNSEEN = {"id", "user", "policy", "verify_id"}
"""What no page shows: it decides what is counted, sent and compared."""


def test_everything_that_is_asked_of_a_subject_is_tested_here():
    asked = {name for name, _member in getmembers(Subject) if not name.startswith("_")}

    assert asked == SHOWN.keys() | UNSEEN
    assert {field.name for field in fields(Decoy)} <= UNSEEN


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_a_decoy_shows_the_same_with_and_without_a_user(contoso, show):
    user = make_user()
    strict = for_administrators(POLICY)

    shown = [
        show(Decoy(id=-5, user=None, policy=POLICY)),
        show(Decoy(id=user.pk, user=user, policy=POLICY)),
        show(Decoy(id=user.pk, user=user, policy=strict)),
    ]

    assert shown[0] == shown[1] == shown[2]


def test_a_decoy_says_of_a_call_only_that_it_is_confirmed(contoso):
    decoy = Decoy(id=-5, user=None, policy=POLICY)

    said = decoy.disclosure
    assert {*map(said.call_state, CallState)} == {CallState.QUEUED, CallState.CONFIRMED}
    assert len({*map(said.call_words, CallState)}) == 2


def test_a_decoy_says_nothing_of_what_a_code_went_to(contoso):
    said = Decoy(id=-5, user=None, policy=POLICY).disclosure

    assert not said.masked("minji@mail.example")
    assert not said.last_digits("+821012345678")
    assert not said.says_failed(has_failed=True)


def test_a_known_subject_says_what_is_true(contoso):
    known = Known(id=5, user=make_user(), policy=POLICY)

    assert known.offered(MAIL, frozenset()) == MAIL
    assert known.disclosure.masked("minji@mail.example") == "m•••i@m•••.example"
    assert known.disclosure.last_digits("+821012345678#12") == "78"
    assert known.disclosure.call_state(CallState.DENIED) is CallState.DENIED
    assert known.disclosure.says_failed(has_failed=True)
    assert known.steps(2) == 4
    with pytest.raises(NumberWanted):
        known.request_once_replaced(REQUEST)


@pytest.mark.parametrize("unknown_users", Unknown)
@pytest.mark.parametrize("exists", [True, False])
def test_what_a_new_attempt_says_of_its_subject(contoso, unknown_users, exists):
    user = make_user() if exists else None
    kind = kind_of_subject(replace(POLICY, unknown_users=unknown_users))
    why = Refusal.NOT_VERIFIABLE

    beginning = kind.beginning(
        user, "minji@contoso.example", why, is_throttled=False, is_locked=False
    )

    if unknown_users is Unknown.DECOY:
        stands_for = user.pk if user else decoy_id("minji@contoso.example")
        assert (beginning.refused, beginning.concealed) == (None, why)
        assert beginning.is_asked
    else:
        stands_for = user.pk if user else None
        assert (beginning.refused, beginning.concealed) == (why, None)
        assert not beginning.is_asked
    assert beginning.user_id == stands_for
